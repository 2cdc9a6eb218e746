"""What is tried, in order, until every still has a pose: pictures, features and mappers; ``solve.py`` tries it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from translight.reconstruction.structure_from_motion.jobs import FeatureSettings, MapperSettings


@dataclass(frozen=True, slots=True)
class Attempt:
    """``what`` says in a few words what is other than before."""

    what: str
    features: FeatureSettings
    mapper: MapperSettings


RELAXED = MapperSettings(init_inliers=40, init_angle_deg=6.0, register_inliers=15, register_share=0.15, seed=1)
LOOSE = MapperSettings(
    init_inliers=20, init_angle_deg=3.0, register_inliers=12, register_share=0.1, least_angle_deg=0.75, seed=2
)
GLOBAL = MapperSettings(global_=True)

_SIZES_PX = (640, 800, 1000, 1280, 1600)
_DENSE_LONGEST_PX = 2400
_EXTRACT_S_PER_MEGAPIXEL = 3.0
_EXTRACT_S_PER_STILL = 0.2
_MATCH_S_PER_PAIR = 0.12
"""Of one core, measured with pycolmap 4.2.1 on an x86 server core of 2023 at the features below; as estimates."""
_PAIRS_PER_STILL = 40
_MATCHING_SHARE = 0.45
"""Of the time allowed; mapping, further attempts and what goes wrong have the rest."""


def attempts(stills: int, largest_px: int, seconds: float | None, longest_px: int | None = None) -> tuple[Attempt, ...]:
    """From what mostly works to what sometimes does. ``largest_px`` is the longest side of any still.

    ``seconds`` chooses the first attempt's pictures, as large as the time allows; without a limit they are 1600 px.
    ``longest_px`` asks for a size instead.
    """
    size = min(longest_px or first_size_px(stills, seconds), largest_px)
    usual = FeatureSettings(size, features_of(size))
    larger = min(max(_DENSE_LONGEST_PX, size), largest_px, 2 * size)
    dense = FeatureSettings(larger, 8192, affine=True, pooled=True, max_ratio=0.85, guided=True)
    return (
        Attempt("as usual", usual, MapperSettings()),
        Attempt("a model from fewer matches", usual, RELAXED),
        Attempt(f"affine features of {larger} px, guided matching", dense, RELAXED),
        Attempt("all stills at once", dense, GLOBAL),
        Attempt("hardly any parallax asked for", dense, LOOSE),
    )


def features_of(longest_px: int) -> int:
    """How many features a picture of that size is asked for."""
    return 2048 if longest_px <= 640 else 4096 if longest_px <= 1000 else 8192


def first_size_px(stills: int, seconds: float | None) -> int:
    """The largest size whose features and matches fit into their share of the time on this machine's cores."""
    if seconds is None:
        return _SIZES_PX[-1]
    pairs = min(stills * (stills - 1) / 2, _PAIRS_PER_STILL * stills)
    cores = os.cpu_count() or 1

    def estimated_s(size: int) -> float:
        megapixels = 0.67 * size * size * 1e-6
        extraction = stills * (_EXTRACT_S_PER_STILL + _EXTRACT_S_PER_MEGAPIXEL * megapixels)
        return (extraction + pairs * _MATCH_S_PER_PAIR * features_of(size) / 4096) / cores

    fitting = [size for size in _SIZES_PX if estimated_s(size) <= _MATCHING_SHARE * seconds]
    return fitting[-1] if fitting else _SIZES_PX[0]
