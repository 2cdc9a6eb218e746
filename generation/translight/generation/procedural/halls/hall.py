"""What a style of hall gives to families/hall.py and is asked for; halls run along Y, their floor is z = 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import quads

ROWS_M = 23.0
"""Rows of columns of the block-out are no higher: walls go on for a metre above them."""
Free = Callable[[np.ndarray, float], np.ndarray]
"""Which points (n 2) of the hall have this much room to the ground that must stay free."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is asked for: how far it reaches, and the rectangle (x0, y0, x1, y1) that its middle must hold."""

    back_m: float
    """Length behind the origin (−Y), positive."""
    front_m: float
    kept: tuple[float, float, float, float]
    rows_m: float = 0.0
    """Up to here reach the rows of columns that the block-out brings along; 0: none, and a nave has its own aisles."""

    def least_wall_m(self, otherwise_m: float) -> float:
        """Height of walls under whose roof or vault the block-out's rows of columns have room."""
        return max(otherwise_m, min(self.rows_m, ROWS_M) + 1.0)

    def half_width_m(self, least_m: float) -> float:
        """Half of a middle aisle that holds what must stay free."""
        return max(least_m, -self.kept[0] + 1.0, self.kept[2] + 1.0)

    def bays(self, about_m: float) -> Float64[np.ndarray, "n"]:
        """Borders of equal bays of about this length, over the whole length."""
        count = max(3, round((self.back_m + self.front_m) / about_m))
        return np.linspace(-self.back_m, self.front_m, count + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Hall:
    """A hall: walls and furniture in its axes, and its lamps: place, and radiant intensity at night's exposure."""

    meshes: list[Mesh]
    copies: list[Placed]
    lamp_m: Float64[np.ndarray, "n 3"]
    intensity: Float64[np.ndarray, "n 3"]
    down: bool
    """Whether lamps shine in a cone downwards."""
    day_exposure: float = 6.0
    """By day: some three stops above that of the open, less where windows are tall."""


def sides(half_m: float, low_y: float, high_y: float, z: float = 0.0) -> tuple[Wall, Wall]:
    """The planes of the left wall (it faces +X) and the right one (−X), ``half_m`` from the middle."""
    long = high_y - low_y
    left = Wall(np.array([-half_m, low_y, z]), np.array([0.0, 1.0]), long)
    return left, Wall(np.array([half_m, high_y, z]), np.array([0.0, -1.0]), long)


def ends(half_m: float, low_y: float, high_y: float, z: float = 0.0) -> tuple[Wall, Wall]:
    """The planes of the back wall (it faces +Y) and the front one (−Y)."""
    back = Wall(np.array([half_m, low_y, z]), np.array([-1.0, 0.0]), 2 * half_m)
    return back, Wall(np.array([-half_m, high_y, z]), np.array([1.0, 0.0]), 2 * half_m)


def ground() -> Mesh:
    """What lies outside, below the floor."""
    return quads([[(-900, -900, -0.3), (900, -900, -0.3), (900, 900, -0.3), (-900, 900, -0.3)]], Surface.GROUND)


def chequered(
    x0: float, y0: float, x1: float, y1: float, tile_m: float, colours: tuple[tuple[float, ...], tuple[float, ...]],
    rng: np.random.Generator, *, diagonal: bool = False,
) -> tuple[Float64[np.ndarray, "n 4 3"], Float64[np.ndarray, "n 3"]]:  # fmt: skip
    """Tiles on a grid of their size and their colours: by turns where ``diagonal``, else every sixth row and column."""
    columns = np.arange(np.floor(x0 / tile_m), np.ceil(x1 / tile_m))
    rows = np.arange(np.floor(y0 / tile_m), np.ceil(y1 / tile_m))
    i, j = (k.reshape(-1) for k in np.meshgrid(columns, rows))
    odd = (i + j) % 2 if diagonal else ((i % 6 == 0) | (j % 6 == 0)).astype(float)
    colour = np.where(odd[:, None] == 0, *np.array(colours)) * rng.uniform(0.86, 1.08, (len(i), 1))
    z = np.zeros(len(i))
    corners = [np.stack([(i + a) * tile_m, (j + b) * tile_m, z], axis=-1) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return np.stack(corners, axis=1), colour
