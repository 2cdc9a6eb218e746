"""Whether a panorama's left and right edge meet, and its rows at the poles: a step there against steps elsewhere."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from translight.generation.candidate import View
from translight.generation.review.measures.measure import Measure, encoded, graded, unknown

GOOD, BAD = 1.5, 3.0
"""Times the step that 99 of 100 other columns stay below (ours)."""

_WIDTH_PX = 4096
_POLE_ROWS = 0.1
"""Share of all rows, from each pole, whose own steps the pole's is held against."""
_POLE_USUAL = 0.95
_LEAST = 1e-4
"""A step that nobody sees, in encoded light."""


def seam(view: View | None) -> Measure:
    """The larger of the steps at the border and at the poles, in units of the picture's own steps."""
    if view is None:
        return unknown("seam", "times", "measured on panoramas only")
    light = encoded(view.image, _WIDTH_PX)
    border = border_step(light)
    poles = max(pole_step(light), pole_step(light[::-1]))
    value = max(border, poles)
    verdict = graded(value, GOOD, BAD)
    places = (("the left and right edge", border), ("a pole", poles))
    where = " and ".join(name for name, times in places if times > GOOD)
    words = {
        "good": "no seam",
        "look": f"a faint step at {where}",
        "bad": f"a seam at {where}",
        "none": "",
    }[verdict]
    return Measure(
        "seam",
        round(value, 3),
        "times",
        verdict,
        f"{words}: {value:.2g} times the strongest usual step ({GOOD:g} is good)",
        {"border_times": round(border, 3), "poles_times": round(poles, 3)},
    )


def border_step(light: Float32[np.ndarray, "h w"]) -> float:
    """The jump across the border over the one that 99 % of columns stay below.

    A jump is a difference of neighbours beyond what the slopes on both sides explain: a steep sky is none.
    """
    jumps = _jumps(light)
    others = np.delete(jumps, [0, -2, -1])  # slopes that reach over the border count its step too
    return float(jumps[-1] / max(np.quantile(others, 0.99), _LEAST))


def pole_step(light: Float32[np.ndarray, "h w"]) -> float:
    """The difference across the top pole over the steps from row to row near it, of which 95 % are smaller."""
    half = light.shape[1] // 2
    across = float(np.abs(light[0] - np.roll(light[0], half)).mean())
    rows = max(3, int(_POLE_ROWS * light.shape[0]))
    steps = np.abs(np.diff(light[: rows + 1], axis=0))  # single ones, as the few pixels at the pole are one place
    return across / max(float(np.quantile(steps, _POLE_USUAL)), _LEAST)


def _jumps(light: Float32[np.ndarray, "h w"]) -> Float64[np.ndarray, "w"]:
    """Mean jump between each column and the next, rows weighted by their length around the sphere."""
    height = light.shape[0]
    weight = np.cos((0.5 - (np.arange(height) + 0.5) / height) * np.pi)
    step = np.roll(light, -1, axis=1) - light
    beyond = np.abs(step - (np.roll(step, 1, axis=1) + np.roll(step, -1, axis=1)) / 2)
    jumps: Float64[np.ndarray, "w"] = weight @ beyond / weight.sum()
    return jumps
