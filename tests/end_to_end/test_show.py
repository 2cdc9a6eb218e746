"""Real UDP to decoded frames in another process, checked by pixels; and what may go wrong while a show runs."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose
from translight.render.reference import open_backend
from translight.server.scenes import Scenery
from translight.server.show import load_show
from translight.stream.contract import ReceivedFrame, Receiver
from translight.stream.header import FLAG_TRACKING_LOST
from translight.stream.urls import open_receiver
from translight.tracking import freed
from translight.tracking.sample import TrackingSample
from translight.tracking.source import open_source, parse_source
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view

CAPTURE = Path(__file__).parents[2].parent / "shared" / "data" / "tracking" / "mosys_f4" / "A003_C001_15-03-47-01.f4"
StartShow = Callable[..., "RunningShow"]
POSE = (np.radians(12.0), np.radians(-3.0), 0.0, (0.4, -3.0, 1.6))


def _datagram(pan: float, tilt: float, roll: float, position_m: tuple[float, float, float]) -> bytes:
    pose = camera_from_pan_tilt_roll(pan, tilt, roll, position_m)
    return freed.build(freed.from_sample(TrackingSample(pose, received_ns=0, sequence=0)))


@contextmanager
def _tracker(port: int, datagram: bytes, rate_hz: float = 100) -> Iterator[threading.Event]:
    """A tracker that stands still; setting the event silences it."""
    silent, stop = threading.Event(), threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not stop.wait(1 / rate_hz):
                if not silent.is_set():
                    out.sendto(datagram, ("127.0.0.1", port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield silent
    finally:
        stop.set()
        thread.join()


def _next(receiver: Receiver, wanted: Callable[[ReceivedFrame], bool], seconds: float = 60) -> ReceivedFrame:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        frame = receiver.receive(0.5)
        if frame is not None and wanted(frame):
            return frame
    raise AssertionError(f"no such frame within {seconds} s")


def _tracked(frame: ReceivedFrame) -> bool:
    return not frame.header.flags & FLAG_TRACKING_LOST


def _expected(show_path: Path, pose: Pose) -> np.ndarray:
    """The wall for a pose by the reference renderer: a second way to the same pixels."""
    show = load_show(show_path)
    scene = Scenery(show_path.parent).scene(show.environment)
    assert scene.encoding == "srgb"
    compositor = Compositor(show.canvas, show.colour, feather=show.volume.feather, sampling=show.volume.sampling)
    with open_backend() as renderer:
        render = partial(renderer.render, order=show.render.order)
        compositor.show_outer(compositor.draw_outer(render, scene, np.array(show.volume.eye_m)))
        view = inner_view(pose, show.camera.camera(None), overscan=show.volume.overscan)
        out = np.zeros((show.canvas.height_px, show.canvas.width_px, 4), np.uint8)
        compositor.composite(render(scene, [view])[0], view, out)
    return out


@pytest.mark.slow
def test_a_cue_dissolves_into_its_environment_at_its_time(start_show: StartShow, environment: Path) -> None:
    cue = f"""
