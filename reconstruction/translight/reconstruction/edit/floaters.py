"""Finding floaters: splats that show no surface, by opacity, by size, and by how they stand to their neighbours.

Each cause is judged on what the causes before it left, so the counts add up. Sizes and distances are compared with
those of a splat's own neighbours, never with the scene's: captures are fine near the cameras and coarse far away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from translight.core.progress import Progress, silent
from translight.splats.cloud import SplatCloud
from translight.splats.limits import blocks

CAUSES = ("unusable", "faint", "large", "lonely", "cluster")
"""In the order in which they are judged."""
_TOUCHED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as a floater; None leaves a cause out.

    ``opacity``: fainter splats. ``size``: splats whose largest standard deviation is this many times the median of
    their neighbours'. ``spread``: splats whose mean distance to their neighbours is this many robust standard
    deviations above that of splats like them (see ``_lonely``). ``cluster``: groups of fewer splats than this that
    touch nothing else. ``neighbours`` are how many are looked at, ``reach`` is how many standard deviations of the two
    splats together they may be apart and still touch. Raises ValueError on values that are no limits.
    """

    opacity: float | None = 0.02
    size: float | None = 20.0
    spread: float | None = 4.0
    cluster: int | None = 30
    neighbours: int = 16
    reach: float = 3.0

    def __post_init__(self) -> None:
        given = [value for value in (self.opacity, self.size, self.spread, self.cluster) if value is not None]
        if not all(np.isfinite(value) and value > 0 for value in (*given, self.reach)):
            raise ValueError("limits of floaters are above 0")
        if not 2 <= self.neighbours <= 256:
            raise ValueError(f"2 to 256 neighbours are looked at, got {self.neighbours}")


@dataclass(frozen=True, slots=True, eq=False)
class Floaters:
    """``cause`` (n): which of ``CAUSES`` a splat goes for, counted from 1; 0 where it stays."""

    cause: Int64[np.ndarray, "n"]

    @property
    def kept(self) -> Bool[np.ndarray, "n"]:
        """The splats that stay."""
        return self.cause == 0

    def counts(self) -> dict[str, int]:
        """How many splats go for each cause."""
        return {name: int(np.count_nonzero(self.cause == i + 1)) for i, name in enumerate(CAUSES)}


def find_floaters(cloud: SplatCloud, limits: Limits = Limits(), progress: Progress = silent) -> Floaters:
    """Judge every splat of ``cloud``. Takes some seconds for half a million splats."""
    fields = (
        cloud.means,
        cloud.scales,
        cloud.wxyz,
        cloud.opacities[:, None],
        cloud.sh[:, :, 0],
        cloud.sh[:, :, 1],
        cloud.sh[:, :, 2],
    )
    cause = np.where(np.logical_and.reduce([np.isfinite(field).all(axis=1) for field in fields]), 0, 1)
    if limits.opacity is not None:
        _mark(cause, "faint", np.arange(len(cloud)), cloud.opacities < limits.opacity)
    sizes = cloud.scales.max(axis=1, initial=0.0).astype(np.float64)
    means = cloud.means.astype(np.float64)
    judges: list[tuple[str, Callable[[_Neighbourhood], Bool[np.ndarray, "m"]]]] = []
    if limits.size is not None:
        most = limits.size
        judges.append(("large", lambda near: near.sizes > most * np.median(near.of(near.sizes), axis=1)))
    if limits.spread is not None:
        spread = limits.spread
        judges.append(("lonely", lambda near: _lonely(near, limits.reach, spread)))
    if limits.cluster is not None:
        fewest = limits.cluster
        judges.append(("cluster", lambda near: _small_clusters(near, limits.reach, fewest)))
    for number, (name, judge) in enumerate(judges):
        left = np.flatnonzero(cause == 0)
        if len(left) <= limits.neighbours:
            break

        def told(share: float, name: str = name, number: int = number) -> None:
            progress(f"looking for floaters: {name}", (number + share) / len(judges))

        near = _neighbourhood(means[left], sizes[left], limits.neighbours, told)
        _mark(cause, name, left, judge(near))
    return Floaters(cause)


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbourhood:
    """Of m splats: the nearest others (m k) and how far they are (m k); each splat's own size (m)."""

    others: Int64[np.ndarray, "m k"]
    distance: Float64[np.ndarray, "m k"]
    sizes: Float64[np.ndarray, "m"]

    def of(self, values: np.ndarray) -> np.ndarray:
        """The neighbours' values."""
        return values[self.others]

    def touching(self, reach: float) -> Bool[np.ndarray, "m k"]:
        """Whether a splat and its neighbour are no farther apart than ``reach`` standard deviations of the two."""
        return self.distance <= reach * (self.sizes[:, None] + self.of(self.sizes))


def _neighbourhood(
    points: Float64[np.ndarray, "m 3"], sizes: Float64[np.ndarray, "m"], count: int, told: Callable[[float], None]
) -> _Neighbourhood:
    tree = KDTree(points)
    others, distance = np.empty((len(points), count), np.int64), np.empty((len(points), count))
    for rows in blocks(len(points), told):
        found, near = tree.query(points[rows], count + 1)
        # the first is the splat itself, or another in the very same place: either way at distance 0
        distance[rows], others[rows] = found[:, 1:], near[:, 1:]
    return _Neighbourhood(others, distance, sizes)


def _lonely(near: _Neighbourhood, reach: float, spread: float) -> Bool[np.ndarray, "m"]:
    """Statistical outlier removal (Rusu et al., "Towards 3D Point Cloud Based Object Maps", 2008), made for splats.

    The mean distance to the neighbours is taken over their own, as a logarithm, so that sparse regions are judged by
    their own density; its spread is measured by the median absolute deviation, which outliers do not widen. A splat
    that touches half of its neighbours is not alone however far they are: it is a large one of a plain surface.
    """
    touched = near.touching(reach).mean(axis=1)
    mean = np.log(np.maximum(near.distance.mean(axis=1), 1e-300))
    over = mean - np.median(near.of(mean), axis=1)
    deviation = 1.4826 * float(np.median(np.abs(over - np.median(over))))
    return (touched < _TOUCHED_SHARE) & (over > np.median(over) + spread * max(deviation, 1e-9))


def _small_clusters(near: _Neighbourhood, reach: float, fewest: int) -> Bool[np.ndarray, "m"]:
    """Which splats belong to groups of fewer than ``fewest`` that touch no others."""
    rows, columns = np.nonzero(near.touching(reach))
    m = len(near.sizes)
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, near.others[rows, columns])), shape=(m, m))
    _, label = connected_components(graph, directed=False)
    return np.bincount(label)[label] < fewest


def _mark(cause: Int64[np.ndarray, "n"], name: str, rows: Int64[np.ndarray, "m"], bad: np.ndarray) -> None:
    """Note a cause for those of ``rows`` that are bad and have none yet."""
    rows = rows[bad]
    cause[rows[cause[rows] == 0]] = CAUSES.index(name) + 1
