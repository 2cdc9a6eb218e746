"""Rows of columns with arches between them in place of the block-out's long thin walls; arches.py cuts the arches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Block
from translight.generation.procedural import shapes
from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.halls import furnishings
from translight.generation.procedural.halls.arches import Arched, arched_wall, rise_m
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import merged, moved

THIN_M = (0.4, 2.0)
"""A row of columns is this thick, at least five times as long,"""
LONG_M = 6.0
HIGH_M = 5.0
"""at least so long and so high."""
_OVER_M = 0.6
_STILT_M = 0.25


@dataclass(frozen=True, slots=True)
class Order:
    """How a style builds its columns, and arches as arches.py draws them."""

    wall: Surface
    colour: tuple[float, float, float]
    sharpness: float
    round: bool
    """Turned columns with base and capital; otherwise square piers."""


def is_row(block: Block) -> bool:
    """Whether a block of the block-out becomes a row of columns."""
    thin, long = sorted(block.size_m[:2])
    return (
        block.kind == "wall"
        and THIN_M[0] <= thin <= THIN_M[1]
        and long >= max(LONG_M, 5.0 * thin)
        and block.size_m[2] >= HIGH_M
    )


def arcade(block: Block, order: Order) -> Mesh:
    """The row in the box of such a block, in stage axes: nothing of it is outside the box."""
    thick, long = sorted(block.size_m[:2])
    high = block.size_m[2]
    pier = 0.75 * thick
    count = max(1, round((long - thick) / max(min(0.55 * high, 6.0), 1.8 * thick)))
    at = np.linspace(-0.5 * (long - thick), 0.5 * (long - thick), count + 1)
    bay = float(at[1] - at[0])
    spring = high - _OVER_M - _STILT_M - rise_m(bay - pier, order.sharpness)
    one = _column(thick, spring, order)
    parts = [moved(one, (0.0, y, 0.0)) for y in at]
    middles = 0.5 * (at[1:] + at[:-1]) + 0.5 * long
    hole = Arched(bay - pier, 0.0, _STILT_M, order.sharpness)
    wall = Wall(np.array([0.4 * thick, -0.5 * long, spring]), np.array([0.0, 1.0]), long)
    parts.append(arched_wall(wall, middles, hole, high - spring, 0.8 * thick, order.wall, order.colour))
    parts.append(shapes.box((thick, long, 0.25), Surface.STONE, (0, 0, high - 0.25), order.colour))
    along_x = block.size_m[0] > block.size_m[1]
    own = box(block)
    return moved(merged(parts), own.centre_m - (0, 0, own.half_m[2]), own.turn_rad + (np.pi / 2 if along_x else 0.0))


def _column(thick: float, high: float, order: Order) -> Mesh:
    if order.round:
        # The plinth is 2.8 radii wide.
        return furnishings.column(thick / 2.8, high, order.colour)
    wide = 0.75 * thick
    shaft = shapes.box((wide, wide, high), order.wall, (0, 0, 0), order.colour)
    ends = [shapes.box((thick, thick, 0.3), Surface.CONCRETE, (0, 0, z)) for z in (0.0, high - 0.3)]
    return merged([shaft, *ends])