[[cues]]
name = "lights out"
at_s = 3.0
dissolve_s = 2.0
environment = {{ path = "{environment}", tint = [0.0, 0.0, 0.0] }}
"""
    show = start_show(environment, more=cue)
    brightness: dict[int, float] = {}
    with open_receiver(show.output) as receiver:
        frame = _next(receiver, lambda _: True)
        first = frame.header.frame
        # The receiver may come after the show's first frames, never before.
        while frame.header.frame < first + 30 * 6:
            brightness[frame.header.frame - first] = float(frame.pixels[..., :3].mean())
            frame = _next(receiver, lambda _: True)
    full = brightness[0]
    assert full > 20
    dark = min(number for number, value in brightness.items() if value == 0)
    begun = max(number for number, value in brightness.items() if value > 0.99 * full)
    assert dark <= 30 * 5 + 1
    assert dark - begun == pytest.approx(60, abs=4)
    fading = [value for number, value in sorted(brightness.items()) if begun <= number <= dark]
    assert fading == sorted(fading, reverse=True)
    assert all(value == 0 for number, value in brightness.items() if number >= dark)
    half = brightness[min(brightness, key=lambda number: abs(number - (begun + dark) / 2))]
    assert half == pytest.approx(full / 2, rel=0.05)


def test_udp_becomes_the_right_pixels_in_another_process(start_show: StartShow, environment: Path) -> None:
    show = start_show(environment)
    with _tracker(show.port, _datagram(*POSE)), open_receiver(show.output) as receiver:
        frame = _next(receiver, _tracked)
        frame = _next(receiver, lambda f: _tracked(f) and f.header.frame > frame.header.frame + 10)
        header = frame.header
        pixels = frame.pixels.astype(np.float64)
        wanted_pose = camera_from_pan_tilt_roll(*POSE[:3], POSE[3])
        np.testing.assert_allclose(header.position_m, wanted_pose.position_m, atol=1e-3)
        np.testing.assert_allclose(abs(np.dot(header.wxyz, wanted_pose.wxyz)), 1.0, atol=1e-6)
        wanted = _expected(show.path, Pose.from_wxyz(header.wxyz, header.position_m)).astype(np.float64)
        difference = np.abs(pixels - wanted)
        assert wanted[..., :3].std() > 20, "the picture must show something"
        assert difference.mean() < 0.3
        assert (difference > 2).mean() < 1e-3
        times = header.times
        marks = [times.received_ns, times.pose_taken_ns, times.render_begin_ns, times.render_end_ns]
        marks += [times.composite_end_ns, times.sent_ns, frame.available_ns, frame.done_ns]
        assert marks == sorted(marks)
        assert receiver.counts.torn == 0
    assert show.end(signal.SIGINT) < 2.0
    assert show.process.returncode == 0


@pytest.mark.slow
def test_a_real_trackers_capture_drives_the_wall(start_show: StartShow, environment: Path) -> None:
    """Mo-Sys F4, 25 packets a second: the rendered poses lie on the recorded path, and follow it."""
    if not CAPTURE.is_file():
        pytest.skip(f"there is no {CAPTURE}")
    with closing(open_source(parse_source(f"replay://{CAPTURE}?speed=100"))) as source:
        path = []
        while (sample := source.read(0.5)) is not None:
            assert sample.lens.entrance_pupil_offset_m is not None
            path.append(sample.stage_from_camera.apply((0.0, 0.0, sample.lens.entrance_pupil_offset_m)))
    show = start_show(environment, source=f"replay://{CAPTURE}?speed=4&loop=yes")
    with open_receiver(show.output) as receiver:
        seen = [_next(receiver, _tracked).header for _ in range(60)]
    positions = np.array([header.position_m for header in seen])
    nearest = np.linalg.norm(positions[:, None] - np.array(path)[None], axis=2).min(axis=1)
    assert np.median(nearest) < 0.005
    assert nearest.max() < 0.05
    assert len({header.pose_sequence for header in seen}) > 30
    show.end()


def test_lost_tracking_is_held_told_and_found_again(start_show: StartShow, environment: Path) -> None:
    show = start_show(environment)
    with _tracker(show.port, _datagram(*POSE)) as silent, open_receiver(show.output) as receiver:
        _next(receiver, _tracked)
        silent.set()
        lost = _next(receiver, lambda f: not _tracked(f))
        np.testing.assert_allclose(lost.header.position_m, POSE[3], atol=2e-3)
        show.wait_for(lambda: "TRACKING LOST for" in show.log.read_text())
        silent.clear()
        _next(receiver, _tracked)
    assert show.end(signal.SIGTERM) < 2.0


@pytest.mark.slow
def test_bad_datagrams_are_counted_and_change_nothing(start_show: StartShow, environment: Path) -> None:
    show = start_show(environment)
    good = _datagram(*POSE)
    broken = good[:-1] + bytes([good[-1] ^ 1])
    with _tracker(show.port, good), open_receiver(show.output) as receiver:
        _next(receiver, _tracked)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for datagram in [broken, b"", b"D1", b"x" * 1400, bytes(29)] * 5:
                out.sendto(datagram, ("127.0.0.1", show.port))
        show.wait_for(lambda: "bad 25" in show.log.read_text())
        frame = _next(receiver, _tracked)
        np.testing.assert_allclose(frame.header.position_m, POSE[3], atol=2e-3)
    show.end()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tracking", "live"])
def test_a_process_that_dies_is_started_anew(start_show: StartShow, environment: Path, name: str) -> None:
    show = start_show(environment)
    with _tracker(show.port, _datagram(*POSE)), open_receiver(show.output) as receiver:
        first = _next(receiver, _tracked)
        show.children()[name].kill()
        died_ns = time.monotonic_ns()
        again = _next(receiver, lambda f: _tracked(f) and f.header.times.received_ns > died_ns + 500_000_000)
        assert again.header.frame > first.header.frame
        show.wait_for(lambda: f"RESTARTED {name} 1×" in show.log.read_text())
    assert show.end() < 2.0


@pytest.mark.slow
def test_the_camera_goes_to_unreal_beside_the_wall_and_comes_back(start_show: StartShow, environment: Path) -> None:
    """FreeD in, FreeD out by another process; when that dies, the wall does not feel it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(30)
        url = f"freed://127.0.0.1:{unreal.getsockname()[1]}?camera=5&pose=raw"
        show = start_show(environment, more=f'[[unreal.live_link]]\nurl = "{url}"\n')
        with _tracker(show.port, _datagram(*POSE)), open_receiver(show.output) as receiver:
            told = freed.parse(unreal.recv(100))
            assert told.camera == 5
            np.testing.assert_allclose((told.x_mm, told.y_mm, told.z_mm), np.array(POSE[3]) * 1000, atol=1 / 32)
            assert told.pan_deg == pytest.approx(-12.0, abs=1e-3)
            first = _next(receiver, _tracked)
            show.children()["live_link"].kill()
            again = _next(receiver, lambda f: f.header.frame >= first.header.frame + 30)
            assert _tracked(again)
            show.wait_for(lambda: "RESTARTED live_link 1×" in show.log.read_text())
            show.wait_for(lambda: "live link " in show.log.read_text())
            while True:  # what came before it was killed
                try:
                    unreal.settimeout(0)
                    unreal.recv(100)
                except BlockingIOError:
                    break
            unreal.settimeout(30)
            assert freed.parse(unreal.recv(100)).camera == 5
    assert show.end() < 2.0


