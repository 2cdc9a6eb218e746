"""Levels of detail of a cloud: coarser clouds of a quarter of the splats each, made by merging alike neighbours.

Rounds of greedy matching: of all pairs of near neighbours the cheapest (``merge_cost``) that share no splat are merged
(``mixture``), some at a time, until few enough are left. What is merged is thus what changes the picture least: faint,
small and hidden splats go many into one, while large and distinct ones stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from translight.splats.cloud import SplatCloud
from translight.splats.limits import Progress, blocks
from translight.splats.merge_cost import cheapest, look, match
from translight.splats.mixture import Mixture
from translight.splats.neighbours import Neighbours
from translight.splats.order import morton_codes

FACTOR = 4
"""How many times fewer splats the next level has."""
BLUR = 0.14
"""What a pixel blurs a splat by, over the median splat's largest scale.

A renderer widens every splat by 0.3 px², and trainers leave splats of a few pixels. With that in the moments, small
splats keep the absorbance that they have on the screen when they become one large splat.
"""
_ROUND_SHARE = 0.3
"""Of a round's splats, the most that go: a later round sees what is cheap after this one."""
_LAST_SHARE = 0.01
"""Of a round's splats, how many may go at once at the end."""
_HIDING_NEIGHBOURS = 32
_MERGING_NEIGHBOURS = 10
_CHOICES = 2
"""Partners that a splat may be matched with in a round, cheapest first."""


def coarser(cloud: SplatCloud, factor: int = FACTOR, progress: Progress | None = None) -> SplatCloud:
    """A cloud of ⌈n/factor⌉ splats that looks as much as possible like ``cloud``, in an order of its own.

    Splats with a value that is not finite are left out and not counted, as renderers do not draw them. Takes some ten
    seconds for half a million splats. Raises ValueError on a factor below 1.
    """
    return _coarser_levels(cloud, factor, 1, progress)[0]


def detail_levels(cloud: SplatCloud, levels: int = 3, progress: Progress | None = None) -> list[SplatCloud]:
    """``cloud`` itself and ``levels`` − 1 coarser ones, each made of the one before. Raises ValueError on no levels."""
    if levels < 1:
        raise ValueError(f"there is at least one level of detail, got {levels}")
    return [cloud, *_coarser_levels(cloud, FACTOR, levels - 1, progress)]


def _coarser_levels(cloud: SplatCloud, factor: int, levels: int, progress: Progress | None) -> list[SplatCloud]:
    if factor < 1:
        raise ValueError(f"a coarser cloud has at least 1 times fewer splats, got {factor}")
    cloud = _finite(cloud)
    n = len(cloud)
    counts = [-(-n // factor**level) for level in range(1, levels + 1)]
    mixture = Mixture.of(cloud, BLUR * float(np.median(cloud.scales.max(axis=1))) if n else 0.0)
    clouds = []
    with ThreadPoolExecutor(numba.get_num_threads()) as threads:
        # The first look at who hides whom counts as another splat's worth of merging.
        work = _Work(threads, progress, 2 * n - min(counts, default=n))
        mixture = _looked_at(mixture, work)
        for count in counts:
            while len(mixture) > count:
                mixture = _merged(mixture, count, work)
            clouds.append(mixture.cloud())
    return clouds


def _finite(cloud: SplatCloud) -> SplatCloud:
    fields = (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)
    finite = np.logical_and.reduce([np.isfinite(f).all(axis=tuple(range(1, f.ndim))) for f in fields])
    return cloud if finite.all() else SplatCloud(*(field[finite] for field in fields))


@dataclass(slots=True)
class _Work:
    """Runs steps block by block on threads, and tells how far all of it is."""

    threads: ThreadPoolExecutor
    progress: Progress | None
    total: int
    done: int = 0

    def step(self, run: Callable[[slice], None], rows: int, worth: int) -> None:
        """Call ``run`` with slices that cover ``rows``; the step is ``worth`` that much of the total."""
        parts = list(blocks(rows))
        for part, _ in zip(parts, self.threads.map(run, parts), strict=True):
            if self.progress is not None:
                self.progress(min((self.done + worth * part.stop / rows) / self.total, 1.0))
        self.done += worth


def _looked_at(mixture: Mixture, work: _Work) -> Mixture:
    """The mixture, neighbours near each other in memory, with how much of each splat is seen past its neighbours."""
    m = mixture.taken(np.argsort(morton_codes(mixture.means), kind="stable"))
    tree = Neighbours(m.means)

    def run(part: slice) -> None:
        neighbours = tree.nearest(part, _HIDING_NEIGHBOURS)
        look(neighbours, part.start, m.means, m.covariances, m.opacities, m.seen)

    work.step(run, len(m), worth=len(m))
    return m


def _merged(m: Mixture, count: int, work: _Work) -> Mixture:
    """The mixture after a round, of ``count`` splats or more."""
    tree = Neighbours(m.means)
    n = len(m)
    areas = m.areas()
    partners, costs = np.empty((n, _CHOICES), np.int32), np.empty((n, _CHOICES))

    def run(part: slice) -> None:
        neighbours = tree.nearest(part, _MERGING_NEIGHBOURS)
        cheapest(
            neighbours, part.start, m.means, m.covariances, m.opacities, areas, m.sh, m.seen, partners, costs
        )  # fmt: skip

    # A splat whose best partner is taken does better in the next round than with what is left: the last take turns
    left = n - count
    most = min(max(math.ceil(left / 2), math.ceil(_LAST_SHARE * n)), left, math.ceil(_ROUND_SHARE * n))
    work.step(run, n, worth=most)
    cheapest_first = np.argsort(costs, axis=None, kind="stable")
    return m.merged(match(cheapest_first, partners, most))
