"""How noisy a tracker is, measured from its own samples while it runs; filter.py weighs samples by it."""

from __future__ import annotations

import math
from collections import deque

from translight.tracking.kalman import Vector

_WINDOW = 5
_MEDIAN = 0.7887
"""Median of the mean of three squared standard normal numbers: chi-square with 3 degrees of freedom, over 3."""

_UNEVEN = 3.0
"""Samples whose intervals differ by more than this factor say little about noise."""


class NoiseMeter:
    """The variance of samples around a smooth path, on one axis, from the middle one of every five.

    A cubic through the four neighbours leaves of the middle sample nothing but noise, at any motion that is smooth
    over five samples. The median is followed rather than the mean, by steps of one size up or down (Tierney, "A
    space-efficient recursive procedure for estimating a quantile", SIAM J. Sci. Stat. Comput. 4, 1983), so a whip, a
    jump or a burst of bad samples hardly moves it.
    """

    def __init__(self, start: float, *, least: float, most: float, settle_s: float = 1.0) -> None:
        """``start``, ``least``, ``most``: standard deviations. ``settle_s``: how fast the variance may change by e."""
        self.variance = start * start
        self._settle_s = settle_s
        self._least = least * least
        self._most = most * most
        self._window: deque[tuple[float, float, float, float]] = deque(maxlen=_WINDOW)
        self._count = 0

    def forget(self) -> None:
        """Begin a new window: the next sample does not continue the last ones."""
        self._window.clear()

    def add(self, t_s: float, position: Vector) -> None:
        """A sample at ``t_s`` seconds, later than all before it since ``forget``."""
        self._window.append((t_s, *position))
        if len(self._window) < _WINDOW:
            return
        (ta, xa, ya, za), (tb, xb, yb, zb), (t, x, y, z), (tc, xc, yc, zc), (td, xd, yd, zd) = self._window
        intervals = (tb - ta, t - tb, tc - t, td - tc)
        if max(intervals) > _UNEVEN * min(intervals):
            return
        # Lagrange's weights of the cubic through the neighbours
        a = (t - tb) * (t - tc) * (t - td) / ((ta - tb) * (ta - tc) * (ta - td))
        b = (t - ta) * (t - tc) * (t - td) / ((tb - ta) * (tb - tc) * (tb - td))
        c = (t - ta) * (t - tb) * (t - td) / ((tc - ta) * (tc - tb) * (tc - td))
        d = (t - ta) * (t - tb) * (t - tc) / ((td - ta) * (td - tb) * (td - tc))
        ex = x - a * xa - b * xb - c * xc - d * xd
        ey = y - a * ya - b * yb - c * yc - d * yd
        ez = z - a * za - b * zb - c * zc - d * zd
        square = (ex * ex + ey * ey + ez * ez) / (3.0 * (1.0 + a * a + b * b + c * c + d * d))
        self._count += 1
        step = max(6.0 / (self._count + 9.0), 2.0 * (t - tb) / self._settle_s)
        self.variance *= math.exp(0.5 * step if square > _MEDIAN * self.variance else -0.5 * step)
        self.variance = min(max(self.variance, self._least), self._most)
