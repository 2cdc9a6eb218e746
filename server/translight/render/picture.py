"""A rendered frame as a finished picture: a background behind it, and its values encoded for a file (core/image.py)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16, Float32, UInt8

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.image import to_u8
from translight.environment.environment import ColourEncoding
from translight.render.contract import Frame

_HALF_MAX = 65504.0
_NAMED = {"black": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0)}


def parse_background(text: str) -> tuple[float, float, float] | None:
    """sRGB code values of ``black``, ``white`` or ``#rrggbb``; None for ``transparent``. Raises ValueError."""
    if text == "transparent":
        return None
    if text in _NAMED:
        return _NAMED[text]
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(f"a background is black, white, transparent or #rrggbb, got {text!r}")
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def over(
    frame: Frame, encoding: ColourEncoding, background: Sequence[float] | None, *, sky: bool
) -> Float32[np.ndarray, "h w c"]:
    """``frame`` over a background (sRGB code values), blended in the frame's encoding: (h w 3), premultiplied RGBA
    (h w 4) when the background is None. A frame with a sky is already full; its background is not looked at.
    """
    if sky:
        return frame.rgba[..., :3]
    if background is None:
        return frame.rgba
    behind = np.asarray(background, dtype=np.float32)
    if encoding == "linear":
        behind = srgb_decode(behind)
    return frame.rgba[..., :3] + (1 - frame.rgba[..., 3:]) * behind


def display_u8(pixels: Float32[np.ndarray, "h w c"], encoding: ColourEncoding) -> UInt8[np.ndarray, "h w c"]:
    """sRGB 8-bit pixels, straight alpha where there is alpha."""
    rgb = _straight(pixels)
    if encoding == "linear":
        rgb = srgb_encode(rgb)
    return to_u8(np.concatenate([rgb, pixels[..., 3:]], axis=-1))


def linear_half(pixels: Float32[np.ndarray, "h w c"], encoding: ColourEncoding) -> Float16[np.ndarray, "h w c"]:
    """Linear half-float pixels for an EXR, premultiplied where there is alpha."""
    rgb, alpha = _straight(pixels), pixels[..., 3:]
    if encoding == "srgb":
        rgb = srgb_decode(rgb)
    if alpha.size:
        rgb = rgb * alpha
    return np.clip(np.concatenate([rgb, alpha], axis=-1), -_HALF_MAX, _HALF_MAX).astype(np.float16)


def _straight(pixels: Float32[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h w 3"]:
    """Colour without its alpha's factor; 0 where alpha is 0."""
    if pixels.shape[-1] == 3:
        return pixels
    alpha = pixels[..., 3:]
    return np.where(alpha > 0, pixels[..., :3] / np.where(alpha > 0, alpha, 1), 0)
