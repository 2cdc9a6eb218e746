"""WebP textures that carry data, both ways; their size is read from the header before Pillow decodes a pixel.

Source: WebP Container Specification (developers.google.com/speed/webp/docs/riff_container) and RFC 9649.
"""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import UInt8

from translight.core.errors import FormatError
from translight.splats.limits import brief

MOST_SIDE_PX = 16383
"""What a WebP's 14 bits hold."""
_ANIMATION = 0x02
_EFFORT = 50


def size(data: bytes, what: str) -> tuple[int, int]:
    """Width and height in pixels of a lossless still WebP, from its first bytes. Raises FormatError."""
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise FormatError(f"{what}: not a WebP image")
    kind = data[12:16]
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and not data[20] & _ANIMATION:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise FormatError(f"{what}: a lossy or animated WebP; data textures are lossless stills")


def pixels(data: bytes, what: str, max_pixels: int) -> UInt8[np.ndarray, "h w 4"]:
    """Decode to RGBA. ``max_pixels`` is the security limit. Raises FormatError."""
    from PIL import Image

    width, height = size(data, what)
    if width * height > max_pixels:
        raise FormatError(f"{what}: {width} x {height} pixels are more than its splats need ({max_pixels:,} at most)")
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            if image.size != (width, height):
                raise FormatError(f"{what}: its header says {width} x {height}, its picture {image.size}")
            return np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise FormatError(f"{what}: broken WebP image ({brief(error)})") from error


def encode(rgba: UInt8[np.ndarray, "h w 4"]) -> bytes:
    """A lossless WebP that keeps every byte, those under transparent pixels too."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "WEBP", lossless=True, exact=True, quality=_EFFORT, method=4)
    return out.getvalue()
