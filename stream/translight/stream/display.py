"""display://N: a borderless full-screen window on a monitor, as an LED processor is fed; window_process.py shows it.

The sender writes into a frame ring in shared memory and never hears of the monitor: what waits for its refresh, and
what may hang or die with it, is the window's process. The ring is named after the monitor, so that two shows cannot
fight over one, and a killed show's ring is taken over.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import MissingExtra, StreamError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec, SenderCounts
from translight.stream.gl_picture import Fit
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender
from translight.stream.urls import StreamUrl
from translight.stream.window_keeper import Presentation, WindowKeeper
from translight.stream.window_report import WindowJob

_numbers = itertools.count()


def open_sender(url: StreamUrl, spec: PictureSpec) -> DisplaySender:
    """For ``urls.open_sender``: returns when the window is there. Raises StreamError, MissingExtra."""
    if importlib.util.find_spec("glfw") is None:
        raise MissingExtra("GLFW", "display")
    return DisplaySender(url, spec)


class DisplaySender:
    """Frames for one window. Should the window end, frames go on and are counted as dropped until it is back."""

    def __init__(self, url: StreamUrl, spec: PictureSpec) -> None:
        self.url = str(url)
        job = _job(url, spec)
        try:
            self._ring = ShmSender(job.ring, spec)
        except StreamError as error:
            raise StreamError(f"{url}: another show has this monitor ({error})") from error
        self._keeper = WindowKeeper(self.url, job)
        self._sent = 0
        self._closed = False
        try:
            self._keeper.open()
        except BaseException:
            self._ring.close()
            raise

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture, in the ring that the window's process reads."""
        return self._ring.acquire()

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Make it the newest; the window takes it when the monitor is ready for one."""
        sent = self._ring.publish(header)
        self._sent += 1
        self._keeper.look()
        return sent

    def counts(self) -> SenderCounts:
        """Frames published; those never shown since a newer one came first or there was no window; 1 with a window."""
        showing = self._keeper.showing
        dropped = self._keeper.passed_over if showing else self._sent - self._keeper.presented
        return SenderCounts(self._sent, dropped, int(showing))

    @property
    def presented(self) -> int:
        """Frames that were on the screen, as far as the window has told."""
        return self._keeper.presented

    @property
    def restarts(self) -> int:
        """How often the window came back."""
        return self._keeper.restarts

    def presentations(self) -> list[Presentation]:
        """The newest frames that were shown, and when each was on the screen."""
        return self._keeper.presentations()

    def close(self) -> None:
        """Close the window and remove the ring. May be called twice."""
        if not self._closed:
            self._closed = True
            self._ring.close()
            self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _job(url: StreamUrl, spec: PictureSpec) -> WindowJob:
    options = url.options
    fit: Fit = "scale" if options.text("fit") == "scale" else "one-to-one"
    window = pixels(options.text("window")) if options.given("window") else None
    bits = 10 if spec.format is PixelFormat.RGB10A2 else 8
    place = url.place
    plain = "".join(c if c.isalnum() else "-" for c in place)
    return WindowJob(
        ring=f"display-{plain}" if window is None else f"display-{plain}-{os.getpid()}-{next(_numbers)}",
        owner=os.getpid(),
        title=f"Translight {url}",
        place=place,
        width_px=spec.width_px,
        height_px=spec.height_px,
        pixel_format=spec.format,
        fit=fit,
        window=window,
        vsync=options.flag("vsync", default=True),
        bits=int(options.text("bits") or bits),
    )


def pixels(text: str) -> tuple[int, int]:
    """Width and height of a text like 1280x720, as transports.py checked it."""
    width, _, height = text.partition("x")
    return int(width), int(height)
