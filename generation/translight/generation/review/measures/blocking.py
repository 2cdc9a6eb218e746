"""Whether a candidate's distances are where the block-out has its walls and floors: brief/control.py draws those."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from translight.generation.brief.blockout import box, boxes, in_picture
from translight.generation.brief.brief import Block, Brief
from translight.generation.brief.control import surfaces
from translight.generation.brief.translate import family_of
from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.procedural.halls.arcade import is_row
from translight.generation.review.measures.measure import Measure, graded, solid_angles, unknown

GOOD, BAD = 0.8, 0.5
"""Share of the block-out that is met (ours)."""
WITHIN = 0.10
"""Of the distance (ours)."""

_HEIGHT_PX = 256
_LEAST_PX = 50
_ROUNDS = 15
_LEAST_SOLID = 0.1
"""Of a row of columns: a column is 0.7 of its thickness wide, and the next at most 6 m on, so more is never open."""


def blocking(view: View | None, brief: Brief) -> Measure:
    """The share of the block-out's pixels whose distance the candidate has within 10 %.

    Held against metres, and against the best scale and shift of inverse distance (Ranftl et al., "Towards Robust
    Monocular Depth Estimation", 2020, section 5), which tells a wrong shape from a wrong size.
    """
    shown = [block for block in brief.blocking if in_picture(block)]
    if not shown:
        return unknown("blocking", "%", "the brief blocks nothing out that the picture shows")
    if view is None or view.distance_m is None:
        return unknown("blocking", "%", "no panorama with distances" if view is None else "its distances are not known")
    height = min(_HEIGHT_PX, view.distance_m.shape[0])
    wanted, _ = surfaces(shown, brief.lens.height_m, 0.0, height)
    row = ((np.arange(height) + 0.5) * view.distance_m.shape[0] / height).astype(np.int64)
    column = ((np.arange(2 * height) + 0.5) * view.distance_m.shape[1] / (2 * height)).astype(np.int64)
    found = view.distance_m[np.ix_(row, column)].astype(np.float64)
    wanted, seen_through = _rows_opened(shown if family_of(brief) == "hall" else (), brief.lens.height_m, wanted, found)
    there = np.isfinite(wanted) & ~seen_through
    if there.sum() < _LEAST_PX:
        return unknown("blocking", "%", f"its {len(boxes(shown))} boxes are too small or far to measure by")
    weight = np.broadcast_to(solid_angles(height)[:, None], there.shape)[there]
    met, shape, scale = agreement(found[there], wanted[there].astype(np.float64), weight)
    verdict = graded(met, GOOD, BAD)
    words = {"good": "stands where it was blocked", "look": "partly elsewhere", "bad": "elsewhere", "none": ""}[verdict]
    if verdict != "good" and shape >= GOOD:
        words += f", but of the right shape: {scale:.2g} times as far"
    share_open = float(seen_through.sum() / max(1, (seen_through | there).sum()))
    details = {
        "within_share": round(met, 4),
        "shape_share": round(shape, 4),
        "scale": round(scale, 4),
        "open_share": round(share_open, 4),
    }
    why = f"{words}: {met:.0%} within {WITHIN:.0%} of the block-out's distance ({GOOD:.0%} is good)"
    if share_open > 0:
        why += f"; {share_open:.0%} of it are openings in rows of columns and do not count"
    return Measure("blocking", round(100 * met, 2), "%", verdict, why, details)


def _rows_opened(
    blocks: Sequence[Block],
    eye_height_m: float,
    wanted_m: Float32[np.ndarray, "h w"],
    found_m: Float64[np.ndarray, "h w"],
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """A hall's rows of columns: one anywhere in its row's box is met, what is between them is no part of it.

    Returns the distances to be met, and where a row is seen through. A box in which nothing stands is no row.
    """
    eye, rays = np.array([0.0, 0.0, eye_height_m]), directions(len(wanted_m)).astype(np.float64)
    wanted_m, through = wanted_m.copy(), np.zeros(wanted_m.shape, bool)
    for block in blocks:
        if not is_row(block):
            continue
        own = box(block)
        first, _ = own.meet(eye, rays)
        at = np.isfinite(first) & np.isclose(first, wanted_m, rtol=1e-4)
        beyond = 2 * (float(np.linalg.norm(own.centre_m - eye)) + float(np.linalg.norm(own.half_m)))
        last = beyond - own.meet(eye + rays[at] * beyond, -rays[at])[0]
        inside = (found_m[at] >= (1 - WITHIN) * first[at]) & (found_m[at] <= (1 + WITHIN) * last)
        if inside.sum() < _LEAST_SOLID * at.sum():
            continue
        wanted_m[at] = np.where(inside, found_m[at], first[at])
        through[at] = ~inside & (found_m[at] > last)
    return wanted_m, through


def agreement(
    found_m: Float64[np.ndarray, "n"], wanted_m: Float64[np.ndarray, "n"], weight: Float[np.ndarray, "n"]
) -> tuple[float, float, float]:
    """Weighted shares within 10 %, as they are and after the best scale and shift; and by how much too far it is."""
    share = weight / weight.sum()
    met = float(share[np.abs(found_m - wanted_m) <= WITHIN * wanted_m].sum())
    known = np.isfinite(found_m) & (found_m > 0)
    if known.sum() < _LEAST_PX:
        return met, 0.0, 1.0
    near, want, w = 1 / found_m[known], 1 / wanted_m[known], share[known]
    fitted = near.copy()
    terms = np.stack([near, np.ones(len(near))], axis=1)
    for round_ in range(_ROUNDS):  # outliers are things before the box, or the box that is not there
        width = WITHIN * want * max(1.0, 8 * 0.7**round_)
        pull = w / want**2 / (1 + ((want - fitted) / width) ** 2)
        root = np.sqrt(pull)
        fit = np.linalg.lstsq(terms * root[:, None], want * root, rcond=None)[0]
        fitted = terms @ fit
    with np.errstate(divide="ignore"):
        again_m = np.where(fitted > 0, 1 / fitted, np.inf)
    good = np.abs(again_m - wanted_m[known]) <= WITHIN * wanted_m[known]
    scale = float(np.median(found_m[known] / wanted_m[known]))
    return met, float(w[good].sum()), scale
