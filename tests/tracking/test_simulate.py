from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from translight.core.clock import now_ns
from translight.core.errors import ShowError, StreamError
from translight.core.pose import Pose, angle_between
from translight.tracking import freed, opentrackio, opentrackio_packet, osc_map
from translight.tracking.datagram import Decoder
from translight.tracking.decoders import FreeDDecoder, OpenTrackIODecoder, OscDecoder
from translight.tracking.moves import open_move
from translight.tracking.sample import TrackingSample
from translight.tracking.simulate import Protocol, send_move

RATE_HZ = 200.0
N = 60


@pytest.fixture
def inlet() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


def decoder(protocol: Protocol) -> Decoder:
    if protocol == "osc":
        return OscDecoder(osc_map.preset("reality-field"))
    return FreeDDecoder(freed.PRESETS["generic"]) if protocol == "freed" else OpenTrackIODecoder(clock="tai")


def send(inlet: socket.socket, protocol: Protocol, *, n: int = N, noise: bool = False, camera: str = "") -> list[bytes]:
    """The datagrams that arrive while the move is sent from another thread; none may be lost on loopback."""
    counts: list[int] = []

    def work() -> None:
        counts.append(
            send_move(
                "orbit", host="127.0.0.1", port=inlet.getsockname()[1], protocol=protocol, rate_hz=RATE_HZ, seed=7,
                noise=noise, stop=threading.Event(), seconds=n / RATE_HZ, camera=camera,
            )
        )  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()
    received: list[bytes] = []
    inlet.settimeout(0.1)
    while thread.is_alive() or len(received) < sum(counts):
        with contextlib.suppress(TimeoutError):
            received.append(inlet.recv(4096))
    thread.join()
    assert [len(received)] == counts
    return received


def nearest(pose: Pose) -> tuple[float, float]:
    """Error in mm and degrees to the moment of the move that it fits best: a busy machine may leave out samples."""
    move = open_move("orbit", 7)
    true = [move.pose(k / RATE_HZ) for k in range(N)]
    best = min(true, key=lambda at: float(np.linalg.norm(at.position_m - pose.position_m)))
    return 1e3 * float(np.abs(best.position_m - pose.position_m).max()), math.degrees(angle_between(best, pose))


@pytest.mark.parametrize(
    ("protocol", "mm", "deg"),
    [
        ("osc", 1e-3, 1e-4),  # float32
        ("freed", 0.5 / 64 + 1e-6, 3**0.5 * 0.5 / 32768 + 1e-6),  # half a step
        ("opentrackio", 1e-6, 1e-5),
    ],
)
def test_what_is_sent_decodes_to_the_move_within_the_protocols_steps(
    inlet: socket.socket, protocol: Protocol, mm: float, deg: float
) -> None:
    reader = decoder(protocol)
    samples = [s for s in (reader.decode(d, now_ns()) for d in send(inlet, protocol)) if s is not None]
    assert len(samples) > N / 2
    for sample in samples:
        off_mm, off_deg = nearest(sample.stage_from_camera)
        assert off_mm <= mm
        assert off_deg <= deg
    assert np.linalg.norm(samples[-1].stage_from_camera.position_m - samples[0].stage_from_camera.position_m) > 0.05


def test_noise_is_added_on_request(inlet: socket.socket) -> None:
    reader = decoder("opentrackio")
    samples = [reader.decode(d, now_ns()) for d in send(inlet, "opentrackio", noise=True)]
    off_mm, off_deg = np.median([nearest(s.stage_from_camera) for s in samples if s is not None], axis=0)
    assert 0.05 < off_mm < 5.0
    assert 0.0005 < off_deg < 0.1


def test_the_lens_comes_too(inlet: socket.socket) -> None:
    sample = decoder("opentrackio").decode(send(inlet, "opentrackio", n=1)[0], now_ns())
    assert sample is not None
    assert (sample.lens.focal_length_mm, sample.lens.f_number) == (35.0, 2.8)
    assert sample.lens.focus_distance_m == pytest.approx(math.hypot(5.0, 0.1), abs=1e-3)


