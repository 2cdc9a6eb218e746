"""Replays: the recorded rhythm, speed, loops, camera, over a real socket, and recording what a source receives."""

import itertools
import socket
import time
from pathlib import Path

import pytest

from translight.core.errors import FormatError, ProtocolError
from translight.tracking import freed, replay
from translight.tracking.freed import FreeD
from translight.tracking.replay import ReplaySource
from translight.tracking.source import open_source, parse_source
from translight.tracking.take import Take, TakeWriter
from translight.tracking.udp import UdpSource

F4 = Path(__file__).parents[1] / "data" / "tracking" / "f4" / "second_of_a_pan.f4"


def packet(x_mm: float, camera: int = 1) -> bytes:
    return freed.build(FreeD(camera, 0, 0, 0, x_mm, 0, 0, 0, 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five packets 10 ms apart, a bad one among them, and one of another camera."""
    path = tmp_path / "take.tlt"
    with TakeWriter(path, "freed://:40000") as writer:
        for n in range(5):
            writer.write(packet(n), 5_000_000_000 + n * 10_000_000)
        writer.write(b"bad", 5_045_000_000)
        writer.write(packet(9, camera=2), 5_046_000_000)
    return path


def read_all(source: ReplaySource, count: int) -> list[float]:
    found: list[float] = []
    deadline = time.monotonic() + 5.0
    while len(found) < count and time.monotonic() < deadline:
        sample = source.read(0.1)
        if sample is not None:
            found.append(round(float(sample.stage_from_camera.position_m[0]) * 1000.0))
    return found


def test_samples_come_in_their_rhythm(path: Path) -> None:
    source = open_source(parse_source(f"replay://{path}"))
    assert isinstance(source, ReplaySource)
    samples = [sample for _ in range(8) if (sample := source.read(0.03)) is not None]
    assert [s.sequence for s in samples] == [1, 2, 3, 4, 5]
    gaps_ms = [(b.received_ns - a.received_ns) / 1e6 for a, b in itertools.pairwise(samples)]
    assert sum(gaps_ms) == pytest.approx(40, abs=15)
    assert source.ended
    assert source.counts.bad_by_cause == {"length": 1, "wrong camera": 1}
    source.close()


def test_speed_and_camera(path: Path) -> None:
    source = ReplaySource(parse_source(f"replay://{path}?speed=10&camera=2"))
    begin = time.monotonic()
    assert read_all(source, 1) == [9]
    assert time.monotonic() - begin < 1.0
    source.close()


def test_a_loop_begins_anew(path: Path) -> None:
    source = ReplaySource(parse_source(f"replay://{path}?speed=5&loop=yes&camera=1"))
    assert read_all(source, 12) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert not source.ended
    assert source.counts.samples == 12
    source.close()


def test_nothing_is_due_yet(path: Path) -> None:
    source = ReplaySource(parse_source(f"replay://{path}?speed=0.01"))
    assert source.read(0.0) is not None
    begin = time.monotonic()
    assert source.read(0.05) is None
    assert 0.04 < time.monotonic() - begin < 1.0
    source.close()


def test_all_samples_at_once_with_their_recorded_times(path: Path) -> None:
    samples = list(replay.samples(Take(path)))
    assert [s.received_ns for s in samples] == [5_000_000_000 + n * 10_000_000 for n in range(5)]


def test_the_f4_capture_as_a_source() -> None:
    samples = list(replay.samples(Take(F4)))
    assert len(samples) == 25
    assert samples[0].timecode != samples[-1].timecode


def test_an_f4_replay_can_be_told_the_sensor() -> None:
    source = open_source(parse_source(f"replay://{F4}?sensor=9.59x5.39"))
    sample = source.read(1.0)
    assert sample is not None
    assert sample.lens.focal_length_mm == pytest.approx(7.7, abs=0.2)
    source.close()


def test_a_take_sent_over_udp_is_received_and_recorded_alike(path: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"freed://127.0.0.1:{port}"
    copy = tmp_path / "copy.tlt"
    with TakeWriter(copy, url) as writer, UdpSource(parse_source(url), tap=writer.write) as source:
        assert replay.send(Take(path), ("127.0.0.1", port), speed=5.0) == 7
        while source.read(0.2) is not None:
            pass
    assert [r.datagram for r in Take(copy).records()] == [r.datagram for r in Take(path).records()]
    ours = [s.stage_from_camera.position_m.tolist() for s in replay.samples(Take(copy))]
    assert ours == [s.stage_from_camera.position_m.tolist() for s in replay.samples(Take(path))]


def test_sending_stops_when_told(path: Path) -> None:
    answers = iter([False] * 5 + [True] * 100)
    assert replay.send(Take(path), ("127.0.0.1", 9), speed=0.01, stopped=lambda: next(answers)) < 7


def test_takes_that_cannot_be_replayed(tmp_path: Path) -> None:
    empty = tmp_path / "empty.tlt"
    TakeWriter(empty, "freed://:40000").close()
    source = ReplaySource(parse_source(f"replay://{empty}"))
    with pytest.raises(FormatError, match="the take holds no datagrams"):
        source.read(0.0)
    unknown = tmp_path / "unknown.tlt"
    TakeWriter(unknown, "vrpn://x").close()
    with pytest.raises(FormatError, match="was recorded from a source that this does not read: 'vrpn://x'"):
        open_source(parse_source(f"replay://{unknown}"))
    twice = tmp_path / "twice.tlt"
    TakeWriter(twice, "replay://x").close()
    with pytest.raises(FormatError, match="was recorded from replay://x, which has no protocol"):
        open_source(parse_source(f"replay://{twice}"))


def test_protocol_errors_never_leave_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "noise.tlt"
    with TakeWriter(path, "osc://:9000") as writer:
        for n in range(50):
            writer.write(bytes([n]) * n, n)
    source = ReplaySource(parse_source(f"replay://{path}"))
    try:
        assert source.read(0.05) is None
    except ProtocolError as error:  # pragma: no cover
        pytest.fail(f"left the source: {error}")
    assert source.counts.bad == 50
    source.close()
