"""A native window for pictures, by GLFW: full-screen on a chosen monitor or of a given size, with or without vsync.

GLFW because its wheel is 1 MB and it takes a monitor of one's choice, asks the visual for 10 bits a channel, bypasses
the desktop's compositor when full-screen, and gives the system's own swap interval. Used by window_process.py, on its
process's main thread, as window systems demand; `translight doctor` lists its monitors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import glfw
import numpy as np
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import StreamError
from translight.stream.gl_picture import GlPicture
from translight.stream.monitors import Monitor, choose
from translight.stream.window_report import WindowJob

glfw.ERROR_REPORTING = "ignore"  # errors are asked for where they matter, not printed


@contextmanager
def screens() -> Iterator[list[Monitor]]:
    """The window system, open, and its monitors. Raises StreamError where there is no screen."""
    if not glfw.init():
        raise StreamError(f"no screen: {_reason()}")
    try:
        yield [_monitor(number, handle) for number, handle in enumerate(glfw.get_monitors(), 1)]
    finally:
        glfw.terminate()


class Window:
    """One window, black at first. Everything is done on the main thread."""

    def __init__(self, job: WindowJob, monitors: list[Monitor]) -> None:
        self._fit = job.fit
        if not monitors:
            raise StreamError("no screen: no monitor is connected")
        self.monitor = choose(monitors, job.place)
        self._full_screen = job.window is None
        self._handle = self._opened(job)
        glfw.make_context_current(self._handle)
        glfw.swap_interval(1 if job.vsync else 0)
        glfw.set_input_mode(self._handle, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        glfw.set_window_refresh_callback(self._handle, lambda _: self._uncovered())
        self._picture = GlPicture(_address_of, job.pixel_format, job.width_px, job.height_px)
        self._stale = True
        self.notes = self._notes_on(job)

    @property
    def size_px(self) -> tuple[int, int]:
        """Pixels, also where the system scales windows."""
        width, height = glfw.get_framebuffer_size(self._handle)
        return width, height

    @property
    def surface_bits(self) -> int:
        """Bits of a colour channel that the window really has."""
        return self._picture.surface_bits

    @property
    def ended(self) -> str | None:
        """Why it can show no more: closed by hand, or its monitor is gone; None while it can."""
        if glfw.window_should_close(self._handle):
            return "it was closed"
        if self._full_screen and not glfw.get_window_monitor(self._handle):
            return f"monitor {self.monitor} is gone"
        return None

    @property
    def stale(self) -> bool:
        """Whether the system asks for the picture again, or another size: it was uncovered."""
        return self._stale

    def attend(self) -> None:
        """Answer the window system."""
        glfw.poll_events()

    def upload(self, pixels: NDArray[np.uint8]) -> None:
        """Take a picture's bytes; they may change afterwards."""
        self._picture.upload(pixels)

    def present(self) -> int:
        """Show the picture that was taken; with vsync this waits for the monitor. Returns when it was shown, in ns."""
        size = self.size_px
        if min(size) > 0:
            self._picture.draw(size, self._fit)
        glfw.swap_buffers(self._handle)
        # Without this the driver would queue pictures, each a refresh later than it could be.
        self._picture.finish()
        self._stale = False
        return now_ns()

    def _opened(self, job: WindowJob) -> Any:
        monitor = glfw.get_monitors()[self.monitor.number - 1]
        mode = glfw.get_video_mode(monitor)
        bits = job.bits
        for hint, value in (
            (glfw.CONTEXT_VERSION_MAJOR, 3),
            (glfw.CONTEXT_VERSION_MINOR, 2),
            (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
            (glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE),
            (glfw.RED_BITS, bits),
            (glfw.GREEN_BITS, bits),
            (glfw.BLUE_BITS, bits),
            (glfw.ALPHA_BITS, 0),
            (glfw.DEPTH_BITS, 0),
            (glfw.STENCIL_BITS, 0),
            (glfw.REFRESH_RATE, mode.refresh_rate or glfw.DONT_CARE),
            (glfw.DECORATED, glfw.FALSE),
            (glfw.RESIZABLE, glfw.FALSE),
            (glfw.AUTO_ICONIFY, glfw.FALSE),
            (glfw.FOCUS_ON_SHOW, glfw.FALSE),
            (glfw.SCALE_TO_MONITOR, glfw.FALSE),
        ):
            glfw.window_hint(hint, value)
        if job.window is None:
            handle = glfw.create_window(mode.size.width, mode.size.height, job.title, monitor, None)
        else:
            x, y = glfw.get_monitor_pos(monitor)
            glfw.window_hint(glfw.POSITION_X, x)
            glfw.window_hint(glfw.POSITION_Y, y)
            handle = glfw.create_window(*job.window, job.title, None, None)
        if not handle:
            raise StreamError(f"no window on monitor {self.monitor}: {_reason()}")
        return handle

    def _uncovered(self) -> None:
        self._stale = True

    def _notes_on(self, job: WindowJob) -> tuple[str, ...]:
        """What whoever opened it should know."""
        notes = []
        width, height = self.size_px
        if self._fit == "one-to-one" and (job.width_px > width or job.height_px > height):
            notes.append(
                f"the canvas has {job.width_px}x{job.height_px} pixels, the window {width}x{height}: the rest to the "
                "right and below is not shown; ?fit=scale shows all of it"
            )
        if self._picture.surface_bits < job.bits:
            notes.append(
                f"shown in {self._picture.surface_bits} bits: monitor {self.monitor} offers no {job.bits}-bit surface"
            )
        return tuple(notes)


def _monitor(number: int, handle: Any) -> Monitor:
    mode = glfw.get_video_mode(handle)
    return Monitor(
        number,
        _text(glfw.get_monitor_name(handle)),
        mode.size.width,
        mode.size.height,
        mode.refresh_rate,
        min(mode.bits),
    )


def _reason() -> str:
    _, text = glfw.get_error()
    return _text(text) or "the window system gave no reason"


def _text(value: object) -> str:
    """GLFW's texts come as UTF-8 bytes, whatever its annotations say."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _address_of(function: str) -> int:
    address: object = glfw.get_proc_address(function)
    return int(address if isinstance(address, int) else getattr(address, "value", None) or 0)
