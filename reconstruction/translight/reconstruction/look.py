"""What a short look at each still tells, for ``inspection``: sharpness, light, and a tiny copy to know twins by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from translight.core.progress import Progress
from translight.reconstruction.capture import Still
from translight.reconstruction.read_capture import each
from translight.reconstruction.sharpness import blur_effect, grey_of
from translight.reconstruction.stills import load_reduced

LOOKED_AT_PX = 1024
"""Longer side: blur that does not show here does not show in an environment either."""
THUMBNAIL_PX = 160
_TINY_PX = 32
_WHITE, _BLACK = 254, 2
_GAMMA = 2.2
"""Near enough to sRGB's curve for a mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """``blur`` from 0 to 1 (``blur_effect``); ``light`` is the mean of linear light, 1 white; ``white`` and ``black``
    are shares of pixels without any detail; ``tiny`` has mean 0 and length 1: its products are correlations.
    """

    blur: float
    light: float
    white: float
    black: float
    tiny: Float32[np.ndarray, "pixels"]
    thumbnail: UInt8[np.ndarray, "h w 3"]


def look_at(stills: Sequence[Still], progress: Progress) -> dict[str, Look]:
    """A look at each still, by name. Raises FormatError on one that cannot be read."""
    looks = {}
    for still, found in zip(
        stills, each(_look, [still.file for still in stills], "looking at photographs", progress), strict=True
    ):
        if isinstance(found, Exception):
            raise found
        looks[still.name] = found
    return looks


def alike(looks: Sequence[Look]) -> Float64[np.ndarray, "n n"]:
    """Correlations of every two stills, from -1 to 1; 0 of each with itself."""
    tiny = np.stack([look.tiny for look in looks]).astype(np.float64)
    found = tiny @ tiny.T
    np.fill_diagonal(found, 0.0)
    return found


def _look(file: Path) -> Look:
    pixels = load_reduced(file, LOOKED_AT_PX)
    grey = grey_of(pixels)
    return Look(
        blur=blur_effect(grey),
        light=float(np.mean(grey**_GAMMA)),
        white=float((pixels >= _WHITE).all(axis=2).mean()),
        black=float((pixels <= _BLACK).all(axis=2).mean()),
        tiny=_tiny(grey),
        thumbnail=_smaller(pixels, THUMBNAIL_PX),
    )


def _tiny(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "pixels"]:
    from PIL import Image

    small = Image.fromarray(grey).resize((_TINY_PX, _TINY_PX), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32).reshape(-1)
    values = values - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


def _smaller(pixels: UInt8[np.ndarray, "h w 3"], longest_px: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
    return np.asarray(picture)
