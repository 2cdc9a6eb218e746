"""Nearest neighbours of points among themselves, for detail.py: SciPy's k-d tree, each point itself left out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32
from scipy.spatial import KDTree

NOBODY = -1


class Neighbours:
    """A tree of n finite points (n 3). Threads may ask at once: the search holds no lock."""

    def __init__(self, points: Float64[np.ndarray, "n 3"]) -> None:
        self._points = points
        self._tree = KDTree(points) if len(points) else None

    def nearest(self, rows: slice, count: int) -> Int32[np.ndarray, "m count"]:
        """For each point of ``rows``, the ``count`` others nearest to it, nearest first; NOBODY where there are none.

        Of many points in one place, some may be left out for others as near.
        """
        if self._tree is None:
            return np.empty((0, count), np.int32)
        _, found = self._tree.query(self._points[rows], count + 1)
        me = np.arange(rows.start, rows.stop)[:, None]
        # One column too many: the point itself, or where others stand in its place, the farthest.
        mine = found == me
        mine[~mine.any(axis=1), -1] = True
        others = found[~mine].reshape(len(found), count)
        return np.where(others < len(self._points), others, NOBODY).astype(np.int32)