@pytest.mark.slow
def test_opentrackio_tells_its_rate_and_static_block_at_first_and_every_two_seconds(inlet: socket.socket) -> None:
    segments = [opentrackio_packet.parse(d) for d in send(inlet, "opentrackio", n=480)]
    samples = [opentrackio.parse(s.payload, s.encoding) for s in segments]
    with_static = [k for k, s in enumerate(samples) if s.static is not None]
    assert with_static == [0, 400]
    rate = samples[1].timing.sample_rate if samples[1].timing else None
    assert rate == opentrackio.Rational(200, 1)
    assert [s.sequence for s in segments] == sorted({s.sequence for s in segments})


def test_timestamps_are_the_times_of_capture(inlet: socket.socket) -> None:
    before = now_ns()
    datagrams = send(inlet, "opentrackio", n=20)
    reader = decoder("opentrackio")
    samples = [s for s in (reader.decode(d, now_ns()) for d in datagrams) if s is not None]
    captured = [s.captured_ns for s in samples]
    assert all(isinstance(c, int) and before - 1_000_000 <= c <= now_ns() for c in captured)
    steps = np.diff(np.array(captured, dtype=np.int64)) / 5e6
    np.testing.assert_allclose(steps, np.round(steps), atol=0.1)


def test_samples_keep_their_deadlines() -> None:
    """Received times against k / rate: a sender that slept a period each time would lag more and more."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inlet:
        inlet.bind(("127.0.0.1", 0))
        inlet.settimeout(2.0)
        arrived: list[tuple[int, int]] = []
        stop = threading.Event()

        def receive() -> None:
            reader = OpenTrackIODecoder(clock="tai")
            while not stop.is_set():
                sample = reader.decode(inlet.recv(4096), now_ns())
                assert sample is not None
                assert sample.captured_ns is not None
                arrived.append((sample.received_ns, sample.captured_ns))
                if len(arrived) >= 100:
                    stop.set()

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            port = inlet.getsockname()[1]
            send_move("crane", host="127.0.0.1", port=port, protocol="opentrackio", rate_hz=200, stop=stop, seconds=10)
        finally:
            thread.join(5)
        late_ms = np.array([received - captured for received, captured in arrived]) / 1e6
        assert late_ms.min() > -0.5
        assert np.median(late_ms[-20:]) < np.median(late_ms[:20]) + 3.0


@pytest.mark.parametrize("protocol", ["osc", "freed", "opentrackio"])
def test_the_camera_asked_for_is_the_one_that_speaks(inlet: socket.socket, protocol: Protocol) -> None:
    sample = decoder(protocol).decode(send(inlet, protocol, n=1, camera="9")[0], now_ns())
    assert isinstance(sample, TrackingSample)
    assert sample.camera == "9"


def test_stop_ends_it_soon() -> None:
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    before = time.monotonic()
    timer.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inlet:
        inlet.bind(("127.0.0.1", 0))
        sent = send_move(
            "static", host="127.0.0.1", port=inlet.getsockname()[1], protocol="osc", rate_hz=0.5, stop=stop
        )
    timer.join()
    assert sent == 1
    assert time.monotonic() - before < 1.0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"protocol": "psn"}, ShowError, "speaks osc, freed, opentrackio, not 'psn'"),
        ({"protocol": "freed", "camera": "A"}, ShowError, "a FreeD camera is a number from 0 to 255, got 'A'"),
        ({"protocol": "opentrackio", "camera": "0"}, ShowError, "source number is a number from 1 to 200, got '0'"),
        ({"rate_hz": 0.0}, ShowError, "0 to 10000 samples a second, got 0.0"),
        ({"move": "drone"}, ValueError, "no camera move 'drone'"),
        ({"host": "255.255.255.255"}, StreamError, r"simulated osc to 255.255.255.255:9: "),
    ],
)
def test_what_cannot_be_done_is_said(change: dict[str, str], error: type[Exception], message: str) -> None:
    asked = {"move": "static", "host": "127.0.0.1", "port": 9, "protocol": "osc", "rate_hz": 100.0, "seconds": 0.01}
    with pytest.raises(error, match=message):
        send_move(stop=threading.Event(), **(asked | change))  # type: ignore[arg-type]