@pytest.mark.slow
def test_a_live_process_started_anew_goes_on_with_the_cue_that_was_on(start_show: StartShow, environment: Path) -> None:
    cue = f"""
[[cues]]
name = "lights out"
at_s = 0.5
environment = {{ path = "{environment}", tint = [0.0, 0.0, 0.0] }}
"""
    show = start_show(environment, more=cue)
    with open_receiver(show.output) as receiver:
        _next(receiver, lambda frame: frame.pixels[..., :3].max() == 0)
        show.wait_for(lambda: "cue 'lights out'" in show.log.read_text())
        show.children()["live"].kill()
        show.wait_for(lambda: "RESTARTED live 1×" in show.log.read_text())
        seen = [_next(receiver, lambda _: True) for _ in range(20)]
        assert all(frame.pixels[..., :3].max() == 0 for frame in seen)


@pytest.mark.slow
def test_processes_of_a_killed_supervisor_end_and_the_next_show_cleans_up(
    start_show: StartShow, environment: Path
) -> None:
    show = start_show(environment)
    with open_receiver(show.output) as receiver:
        _next(receiver, lambda _: True)
    family = show.children()
    assert set(family) == {"tracking", "live"}
    show.process.kill()
    show.process.wait()
    deadline = time.monotonic() + 10
    while any(process.is_running() for process in family.values()):
        assert time.monotonic() < deadline, "a process outlived its supervisor"
        time.sleep(0.05)
    again = start_show(environment)
    with open_receiver(again.output) as receiver:
        _next(receiver, lambda _: True)
    again.end()


@pytest.mark.slow
def test_a_receiver_that_stalls_or_dies_does_not_slow_the_show(start_show: StartShow, environment: Path) -> None:
    show = start_show(environment, rate="10")
    with _tracker(show.port, _datagram(*POSE)), open_receiver(show.output) as receiver:
        with open_receiver(show.output) as stalled:
            _next(stalled, _tracked)
            _next(receiver, _tracked)
            arrivals = [time.monotonic()]
            while arrivals[-1] < arrivals[0] + 3:
                if receiver.receive(1.0) is not None:
                    arrivals.append(time.monotonic())
        assert stalled.counts.received == 1
        assert max(np.diff(arrivals)) < 1.0
        assert len(arrivals) > 15
        _next(receiver, _tracked)
    show.end()


@pytest.mark.slow
def test_two_shows_on_one_port_is_one_clear_line(start_show: StartShow, environment: Path) -> None:
    show = start_show(environment)
    with open_receiver(show.output) as receiver:
        _next(receiver, lambda _: True)
    second = start_show(environment)
    assert second.process.wait(60) == 1
    text = second.log.read_text()
    assert "Traceback" not in text
    assert str(show.port) in text
    show.end()
