"""Which pairs of stills are worth matching, by how many there are and what is known; ``matching.py`` matches them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

Pair = tuple[int, int]
"""Two stills by their place in the capture, the lesser first."""

EXHAUSTIVE_STILLS = 60
"""Up to so many every pair is matched: 1,770 pairs are two minutes on two cores."""
NEIGHBOURS = 24
"""How many others each still is matched with where not every pair is."""
SEQUENCE_OVERLAP = 8


def every_pair(stills: int) -> list[Pair]:
    """All n(n − 1)/2."""
    return [(i, j) for i in range(stills) for j in range(i + 1, stills)]


def following_pairs(stills: int, overlap: int = SEQUENCE_OVERLAP) -> list[Pair]:
    """Each still with the ``overlap`` after it and with those at growing distances 16, 32, 64 … of a slow path."""
    steps = [*range(1, overlap + 1)]
    while 2 * steps[-1] <= min(stills, 16 * overlap):
        steps.append(2 * steps[-1])
    return sorted((i, i + step) for step in steps for i in range(stills - step))


def near_pairs(positions: Float64[np.ndarray, "n 3"], neighbours: int = NEIGHBOURS) -> list[Pair]:
    """Each still with those taken nearest to it. ``positions`` are in metres; rows that hold NaN have no neighbours."""
    from scipy.spatial import cKDTree

    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if len(known) < 2:
        return []
    count = min(neighbours + 1, len(known))
    _, found = cKDTree(positions[known]).query(positions[known], k=count)
    pairs = {(int(known[i]), int(known[j])) for i, row in enumerate(found.reshape(-1, count)) for j in row}
    return sorted({(min(i, j), max(i, j)) for i, j in pairs if i != j})
