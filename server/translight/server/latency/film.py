"""A film of a wall as grey pictures with their times: what the glass-to-glass measurement reads (glass.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import FormatError

MAX_PIXELS = 1 << 26
MAX_FRAMES = 200_000
"""Security: no larger or longer film is read."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmFrame:
    """A picture of the film (h w), brightness 0 to 255 as encoded, and when its exposure is said to be."""

    time_s: float
    grey: UInt8[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the film in pixels, from its upper left pixel."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Region:
        """From ``x,y,width,height``. Raises ValueError saying what would be right."""
        parts = text.split(",")
        if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
            raise ValueError(f"a region is x,y,width,height in pixels, got {text!r}")
        x, y, width, height = (int(part) for part in parts)
        if width < 4 or height < 4:
            raise ValueError(f"a region is at least 4x4 pixels, got {text!r}")
        return cls(x, y, width, height)

    def of(self, grey: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "rows columns"]:
        """Its part of a picture. Raises FormatError where it does not lie in it."""
        height, width = grey.shape
        if self.x + self.width > width or self.y + self.height > height:
            raise FormatError(
                f"the region {self.x},{self.y},{self.width},{self.height} does not lie in a film of {width}x{height}"
            )
        return grey[self.y : self.y + self.height, self.x : self.x + self.width].astype(np.float32)

    @property
    def middle_row(self) -> float:
        """The row half way down, for a rolling shutter's time."""
        return self.y + self.height / 2


def read_film(path: Path) -> Iterator[FilmFrame]:
    """Every picture of a video's first track, one at a time. Raises FormatError on what is no readable film."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FormatError(f"{path}: has no video track")
            stream = container.streams.video[0]
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise FormatError(f"{path}: pictures of more than {MAX_PIXELS} pixels")
            rate = stream.average_rate or Fraction(25)
            for number, frame in enumerate(container.decode(stream)):
                if number >= MAX_FRAMES:
                    raise FormatError(f"{path}: more than {MAX_FRAMES} pictures; cut the film")
                time_s = float(number / rate) if frame.time is None else float(frame.time)
                yield FilmFrame(time_s, frame.to_ndarray(format="gray"))
    except (av.error.FFmpegError, OSError) as error:
        raise FormatError(f"{path}: not a readable film ({getattr(error, 'strerror', None) or error})") from error
