"""Lamps' colours as the brief's camera sees them: families name them for daylight, sky/white.py balances them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from translight.generation.brief.brief import Brief
from translight.generation.procedural.scene import Material
from translight.generation.procedural.sky.white import balance

NAMED_K = 5600.0
"""The camera's white for which families give the colours of lamps."""


def balanced(brief: Brief, colour: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Light named for a camera at NAMED_K as the brief's camera has it; never negative."""
    matrix = balance(brief.light.colour_temperature_k) @ np.linalg.inv(balance(NAMED_K))
    return np.asarray(np.maximum(np.asarray(colour, np.float64) @ matrix.T, 0.0))


def balanced_materials(brief: Brief, materials: Sequence[Material]) -> tuple[Material, ...]:
    """Materials whose emission is balanced; the rest of them is lit by what is."""
    made = []
    for material in materials:
        r, g, b = balanced(brief, np.array(material.emission)).tolist()
        made.append(replace(material, emission=(r, g, b)))
    return tuple(made)
