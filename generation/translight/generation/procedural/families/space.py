"""Family space: a plain of regolith on an airless moon, under stars and a planet; space/ has its parts."""

from __future__ import annotations

import numpy as np

from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import masses
from translight.generation.procedural.scene import Material, Pattern, Placed, Scene
from translight.generation.procedural.space.ground import land
from translight.generation.procedural.space.heaven import sky
from translight.generation.procedural.space.rocks import rocks

_REGOLITH, _ROCK, _MASS = 0, 1, 2
_MATERIALS = (
    Material(
        a=(0.135, 0.131, 0.126),
        b=(0.092, 0.090, 0.088),
        pattern=Pattern.FRACTAL,
        size_m=(0.6, 0.6, 0.6),
        octaves=8,
        relief_m=0.018,
        roughness=1.0,
        specular=0.0,
    ),
    Material(
        a=(0.19, 0.182, 0.172),
        b=(0.085, 0.083, 0.081),
        pattern=Pattern.RIDGES,
        size_m=(0.5, 0.5, 0.5),
        octaves=7,
        relief_m=0.02,
        roughness=0.95,
        specular=0.01,
    ),
    Material(
        a=(0.30, 0.30, 0.31),
        b=(0.20, 0.20, 0.21),
        pattern=Pattern.FRACTAL,
        size_m=(0.8, 0.8, 0.8),
        octaves=6,
        relief_m=0.004,
        roughness=0.7,
    ),
)
_EXPOSURE = 2.6
"""Ground as dark as asphalt is exposed to a middle grey."""


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The scene of a seed, in detail for a panorama of ``height_px`` rows."""
    mass = masses(brief, _MASS)
    whole = () if mass is None else (Placed(mass, np.eye(3, 4)[None], np.ones((1, 3), np.float32)),)
    return Scene(
        sky=sky(brief, seed, height_px),
        eye_m=np.array([0.0, 0.0, brief.lens.height_m]),
        materials=_MATERIALS,
        land=land(brief, seed, height_px, _REGOLITH),
        placed=(*rocks(brief, seed, height_px, _ROCK), *whole),
        exposure=_EXPOSURE,
    )
