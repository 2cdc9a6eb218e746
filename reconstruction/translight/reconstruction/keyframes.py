"""Which frames of a video make a capture: apart enough to see round things, and each the sharpest of its neighbours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

STEP = 0.08
"""Share of the longer side that the picture moves from one key frame to the next, where no count is asked for."""
FEWEST, MOST = 30, 240
"""Key frames where no count is asked for: slower and faster videos get a smaller or larger step."""
_CHUNK = 64
_HALVINGS = 20


def choose(
    moved: Float64[np.ndarray, "frames blocks 2"], sharpness: Float64[np.ndarray, "frames"], count: int | None = None
) -> Int64[np.ndarray, "chosen"]:
    """Indices of key frames, in order; ``count`` of them, or as many as the motion asks for.

    ``moved`` is how far each block has moved since the first frame, in shares of the longer side. Raises ValueError on
    no frames and on a count below 1.
    """
    frames = len(moved)
    if frames == 0 or (count is not None and count < 1):
        raise ValueError(f"key frames are chosen of one frame or more, and are one or more, got {frames} and {count}")
    if count is None:
        steps = _steps(moved, STEP)
        count = int(np.clip(len(steps), min(FEWEST, frames), MOST))
        if len(steps) != count:
            steps = _counted(moved, count)
    else:
        steps = _counted(moved, min(count, frames))
    return _sharpest(steps, sharpness)


def _steps(
    moved: Float64[np.ndarray, "frames blocks 2"], step: float, most: int | None = None
) -> Int64[np.ndarray, "chosen"]:
    """The first frame, and then each that is a ``step`` away from the one before (by the median block); the first of
    them where there are more than ``most``.
    """
    chosen = [0]
    at = 1
    while at < len(moved) and (most is None or len(chosen) <= most):
        ahead = moved[at : at + _CHUNK] - moved[chosen[-1]]
        far = np.median(np.linalg.norm(ahead, axis=2), axis=1) >= step
        if far.any():
            chosen.append(at + int(far.argmax()))
            at = chosen[-1] + 1
        else:
            at += _CHUNK
    return np.array(chosen, dtype=np.int64)


def _counted(moved: Float64[np.ndarray, "frames blocks 2"], count: int) -> Int64[np.ndarray, "chosen"]:
    """``count`` frames equally far apart in motion; in time where the camera hardly moves."""
    low, high = 0.0, float(np.ptp(moved, axis=0).max()) + STEP
    best = np.arange(len(moved))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = _steps(moved, middle, 2 * count)
        if len(found) < count:
            high = middle
            continue
        low = middle
        best = found if len(found) <= 2 * count else best
        if len(best) == count:
            return best
    return best[np.linspace(0, len(best) - 1, count).round().astype(np.int64)]


def _sharpest(steps: Int64[np.ndarray, "chosen"], sharpness: Float64[np.ndarray, "frames"]) -> Int64[np.ndarray, "n"]:
    """For each frame the sharpest within a quarter of the way to its neighbours, so that none is taken twice."""
    ends = np.concatenate([steps[:1] * 0, steps, [len(sharpness) - 1]])
    chosen = []
    for before, here, after in zip(ends[:-2], ends[1:-1], ends[2:], strict=True):
        first, last = here - (here - before) // 4, here + (after - here) // 4
        chosen.append(first + int(sharpness[first : last + 1].argmax()))
    return np.array(chosen, dtype=np.int64)
