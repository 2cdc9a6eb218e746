"""What the tests of encoded video send: a chart of colour bars over a ramp, in either format, and how it is measured."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec, Sender
from translight.stream.header import FrameHeader

BARS = np.array(
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [255] * 3]
)


def chart(width: int, height: int, frame: int = 0) -> NDArray[np.uint8]:
    """(h w 3): eight bars above, a grey ramp below that moves with the frame number."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[: height // 2] = BARS[np.arange(width) * 8 // width]
    rgb[height // 2 :] = ((np.arange(width) * 255 // (width - 1) + 2 * frame) % 256)[:, None]
    return rgb


def packed(rgb: NDArray[np.uint8], form: PixelFormat) -> NDArray[np.generic]:
    """A picture as a sender carries it."""
    if form is PixelFormat.RGBA8:
        return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    ten = (rgb.astype(np.uint32) * 1023 + 127) // 255
    return (ten[..., 0] | ten[..., 1] << 10 | ten[..., 2] << 20 | 3 << 30).astype(np.uint32)


def header(frame: int, spec: PictureSpec, encoding: str = "srgb", rate: Fraction = Fraction(60)) -> FrameHeader:
    return FrameHeader(frame, spec.width_px, spec.height_px, spec.format, encoding, rate)


def publish(sender: Sender, spec: PictureSpec, frame: int, *, still: bool = False, encoding: str = "srgb") -> None:
    picture = chart(spec.width_px, spec.height_px, 0 if still else frame)
    np.copyto(sender.acquire(), packed(picture, spec.format))
    sender.publish(header(frame, spec, encoding))


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(-10 * np.log10(np.mean((a.astype(float) - b.astype(float)) ** 2) / 255**2 + 1e-12))


def bar_error(rgb: NDArray[np.uint8]) -> int:
    """How far the middle of any bar is from what was sent, in codes: a wrong matrix or range is off by ten and more."""
    height, width = rgb.shape[:2]
    middles = rgb[height // 4, (np.arange(8) * 2 + 1) * width // 16].astype(int)
    return int(np.abs(middles - BARS).max())


@contextmanager
def showing(sender: Sender, spec: PictureSpec, *, fps: float = 60.0, first: int = 0) -> Iterator[None]:
    """A show that publishes the still chart until the block ends."""
    stop = Event()

    def run() -> None:
        frame = first
        while not stop.wait(1 / fps):
            publish(sender, spec, frame, still=True)
            frame += 1

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for(ready: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
