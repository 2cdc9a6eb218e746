"""Reading stills as they are shown: decoded, turned as EXIF says, in RGB."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from translight.core.errors import FormatError
from translight.core.image import MAX_PIXELS

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
"""What a still's name may end in, in any case of letters."""


def load_still(path: Path, *, max_pixels: int = MAX_PIXELS) -> Float32[np.ndarray, "h w 3"]:
    """A still's pixels, sRGB-encoded, 0 to 1, its EXIF orientation applied. Raises FormatError on what is none.

    ``max_pixels`` is for security: a small file may claim a huge picture; nothing is decoded before the claim is
    checked.
    """
    from PIL import Image, ImageOps

    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels is checked instead
            with Image.open(path) as picture:
                if picture.width * picture.height > max_pixels:
                    size = f"{picture.width}x{picture.height}"
                    raise FormatError(f"{path}: {size} pixels; from 1 to {max_pixels} are allowed")
                turned = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path}: not a readable picture ({error})") from error
    return np.asarray(turned, dtype=np.float32) / np.float32(255)
