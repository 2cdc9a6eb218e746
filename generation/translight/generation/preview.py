"""Linear pictures as people look at them: a curve that bends before it clips, and small ones for sheets."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from translight.colour.transfer import srgb_encode
from translight.core.image import to_u8

_WHITE = 6.0
"""The luminance that becomes display white."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec.709's."""


def tone_mapped(linear: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """For a display, sRGB-encoded: what is dark stays as it is, luminance 6 becomes white, colours keep their hue.

    Reinhard et al., "Photographic Tone Reproduction for Digital Images" (2002), equation 4, on luminance.
    """
    luminance = np.maximum(linear @ _LUMINANCE, 1e-6)[..., None]
    shown = luminance * (1.0 + luminance / _WHITE**2) / (1.0 + luminance)
    return to_u8(np.asarray(srgb_encode(np.clip(linear * (shown / luminance), 0.0, 1.0))))


def shrunk(linear: Float32[np.ndarray, "h w 3"], width_px: int) -> Float32[np.ndarray, "h2 w2 3"]:
    """A picture about so wide at most: every pixel the mean of the whole pixels that it stands for."""
    factor = min(-(-linear.shape[1] // width_px), linear.shape[0])
    if factor <= 1:
        return linear
    height, width = linear.shape[0] // factor, linear.shape[1] // factor
    blocks = linear[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return blocks.mean(axis=(1, 3))
