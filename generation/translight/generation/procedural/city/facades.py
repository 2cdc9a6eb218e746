"""Walls with real window openings: reveals, frames, blinds, and lit rooms with parallax behind some of the panes.

A wall is laid out in its own plane: s metres along it (to the right, seen from outside), d outwards, z up. The wall's
skin with its reveals and panes has no gap: cells share their corners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.palette import Surface, shaded
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import boxes, quads

Colour = tuple[float, ...]
"""Linear Rec.709, three of them."""
ROOM_M = 2.4
"""How far rooms go back behind their panes."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a wall's windows are cut and trimmed; metres."""

    bay_m: float
    storey_m: float
    pier: float
    """Share of the bay that is wall."""
    sill_m: float
    head_m: float
    """Wall between a window's top and the next storey."""
    reveal_m: float
    wall: Surface
    mullions: int
    """Upright bars that part a window."""
    transom: float | None
    """Height of a crossbar, as a share of the window."""
    trim_m: float
    """How far sills and lintels stand out; 0: none."""
    colours: tuple[Colour, ...]
    frame: Colour
    warm: float
    """Share of lit rooms with warm light."""


STYLES = {
    "walk-up": Style(2.4, 3.2, 0.54, 0.85, 0.55, 0.14, Surface.BRICK, 0, 0.5, 0.07,
                     ((0.30, 0.12, 0.08), (0.36, 0.20, 0.14), (0.24, 0.14, 0.11), (0.40, 0.30, 0.22)),
                     (0.55, 0.53, 0.48), 0.85),
    "stone": Style(2.8, 3.5, 0.42, 0.75, 0.55, 0.25, Surface.STONE, 1, 0.7, 0.10,
                   ((0.46, 0.42, 0.35), (0.40, 0.37, 0.33), (0.50, 0.47, 0.42)), (0.10, 0.12, 0.11), 0.7),
    "office": Style(3.0, 3.6, 0.10, 0.95, 0.45, 0.18, Surface.CONCRETE, 2, None, 0.0,
                    ((0.38, 0.37, 0.35), (0.30, 0.29, 0.28), (0.44, 0.41, 0.36)), (0.12, 0.12, 0.13), 0.3),
    "curtain": Style(1.5, 3.8, 0.06, 0.55, 0.12, 0.07, Surface.METAL, 0, None, 0.0,
                     ((0.10, 0.12, 0.14), (0.16, 0.17, 0.18), (0.09, 0.09, 0.10)), (0.16, 0.16, 0.17), 0.45),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A plane to put a wall in: ``corner_m`` its lower left seen from outside, ``along`` unit (x, y) to the right."""

    corner_m: Float64[np.ndarray, "3"]
    along: Float64[np.ndarray, "2"]
    width_m: float

    def at(self, s: np.ndarray, d: np.ndarray | float, z: np.ndarray) -> Float64[np.ndarray, "... 3"]:
        """Points of the wall, of its own coordinates."""
        s, d, z = np.broadcast_arrays(s, d, z)
        x = self.corner_m[0] + s * self.along[0] + d * self.along[1]
        y = self.corner_m[1] + s * self.along[1] - d * self.along[0]
        return np.stack([x, y, self.corner_m[2] + z], axis=-1)


def facade(
    wall: Wall,
    style: Style,
    storeys: int,
    colour: Colour,
    rng: np.random.Generator,
    *,
    lit_share: float,
) -> list[Mesh]:
    """A wall of storeys with windows; the last of its bays ends at its width."""
    bays = max(1, round(wall.width_m / style.bay_m))
    bay = wall.width_m / bays
    edge = 0.5 * bay * style.pier
    i, j = (k.reshape(-1) for k in np.meshgrid(np.arange(bays), np.arange(storeys)))
    s = np.stack([i * bay, i * bay + edge, (i + 1) * bay - edge, (i + 1) * bay], axis=-1)
    foot = j * style.storey_m
    z = np.stack([foot, foot + style.sill_m, (j + 1) * style.storey_m - style.head_m, (j + 1) * style.storey_m], -1)
    hole = Openings(s[:, 1], s[:, 2], z[:, 1], z[:, 2])
    made = [skin(wall, s, z, style, colour), reveals(wall, hole, style, colour), *frames(wall, hole, style)]
    if style.trim_m:
        made.append(_trim(wall, hole, style))
    # Whole floors of an office are lit or dark together; homes are lit one by one.
    floor = rng.random(storeys)[j]
    draw = 0.5 * rng.random(len(s)) + 0.5 * floor if style.warm < 0.5 else rng.random(len(s))
    lit = _share(draw, lit_share)
    room = lit & (rng.random(len(s)) < 0.75) & (i > 0) & (i < bays - 1)
    homely = style.warm >= 0.5
    warm = rng.random(len(s)) < style.warm if homely else rng.random(storeys)[j] < style.warm
    amber = warm & (rng.random(len(s)) < 0.4)
    light = np.exp(rng.normal(-0.5, 0.5, len(s))) if homely else np.exp(rng.normal(-0.35, 0.2, len(s)))
    made.append(panes(wall, hole.only(~lit), -style.reveal_m, Surface.GLASS))
    flat = lit & ~room
    kinds = ((Surface.ROOM_COOL, ~warm), (Surface.ROOM_AMBER, amber), (Surface.ROOM_WARM, warm & ~amber))
    made.append(panes(wall, hole.only(flat & warm), -style.reveal_m, Surface.BLIND, light[flat & warm]))
    made.append(panes(wall, hole.only(flat & ~warm), -style.reveal_m, Surface.ROOM_COOL, 0.6 * light[flat & ~warm]))
    for kind, of in kinds:
        chosen = room & of
        if chosen.any():
            made += rooms(wall, hole.only(chosen), style.reveal_m, ROOM_M, kind, light[chosen], rng)
    return [part for part in made if len(part.triangles)]


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """Holes in a wall, by their edges: left and right along it, lower and upper."""

    left: Float64[np.ndarray, "n"]
    right: Float64[np.ndarray, "n"]
    low: Float64[np.ndarray, "n"]
    high: Float64[np.ndarray, "n"]

    def only(self, chosen: np.ndarray) -> Openings:
        """Some of them."""
        return Openings(self.left[chosen], self.right[chosen], self.low[chosen], self.high[chosen])


def panes(wall: Wall, hole: Openings, d: float, kind: Surface, light: np.ndarray | None = None) -> Mesh:
    """A pane in each hole, at depth d; ``light`` is its brightness."""
    corners = rectangle(wall, hole.left, hole.right, hole.low, hole.high, d)
    return quads(corners, kind) if light is None else glowing(corners, kind, light)


def glowing(corners: Float64[np.ndarray, "n 4 3"], kind: Surface, light: np.ndarray) -> Mesh:
    """Faces that glow, each as brightly as ``light`` (n) says."""
    return replace(quads(corners, kind), material=np.repeat(shaded(kind, light), 2))


def rooms(
    wall: Wall, hole: Openings, reveal_m: float, deep_m: float, kind: Surface, light: np.ndarray,
    rng: np.random.Generator,
) -> list[Mesh]:  # fmt: skip
    """A lit room behind each hole, brightest at its ceiling, with furniture, curtains and blinds."""
    n = len(hole.left)
    front, back = -reveal_m, -reveal_m - deep_m
    a, b, z0, z1 = hole.left, hole.right, hole.low, hole.high
    # The back wall in three strips, the brightest below the ceiling's lamp; a picture or a cupboard against it.
    middle, upper = z0 + 0.45 * (z1 - z0), z0 + 0.78 * (z1 - z0)
    faces, lights = [], []
    for corners, shade in (
        (((a, back, z0), (b, back, z0), (b, back, middle), (a, back, middle)), 0.45),
        (((a, back, middle), (b, back, middle), (b, back, upper), (a, back, upper)), 0.75),
        (((a, back, upper), (b, back, upper), (b, back, z1), (a, back, z1)), 1.1),
        (((a, front, z0), (a, back, z0), (a, back, z1), (a, front, z1)), 0.6),
        (((b, back, z0), (b, front, z0), (b, front, z1), (b, back, z1)), 0.35),
        (((a, front, z0), (b, front, z0), (b, back, z0), (a, back, z0)), 0.25),
        (((a, back, z1), (b, back, z1), (b, front, z1), (a, front, z1)), 1.5),
    ):
        faces.append(np.stack([wall.at(*c) for c in corners], axis=1))
        lights.append(shade * light)
    made = [glowing(np.concatenate(faces), kind, np.concatenate(lights))]
    # Something stands in most rooms, against the light; a curtain hangs at the side of some.
    width, height = b - a, z1 - z0
    wide, tall = width * rng.uniform(0.2, 0.6, n), height * rng.uniform(0.15, 0.7, n)
    s = a + rng.uniform(0, 1, n) * (width - wide)
    d = front - deep_m * rng.uniform(0.3, 0.9, n)
    stuff = rectangle(wall, s, s + wide, z0, z0 + tall, d)
    made.append(quads(stuff, Surface.CLOTH, rng.uniform(0.02, 0.25, (n, 1)) * (1.0, 0.8, 0.65)))
    hung = rng.random(n) < 0.4
    if hung.any():
        part = (width * rng.uniform(0.12, 0.3, n))[hung]
        cloth = rectangle(wall, a[hung], a[hung] + part, z0[hung], z1[hung], front - 0.06)
        made.append(glowing(cloth, Surface.BLIND, 0.8 * light[hung]))
    drawn = rng.random(n) < 0.35
    if drawn.any():
        edge = (z1 - height * rng.uniform(0.15, 0.75, n))[drawn]
        blind = rectangle(wall, a[drawn], b[drawn], edge, z1[drawn], front - 0.03)
        made.append(glowing(blind, Surface.BLIND, light[drawn]))
    return made


def _share(draw: np.ndarray, share: float) -> np.ndarray:
    """Exactly this share of the draws, rounded, the lowest of them."""
    lit = np.zeros(len(draw), bool)
    lit[np.argsort(draw, kind="stable")[: round(share * len(draw))]] = True
    return lit


def rectangle(
    wall: Wall, left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, d: np.ndarray | float
) -> Float64[np.ndarray, "n 4 3"]:
    """Corners of upright rectangles at depth d of a wall, counter-clockwise from outside."""
    corners = ((left, low), (right, low), (right, high), (left, high))
    return np.stack([wall.at(s, d, z) for s, z in corners], axis=1)


def skin(wall: Wall, s: np.ndarray, z: np.ndarray, style: Style, colour: Colour) -> Mesh:
    """The wall around the holes of a grid of cells: their edges along it ``s`` (n 4) and in height ``z`` (n 4)."""
    cells = [(a, b) for a in range(3) for b in range(3) if (a, b) != (1, 1)]
    faces = [rectangle(wall, s[:, a], s[:, a + 1], z[:, b], z[:, b + 1], 0.0) for a, b in cells]
    return quads(np.concatenate(faces), style.wall, np.asarray(colour))


def reveals(wall: Wall, hole: Openings, style: Style, colour: Colour) -> Mesh:
    """The sides of each hole, from the wall's face to its pane."""
    a, b, z0, z1, d = hole.left, hole.right, hole.low, hole.high, -style.reveal_m
    loops = (
        ((a, 0.0, z0), (a, d, z0), (a, d, z1), (a, 0.0, z1)),
        ((b, d, z0), (b, 0.0, z0), (b, 0.0, z1), (b, d, z1)),
        ((a, 0.0, z0), (b, 0.0, z0), (b, d, z0), (a, d, z0)),
        ((a, d, z1), (b, d, z1), (b, 0.0, z1), (a, 0.0, z1)),
    )
    faces = [np.stack([wall.at(*corner) for corner in loop], axis=1) for loop in loops]
    return quads(np.concatenate(faces), style.wall, 0.9 * np.asarray(colour))


def frames(wall: Wall, hole: Openings, style: Style) -> list[Mesh]:
    """Frames and bars, just before the panes."""
    bar, d = 0.06, 0.035 - style.reveal_m
    a, b, z0, z1 = hole.left, hole.right, hole.low, hole.high
    strips = [(a, a + bar, z0, z1), (b - bar, b, z0, z1), (a, b, z0, z0 + bar), (a, b, z1 - bar, z1)]
    for k in range(style.mullions):
        s = a + (b - a) * (k + 1) / (style.mullions + 1)
        strips.append((s - bar / 2, s + bar / 2, z0, z1))
    if style.transom is not None:
        z = z0 + (z1 - z0) * style.transom
        strips.append((a, b, z - bar / 2, z + bar / 2))
    return [quads(np.concatenate([rectangle(wall, *strip, d) for strip in strips]), Surface.FRAME, style.frame)]


def _trim(wall: Wall, hole: Openings, style: Style) -> Mesh:
    out, width = style.trim_m, hole.right - hole.left
    middle = 0.5 * (hole.left + hole.right)
    size = np.stack([width + 0.2, np.full(len(width), out), np.full(len(width), 0.12)], axis=-1)
    if wall.along[0] == 0:
        size = size[:, [1, 0, 2]]
    sill = wall.at(middle, out / 2, hole.low - 0.12)
    lintel = wall.at(middle, out / 2, hole.high)
    return boxes(np.concatenate([size, size + np.array([0, 0, 0.1])]), np.concatenate([sill, lintel]), Surface.STONE,
                 (0.42, 0.40, 0.36))  # fmt: skip
