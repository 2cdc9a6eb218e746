"""How far the parts of a picture move from frame to frame of a video, for ``keyframes``.

Phase correlation of blocks (Kuglin & Hines, "The phase correlation image alignment method", 1975): blocks follow a
camera that walks forward too, where no shift of the whole picture does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

BLOCK_PX = 64
_FOLLOWED_PX = 14.0
"""Past this shift a block no longer holds enough of what it held: the next frame is compared with this one."""
_LEAST_PEAK = 0.105
"""Of a correlation: below, the block shows nothing that can be followed (sky), or nothing that was there before.

Blocks of unrelated photographs reach 0.07 to 0.10, a shift by 14 px 0.5 to 0.6, that of a blurred frame 0.11 to 0.15.
"""
_LEAST_SEEN = 0.2
"""Share of blocks; with fewer the picture is a new one, and counts as a whole block further."""


@dataclass(slots=True)
class Motion:
    """Follows grey pictures (h w) of one size; call ``follow`` with each in turn."""

    _anchor: np.ndarray | None = None
    _anchored_at: Float64[np.ndarray, "blocks 2"] | None = None
    _before: np.ndarray | None = None
    _now: Float64[np.ndarray, "blocks 2"] | None = None

    def follow(self, grey: Float32[np.ndarray, "h w"]) -> Float64[np.ndarray, "blocks 2"]:
        """How far each block's content has moved since the first picture: (down, right) in pixels."""
        spectra = _spectra(grey)
        if self._anchor is None or self._anchored_at is None or self._now is None:
            self._anchor, self._anchored_at = spectra, np.zeros((len(spectra), 2))
            self._before, self._now = spectra, self._anchored_at
            return self._now
        shifts = _shifts(self._anchor, spectra)
        if shifts is None and self._before is not None:  # perhaps only too far from the anchor
            self._anchor, self._anchored_at = self._before, self._now
            shifts = _shifts(self._anchor, spectra)
        if shifts is None:
            self._anchor, self._anchored_at = spectra, self._now + BLOCK_PX
            self._before, self._now = spectra, self._anchored_at
            return self._now
        self._before, self._now = spectra, self._anchored_at + shifts
        if np.median(np.linalg.norm(shifts, axis=1)) > _FOLLOWED_PX:
            self._anchor, self._anchored_at = spectra, self._now
        return self._now


def _spectra(grey: Float32[np.ndarray, "h w"]) -> np.ndarray:
    """Fourier transforms of blocks that cover the picture, their edges faded out."""
    window = np.hanning(BLOCK_PX)[:, None] * np.hanning(BLOCK_PX)[None, :]
    rows, columns = (_starts(size) for size in grey.shape)
    blocks = np.stack([grey[y : y + BLOCK_PX, x : x + BLOCK_PX] for y in rows for x in columns])
    return np.fft.rfft2((blocks - blocks.mean(axis=(1, 2), keepdims=True)) * window)


def _starts(size: int) -> list[int]:
    if size < BLOCK_PX:
        raise ValueError(f"pictures are followed from {BLOCK_PX} pixels each way, got {size}")
    return np.linspace(0, size - BLOCK_PX, -(-size // BLOCK_PX)).round().astype(int).tolist()


def _shifts(before: np.ndarray, after: np.ndarray) -> Float64[np.ndarray, "blocks 2"] | None:
    """(down, right) of each block in pixels; the median's for blocks that cannot be followed; None if most cannot."""
    cross = after * np.conj(before)
    correlation = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), s=(BLOCK_PX, BLOCK_PX))
    flat = correlation.reshape(len(correlation), -1)
    peaks = flat.argmax(axis=1)
    seen = flat.max(axis=1) > _LEAST_PEAK
    if seen.mean() < _LEAST_SEEN:
        return None
    shifts = np.stack(np.divmod(peaks, BLOCK_PX), axis=1).astype(np.float64)
    shifts[shifts >= BLOCK_PX // 2] -= BLOCK_PX
    return np.where(seen[:, None], shifts, np.median(shifts[seen], axis=0))
