"""``translight receive``: pictures of a stream written to files, and mistakes on the command line."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from translight.colour.transfer import srgb_encode
from translight.commands.receive import Receive
from translight.core.errors import ShowError, StreamError
from translight.core.image import PixelFormat, load_image, to_u8
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader
from translight.stream.urls import open_sender


@pytest.fixture
def url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def sending(url: str, picture: np.ndarray, pixel_format: PixelFormat, run: Callable[[], int], **said: Any) -> None:
    """Run the command while frames are sent."""
    height, width = picture.shape[:2]
    stop = threading.Event()

    def send() -> None:
        with open_sender(url, PictureSpec(width, height, pixel_format)) as sender:
            frame = 0
            while not stop.wait(0.005):
                sender.acquire()[...] = picture
                sender.publish(FrameHeader(frame, width, height, pixel_format, **said))
                frame += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert run() == 0
    finally:
        stop.set()
        thread.join()


def test_halves_become_an_exr_as_they_are_and_a_png_as_shown(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = np.random.default_rng(0).uniform(0, 3, (10, 16, 4)).astype(np.float16)
    exr, png = tmp_path / "a.exr", tmp_path / "a.png"
    command = Receive(url, png=png, exr=exr, seconds=0.1, json=True)
    sending(url, picture, PixelFormat.RGBA16F, command.run)
    report = json.loads(capsys.readouterr().out)
    assert (report["format"], report["width"], report["height"]) == ("rgba16f", 16, 10)
    np.testing.assert_array_equal(load_image(exr), picture[..., :3].astype(np.float32))
    np.testing.assert_array_equal(load_image(png), to_u8(srgb_encode(picture[..., :3].astype(np.float32))))


def test_ten_bits_become_a_png(url: str, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 1024, (10, 16, 3)).astype(np.uint32)
    packed = codes[..., 0] | codes[..., 1] << 10 | codes[..., 2] << 20 | np.uint32(3 << 30)
    png = tmp_path / "a.png"
    sending(url, packed, PixelFormat.RGB10A2, Receive(url, png=png, seconds=0.1, json=True).run)
    np.testing.assert_array_equal(load_image(png), codes >> 2)


def test_depth_becomes_metres(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = np.dstack([codes, codes, codes, np.full_like(codes, 255)])
    exr = tmp_path / "z.exr"
    said = {"encoding": "depth-log", "carries": "depth", "near_m": 0.5, "far_m": 50.0}
    sending(url, picture, PixelFormat.RGBA8, Receive(url, exr=exr, seconds=0.1).run, **said)
    assert f"{url}  16x16 rgba8 depth\n" in capsys.readouterr().out
    wanted = 50 * 100.0 ** (codes / -255.0)
    wanted[0, 0] = 65504
    np.testing.assert_allclose(load_image(exr), wanted, rtol=1e-6)


def test_metres_are_an_exr_as_they_are_and_a_png_by_the_usual_curve(url: str, tmp_path: Path) -> None:
    metres = np.array([[0.5, 1, 50**0.5], [100, 65504, 0.1]], np.float16)
    picture = np.dstack([metres, metres, metres, np.ones_like(metres)])
    exr, png = tmp_path / "z.exr", tmp_path / "z.png"
    command = Receive(url, exr=exr, png=png, seconds=0.1, json=True)
    sending(url, picture, PixelFormat.RGBA16F, command.run, encoding="linear", carries="depth")
    np.testing.assert_array_equal(load_image(exr), metres.astype(np.float32))
    np.testing.assert_array_equal(load_image(png)[..., 0], [[255, 222, 128], [0, 0, 255]])


def test_other_formats_are_no_exr(url: str, tmp_path: Path) -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(StreamError) as refused:
        sending(url, picture, PixelFormat.RGBA8, Receive(url, exr=tmp_path / "a.exr", seconds=0.1, json=True).run)
    assert str(refused.value) == f"{url} carries rgba8, which --exr does not write: give --png, or send rgba16f"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "path"), [("png", "a.exr"), ("exr", "a.png"), ("exr", "a")])
def test_a_wrong_suffix_is_refused_before_anything_is_opened(option: str, path: str) -> None:
    with pytest.raises(ShowError) as refused:
        Receive("shm://nothing", **{option: Path(path)}).run()
    assert str(refused.value) == f"--{option} {path}: give a path that ends in .{option}"
