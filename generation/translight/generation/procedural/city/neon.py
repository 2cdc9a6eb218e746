"""Words in light: capitals of straight strokes, as tubes or painted letters on a board, for shop fronts and signs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import mesh

ACROSS = ("BAR", "CAFE", "NOODLES", "BOOKS", "HOTEL", "PIZZA", "DELI", "RECORDS", "GRILL", "PHARMACY", "FLOWERS",
          "TAILOR", "DINER", "OPTICIAN", "BAKERY", "CAMERA")  # fmt: skip
UPRIGHT = ("HOTEL", "BAR", "CINEMA", "JAZZ", "GRILL", "DINER", "CLUB", "PARKING")
LETTERS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "A": (((0, 0), (0, 1.4), (0.5, 2), (1, 1.4), (1, 0)), ((0, 0.9), (1, 0.9))),
    "B": (((0, 0), (0, 2), (0.8, 2), (1, 1.75), (1, 1.25), (0.8, 1), (1, 0.75), (1, 0.25), (0.8, 0), (0, 0)),
          ((0, 1), (0.8, 1))),
    "C": (((1, 1.6), (0.75, 2), (0.25, 2), (0, 1.6), (0, 0.4), (0.25, 0), (0.75, 0), (1, 0.4)),),
    "D": (((0, 0), (0, 2), (0.6, 2), (1, 1.6), (1, 0.4), (0.6, 0), (0, 0)),),
    "E": (((1, 2), (0, 2), (0, 0), (1, 0)), ((0, 1), (0.8, 1))),
    "F": (((1, 2), (0, 2), (0, 0)), ((0, 1), (0.8, 1))),
    "G": (((1, 1.6), (0.75, 2), (0.25, 2), (0, 1.6), (0, 0.4), (0.25, 0), (1, 0), (1, 0.9), (0.55, 0.9)),),
    "H": (((0, 0), (0, 2)), ((1, 0), (1, 2)), ((0, 1), (1, 1))),
    "I": (((0.5, 0), (0.5, 2)),),
    "J": (((1, 2), (1, 0.4), (0.75, 0), (0.25, 0), (0, 0.4)),),
    "K": (((0, 0), (0, 2)), ((1, 2), (0, 0.9)), ((0.3, 1.2), (1, 0))),
    "L": (((0, 2), (0, 0), (1, 0)),),
    "M": (((0, 0), (0, 2), (0.5, 1.1), (1, 2), (1, 0)),),
    "N": (((0, 0), (0, 2), (1, 0), (1, 2)),),
    "O": (((0.25, 0), (0, 0.4), (0, 1.6), (0.25, 2), (0.75, 2), (1, 1.6), (1, 0.4), (0.75, 0), (0.25, 0)),),
    "P": (((0, 0), (0, 2), (0.8, 2), (1, 1.75), (1, 1.2), (0.8, 0.95), (0, 0.95)),),
    "R": (((0, 0), (0, 2), (0.8, 2), (1, 1.75), (1, 1.2), (0.8, 0.95), (0, 0.95)), ((0.5, 0.95), (1, 0))),
    "S": (((1, 1.7), (0.75, 2), (0.25, 2), (0, 1.6), (0.1, 1.15), (0.9, 0.85), (1, 0.4), (0.75, 0), (0.25, 0),
           (0, 0.3)),),
    "T": (((0, 2), (1, 2)), ((0.5, 2), (0.5, 0))),
    "U": (((0, 2), (0, 0.4), (0.25, 0), (0.75, 0), (1, 0.4), (1, 2)),),
    "W": (((0, 2), (0.2, 0), (0.5, 1), (0.8, 0), (1, 2)),),
    "X": (((0, 0), (1, 2)), ((0, 2), (1, 0))),
    "Y": (((0, 2), (0.5, 1), (1, 2)), ((0.5, 1), (0.5, 0))),
    "Z": (((0, 2), (1, 2), (0, 0), (1, 0)),),
}  # fmt: skip
"""Strokes of each capital on a field of 1 wide and 2 high, from its lower left."""


def width_m(word: str, height_m: float) -> float:
    """How wide a word of this letter height is."""
    return 0.5 * height_m * (1.4 * len(word) - 0.4)


def across(word: str, wall: Wall, s: float, d: float, z: float, height_m: float, kind: Surface, thick_m: float) -> Mesh:
    """A word along a wall, its lower left at (s, d, z)."""
    unit = 0.5 * height_m
    return _tubes([(k, (1.4 * unit * i, 0.0)) for i, k in enumerate(word)], wall, (s, d, z), unit, kind, thick_m)


def upright(
    word: str, wall: Wall, s: float, d: float, z: float, height_m: float, kind: Surface, thick_m: float
) -> Mesh:
    """A word whose letters stand one above the other, its lower left at (s, d, z); the last letter is lowest."""
    unit = 0.5 * height_m
    places = [(k, (0.0, 2.5 * unit * (len(word) - 1 - i))) for i, k in enumerate(word)]
    return _tubes(places, wall, (s, d, z), unit, kind, thick_m)


def _tubes(
    places: list[tuple[str, tuple[float, float]]], wall: Wall, at: tuple[float, float, float], unit: float,
    kind: Surface, thick_m: float,
) -> Mesh:  # fmt: skip
    """Square tubes along all strokes, standing out of the wall by their thickness."""
    starts: list[tuple[float, float]] = []
    ends: list[tuple[float, float]] = []
    for letter, (ds, dz) in places:
        for stroke in LETTERS[letter]:
            points = [(ds + unit * x, dz + unit * y) for x, y in stroke]
            starts += points[:-1]
            ends += points[1:]
    a, b = np.array(starts), np.array(ends)
    along = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    a, b = a - along * thick_m / 2, b + along * thick_m / 2
    aside = np.stack([-along[:, 1], along[:, 0]], axis=-1) * thick_m / 2
    flat: Float64[np.ndarray, "n 4 2"] = np.stack([a - aside, b - aside, b + aside, a + aside], axis=1)
    s, z = at[0] + flat[..., 0], at[2] + flat[..., 1]
    corners = np.concatenate([wall.at(s, at[1], z), wall.at(s, at[1] + thick_m, z)], axis=1)
    quads = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
    faces = np.array([f for p, q, r, t in quads for f in ((p, q, r), (p, r, t))])
    triangles = faces[None] + 8 * np.arange(len(a))[:, None, None]
    return mesh(corners.reshape(-1, 3), triangles, kind)
