"""What passes between a display's sender and its window's process: a job in, reports out, one JSON object a line."""

from __future__ import annotations

import msgspec

from translight.core.image import PixelFormat
from translight.stream.gl_picture import Fit


class WindowJob(msgspec.Struct, frozen=True):
    """What the window's process is to do; the first line of its standard input."""

    ring: str
    """Name of the frame ring that it shows."""
    owner: int
    """The sender's process: the window ends with it."""
    title: str
    place: str
    """The monitor's number or name."""
    width_px: int
    height_px: int
    pixel_format: PixelFormat
    fit: Fit
    window: tuple[int, int] | None
    """Size of a plain window; None is full-screen."""
    vsync: bool
    bits: int
    """Bits of a colour channel to ask for."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The window is there."""

    monitor: str
    bits: int
    notes: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """A sign of life, with what was shown since the last one."""

    frames: tuple[tuple[int, int, int], ...]
    """Of each: its place in the ring's history (1, 2, …), its frame number, and when it was on the screen in ns."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The window cannot open, or can show no more; the process ends."""

    reason: str


Report = Opened | Shown | Failed
_decoder = msgspec.json.Decoder(Report)
_jobs = msgspec.json.Decoder(WindowJob)


def line_of(message: Report | WindowJob) -> bytes:
    """A message as a line."""
    return msgspec.json.encode(message) + b"\n"


def read_report(line: bytes) -> Report | None:
    """A report from its line; None when it is none."""
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:
        return None


def read_window_job(line: bytes) -> WindowJob:
    """A job from its line. Raises msgspec.DecodeError."""
    return _jobs.decode(line)
