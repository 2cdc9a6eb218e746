"""display://N under Xvfb: what another program sees on the screen, and that no trouble of the window's stops frames."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest
from tests.stream.xvfb import screenshot, xvfb

from translight.core.errors import MissingExtra, StreamError
from translight.core.image import PixelFormat, unpack_rgb10a2
from translight.core.shared_memory import names
from translight.stream import window_keeper
from translight.stream.contract import PictureSpec
from translight.stream.display import DisplaySender
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender
from translight.stream.urls import open_receiver, open_sender

pytest.importorskip("glfw")
if sys.platform != "linux":
    pytest.skip("Xvfb is an X server", allow_module_level=True)

SCREEN = (320, 200)
SPEC = PictureSpec(*SCREEN)
RANDOM = np.random.default_rng(7)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with xvfb(*SCREEN) as display:
        yield display


@pytest.fixture
def screen(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DISPLAY", server)
    yield server
    assert names("display-") == []


def _open(url: str, spec: PictureSpec = SPEC) -> DisplaySender:
    try:
        sender = open_sender(url, spec)
    except StreamError as error:
        if ": no window on monitor " in str(error):
            pytest.skip(f"no OpenGL 3.2 on Xvfb's screen here: {error}")
        raise
    assert isinstance(sender, DisplaySender)
    return sender


def _send(sender: DisplaySender, spec: PictureSpec, frame: int) -> np.ndarray:
    """A picture of noise; returns it."""
    picture = sender.acquire()
    noise = RANDOM.integers(0, 2**32 if picture.dtype == np.uint32 else 256, picture.shape, picture.dtype)
    np.copyto(picture, noise)
    sender.publish(FrameHeader(frame, spec.width_px, spec.height_px, spec.format))
    return noise


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def _shown(sender: DisplaySender, frame: int) -> Callable[[], bool]:
    return lambda: any(p.frame == frame for p in sender.presentations()[-1:])


def test_one_to_one_is_exact_and_full_screen(screen: str) -> None:
    with _open("display://1") as sender:
        assert (screenshot(screen) == 0).all()  # black until the first frame
        for frame in (5, 6):
            noise = _send(sender, SPEC, frame)
            _until(_shown(sender, frame), "the frame is shown")
            assert (screenshot(screen) == noise[..., :3]).all()
        assert (sender.presented, sender.restarts) == (2, 0)
        counts = sender.counts()
        assert (counts.sent, counts.dropped, counts.receivers) == (2, 0, 1)
        first, second = sender.presentations()
        assert first.shown_ns < second.shown_ns < time.monotonic_ns()


def test_a_smaller_canvas_lies_at_the_top_left_on_black(screen: str) -> None:
    spec = PictureSpec(100, 60)
    with _open("display://screen", spec) as sender:  # by name
        noise = _send(sender, spec, 1)
        _until(_shown(sender, 1), "the frame is shown")
        seen = screenshot(screen)
        assert (seen[:60, :100] == noise[..., :3]).all()
        seen[:60, :100] = 0
        assert (seen == 0).all()


def test_a_larger_canvas_is_cut_and_that_is_said(screen: str, caplog: pytest.LogCaptureFixture) -> None:
    spec = PictureSpec(400, 300)
    with _open("display://1", spec) as sender:
        noise = _send(sender, spec, 1)
        _until(_shown(sender, 1), "the frame is shown")
        assert (screenshot(screen) == noise[:200, :320, :3]).all()
    assert [r.getMessage() for r in caplog.records] == [
        "display://1: the canvas has 400x300 pixels, the window 320x200: the rest to the right and below is not shown; ?fit=scale shows all of it"
    ]


@pytest.mark.slow
def test_scaled_to_fit_keeps_its_proportions(screen: str, caplog: pytest.LogCaptureFixture) -> None:
    spec = PictureSpec(400, 200)
    with _open("display://1?fit=scale&vsync=no", spec) as sender:
        picture = sender.acquire()
        picture[...] = (200, 100, 50, 255)
        sender.publish(FrameHeader(1, 400, 200, PixelFormat.RGBA8))
        _until(_shown(sender, 1), "the frame is shown")
        seen = screenshot(screen)
        assert (seen[20:180] == (200, 100, 50)).all()
        assert (seen[:20] == 0).all()
        assert (seen[180:] == 0).all()
    assert caplog.records == []


def test_a_window_has_its_size(screen: str) -> None:
    with _open("display://1?window=100x80") as sender:
        noise = _send(sender, SPEC, 1)
        _until(_shown(sender, 1), "the frame is shown")
        assert (screenshot(screen)[:80, :100] == noise[:80, :100, :3]).all()


def test_ten_bits_on_a_screen_that_has_them(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    spec = PictureSpec(*SCREEN, PixelFormat.RGB10A2)
    with xvfb(*SCREEN, depth=30) as display:
        monkeypatch.setenv("DISPLAY", display)
        with _open("display://1", spec) as sender:
            noise = _send(sender, spec, 1)
            _until(_shown(sender, 1), "the frame is shown")
            seen = screenshot(display)
    assert seen.max() > 255
    assert (seen == unpack_rgb10a2(noise)).all()
    assert caplog.records == []


def test_ten_bits_on_a_screen_of_eight_are_rounded_and_that_is_said(
    screen: str, caplog: pytest.LogCaptureFixture
) -> None:
    spec = PictureSpec(*SCREEN, PixelFormat.RGB10A2)
    with _open("display://1", spec) as sender:
        noise = _send(sender, spec, 1)
        _until(_shown(sender, 1), "the frame is shown")
        seen = screenshot(screen)
    assert np.abs(seen - unpack_rgb10a2(noise) * (255 / 1023)).max() < 0.51
    assert [r.getMessage() for r in caplog.records] == [
        "display://1: shown in 8 bits: monitor 1 screen (320x200, 8 bits) offers no 10-bit surface"
    ]


def test_no_such_monitor(screen: str) -> None:
    with pytest.raises(StreamError) as caught:
        open_sender("display://2", SPEC)
    assert str(caught.value) == "display://2: there is no monitor '2'; there is 1 screen (320x200, 8 bits)"


@pytest.mark.parametrize(
    ("display", "reason"),
    [(None, "The DISPLAY environment variable is missing"), (":987", "Failed to open display :987")],
)
def test_no_screen(monkeypatch: pytest.MonkeyPatch, display: str | None, reason: str) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(StreamError) as caught:
        open_sender("display://1", SPEC)
    assert str(caught.value) == f"display://1: no screen: X11: {reason}"
    assert names("display-") == []


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as caught:
        open_sender("display://1", SPEC)
    assert str(caught.value) == 'GLFW is not installed: pip install "translight[display]"'


def test_one_show_a_monitor(screen: str) -> None:
    with _open("display://1"), pytest.raises(StreamError) as caught:
        open_sender("display://1", SPEC)
    assert str(caught.value) == (
        f"display://1: another show has this monitor (shm://display-1 is in use: process {os.getpid()} sends under "
        "this name; end it or choose another)"
    )


def test_nobody_receives_from_it() -> None:
    with pytest.raises(StreamError, match=r"^'display://1': display:// is watched by other programs: give shm://NAME"):
        open_receiver("display://1")


def _window() -> psutil.Process:
    (window,) = (p for p in psutil.Process().children() if "translight.stream.window_process" in p.cmdline())
    return window


@pytest.mark.slow
def test_a_killed_window_comes_back_and_frames_go_on(screen: str, caplog: pytest.LogCaptureFixture) -> None:
    with _open("display://1") as sender:
        _send(sender, SPEC, 0)
        _until(_shown(sender, 0), "the frame is shown")
        for time_ in (1, 2):
            _window().kill()
            _until(lambda: sender.counts().receivers == 0, "the window is gone")
            for frame in range(100 * time_, 100 * time_ + 50):
                noise = _send(sender, SPEC, frame)
            assert sender.counts().dropped >= 50
            _until(_shown(sender, frame), "the window is back, with the newest frame")
            assert (screenshot(screen) == noise[..., :3]).all()
            assert sender.restarts == time_
        counts = sender.counts()
        assert (counts.sent, counts.dropped, counts.receivers) == (101, 98, 1)
    told = [r.getMessage() for r in caplog.records]
    assert told == ["display://1: the window's process ended with status -9; it is opened anew"]


@pytest.mark.slow
def test_a_window_that_hangs_is_replaced(
    screen: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(window_keeper, "HANGS_AFTER_S", 1.0)
    with _open("display://1") as sender:
        os.kill(_window().pid, signal.SIGSTOP)

        def back() -> bool:
            _send(sender, SPEC, 9)
            return sender.restarts >= 1 and sender.counts().receivers == 1

        _until(back, "the window is back")
    assert caplog.records[0].getMessage() == "display://1: the window gave no sign for 1 s; it is started anew"


@pytest.mark.slow
def test_a_window_that_hangs_while_it_opens_anew_is_replaced(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with _open("display://1") as sender:
        monkeypatch.setattr(window_keeper, "OPEN_WITHIN_S", 0.0)  # every new window takes too long

        def ended_anew() -> bool:
            _send(sender, SPEC, 1)
            return sender.restarts >= 3

        _window().kill()
        _until(ended_anew, "windows are ended and started")
        monkeypatch.setattr(window_keeper, "OPEN_WITHIN_S", 20.0)
        _until(lambda: sender.counts().receivers == 1, "the window is back")


@pytest.mark.slow
def test_it_is_given_up_at_last(server: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(window_keeper, "RETRIES", 2)
    monkeypatch.setattr(window_keeper, "_LONGEST_DELAY_S", 0.1)
    monkeypatch.setenv("DISPLAY", server)
    with _open("display://1?window=32x32&fit=scale") as sender:
        monkeypatch.setenv("DISPLAY", ":987")
        _window().kill()
        _until(lambda: sender.restarts == 3, "three windows ended")
        _until(lambda: len(caplog.records) == 3, "it is told")
        _send(sender, SPEC, 3)
        assert sender.counts().receivers == 0
    told = [
        r.getMessage().removeprefix("display://1?window=32x32&fit=scale: ") for r in caplog.records if r.levelno >= 30
    ]
    reason = "no screen: X11: Failed to open display :987"
    assert told == [
        "the window's process ended with status -9; it is opened anew",
        f"{reason}; it is opened anew",
        f"{reason}; given up after 2 tries",
    ]


_OWNER = """
import sys, time
from translight.stream.contract import PictureSpec
from translight.stream.urls import open_sender
with open_sender("display://1", PictureSpec(64, 64)) as sender:
    print("open", flush=True)
    time.sleep(60)
"""


def test_the_window_of_a_killed_show_ends_and_leaves_nothing(screen: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        (window,) = psutil.Process(owner.pid).children()
        owner.kill()
    _until(lambda: not window.is_running() or window.status() == psutil.STATUS_ZOMBIE, "the window ends")
    _until(lambda: names("display-") == [], "the ring's name is gone")


def test_a_ring_of_another_size_is_refused(screen: str) -> None:
    """The window's process checks what it is told."""
    with _open("display://1") as sender, ShmSender("display-other", PictureSpec(8, 8)):
        job = window_keeper.line_of(sender._keeper._job).replace(b'"display-1"', b'"display-other"')
        run = subprocess.run(
            [sys.executable, "-m", "translight.stream.window_process"], input=job, capture_output=True, check=False
        )
    assert run.returncode == 1
    assert (
        run.stdout.splitlines()[-1]
        == b'{"type":"failed","reason":"ring \'display-other\' holds pictures of another size"}'
    )


def test_closing_twice_and_using_it_afterwards(screen: str) -> None:
    sender = _open("display://1")
    sender.close()
    sender.close()
    with pytest.raises(StreamError, match=r"^shm://display-1 is closed$"):
        sender.acquire()
