"""Arches, walls that arches are cut through, and vaults between them; city/facades.py's Wall is the plane they lie in.

A pointed arch is drawn with two arcs of ``sharpness`` times the span: 0.5 gives a round arch, 1 an equilateral one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import box, merged, mesh, quads, swept

_STEPS = 16
_FLAT = 1e-9


def arch(u: ArrayLike, sharpness: float = 0.5) -> Float64[np.ndarray, "n"]:
    """Height of an arch of span 2 above its springing at u within [−1, 1]."""
    radius = 2.0 * sharpness
    reach = radius - 1.0 + np.abs(np.asarray(u, np.float64))
    return np.asarray(np.sqrt(np.maximum(radius * radius - reach * reach, 0.0)))


def rise_m(span_m: float, sharpness: float = 0.5) -> float:
    """From an arch's springing to its crown."""
    return float(0.5 * span_m * arch(0.0, sharpness))


@dataclass(frozen=True, slots=True)
class Arched:
    """Openings of a wall, all alike: foot, springing and shape. ``sharpness`` 0 gives a straight lintel."""

    width_m: float
    foot_m: float
    spring_m: float
    sharpness: float = 0.5

    @property
    def top_m(self) -> float:
        """Where its crown is."""
        return self.spring_m + (rise_m(self.width_m, self.sharpness) if self.sharpness else 0.0)

    def outline(self) -> Float64[np.ndarray, "n 2"]:
        """The arch from springing to springing: along, from its middle, and height."""
        u = -np.cos(np.linspace(0, np.pi, _STEPS + 1)) if self.sharpness else np.array([-1.0, 0.0, 1.0])
        rise = arch(u, self.sharpness) if self.sharpness else np.zeros(3)
        return np.column_stack([u, rise]) * 0.5 * self.width_m + np.array([0.0, self.spring_m])


def arched_wall(
    wall: Wall, middles_m: ArrayLike, hole: Arched, top_m: float, thick_m: float, material: int, colour: ArrayLike
) -> Mesh:
    """A wall ``thick_m`` deep behind its plane, with a hole around each middle: closed, and open right through.

    ``middles_m`` grow along the wall; holes must not touch. Raises ValueError where they do or do not fit.
    """
    middles = np.asarray(middles_m, np.float64)
    edges = np.concatenate([[0.0], 0.5 * (middles[1:] + middles[:-1]), [wall.width_m]])
    half = 0.5 * hole.width_m
    if (middles - half <= edges[:-1]).any() or (middles + half >= edges[1:]).any() or hole.top_m >= top_m:
        raise ValueError("openings must fit into their wall and not touch")
    front = np.concatenate([_panel(a, b, m, hole, top_m) for (a, b), m in zip(pairwise(edges), middles, strict=True)])
    edge = _border(front)
    near, far = (wall.at(edge[..., 0], d, edge[..., 1]) for d in (0.0, -thick_m))
    around = np.stack([near[:, 1], near[:, 0], far[:, 0], far[:, 1]], axis=1)
    faces = [_corners(wall, front, 0.0), _corners(wall, front[:, ::-1], -thick_m), around]
    return quads(np.concatenate(faces), material, colour)


def _panel(a: float, b: float, middle: float, hole: Arched, top: float) -> Float64[np.ndarray, "n 4 2"]:
    """Faces of one bay around its hole."""
    curve = hole.outline() + np.array([middle, 0.0])
    left, right, foot, spring = curve[0, 0], curve[-1, 0], hole.foot_m, hole.spring_m
    levels = [0.0, spring, top] if foot <= 0 else [0.0, foot, spring, top]
    faces = []
    for low, high in pairwise(levels):
        faces += [[(a, low), (left, low), (left, high), (a, high)], [(right, low), (b, low), (b, high), (right, high)]]
    faces += [[tuple(p), tuple(q), (q[0], top), (p[0], top)] for p, q in pairwise(curve)]
    if foot > 0:
        faces += [[(p[0], 0.0), (q[0], 0.0), (q[0], foot), (p[0], foot)] for p, q in pairwise(curve)]
    return np.array(faces, np.float64)


def _border(faces: Float64[np.ndarray, "n 4 2"]) -> Float64[np.ndarray, "m 2 2"]:
    """Edges of faces that no other face has in the other direction: holes' rims and the outer edge."""
    edge = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2, 2)
    key = np.round(edge * 1e5).astype(np.int64).reshape(-1, 4)
    there = {tuple(k) for k in key.tolist()}
    alone = [k not in there for k in map(tuple, key[:, [2, 3, 0, 1]].tolist())]
    return np.asarray(edge[np.array(alone)])


def _corners(wall: Wall, flat: np.ndarray, d: float) -> Float64[np.ndarray, "n 4 3"]:
    return wall.at(flat[..., 0], d, flat[..., 1])


