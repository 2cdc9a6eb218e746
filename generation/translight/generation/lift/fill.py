"""Colours for what no picture shows: smooth from around (push_pull.py), then texture from near by (patches.py)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32

from translight.core.errors import GenerationError
from translight.generation.lift.patches import textured
from translight.generation.lift.push_pull import push_pull

Inpaint = Callable[[Float32[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]], Float32[np.ndarray, "h w 3"]]
"""From a linear panorama and the mask of what to make anew, to the panorama: a diffusion model's inpainting."""


def filled(
    image: Float32[np.ndarray, "h w 3"],
    weight: Float32[np.ndarray, "h w"],
    wanted: Bool[np.ndarray, "h w"],
    inpaint: Inpaint | None = None,
) -> Float32[np.ndarray, "h w 3"]:
    """The picture with new colours where they are ``wanted``; ``weight`` says which pixels may lend theirs (0 to 1).

    The function ``inpaint`` is given the smooth fill, and a mask of all that may not be looked at. Raises
    GenerationError when it returns another size, or values that are not finite.
    """
    if not wanted.any() or not (weight > 0).any():
        return image
    lending = np.where(wanted, np.float32(0), weight).astype(np.float32)
    smooth = np.where((lending == 1)[..., None], image, push_pull(image, lending)).astype(np.float32)
    if inpaint is None:
        made = textured(smooth, lending == 1, wanted)
    else:
        made = np.asarray(inpaint(smooth, lending < 1), np.float32)
        if made.shape != image.shape or not np.isfinite(made).all():
            raise GenerationError(f"the inpainting gave {made.shape} or values not finite; {image.shape} is wanted")
    return np.where(wanted[..., None], made, image)
