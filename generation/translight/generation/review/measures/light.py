"""How much light a picture holds: what is cut off at its top and bottom, and the stops between dark and bright."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from translight.generation.brief.brief import Brief
from translight.generation.brief.translate import family_of
from translight.generation.candidate import Candidate, View
from translight.generation.panorama import pixels
from translight.generation.procedural.skies import direction_of
from translight.generation.review.measures.measure import Measure, graded, luminance, panorama_of, solid_angles, unknown

SUN_STOPS = 14.0
"""With the sun's disc in a clear sky (ours: its 1.6e9 cd/m² over a shaded ground's hundreds are over 20)."""
STOPS = 8.0
"""Without (ours): less than a display shows looks flat on a wall."""
GOOD_CLIPPED, BAD_CLIPPED = 0.001, 0.01
"""Share of the picture at one highest value (ours); the sun's own disc, 0.53° wide, is a 185,000th of the sphere."""

_TOP = 1e-6
"""Values this close below the highest were cut off with it."""
_DARK_SHARE = 0.01
_HALF_LEAST = 2.0**-24
"""The least that a half float holds: what is darker is black on every wall."""
_ENOUGH_PX = 1 << 20
"""For a quantile."""
_CLEAR = ("clear", "haze", "scattered")


def clipping(candidate: Candidate) -> Measure:
    """The share of pixels, by solid angle in a panorama, that a channel's highest value cuts off, or that are black."""
    if not candidate.views:
        return unknown("clipping", "%", "no picture")
    image = candidate.views[0].image
    weight = _weights(candidate)
    wrong = ~np.isfinite(image).all(axis=2)
    finite = np.where(np.isfinite(image), image, 0.0)
    top = float(finite.max())
    full = (finite >= top * (1 - _TOP)).any(axis=2) if top > 0 else np.zeros(image.shape[:2], bool)
    dark = (finite <= 0).all(axis=2)
    shares = [float((mask * weight).sum()) for mask in (full, dark, wrong)]
    clipped, black, broken = shares
    details = {"clipped_share": clipped, "black_share": black, "not_numbers_share": broken}
    if broken > 0:
        count = int(wrong.sum())
        return Measure("clipping", 100 * broken, "%", "bad", f"{count} pixels hold no numbers", details)
    verdict = graded(clipped, GOOD_CLIPPED, BAD_CLIPPED)
    words = {"good": "nothing is cut off", "look": "some light is cut off", "bad": "light is cut off", "none": ""}
    return Measure(
        "clipping",
        round(100 * clipped, 4),
        "%",
        verdict,
        f"{words[verdict]}: {clipped:.2%} at the top ({GOOD_CLIPPED:.1%} is good), {black:.2%} black",
        details,
    )


def stops(candidate: Candidate, brief: Brief) -> Measure:
    """Stops between the light that 1 % of the picture stays below and the brightest pixel."""
    if not candidate.views:
        return unknown("stops", "stops", "no picture")
    light = luminance(candidate.views[0].image)
    bright, few = float(light.max()), max(1, math.isqrt(light.size // _ENOUGH_PX))
    light, weight = light[few // 2 :: few, few // 2 :: few], _weights(candidate)[few // 2 :: few, few // 2 :: few]
    lit = light > 0
    if not lit.any():
        return Measure("stops", 0.0, "stops", "bad", "the picture is black")
    dark = max(_quantile(light[lit], weight[lit], _DARK_SHARE), _HALF_LEAST)
    value = math.log2(max(bright, dark) / dark)
    view = panorama_of(candidate)
    sun = sun_expected(brief) and view is not None and not sun_hidden(view, brief)
    wanted = SUN_STOPS if sun else STOPS
    verdict = graded(value, wanted, wanted - 4)
    reason = f"{wanted:g} are wanted {'with the sun in the sky' if sun else 'without the sun'}"
    words = {"good": "wide", "look": "narrow", "bad": "flat", "none": ""}[verdict]
    details = {"dark": dark, "bright": bright}
    return Measure("stops", round(value, 2), "stops", verdict, f"{words}: {value:.1f} stops ({reason})", details)


def sun_expected(brief: Brief) -> bool:
    """Whether the brief's sun is up in a sky that lets it through."""
    inside = family_of(brief) == "hall"
    return brief.light.sun_elevation_deg > 0 and brief.place.weather in _CLEAR and not inside


def sun_hidden(view: View, brief: Brief) -> bool:
    """Whether something stands before the brief's sun in a panorama: a tree, a house. Without distances: no."""
    if view.distance_m is None:
        return False
    height = view.distance_m.shape[0]
    toward = direction_of(brief.light.sun_azimuth_deg, brief.light.sun_elevation_deg)
    column, row = np.floor(pixels(toward, height)).astype(np.int64)
    rows = np.clip(row + np.arange(-1, 2), 0, height - 1)  # the disc is narrower than a preview's pixel
    columns = (column + np.arange(-1, 2)) % (2 * height)
    return bool(np.isfinite(view.distance_m[np.ix_(rows, columns)]).all())


def _weights(candidate: Candidate) -> Float64[np.ndarray, "h w"]:
    """Of each pixel of the first view; together 1."""
    height, width = candidate.views[0].image.shape[:2]
    if panorama_of(candidate) is not None:
        return np.broadcast_to(solid_angles(height)[:, None], (height, width))
    return np.full((height, width), 1 / (height * width))


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(total, share * total[-1])]])
