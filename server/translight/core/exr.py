"""OpenEXR pictures: scene-linear colour or depth, half or float; image.py calls this by the file's suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from jaxtyping import Float32

from translight.core.errors import FormatError

DEPTH = "Z"
"""The channel a two-dimensional array is written to (OpenEXR's "Standard channel names")."""


def save_exr(path: Path, pixels: np.ndarray[Any, Any]) -> None:
    """Write (h w 3) or (h w 4) as RGB or RGBA, (h w) as depth; float16 is stored as half, float32 as float, ZIP."""
    if pixels.dtype not in (np.float16, np.float32):
        raise ValueError(f"an EXR takes float16 or float32 pixels, got {pixels.dtype}")
    if pixels.ndim == 2:
        channels = {DEPTH: np.ascontiguousarray(pixels)}
    else:
        channels = {name: np.ascontiguousarray(pixels[..., i]) for i, name in enumerate("RGBA"[: pixels.shape[2]])}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))


def load_exr(path: Path, *, max_pixels: int) -> Float32[np.ndarray, "h w *c"]:
    """The first part's R, G, B (and A), or else its only channel as (h w), as float32.

    Other channels beside R, G, B, A are left out. Raises FormatError on a file that is no EXR, is damaged, holds
    neither, is sub-sampled, or has more than ``max_pixels`` pixels.
    """
    try:
        with OpenEXR.File(str(path), header_only=True) as file:
            low, high = (np.asarray(corner, dtype=np.int64) for corner in file.header()["dataWindow"])
        width, height = (int(n) for n in high - low + 1)
        _check_size(path, width, height, max_pixels)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            found = {name: channel.pixels for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, KeyError, TypeError, MemoryError, OSError) as error:
        raise FormatError(f"{path}: not a readable EXR, or cut off ({str(error).partition(chr(10))[0]})") from error
    planes = [found[name] for name in _choose(path, sorted(found))]
    if any(not isinstance(plane, np.ndarray) or plane.shape != (height, width) for plane in planes):
        raise FormatError(f"{path}: only flat, fully sampled EXR channels can be read")
    if any(plane.dtype not in (np.float16, np.float32) for plane in planes):
        raise FormatError(f"{path}: only half and float EXR channels can be read")
    if len(planes) == 1:
        return planes[0].astype(np.float32)
    return np.stack(planes, axis=-1).astype(np.float32)


def _choose(path: Path, names: list[str]) -> list[str]:
    """The channels to read of those there are."""
    if {"R", "G", "B"} <= set(names):
        return ["R", "G", "B", "A"] if "A" in names else ["R", "G", "B"]
    if len(names) == 1:
        return names
    raise FormatError(f"{path}: an EXR with R, G, B or one single channel is wanted, this has {', '.join(names)}")


def _check_size(path: Path, width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1 or width * height > max_pixels:
        raise FormatError(f"{path}: {width}x{height} pixels; from 1 to {max_pixels} are allowed")
