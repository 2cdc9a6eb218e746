"""An invisible watermark of 48 bits in a still's light, by spread spectrum; watermark_find.py finds it again.

A tile of 64×64 chips, each 1 or -1, repeats over the picture: some chips are always the same and show where a tile
begins, the others carry the codeword (Cox et al., "Secure spread spectrum watermarking for multimedia", 1997). The
picture is multiplied by exp(strength × tile), so that black stays black, hues stay, and exposure changes nothing; the
strength follows the texture around each pixel (masking). That the tile repeats gives a resized or cropped picture's
scale away (Kutter, "Watermarking resisting to translation, rotation, and scaling", 1998).

Exported stills and frames of plates alone are marked: nothing in server/ can import this room.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.errors import GenerationError
from translight.core.image import to_u8
from translight.generation.provenance import watermark_code

CHIPS = 64
"""Of a tile, each way."""
REPEATS = 11
"""Chips for each bit of the codeword; the 1258 others are always the same."""
OPEN_KEY = b"translight"
"""Who has this program can read and write marks with it; a production's own key keeps others from writing."""
MIN_SIDE_PX = 128

_SIDE_PER_CHIP = 540
"""A picture's shorter side over its chips' size: on an HD still a chip has 2 pixels."""
_BASE, _GAIN, _MOST = 0.008, 0.22, 0.05
"""Strength in flat areas, in proportion to the texture's deviation, and at most; natural logarithms of light."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """What a key makes of a tile: which chip carries what."""

    sign: Float64[np.ndarray, "4096"]
    order: np.ndarray
    """Chips in the order in which bits are dealt to them."""

    def chips(self, coded: np.ndarray | None) -> Float64[np.ndarray, "64 64"]:
        """The tile of a codeword; None leaves the chips that carry it at 0."""
        carried = self.order[: watermark_code.CODED_BITS * REPEATS]
        chips = self.sign.copy()
        chips[carried] *= 0.0 if coded is None else 1.0 - 2.0 * np.tile(coded, REPEATS)
        return chips.reshape(CHIPS, CHIPS)

    def soft(self, chips: Float64[np.ndarray, "64 64"]) -> Float64[np.ndarray, "n"]:
        """What the chips of a tile say of each coded bit."""
        carried = self.order[: watermark_code.CODED_BITS * REPEATS]
        return (chips.reshape(-1) * self.sign)[carried].reshape(REPEATS, -1).sum(axis=0)


def pattern(key: bytes) -> Pattern:
    """Of a key, the same everywhere: drawn by SHA-256 in counter mode."""
    count = CHIPS * CHIPS
    stream = b"".join(hashlib.sha256(key + i.to_bytes(4, "big")).digest() for i in range(count * 9 // 32))
    sign = 1.0 - 2.0 * np.unpackbits(np.frombuffer(stream[: count // 8], np.uint8)).astype(np.float64)
    order = np.argsort(np.frombuffer(stream[count // 8 :], ">u8")[:count], kind="stable")
    return Pattern(sign, order)


def chip_px(height_px: int, width_px: int) -> int:
    """How large a picture's chips are drawn."""
    return int(np.clip(round(min(height_px, width_px) / _SIDE_PER_CHIP), 2, 16))


def mark(picture: np.ndarray, identity: int, key: bytes = OPEN_KEY, *, strength: float = 1.0) -> np.ndarray:
    """The picture with the mark: uint8 as sRGB encodes it, or float in linear light; alpha is kept.

    Raises GenerationError on a picture that is too small, or has values that are not finite.
    """
    height, width = picture.shape[:2]
    if picture.ndim != 3 or min(height, width) < MIN_SIDE_PX:
        raise GenerationError(f"a picture of three channels and at least {MIN_SIDE_PX} pixels each way is wanted")
    colour = picture[..., :3]
    eight = picture.dtype == np.uint8
    light = srgb_decode(colour.astype(np.float32) / np.float32(255)) if eight else colour.astype(np.float32)
    if not np.isfinite(light).all():
        raise GenerationError("the picture holds values that are not numbers: it cannot be marked")
    size = chip_px(height, width)
    tile = pattern(key).chips(watermark_code.encode(identity, key))
    wave = ndimage.zoom(tile, size, order=1, mode="grid-wrap", grid_mode=True)
    wave = np.tile(wave, (-(-height // len(wave)), -(-width // len(wave))))[:height, :width].astype(np.float32)
    factor = np.exp(np.float32(strength) * strength_of(light, size) * wave)[..., None]
    marked = light * factor
    out = to_u8(srgb_encode(np.minimum(marked, 1.0))) if eight else marked.astype(picture.dtype)
    return np.concatenate([out, picture[..., 3:]], axis=2) if picture.shape[2] > 3 else np.ascontiguousarray(out)


def strength_of(light: Float32[np.ndarray, "h w 3"], chip: int) -> Float32[np.ndarray, "h w"]:
    """How strong the mark may be at each pixel, by the texture around it."""
    seen = log_luminance(light)
    fine = seen - ndimage.gaussian_filter(seen, 1.5 * chip)
    # the quieter of two neighbourhoods: beside an edge, flat areas are not taken for texture
    spread = np.sqrt(ndimage.gaussian_filter(np.minimum(fine * fine, 0.04), 1.5 * chip))
    spread = ndimage.minimum_filter(spread, 2 * chip + 1)
    return np.clip(_BASE + _GAIN * spread, _BASE, _MOST).astype(np.float32)


def log_luminance(light: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """Natural logarithm of the luminance over a floor, which is far below the picture's middle."""
    luminance = np.maximum(light @ _LUMINANCE, 0.0)
    floor = max(0.02 * float(np.median(luminance)), 1e-6)
    return np.log(luminance + np.float32(floor)).astype(np.float32)
