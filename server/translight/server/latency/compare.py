"""Two latency runs compared, with a verdict that knows noise: moving block bootstrap of their percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from translight.core.errors import FormatError
from translight.server.latency.report import Run

Verdict = Literal["faster", "slower", "no difference shown"]

PERCENTS = (50.0, 95.0, 99.0)
_RESAMPLED = 2000
_CONFIDENCE = 0.95
_BLOCK = 60
"""Frames in a block, about a second: neighbours share whatever the machine was doing, so they are drawn together."""
_FEWEST = 4 * _BLOCK


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second run's percentile is later than the first's, in ms, and its 95 % interval."""

    percent: float
    first_ms: float
    second_ms: float
    low_ms: float
    high_ms: float

    @property
    def verdict(self) -> Verdict:
        """What the interval shows of the second run."""
        if self.low_ms > 0:
            return "slower"
        return "faster" if self.high_ms < 0 else "no difference shown"


def compare(first: Run, second: Run, seed: int = 0) -> list[Difference]:
    """The second run against the first, a difference a percentile.

    Künsch (1989), "The jackknife and the bootstrap for general stationary observations": whole blocks of neighbouring
    frames are drawn with replacement, from each run by itself. It knows the noise within the runs, not that between
    two days: repeat runs in turns where that matters. Raises FormatError where a run has fewer than 240 tracked frames.
    """
    samples = [_totals(run) for run in (first, second)]
    rng = np.random.default_rng(seed)
    drawn = [_resampled(sample, rng) for sample in samples]
    tail = 50 * (1 - _CONFIDENCE)  # in percent, on each side
    found = []
    for k, percent in enumerate(PERCENTS):
        a, b = (float(np.percentile(sample, percent)) for sample in samples)
        low, high = np.percentile(drawn[1][:, k] - drawn[0][:, k], (tail, 100 - tail))
        found.append(Difference(percent, a, b, float(low), float(high)))
    return found


def _totals(run: Run) -> Float64[np.ndarray, "n"]:
    values = np.array([us for us in run.totals_us if us >= 0], np.float64) / 1e3
    if len(values) < _FEWEST:
        raise FormatError(f"{run.name}: {len(values)} tracked frames are too few to compare; measure {_FEWEST} or more")
    return values


def _resampled(values: Float64[np.ndarray, "n"], rng: np.random.Generator) -> Float64[np.ndarray, "resampled percents"]:
    """Percentiles of each resampled run."""
    blocks = -(-len(values) // _BLOCK)
    starts = rng.integers(0, len(values) - _BLOCK + 1, (_RESAMPLED, blocks))
    offsets = np.arange(_BLOCK)
    found = np.empty((_RESAMPLED, len(PERCENTS)))
    for i, row in enumerate(starts):
        drawn = values[(row[:, None] + offsets).ravel()[: len(values)]]
        found[i] = np.percentile(drawn, PERCENTS)
    return found


def compared(differences: Sequence[Difference]) -> str:
    """A line a percentile, as the command prints them."""
    lines = []
    for d in differences:
        change = f"{d.second_ms - d.first_ms:+.2f} ms (95 %: {d.low_ms:+.2f} to {d.high_ms:+.2f})"
        lines.append(f"p{d.percent:g}: {d.first_ms:.2f} → {d.second_ms:.2f} ms, {change}: {d.verdict}")
    return "\n".join(lines)
