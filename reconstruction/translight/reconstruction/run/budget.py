"""What a time allows: the seconds of each stage, and the width, splats and iterations that this machine's rate affords.

Pure arithmetic; calibration.py measures the rate, stages.py asks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from translight.core.errors import ShowError

DEFAULT_BUDGET_S = 1200.0
"""Twenty minutes, for those who name neither a budget nor iterations."""
SHORTEST_S, LONGEST_S = 30.0, 7 * 86400.0
_UNITS_S = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}

POSES_SHARE = 0.35
"""Of the budget, what poses may take at most; what they leave goes to training."""
LEAST_TRAINING_SHARE = 0.25
"""Of the budget, what training gets even if all before it took longer: a run of no training has no result."""
MOST_ITERATIONS = 30_000
"""As long as 3DGS trains (Kerbl et al. 2023); longer gains little."""
GOOD_ITERATIONS = 7_000
"""3DGS's first mark, near its best; where there is time for fewer, smaller pictures are better learned."""
FEWEST_ITERATIONS = 200
LOOKS_A_PICTURE = 60
"""Every picture is to be looked at so often, where there are many."""
NARROWEST_PX, WIDEST_PX = 160, 1600
_WIDTHS_PX = (160, 200, 240, 280, 320, 360, 400, 480, 560, 640, 800, 960, 1120, 1280, 1440, 1600)
SPLATS_A_PIXEL = 0.06
"""Splats for each pixel of all training pictures together: some sixteen observations a splat."""
FEWEST_SPLATS, MOST_SPLATS = 10_000, 3_000_000
_MEAN_SPLATS, _MEAN_PIXELS = 0.8, 0.85
"""Of a run's full numbers, what its mean iteration has (the trainer's schedule)."""
_WRITE_S = 4.0
_VIEW_S = 0.3
_VIEW_PIXEL_S = 8e-6
"""A view's evaluation, most of it the learned metric on two cores."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds of an iteration: ``base_s`` + ``splat_s`` for each splat + ``pixel_s`` for each pixel of a picture."""

    base_s: float
    splat_s: float
    pixel_s: float

    def iteration_s(self, splats: int, pixels: int) -> float:
        """Seconds of one iteration at full size, above 0."""
        return max(self.base_s + self.splat_s * splats + self.pixel_s * pixels, 1e-6)

    def mean_iteration_s(self, splats: int, pixels: int) -> float:
        """Over a run, whose splats grow to their number and whose pictures are half as wide at first."""
        return self.iteration_s(round(splats * _MEAN_SPLATS), round(pixels * _MEAN_PIXELS))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained: pictures ``width_px`` wide, so many splats and iterations, within ``seconds`` if limited.

    ``reason`` says in a few words how it was chosen.
    """

    width_px: int
    splats: int
    iterations: int
    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the user has decided; None is left to the plan."""

    width_px: int | None = None
    splats: int | None = None
    iterations: int | None = None


