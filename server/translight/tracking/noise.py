"""How noisy a tracker is, measured from its own samples while it runs; filter.py weighs samples by it."""

from __future__ import annotations

import math
from collections import deque

from translight.tracking.kalman import Vector

_WINDOW = 5
_UNEVEN = 3.0
"""Samples whose intervals differ by more than this factor say little about noise."""

_SETTLE_S = 1.0
"""How fast a variance may change by a factor e."""

_MEDIAN_OF_ONE = 0.4549
"""Median of a squared standard normal number: chi-square with 1 degree of freedom."""
_MEDIAN_OF_THREE = 0.7887
"""Median of the mean of three of them: chi-square with 3 degrees of freedom, over 3."""


class Residual:
    """What is left of a sample that its neighbours do not explain: the middle one of every five.

    A cubic through the other four leaves nothing but noise, at any motion that is smooth over five samples.
    """

    def __init__(self) -> None:
        self._window: deque[tuple[float, float, float, float]] = deque(maxlen=_WINDOW)

    def forget(self) -> None:
        """Begin a new window: the next sample does not continue the last ones."""
        self._window.clear()

    def add(self, t_s: float, position: Vector) -> float | None:
        """The mean square noise on an axis that the window shows; ``t_s`` is later than all before it.

        None when there are not five samples yet, or their intervals are too uneven.
        """
        self._window.append((t_s, *position))
        if len(self._window) < _WINDOW:
            return None
        (ta, xa, ya, za), (tb, xb, yb, zb), (t, x, y, z), (tc, xc, yc, zc), (td, xd, yd, zd) = self._window
        intervals = (tb - ta, t - tb, tc - t, td - tc)
        if max(intervals) > _UNEVEN * min(intervals):
            return None
        # Lagrange's weights of the cubic through the neighbours
        a = (t - tb) * (t - tc) * (t - td) / ((ta - tb) * (ta - tc) * (ta - td))
        b = (t - ta) * (t - tc) * (t - td) / ((tb - ta) * (tb - tc) * (tb - td))
        c = (t - ta) * (t - tb) * (t - td) / ((tc - ta) * (tc - tb) * (tc - td))
        d = (t - ta) * (t - tb) * (t - tc) / ((td - ta) * (td - tb) * (td - tc))
        ex = x - a * xa - b * xb - c * xc - d * xd
        ey = y - a * ya - b * yb - c * yc - d * yd
        ez = z - a * za - b * zb - c * zc - d * zd
        return (ex * ex + ey * ey + ez * ez) / (3.0 * (1.0 + a * a + b * b + c * c + d * d))


class Variance:
    """A variance that is stepped up or down by sizes that do not depend on how far off it is.

    Balanced between up and down by whether a residual is above its median, that finds the median without keeping
    samples (Tierney, "A space-efficient recursive procedure for estimating a quantile", SIAM J. Sci. Stat. Comput. 4,
    1983), and a whip, a jump or a burst of bad samples hardly moves it.
    """

    def __init__(self, start: float, *, least: float, most: float) -> None:
        """All three are standard deviations."""
        self.value = start * start
        self._least = least * least
        self._most = most * most
        self._weight = 0.0

    def step(self, *, up: bool, share: float, dt: float) -> None:
        """Step by ``share`` (0 to 1) of a full step, ``dt`` seconds after the last; the first few are larger."""
        self._weight += share
        size = share * max(3.0 / (self._weight + 9.0), dt / _SETTLE_S)
        self.value *= math.exp(size if up else -size)
        self.value = min(max(self.value, self._least), self._most)


def blame(square: float, noise: Variance, jitter: Variance | None, speed2: float, dt: float) -> None:
    """Lay a residual's mean square on an axis to noise and to jitter in time, by their parts as believed so far.

    ``speed2``: squared speed, along which a wrong time moves a sample. ``jitter`` is None when times are exact.
    """
    late = jitter.value * speed2 / 3.0 if jitter is not None else 0.0
    share = late / (late + noise.value)
    median = _MEDIAN_OF_THREE + share * (_MEDIAN_OF_ONE - _MEDIAN_OF_THREE)
    up = square > median * (late + noise.value)
    noise.step(up=up, share=1.0 - share, dt=dt)
    if jitter is not None:
        jitter.step(up=up, share=share, dt=dt)
