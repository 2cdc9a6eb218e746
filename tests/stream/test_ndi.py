"""ndi:// end to end: received by cyndilib and by ndi-python's own binding, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from translight.core.clock import now_ns
from translight.core.errors import MissingExtra, StreamError
from translight.core.image import PixelFormat, unpack_rgb10a2
from translight.stream import ndi_runtime
from translight.stream.contract import PictureSpec, ReceivedFrame
from translight.stream.header import FrameHeader, FrameTimes
from translight.stream.ndi import NdiReceiver, NdiSender
from translight.stream.urls import open_receiver, open_sender, parse_url

needs_runtime = pytest.mark.skipif(find_spec("NDIlib") is None, reason="ndi-python is not installed")
needs_cyndilib = pytest.mark.skipif(find_spec("cyndilib") is None, reason="cyndilib is not installed")
W, H = 320, 180
SPEC = PictureSpec(W, H)
RUNTIME_ERROR = 6
"""The codec, 8-bit chroma, and the runtime's conversion back at the receiver, in 255ths."""

CYNDILIB = """
import json, sys, time
import numpy as np
from cyndilib.finder import Finder
from cyndilib.receiver import Receiver, ReceiveFrameType
from cyndilib.video_frame import VideoRecvFrame
from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

end = time.monotonic() + 20
finder = Finder()
finder.open()
while not (names := [n for n in finder.get_source_names() if n.endswith(f"({sys.argv[1]})")]):
    assert time.monotonic() < end, "no source"
    finder.wait_for_sources(0.1)
receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA, bandwidth=RecvBandwidth.highest)
frame = VideoRecvFrame()
receiver.set_video_frame(frame)
receiver.set_source(finder.get_source(names[0]))
seen = []
while len(seen) < 8:
    assert time.monotonic() < end, "no picture"
    if receiver.receive(ReceiveFrameType.recv_video, 500) & ReceiveFrameType.recv_video:
        room = np.zeros(frame.get_buffer_size(), np.uint8)
        timecode = frame.get_timecode_posix()
        frame.fill_p_data(room)
        width, height = frame.get_resolution()
        picture = room.reshape(height, width, 4)
        seen.append((timecode, width, height, str(frame.get_frame_rate()), picture[9::18, 16::32].tolist()))
print(json.dumps(seen))
receiver.disconnect()
finder.close()
"""

BINDING = """
import json, sys, time
import NDIlib as ndi

end = time.monotonic() + 20
assert ndi.initialize()
finder = ndi.find_create_v2(ndi.FindCreate(p_extra_ips="127.0.0.1"))
while not (found := [s for s in ndi.find_get_current_sources(finder) if s.ndi_name.endswith(f"({sys.argv[1]})")]):
    assert time.monotonic() < end, "no source"
    ndi.find_wait_for_sources(finder, 200)
receiver = ndi.recv_create_v3(ndi.RecvCreateV3(color_format=ndi.RECV_COLOR_FORMAT_RGBX_RGBA))
ndi.recv_connect(receiver, found[0])
seen = []
while len(seen) < 8:
    assert time.monotonic() < end, "no picture"
    kind, video, _, _ = ndi.recv_capture_v3(receiver, 500, True, False, False)
    if kind == ndi.FRAME_TYPE_VIDEO:
        seen.append((video.metadata, video.timecode, video.data[90, 160].tolist()))
        ndi.recv_free_video_v2(receiver, video)
print(json.dumps(seen))
"""

