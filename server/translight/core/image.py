"""Pixel layouts that leave the live path, and pictures on disk (PNG, JPEG, EXR, Radiance HDR)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class PixelFormat(StrEnum):
    """Layout of a finished picture: encoded for display, C-contiguous, top row first."""

    RGBA8 = "rgba8"
    """uint8 (h w 4): red, green, blue, 255."""
    RGB10A2 = "rgb10a2"
    """uint32 (h w), little-endian: bits 0–9 red, 10–19 green, 20–29 blue, 30–31 all set (DXGI R10G10B10A2)."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of one array element."""
        return np.dtype(np.uint8) if self is PixelFormat.RGBA8 else np.dtype("<u4")

    def shape(self, width_px: int, height_px: int) -> tuple[int, ...]:
        """Shape of a picture's array."""
        return (height_px, width_px, 4) if self is PixelFormat.RGBA8 else (height_px, width_px)

    def nbytes(self, width_px: int, height_px: int) -> int:
        """Bytes of a picture; both formats take four a pixel."""
        return 4 * width_px * height_px
