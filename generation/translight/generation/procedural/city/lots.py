"""How blocks part into plots, and how tall their buildings grow: low all round, towers downtown ahead."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.streets import PAVEMENT_M

DOWNTOWN_M = 950.0
_SPREAD_M = 420.0
_FAR_M = 700.0
"""Blocks farther away than this part into fewer, larger plots."""


def lots(blocks: Float64[np.ndarray, "n 4"], rng: np.random.Generator) -> Float64[np.ndarray, "m 4"]:
    """Plots within blocks' pavements: two columns of unequal fronts, wall to wall near, with gaps far off."""
    made = []
    for x0, y0, x1, y1 in blocks:
        x0, y0, x1, y1 = x0 + PAVEMENT_M, y0 + PAVEMENT_M, x1 - PAVEMENT_M, y1 - PAVEMENT_M
        if x1 - x0 < 6 or y1 - y0 < 6:
            continue
        far = max(x0, -x1, y0, -y1) > _FAR_M
        split = x1 - x0 > 34
        middle = x0 + (x1 - x0) * float(rng.uniform(0.42, 0.58))
        columns = [(x0, middle), (middle, x1)] if split else [(x0, x1)]
        for a, b in columns:
            wide = float(rng.uniform(30, 50) if far else rng.uniform(15, 30))
            count = max(1, round((y1 - y0) / wide))
            cuts = np.linspace(y0, y1, count + 1)
            cuts[1:-1] += rng.uniform(-0.22, 0.22, count - 1) * (y1 - y0) / count
            made += [(a, c, b, d) for c, d in pairwise(cuts)]
    return np.array(made).reshape(-1, 4)


def heights_m(
    plots: Float64[np.ndarray, "n 4"], terrace_m: float | None, rng: np.random.Generator
) -> Float64[np.ndarray, "n"]:
    """Heights of buildings on plots. About a terrace of this height the near ones stay lower, so that it has a view."""
    centre = 0.5 * (plots[:, :2] + plots[:, 2:])
    way = float(rng.uniform(-0.35, 0.35))
    downtown = DOWNTOWN_M * np.array([np.sin(way), np.cos(way)])
    second = 1900.0 * np.array([np.sin(way + 1.9), np.cos(way + 1.9)])
    n = len(plots)
    core = np.exp(-0.5 * (np.linalg.norm(centre - downtown, axis=1) / _SPREAD_M) ** 2)
    core += 0.55 * np.exp(-0.5 * (np.linalg.norm(centre - second, axis=1) / 330.0) ** 2)
    tall = 13.0 + 16.0 * rng.random(n) + 26.0 * rng.random(n) ** 3 + 300.0 * core * rng.random(n) ** 2.2
    away = np.linalg.norm(centre, axis=1)
    if terrace_m is None:
        near = away < 300
        return np.asarray(np.where(near, tall + 40.0 * rng.random(n) ** 2, tall))
    limit = terrace_m - 9.0 + np.maximum(away - 60.0, 0.0) * 0.22 + 22.0 * rng.random(n) ** 2 * (away > 45)
    return np.asarray(np.clip(tall + 8.0, 10.0, np.maximum(limit, 10.0)))