def tracery(wall: Wall, middles_m: ArrayLike, hole: Arched, lights: int, d: float, material: int) -> Mesh:
    """Bars in each hole: uprights that part it into ``lights``, crossbars each 1.2 m, and a frame along the arch."""
    parts = []
    out = np.array([wall.along[1], -wall.along[0], 0.0])
    upright_m = 0.14
    u = np.linspace(-1, 1, lights + 1)[1:-1]
    rise = arch(u, hole.sharpness) if hole.sharpness else np.zeros(len(u))
    tops = hole.spring_m + 0.5 * hole.width_m * rise
    foot = max(hole.foot_m, 0.0)
    curve = hole.outline()
    section = [(-0.09, -0.08), (0.09, -0.08), (0.09, 0.08), (-0.09, 0.08)]
    turn = abs(wall.along[1]) > 0.5
    for m in np.asarray(middles_m, np.float64):
        for s, top in zip(0.5 * hole.width_m * u, tops, strict=True):
            at = wall.at(np.array(m + s), d, np.array(foot))
            parts.append(box((upright_m, upright_m, top - foot), material, at))
        for z in np.arange(foot + 1.2, hole.spring_m, 1.2):
            size = (0.05, hole.width_m, 0.05) if turn else (hole.width_m, 0.05, 0.05)
            parts.append(box(size, material, wall.at(np.array(m), d, np.array(z))))
        if hole.sharpness:
            path = wall.at(m + curve[:, 0], d, curve[:, 1])
            parts.append(swept(section, path, out, material))
            if lights > 1:
                parts += _heads(wall, m, hole, lights, d, out, material)
    return merged(parts)


def _heads(
    wall: Wall, middle: float, hole: Arched, lights: int, d: float, out: np.ndarray, material: int
) -> list[Mesh]:
    """Small arches over a window's lights, from upright to upright at its springing."""
    step = hole.width_m / lights
    u = -np.cos(np.linspace(0, np.pi, 11))
    section = [(-0.05, -0.045), (0.05, -0.045), (0.05, 0.045), (-0.05, 0.045)]
    made = []
    for k in range(lights):
        s = middle - 0.5 * hole.width_m + (k + 0.5) * step
        path = wall.at(s + 0.5 * step * u, d, hole.spring_m - 0.25 * step + 0.5 * step * arch(u, 0.8))
        made.append(swept(section, path, out, material))
    return made


def groin_vault(
    width_m: float, length_m: float, height_m: float, sharpness: float, material: int, colour: ArrayLike
) -> Mesh:
    """One bay's vault seen from below, around its own middle, from z = 0 at its corners to its crown's height."""
    n = 24
    u = -np.cos(np.linspace(0, np.pi, n + 1))
    x, y = np.meshgrid(u, u, indexing="ij")
    f = arch(u, sharpness) / arch(0.0, sharpness)
    z = np.maximum(f[:, None], f[None, :])
    points = np.stack([0.5 * width_m * x, 0.5 * length_m * y, height_m * z], axis=-1).reshape(-1, 3)
    i, j = (k.reshape(-1) for k in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    a, b, c, d = i * (n + 1) + j, (i + 1) * (n + 1) + j, (i + 1) * (n + 1) + j + 1, i * (n + 1) + j + 1
    # The crease runs along the diagonals: cells there are cut along it, on all four sides of the crown.
    falling = ((i < n // 2) == (j < n // 2))[:, None]
    first = np.where(falling, np.stack([a, c, b], axis=-1), np.stack([a, d, b], axis=-1))
    second = np.where(falling, np.stack([a, d, c], axis=-1), np.stack([b, d, c], axis=-1))
    return mesh(points, np.concatenate([first, second]), material, colour)


def vault_ribs(
    width_m: float, length_m: float, height_m: float, sharpness: float, thick_m: float, material: int, colour: ArrayLike
) -> Mesh:
    """The ribs of that vault: two diagonals, and the arch across at its −Y end, with a boss at the crown."""
    u = -np.cos(np.linspace(0, np.pi, 25))
    z = height_m * arch(u, sharpness) / arch(0.0, sharpness)
    x, y = 0.5 * width_m * u, 0.5 * length_m * u
    t = 0.5 * thick_m
    section = [(-t, -t), (t, -t), (0.6 * t, t), (-0.6 * t, t)]
    wide = [(1.5 * a, 1.5 * b) for a, b in section]
    parts = []
    for path, across in (
        (np.column_stack([x, y, z]), (length_m, -width_m, 0)),
        (np.column_stack([x, -y, z]), (length_m, width_m, 0)),
    ):
        parts.append(swept(section, path, across, material, colour))
    path = np.column_stack([x, np.full_like(x, -0.5 * length_m), z])
    parts.append(swept(wide, path, (0, -1, 0), material, colour))
    parts.append(box((0.7, 0.7, 0.35), material, (0, 0, height_m - 0.3), colour))
    return merged(parts)