def parse_budget(text: str) -> float:
    """Seconds of ``minutes=5``, ``hours=1.5``, ``seconds=90``. Raises ShowError."""
    unit, equals, number = text.strip().partition("=")
    try:
        seconds = float(number) * _UNITS_S[unit] if equals else math.nan
    except (ValueError, KeyError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ShowError(f"--budget: wants minutes=5, hours=1 or seconds=300, got {text!r}")
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ShowError(f"--budget: from {SHORTEST_S:g} seconds to 7 days, got {text!r}")
    return seconds


def training_s(budget_s: float, spent_s: float) -> float:
    """What is left for training and evaluation when the stages before them took ``spent_s``."""
    return max(budget_s - spent_s, LEAST_TRAINING_SHARE * budget_s)


def plan_text(plan: Plan) -> str:
    """``400 px wide, 108,000 splats at most, 7,000 iterations (52.0 iterations a second expected, 200 s)``."""
    return f"{plan.width_px} px wide, {plan.splats:,} splats at most, {plan.iterations:,} iterations ({plan.reason})"


def evaluation_s(views: int, pixels: int) -> float:
    """What measuring and writing may take, to be kept back from training."""
    return _WRITE_S + views * (_VIEW_S + _VIEW_PIXEL_S * pixels)


def plan(
    left_s: float | None,
    rate: Rate | None,
    sizes: Sequence[tuple[int, int]],
    held_out: int,
    fixed: Fixed = Fixed(),
) -> Plan:
    """The largest pictures that can be learned well in ``left_s``, which is what evaluation too must come out of.

    ``sizes`` are the training pictures' (width, height). Without ``left_s`` nothing is limited but by what is known to
    suffice, and no ``rate`` is needed. What the user fixed is kept; the rest is fitted to it. Raises ValueError where a
    time is limited and no rate known.
    """
    if left_s is not None and rate is None:
        raise ValueError("a plan for a limited time wants a rate")
    rate = rate or Rate(0.0, 0.0, 0.0)
    largest = max(width for width, _ in sizes)
    widths = [width for width in _WIDTHS_PX if width < min(largest, WIDEST_PX)] + [min(largest, WIDEST_PX)]
    if fixed.width_px is not None:
        widths = [min(fixed.width_px, largest)]
    best: Plan | None = None
    for width in widths:
        pixels = _pixels(sizes, width)
        splats = fixed.splats or _clamped(SPLATS_A_PIXEL * pixels * len(sizes), FEWEST_SPLATS, MOST_SPLATS)
        seconds = None if left_s is None else max(left_s - evaluation_s(held_out, pixels), 1.0)
        found = _fitted(width, splats, pixels, seconds, rate, fixed)
        if best is not None and not _is_enough(
            found, rate.mean_iteration_s(splats, pixels), len(sizes), fixed.iterations
        ):
            break
        best = found
    assert best is not None  # there is at least one width
    if best.iterations < GOOD_ITERATIONS and fixed.splats is None and fixed.iterations is None:
        return _with_fewer_splats(best, _pixels(sizes, best.width_px), rate)
    return best


def _is_enough(found: Plan, iteration_s: float, pictures: int, asked: int | None) -> bool:
    """Whether there is time for the iterations that were asked for, or for as many as these pictures want."""
    wanted = asked or min(max(GOOD_ITERATIONS, LOOKS_A_PICTURE * pictures), MOST_ITERATIONS)
    return found.seconds is None or wanted * iteration_s <= found.seconds


def _fitted(width: int, splats: int, pixels: int, seconds: float | None, rate: Rate, fixed: Fixed) -> Plan:
    if seconds is None:
        return Plan(width, splats, fixed.iterations or MOST_ITERATIONS, None, "no time limit")
    each = rate.mean_iteration_s(splats, pixels)
    reason = f"{1 / each:.1f} iterations a second expected, {seconds:.0f} s"
    if fixed.iterations is not None:
        return Plan(width, splats, fixed.iterations, seconds, reason)
    iterations = _clamped(seconds / each, FEWEST_ITERATIONS, MOST_ITERATIONS)
    return Plan(width, splats, iterations, seconds, reason)


def _with_fewer_splats(tight: Plan, pixels: int, rate: Rate) -> Plan:
    """Where even the smallest pictures are too many, half as many splats and again, while that helps."""
    best = tight
    while best.splats > FEWEST_SPLATS and best.iterations < GOOD_ITERATIONS:
        splats = max(best.splats // 2, FEWEST_SPLATS)
        best = _fitted(best.width_px, splats, pixels, best.seconds, rate, Fixed())
    return best


def _pixels(sizes: Sequence[tuple[int, int]], width: int) -> int:
    """Of a mean training picture, ``width`` wide at most."""
    counts = [min(width, w) * h * min(width, w) / w for w, h in sizes]
    return max(1, round(sum(counts) / len(counts)))


def _clamped(value: float, low: int, high: int) -> int:
    return int(min(max(value, low), high))