SENDER = """
import sys, time
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader
from translight.stream.urls import open_sender

with open_sender(f"ndi://{sys.argv[1]}", PictureSpec(320, 180)) as sender:
    print("open", flush=True)
    for frame in range(3000):
        sender.acquire()[...] = frame % 200, 50, 60, 255
        sender.publish(FrameHeader(frame, 320, 180, PixelFormat.RGBA8))
        time.sleep(1 / 60)
"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"Test {os.getpid()} {abs(hash(request.node.name)) % 100000}"


@pytest.fixture
def discovery(tmp_path: Path) -> dict[str, str]:
    """An environment in which receivers that take no addresses look on this machine, without mDNS."""
    (tmp_path / "ndi-config.v1.json").write_text(json.dumps({"ndi": {"networks": {"ips": "127.0.0.1"}}}))
    return {**os.environ, "NDI_CONFIG_DIR": str(tmp_path)}


def _picture(frame: int) -> np.ndarray:
    """A field of blocks of 32 by 18 pixels, coloured by place; the first block tells the frame number."""
    rows, columns = np.mgrid[0:10, 0:10]
    blocks = np.stack([20 + 20 * rows, 40 + 15 * columns, 100 + 5 * (rows + columns), np.full_like(rows, 255)], -1)
    blocks[0, 0, :3] = frame % 16 * 15
    return blocks.astype(np.uint8).repeat(18, axis=0).repeat(32, axis=1)


def _header(frame: int, pixels: PixelFormat = PixelFormat.RGBA8) -> FrameHeader:
    return FrameHeader(frame, W, H, pixels, pose_sequence=9, times=FrameTimes(presentation_ns=frame * 1_000_000_000))


def _serve(sender: NdiSender, until: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    frame = 0
    while not until():
        assert time.monotonic() < end
        sender.acquire()[...] = _picture(frame)
        sender.publish(_header(frame))
        frame += 1
        time.sleep(1 / 60)


def _send_until(
    sender: NdiSender, receiver: NdiReceiver, picture: Callable[[int], np.ndarray], first: int = 0
) -> ReceivedFrame:
    for frame in range(first, first + 1000):
        sender.acquire()[...] = picture(frame)
        sender.publish(_header(frame))
        got = receiver.receive(0.02)
        if got is not None:
            return got
    raise AssertionError("no picture arrived")


@pytest.fixture
def witness(name: str, discovery: dict[str, str]) -> Callable[[str], list[list[object]]]:
    """Sends while a script in a process of its own receives; gives what it saw."""

    def watch(script: str) -> list[list[object]]:
        with open_sender(f"ndi://{name}", SPEC) as sender:
            assert isinstance(sender, NdiSender)
            child = subprocess.Popen(
                [sys.executable, "-c", script, name], env=discovery, stdout=subprocess.PIPE, text=True
            )
            try:
                _serve(sender, lambda: child.poll() is not None)
                assert child.returncode == 0
                return json.loads(child.stdout.read().splitlines()[-1]) if child.stdout else []
            finally:
                child.kill()
                child.communicate()

    return watch


@needs_runtime
@needs_cyndilib
def test_cyndilib_sees_the_pictures(witness: Callable[[str], list[list[object]]]) -> None:
    seen = witness(CYNDILIB)
    frames = []
    for timecode, width, height, rate, blocks in seen:
        assert (width, height, rate) == (W, H, "60")
        frame = round(float(str(timecode)))
        expected = _picture(frame)[9::18, 16::32].astype(int)
        assert np.abs(np.array(blocks) - expected)[..., :3].max() <= RUNTIME_ERROR
        frames.append(frame)
    assert frames == sorted(set(frames))


@needs_runtime
def test_ndi_python_reads_the_header_from_the_metadata(witness: Callable[[str], list[list[object]]]) -> None:
    for metadata, timecode, middle in witness(BINDING):
        assert isinstance(metadata, str)
        frame = round(int(str(timecode)) / 10_000_000)
        assert f' frame="{frame}" format="rgba8" ' in metadata
        assert ' pose_sequence="9" captured_ns="-1" ' in metadata
        assert np.abs(np.array(middle) - _picture(frame)[90, 160]).max() <= RUNTIME_ERROR


@needs_runtime
def test_our_receiver_takes_what_our_sender_sends(name: str) -> None:
    url = f"ndi://{name}"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        assert isinstance(sender, NdiSender)
        assert isinstance(receiver, NdiReceiver)
        got = _send_until(sender, receiver, _picture)
        assert got.pixels.shape == (H, W, 4)
        assert np.abs(got.pixels.astype(int) - _picture(got.header.frame))[9::18, 16::32].max() <= RUNTIME_ERROR
        assert got.header.pose_sequence == 9
        assert got.header.times.sent_ns <= got.available_ns <= got.done_ns
        assert sender.counts().receivers == 1
        assert receiver.counts.bad == 0
        assert not receiver.ended
    receiver.close()
    assert receiver.receive(0.01) is None


@needs_runtime
def test_ten_bits_arrive(name: str) -> None:
    spec = PictureSpec(W, H, PixelFormat.RGB10A2)

    def ramp(_: int) -> np.ndarray:
        level = np.arange(W, dtype=np.uint32) * 3
        return np.broadcast_to(level | level << 10 | level << 20 | np.uint32(3 << 30), (H, W))

    with open_sender(f"ndi://{name}", spec) as sender, open_receiver(f"ndi://{name}?bits=10") as receiver:
        assert isinstance(sender, NdiSender)
        assert isinstance(receiver, NdiReceiver)
        got = _send_until(sender, receiver, ramp)
        assert got.header.format is PixelFormat.RGB10A2
        received = unpack_rgb10a2(got.pixels)[90].astype(int)
        # 8 bits would give at most 256 levels, each 4 apart
        assert len(np.unique(received[:, 1])) > 300
        assert np.abs(received - 3 * np.arange(W)[:, None]).max() <= 8


@pytest.mark.slow
@needs_runtime
def test_a_killed_sender_is_found_again(name: str) -> None:
    def start() -> subprocess.Popen[str]:
        child = subprocess.Popen([sys.executable, "-c", SENDER, name], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        return child

    with open_receiver(f"ndi://{name}") as receiver:
        for _ in range(2):
            begin_ns = now_ns()
            child = start()
            try:
                got = receiver.receive(10)
                assert got is not None
                assert got.header.times.sent_ns > begin_ns
                assert abs(int(got.pixels[0, 0, 0]) - got.header.frame % 200) <= RUNTIME_ERROR
            finally:
                child.kill()
                child.communicate()
            while receiver.receive(0.3) is not None:
                pass


@needs_runtime
def test_receivers_come_and_go(name: str) -> None:
    with open_sender(f"ndi://{name}", SPEC) as sender:
        assert isinstance(sender, NdiSender)
        for first in (0, 2000, 4000):
            with open_receiver(f"ndi://{name}") as receiver:
                assert isinstance(receiver, NdiReceiver)
                got = _send_until(sender, receiver, _picture, first).header.frame
                if got < first:
                    # the runtime gives who comes the picture sent last, as the next test shows
                    assert got >= first - 2000
                    assert _send_until(sender, receiver, _picture, first + 1000).header.frame >= first
                assert sender.counts().receivers == 1
        end = time.monotonic() + 10
        while sender.counts().receivers and time.monotonic() < end:
            time.sleep(0.01)
        assert sender.counts().receivers == 0


@needs_runtime
def test_who_comes_later_gets_the_picture_sent_last(name: str) -> None:
    """A wall that joins a still show is not left black."""
    with open_sender(f"ndi://{name}", SPEC) as sender:
        assert isinstance(sender, NdiSender)
        for frame in range(3):
            sender.acquire()[...] = _picture(frame)
            sender.publish(_header(frame))
            end = time.monotonic() + 10
            while sender.counts().sent <= frame and time.monotonic() < end:
                time.sleep(0.005)
        for _ in range(2):
            with open_receiver(f"ndi://{name}") as receiver:
                got = receiver.receive(10)
                assert got is not None
                assert got.header.frame == 2


@needs_runtime
def test_pictures_without_our_header_are_counted(name: str) -> None:
    import ctypes

    library = ndi_runtime.runtime()
    settings = ndi_runtime.SendSettings(name.encode(), None, False, False)
    source = library.NDIlib_send_create(ctypes.byref(settings))
    picture = np.zeros((H, W, 4), np.uint8)
    try:
        with open_receiver(f"ndi://{name}") as receiver:
            end = time.monotonic() + 10
            rubbish = [b"", b"<a", b"<translight_frame version='1' frame='x'/>"]
            while receiver.counts.bad < 3 and time.monotonic() < end:
                video = ndi_runtime.VideoFrame(
                    W, H, ndi_runtime.RGBX, 60, 1, 0, 1, 0, picture.ctypes.data, 4 * W, rubbish[receiver.counts.bad], 0
                )
                library.NDIlib_send_send_video_v2(source, ctypes.byref(video))
                assert receiver.receive(0.02) is None
            assert receiver.counts.bad >= 3
            assert receiver.counts.received == 0
    finally:
        library.NDIlib_send_destroy(source)


@needs_runtime
def test_a_name_in_use_is_one_clear_line(name: str) -> None:
    url = f"ndi://{name}"
    with open_sender(url, SPEC), pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url} cannot be opened: another source of this machine has this name"


def test_publish_comes_after_acquire(name: str) -> None:
    if find_spec("NDIlib") is None:
        pytest.skip("ndi-python is not installed")
    with open_sender(f"ndi://{name}", SPEC) as sender, pytest.raises(ValueError, match="publish comes after acquire"):
        sender.publish(_header(0))


def test_without_the_runtime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndi_runtime, "find_spec", lambda _: None)
    ndi_runtime.runtime.cache_clear()
    with pytest.raises(MissingExtra) as caught:
        open_sender("ndi://Wall A", SPEC)
    assert str(caught.value) == 'the NDI runtime is not installed: pip install "translight[ndi]"'


def test_odd_widths_are_refused() -> None:
    with pytest.raises(StreamError) as caught:
        open_sender("ndi://a", PictureSpec(3, 2))
    assert str(caught.value) == "ndi://a: an NDI picture has an even width, got 3"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ndi://", "'ndi://': a source's name is 1 to 100 letters, digits, . _ + - and inner spaces"),
        ("ndi://a (b)", "'ndi://a (b)': a source's name is 1 to 100 letters, digits, . _ + - and inner spaces"),
        ("ndi://a?bits=9", "'ndi://a?bits=9': bits is 8 or 10"),
        ("ndi://a?host=wall", "'ndi://a?host=wall': host is the address of the sender's machine, or several with commas between"),
        ("ndi://a?groups=<", "'ndi://a?groups=<': groups are names with commas between"),
        ("ndi://a?bandwidth=all", "ndi://a?bandwidth=all: bandwidth = 'all': give one of highest, lowest"),
        ("ndi://a?ip=1", "ndi://a?ip=1: option 'ip' is none of ndi's: bandwidth, bits, groups, host"),
    ],
)  # fmt: skip
def test_a_bad_url_says_what_is_allowed(url: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_url(url)
    assert str(caught.value) == message


def test_a_good_url_is_good() -> None:
    assert (
        parse_url("ndi://Wall A?host=10.0.0.7,10.0.0.8&groups=stage,public&bandwidth=lowest&bits=10").place == "Wall A"
    )
