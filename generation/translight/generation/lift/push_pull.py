"""Unknown pixels of a panorama filled smoothly from around them: a pyramid that knows what it knows; fill.py begins so.

Method: Gortler et al., "The Lumigraph" (1996), section 3.4: averages weighted by confidence go up (pull), and come down
where confidence is missing (push). Columns wrap around.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32


def push_pull(values: Float32[np.ndarray, "h w c"], weight: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w c"]:
    """The values where their weight is 1, and blends of those around where it is less; zeros where none is known.

    ``weight`` lies within 0 and 1. A smaller weight is a weaker claim: it holds only far from stronger ones.
    """
    height, width = weight.shape
    known = np.clip(weight, 0, 1).astype(np.float32)[..., None]
    if height <= 1:
        everywhere = (values * known).sum(axis=(0, 1)) / max(float(known.sum()), 1e-30)
        return (values * known + everywhere * (1 - known)).astype(np.float32)
    even = ((0, height % 2), (0, width % 2), (0, 0))
    summed = _quarters(np.pad(values * known, even))
    weights = _quarters(np.pad(known, even))
    mean = summed / np.maximum(weights, 1e-30)
    coarse = push_pull(mean, np.minimum(weights[..., 0], 1.0))
    return values * known + _doubled(coarse, height, width) * (1 - known)


def _quarters(values: Float32[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h2 w2 c"]:
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]


def _doubled(coarse: Float32[np.ndarray, "h2 w2 c"], height: int, width: int) -> Float32[np.ndarray, "h w c"]:
    """Bilinear, as pixel centres lie, wrapped in columns."""
    low, high = np.float32(0.25), np.float32(0.75)
    up = np.concatenate([coarse[:1], coarse[:-1]])
    down = np.concatenate([coarse[1:], coarse[-1:]])
    rows = np.empty((2 * len(coarse), *coarse.shape[1:]), np.float32)
    rows[::2], rows[1::2] = high * coarse + low * up, high * coarse + low * down
    rows = rows[:height]
    out = np.empty((height, 2 * coarse.shape[1], coarse.shape[2]), np.float32)
    out[:, ::2] = high * rows + low * np.roll(rows, 1, axis=1)
    out[:, 1::2] = high * rows + low * np.roll(rows, -1, axis=1)
    return out[:, :width]
