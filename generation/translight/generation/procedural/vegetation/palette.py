"""Materials of a wood: bark of each species, leaves, soil and stone; scene.Material says what the numbers mean."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Literal

from translight.generation.procedural.scene import Material, Pattern

Season = Literal["summer", "autumn", "winter"]


class Stuff(IntEnum):
    """Index into ``palette``."""

    SOIL = 0
    SPRUCE_BARK = 1
    PINE_BARK = 2
    BEECH_BARK = 3
    BIRCH_BARK = 4
    NEEDLES = 5
    BROAD_LEAF = 6
    BIRCH_LEAF = 7
    GRASS = 8
    FERN = 9
    LITTER = 10
    STONE = 11
    DEAD_WOOD = 12
    SNOW = 13
    TRACK = 14


_DRY = {
    Stuff.SOIL: Material(
        a=(1.0, 1.0, 1.0),
        b=(0.5, 0.44, 0.36),
        pattern=Pattern.FRACTAL,
        size_m=(0.09, 0.09, 0.09),
        relief_m=0.012,
        roughness=1.0,
        specular=0.0,
    ),
    Stuff.SPRUCE_BARK: Material(
        a=(0.155, 0.115, 0.09),
        b=(0.045, 0.034, 0.028),
        pattern=Pattern.CELLS,
        size_m=(0.05, 0.05, 0.11),
        relief_m=0.008,
    ),
    Stuff.PINE_BARK: Material(
        a=(0.23, 0.125, 0.075), b=(0.05, 0.032, 0.024), pattern=Pattern.CELLS, size_m=(0.09, 0.09, 0.24), relief_m=0.014
    ),
    Stuff.BEECH_BARK: Material(
        a=(0.225, 0.215, 0.19),
        b=(0.12, 0.125, 0.095),
        pattern=Pattern.FRACTAL,
        size_m=(0.4, 0.4, 0.3),
        relief_m=0.003,
    ),
    Stuff.BIRCH_BARK: Material(
        a=(0.62, 0.60, 0.55), b=(0.05, 0.045, 0.04), pattern=Pattern.RIDGES, size_m=(0.30, 0.30, 0.07), relief_m=0.002
    ),
    Stuff.NEEDLES: Material(
        a=(0.075, 0.125, 0.044), b=(0.058, 0.10, 0.038), pattern=Pattern.FRACTAL, through=0.3, roughness=0.55
    ),
    Stuff.BROAD_LEAF: Material(
        a=(0.125, 0.215, 0.042), b=(0.10, 0.175, 0.036), pattern=Pattern.FRACTAL, through=0.4, roughness=0.5
    ),
    Stuff.BIRCH_LEAF: Material(
        a=(0.165, 0.25, 0.05), b=(0.135, 0.21, 0.044), pattern=Pattern.FRACTAL, through=0.45, roughness=0.5
    ),
    Stuff.GRASS: Material(
        a=(0.125, 0.185, 0.045), b=(0.10, 0.15, 0.04), pattern=Pattern.FRACTAL, through=0.35, roughness=0.6
    ),
    Stuff.FERN: Material(
        a=(0.105, 0.20, 0.042), b=(0.085, 0.165, 0.036), pattern=Pattern.FRACTAL, through=0.4, roughness=0.6
    ),
    Stuff.LITTER: Material(
        a=(0.20, 0.115, 0.052), b=(0.13, 0.075, 0.04), pattern=Pattern.FRACTAL, through=0.12, roughness=0.75
    ),
    Stuff.STONE: Material(
        a=(0.21, 0.205, 0.19), b=(0.085, 0.095, 0.065), pattern=Pattern.FRACTAL, size_m=(0.3, 0.3, 0.22), relief_m=0.02
    ),
    Stuff.DEAD_WOOD: Material(
        a=(0.15, 0.12, 0.09), b=(0.06, 0.07, 0.035), pattern=Pattern.RIDGES, size_m=(0.5, 0.06, 0.06), relief_m=0.008
    ),
    Stuff.SNOW: Material(
        a=(0.86, 0.88, 0.92), b=(0.78, 0.81, 0.87), pattern=Pattern.FRACTAL, size_m=(0.4, 0.4, 0.4), relief_m=0.02
    ),
    Stuff.TRACK: Material(
        a=(1.0, 1.0, 1.0),
        b=(0.62, 0.55, 0.46),
        pattern=Pattern.FRACTAL,
        size_m=(0.05, 0.05, 0.05),
        relief_m=0.006,
        roughness=1.0,
        specular=0.0,
    ),
}
_AUTUMN = {
    Stuff.BROAD_LEAF: (0.48, 0.19, 0.03),
    Stuff.BIRCH_LEAF: (0.58, 0.38, 0.05),
    Stuff.FERN: (0.22, 0.115, 0.035),
    Stuff.GRASS: (0.14, 0.125, 0.05),
}
_FOLIAGE = (Stuff.NEEDLES, Stuff.BROAD_LEAF, Stuff.BIRCH_LEAF, Stuff.GRASS, Stuff.FERN, Stuff.LITTER)


def palette(season: Season, wet: bool) -> tuple[Material, ...]:
    """The materials by Stuff. Rain darkens what is porous and makes everything shine."""
    made = dict(_DRY)
    if season == "autumn":
        for stuff, colour in _AUTUMN.items():
            made[stuff] = replace(made[stuff], a=colour, b=_times(colour, 0.8))
    if wet:
        for stuff, dry in made.items():
            leaf = stuff in _FOLIAGE
            dark = 0.85 if leaf else 0.55
            made[stuff] = replace(
                dry, a=_times(dry.a, dark), b=_times(dry.b, dark), roughness=0.42 if leaf else 0.5, specular=0.05
            )
    return tuple(made[stuff] for stuff in Stuff)


def _times(colour: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor
