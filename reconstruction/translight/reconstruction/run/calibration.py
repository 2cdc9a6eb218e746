"""How fast this machine trains: a few short trials give the rate that budget.py plans with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from translight.reconstruction.run.budget import Rate


@dataclass(frozen=True, slots=True)
class Trial:
    """A few iterations to be timed, of so many splats on a picture so wide."""

    width_px: int
    splats: int


TRIALS = (Trial(200, 10_000), Trial(400, 10_000), Trial(200, 60_000))
"""Two widths and two counts: one unknown each, and the base."""


def measured_rate(
    time_iteration: Callable[[Trial], float], pixels: Callable[[int], int], trials: Sequence[Trial] = TRIALS
) -> Rate:
    """The rate that explains the trials best, no part of it negative.

    ``time_iteration`` gives a trial's seconds an iteration, compilation left out; ``pixels`` a picture's pixels at a
    width. Non-negative least squares (Lawson and Hanson 1974) of relative errors: timings err in proportion.
    """
    from scipy.optimize import nnls

    rows, ones = [], []
    for trial in trials:
        seconds = time_iteration(trial)
        rows.append(np.array([1.0, trial.splats, pixels(trial.width_px)]) / seconds)
        ones.append(1.0)
    matrix = np.array(rows)
    unit = np.linalg.norm(matrix, axis=0)
    found, _ = nnls(matrix / unit, np.array(ones))
    base_s, splat_s, pixel_s = (float(value) for value in found / unit)
    return Rate(base_s, splat_s, pixel_s)
