"""A loop's frames and its cover become a plate of an environment, with its measures in the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float32

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.environment.environment import Environment
from translight.environment.plate import MAX_PLATES, TEXEL_BYTES, Area, Plate
from translight.generation.plates.kept import HALF_MAX

MAX_BYTES = 2 << 30
"""Of one plate in memory; a show's machine has to have it too."""


def check_size(area: Area, frames: int) -> None:
    """Raises GenerationError, before any work, on a plate that would take too much memory."""
    taken = frames * area.width_px * area.height_px * TEXEL_BYTES
    if taken > MAX_BYTES:
        raise GenerationError(
            f"{frames} frames of {area.width_px}x{area.height_px} texels take {taken / 2**30:.1f} GiB, the limit is "
            f"{MAX_BYTES / 2**30:.0f}: make the loop shorter or the window smaller"
        )


def plate(
    name: str,
    frame: Callable[[int], Float32[np.ndarray, "h w 3"]],
    count: int,
    rate: Fraction,
    area: Area,
    cover: Float32[np.ndarray, "h w"],
    progress: Progress,
) -> Plate:
    """A plate of ``count`` frames. What is brighter than a half float holds is cut off there."""
    frames = np.empty((count, area.height_px, area.width_px, 4), np.float16)
    frames[..., 3] = np.clip(cover, 0, 1)
    for number in range(count):
        progress("putting the loop together", number / count)
        # + 0 makes a positive zero of a negative one
        frames[number, ..., :3] = np.clip(frame(number), 0, HALF_MAX) + 0
    progress("putting the loop together", 1.0)
    return Plate(name, frames, rate, area.left_px, area.top_px)


def with_plate(environment: Environment, added: Plate) -> Environment:
    """The environment with one plate more, over the others; one of the same name is replaced.

    Raises GenerationError where it has no sky, or as many plates as it may have.
    """
    if environment.sky is None:
        raise GenerationError(f"{environment.name}: has no sky for a plate to lie on")
    others = tuple(other for other in environment.plates if other.name != added.name)
    if len(others) == MAX_PLATES:
        raise GenerationError(f"{environment.name}: has {MAX_PLATES} plates, which is all that it may have")
    return replace(environment, plates=(*others, added))
