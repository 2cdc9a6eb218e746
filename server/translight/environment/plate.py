"""A plate: a loop of pictures over a part of an environment's sky, on the frame clock; plate_file.py stores it.

A plate lies on the sky's own texels, so nothing is resampled while it plays. Which of its frames stands on the wall
follows from the wall's frame number alone: machines whose clocks agree show the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float16, Float32

MAX_PLATES = 4
"""Of one environment."""
MAX_FRAMES = 4096
"""Of one plate."""
TEXEL_BYTES = 8
"""Of a frame in memory and, before compression, on disk: four half floats."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a sky's texels, from column ``left_px`` to the right and around, from row ``top_px`` down."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def check(self, sky_width_px: int, sky_height_px: int) -> None:
        """Raises ValueError where such a sky has no such texels."""
        across = 0 <= self.left_px < sky_width_px and 1 <= self.width_px <= sky_width_px
        down = 0 <= self.top_px < self.top_px + self.height_px <= sky_height_px
        if not (across and down):
            raise ValueError(
                f"{self.width_px}x{self.height_px} texels at column {self.left_px}, row {self.top_px} "
                f"do not lie on a sky of {sky_width_px}x{sky_height_px}"
            )

    def columns(self, sky_width_px: int) -> np.ndarray:
        """The sky's columns that it covers, from its left to its right."""
        return (self.left_px + np.arange(self.width_px)) % sky_width_px

    @property
    def rows(self) -> slice:
        """The sky's rows that it covers."""
        return slice(self.top_px, self.top_px + self.height_px)


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """``frames`` (n h w 4), half floats: linear Rec.709 radiance, and how much of the sky it covers, 0 to 1 (straight:
    the colours are not multiplied by it). Frame 0 follows the last."""

    name: str
    frames: Float16[np.ndarray, "n h w 4"]
    rate: Fraction
    left_px: int
    top_px: int

    def __post_init__(self) -> None:
        frames = self.frames
        if frames.dtype != np.float16 or frames.ndim != 4 or frames.shape[3] != 4 or 0 in frames.shape:
            raise ValueError(f"a plate's frames are float16 (n h w 4), got {frames.dtype} {frames.shape}")
        if len(frames) > MAX_FRAMES:
            raise ValueError(f"a plate has up to {MAX_FRAMES} frames, got {len(frames)}")
        if not 1 <= self.rate <= 1000:
            raise ValueError(f"a plate's rate is from 1 to 1000 frames a second, got {self.rate}")

    @property
    def area(self) -> Area:
        """Which texels of the sky it covers."""
        _, height, width, _ = self.frames.shape
        return Area(self.left_px, self.top_px, width, height)

    @property
    def seconds(self) -> Fraction:
        """How long a turn of the loop takes."""
        return len(self.frames) / self.rate

    def frame_at(self, frame: int, rate: Fraction) -> int:
        """Which of its frames stands on a wall of this rate when that wall's frame number ``frame`` does.

        floor(frame / rate · own rate) mod n, in whole numbers: both begin at the frame clock's epoch, and neither a
        long time nor 24000/1001 on 60 puts a frame anywhere else than where it belongs.
        """
        over = rate.numerator * self.rate.denominator
        return int(frame) * rate.denominator * self.rate.numerator // over % len(self.frames)


def laid(
    sky: Float32[np.ndarray, "h w 3"], plates: Sequence[Plate], numbers: Sequence[int] | None = None
) -> Float32[np.ndarray, "h w 3"]:
    """A linear sky with a frame of each plate over it, their first ones unless ``numbers`` says which.

    This is what a still picture of the environment shows. Raises ValueError where a plate does not lie on the sky.
    """
    out = np.array(sky, np.float32)
    height, width = out.shape[:2]
    for k, plate in enumerate(plates):
        plate.area.check(width, height)
        frame = plate.frames[0 if numbers is None else numbers[k]].astype(np.float32)
        place = np.ix_(np.arange(height)[plate.area.rows], plate.area.columns(width))
        out[place] += frame[..., 3:] * (frame[..., :3] - out[place])
    return out
