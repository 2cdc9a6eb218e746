"""Pixel layouts that leave the live path, and pictures on disk (PNG, JPEG here; exr.py, radiance.py)."""

from __future__ import annotations

import warnings
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8, UInt16, UInt32

from translight.core.errors import FormatError
from translight.core.files import whole_file

MAX_PIXELS = 1 << 27
"""Pictures up to 16384x8192 are read unless the caller says otherwise."""

JPEG_QUALITY = 92

_PILLOW_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_HDR = (".hdr", ".pic")


class PixelFormat(StrEnum):
    """Layout of a finished picture: C-contiguous, top row first."""

    RGBA8 = "rgba8"
    """uint8 (h w 4): red, green, blue, 255."""
    RGB10A2 = "rgb10a2"
    """uint32 (h w), little-endian: bits 0–9 red, 10–19 green, 20–29 blue, 30–31 all set (DXGI R10G10B10A2)."""
    RGBA16F = "rgba16f"
    """float16 (h w 4), little-endian: red, green, blue in linear light, not cut off at 1, and 1.0 (OpenGL's RGBA16F,
    DXGI R16G16B16A16_FLOAT; the fourth half keeps a pixel in one 64-bit word, as graphics processors take it)."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of one array element."""
        return np.dtype({PixelFormat.RGBA8: "u1", PixelFormat.RGB10A2: "<u4", PixelFormat.RGBA16F: "<f2"}[self])

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel: its word in a finished picture."""
        return 8 if self is PixelFormat.RGBA16F else 4

    def shape(self, width_px: int, height_px: int) -> tuple[int, ...]:
        """Shape of a picture's array."""
        return (height_px, width_px) if self is PixelFormat.RGB10A2 else (height_px, width_px, 4)

    def nbytes(self, width_px: int, height_px: int) -> int:
        """Bytes of a picture."""
        return self.pixel_bytes * width_px * height_px


def unpack_rgb10a2(packed: UInt32[np.ndarray, "*hw"]) -> UInt16[np.ndarray, "*hw 3"]:
    """Red, green and blue (0 to 1023) of RGB10A2 pixels."""
    return np.stack([(packed >> shift) & 0x3FF for shift in (0, 10, 20)], axis=-1).astype(np.uint16)


def to_u8(encoded: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Encoded values from 0 to 1 as 0 to 255, rounded; what lies outside is clipped and NaN becomes 0."""
    scaled = np.nan_to_num(np.asarray(encoded, dtype=np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return (np.clip(scaled, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def save_image(path: Path, pixels: np.ndarray[Any, Any], *, jpeg_quality: int = JPEG_QUALITY) -> None:
    """Write a picture; the suffix names the format, and the file appears whole or not at all.

    .png, .jpg, .jpeg: uint8, encoded as it shall be shown: (h w) grey, (h w 3), or (h w 4) in a PNG with straight
    alpha. .exr: linear float32 or float16 (kept as half): (h w 3), (h w 4) premultiplied, or (h w), written as depth.
    .hdr: linear float32 (h w 3), of which 8 bits a channel are kept.
    Raises ValueError on pixels that the format does not hold, FormatError when the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    pixels = np.asarray(pixels)
    if suffix not in (*_PILLOW_FORMATS, ".exr", ".hdr"):
        raise ValueError(f"{path}: pictures are written as .png, .jpg, .exr or .hdr")
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise ValueError(f"{path}: a picture is (h w), (h w 3) or (h w 4), got {pixels.shape}")
    if suffix == ".hdr" and (pixels.dtype != np.float32 or pixels.shape[2:] != (3,)):
        raise ValueError(f"{path}: a .hdr takes float32 pixels (h w 3), got {pixels.dtype} {pixels.shape}")
    if suffix in _PILLOW_FORMATS and pixels.dtype != np.uint8:
        raise ValueError(f"{path}: {suffix} takes uint8 pixels, got {pixels.dtype}")
    if _PILLOW_FORMATS.get(suffix) == "JPEG" and pixels.shape[2:] == (4,):
        raise ValueError(f"{path}: a JPEG holds no alpha; drop it or write a .png")
    try:
        with whole_file(path) as aside:
            if suffix == ".exr":
                from translight.core.exr import save_exr

                save_exr(aside, pixels)
            elif suffix == ".hdr":
                from translight.core.radiance import save_hdr

                save_hdr(aside, pixels)
            else:
                _save_pillow(aside, pixels, _PILLOW_FORMATS[suffix], jpeg_quality)
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error


def load_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray[Any, Any]:
    """Read a picture, top row first; the suffix names the format.

    .png, .jpg, .jpeg: uint8 as encoded, (h w) grey, (h w 3), or (h w 4) with straight alpha where the file has
    transparency; 16-bit files lose their low byte, palettes and CMYK become RGB, EXIF orientation is not applied.
    .exr: float32 linear, (h w 3), (h w 4) or (h w). .hdr, .pic: float32 linear (h w 3).
    Raises FormatError on a missing, unknown or damaged file and on more than ``max_pixels`` (security: a small file
    may claim a huge picture; nothing is decoded before the claim is checked).
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*_PILLOW_FORMATS, ".exr", *_HDR):
        raise FormatError(f"{path}: pictures are read from .png, .jpg, .exr or .hdr")
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    if suffix == ".exr":
        from translight.core.exr import load_exr

        return load_exr(path, max_pixels=max_pixels)
    if suffix in _HDR:
        from translight.core.radiance import load_hdr

        return load_hdr(path, max_pixels=max_pixels)
    return _load_pillow(path, _PILLOW_FORMATS[suffix], max_pixels)


def _save_pillow(path: Path, pixels: UInt8[np.ndarray, "h w *c"], name: str, jpeg_quality: int) -> None:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if name == "JPEG":
        picture.save(path, name, quality=jpeg_quality)
    else:
        picture.save(path, name, compress_level=3)


def _load_pillow(path: Path, name: str, max_pixels: int) -> UInt8[np.ndarray, "h w *c"]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels is checked instead
            with Image.open(path, formats=[name]) as picture:
                if picture.width * picture.height > max_pixels:
                    size = f"{picture.width}x{picture.height}"
                    raise FormatError(f"{path}: {size} pixels; from 1 to {max_pixels} are allowed")
                return _as_u8(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path}: not a readable {name} ({error})") from error


def _as_u8(picture: Any) -> UInt8[np.ndarray, "h w *c"]:
    """A Pillow image's pixels as grey, RGB or RGBA."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        return (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
    if picture.mode in ("L", "RGB", "RGBA"):
        wanted = "RGBA" if picture.mode == "RGB" and "transparency" in picture.info else picture.mode
    elif picture.has_transparency_data:
        wanted = "RGBA"
    else:
        wanted = "L" if picture.mode == "1" else "RGB"
    return np.array(picture.convert(wanted))
