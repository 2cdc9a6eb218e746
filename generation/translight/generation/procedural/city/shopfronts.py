"""Ground floors with shops for buildings.py: wide windows, doors of 2.1 m, lit interiors, boards, awnings and neon."""

from __future__ import annotations

import numpy as np

from translight.generation.procedural.city import neon
from translight.generation.procedural.city.facades import (
    Colour,
    Openings,
    Style,
    Wall,
    frames,
    panes,
    rectangle,
    reveals,
    rooms,
    skin,
)
from translight.generation.procedural.city.kit import Kit
from translight.generation.procedural.city.palette import NEON, Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import mesh, quads

FLOOR_M = 4.4
DOOR_M = (1.0, 2.1)
"""Width and height of a door's leaf."""
_STYLE = Style(5.6, FLOOR_M, 0.14, 0.5, 1.35, 0.22, Surface.STONE, 2, 0.78, 0.0, (), (0.05, 0.05, 0.05), 0.6)
_BOARDS = ((0.20, 0.03, 0.03), (0.03, 0.10, 0.07), (0.03, 0.05, 0.14), (0.05, 0.05, 0.05), (0.30, 0.20, 0.05))


def ground_floor(
    wall: Wall,
    colour: Colour,
    rng: np.random.Generator,
    *,
    open_share: float,
    kit: Kit | None = None,
) -> list[Mesh]:
    """The lowest storey of a wall; ``open_share`` of its shops have their lights on, which shine out by the kit."""
    count = max(1, round(wall.width_m / _STYLE.bay_m))
    bay = wall.width_m / count
    edge = 0.5 * bay * _STYLE.pier
    i = np.arange(count)
    s = np.stack([i * bay, i * bay + edge, (i + 1) * bay - edge, (i + 1) * bay], axis=-1)
    z = np.tile(np.array([0.0, 0.06, FLOOR_M - _STYLE.head_m, FLOOR_M]), (count, 1))
    hole = Openings(s[:, 1], s[:, 2], z[:, 1], z[:, 2])
    dark = tuple(0.75 * c for c in colour)
    made = [skin(wall, s, z, _STYLE, dark), reveals(wall, hole, _STYLE, dark), *frames(wall, hole, _STYLE)]
    lit = rng.random(count) < open_share
    if lit.any():
        light = np.exp(rng.normal(-0.3, 0.4, int(lit.sum())))
        inside = rooms(wall, hole.only(lit), _STYLE.reveal_m, 4.5, Surface.SHOP, light, rng)
        made += [*inside, _goods(wall, hole.only(lit), rng)]
    if not lit.all():
        made.append(panes(wall, hole.only(~lit), -_STYLE.reveal_m, Surface.GLASS))
    for k in range(count):
        made += _dressed(wall, s[k], rng, lit=bool(lit[k]))
        if lit[k] and kit is not None:
            foot = wall.at(0.5 * (s[k, 1] + s[k, 2]), 0.12, np.array(FLOOR_M - _STYLE.head_m - 0.12))
            kit.shine(foot, (wall.along[1], -wall.along[0], -0.7))
    return made


def _goods(wall: Wall, hole: Openings, rng: np.random.Generator) -> Mesh:
    """Shelves' contents and people-high things in a lit shop, against its back and near its window."""
    n, per = len(hole.left), 60
    a, wide = np.repeat(hole.left, per), np.repeat(hole.right - hole.left, per)
    foot = np.repeat(hole.low, per)
    size = rng.uniform(0.15, 0.7, n * per)
    s = a + rng.uniform(0.02, 0.85, n * per) * wide
    d = -_STYLE.reveal_m - rng.choice([0.5, 1.6, 3.0, 4.3, 4.4, 4.4], n * per)
    level = rng.integers(0, 4, n * per) * 0.55
    low = np.where(d > -2.0, 0.0, level) + foot
    high = low + np.where(d > -2.0, rng.uniform(0.7, 1.2, n * per), 0.45)
    hue = rng.uniform(0.03, 0.6, (n * per, 3))
    return quads(rectangle(wall, s, np.minimum(s + size, a + wide), low, high, d), Surface.CLOTH, hue)


def _dressed(wall: Wall, s: np.ndarray, rng: np.random.Generator, *, lit: bool) -> list[Mesh]:
    """One shop's door, board, awning and signs."""
    left, right = float(s[1]), float(s[2])
    made = []
    x = left + 0.1 if rng.random() < 0.5 else right - 0.1 - DOOR_M[0]
    d = 0.06 - _STYLE.reveal_m
    for a, b, z0, z1 in (
        (x, x + 0.09, 0.06, DOOR_M[1]), (x + DOOR_M[0] - 0.09, x + DOOR_M[0], 0.06, DOOR_M[1]),
        (x, x + DOOR_M[0], DOOR_M[1] - 0.1, DOOR_M[1]), (x, x + DOOR_M[0], 0.06, 0.32),
    ):  # fmt: skip
        corners = rectangle(wall, np.array([a]), np.array([b]), np.array([z0]), np.array([z1]), d)
        made.append(quads(corners, Surface.PAINT, (0.10, 0.10, 0.10)))
    board = _BOARDS[int(rng.integers(len(_BOARDS)))]
    low, high = FLOOR_M - 1.25, FLOOR_M - 0.45
    made.append(_slab(wall, left, right, 0.0, 0.16, low, high, Surface.PAINT, board))
    word = neon.ACROSS[int(rng.integers(len(neon.ACROSS)))]
    tall = min(0.5, 0.5 * (right - left - 0.4) / neon.width_m(word, 0.5))
    start = 0.5 * (left + right) - neon.width_m(word, tall) / 2
    kind = Surface.SIGN if rng.random() < 0.55 else NEON[int(rng.integers(len(NEON)))]
    made.append(neon.across(word, wall, start, 0.17, low + 0.4 - tall / 2, tall, kind if lit else Surface.FRAME, 0.05))
    if rng.random() < 0.4:
        made.append(_awning(wall, left, right, low - 0.05, rng))
    if lit and rng.random() < 0.45:
        small = neon.ACROSS[int(rng.integers(3))]
        tube = NEON[int(rng.integers(len(NEON)))]
        made.append(neon.across(small, wall, left + 0.45 + 0.4 * rng.random(), -0.15, 1.5, 0.34, tube, 0.022))
    return made


def blade(wall: Wall, s: float, z: float, rng: np.random.Generator) -> list[Mesh]:
    """A sign that stands out of the wall, with an upright word in neon on both of its sides."""
    word = neon.UPRIGHT[int(rng.integers(len(neon.UPRIGHT)))]
    tall = float(rng.uniform(0.6, 0.95))
    wide, high = 0.5 * tall + 0.5, 1.25 * tall * len(word) + 0.35
    kind, edge = (NEON[int(k)] for k in rng.permutation(len(NEON))[:2])
    made = [_slab(wall, s - 0.14, s + 0.14, 0.25, 0.25 + wide, z, z + high, Surface.PAINT, (0.03, 0.03, 0.04))]
    arms = ((0.0, 0.26, z + t, z + t + 0.06) for t in (0.3, high - 0.3))
    made += [_slab(wall, s - 0.03, s + 0.03, *arm, Surface.METAL, (0.1, 0.1, 0.1)) for arm in arms]
    tubes = ((d, d + 0.03) for d in (0.25, 0.25 + wide - 0.03))
    made += [_slab(wall, s - 0.15, s + 0.15, *tube, z, z + high, edge, (1, 1, 1)) for tube in tubes]
    along, out = wall.along, np.array([wall.along[1], -wall.along[0]])
    foot = wall.corner_m
    left = foot + np.array([*(along * (s - 0.14) + out * 0.25), z + 0.2])
    right = foot + np.array([*(along * (s + 0.14) + out * (0.25 + wide)), z + 0.2])
    # On its left face one reads outwards, on its right face towards the wall.
    for corner, reading in ((left, out), (right, -out)):
        made.append(neon.upright(word, Wall(corner, reading, wide), 0.25, 0.01, 0.0, tall, kind, 0.05))
    return made


def _slab(
    wall: Wall, a: float, b: float, d0: float, d1: float, z0: float, z1: float, kind: Surface,
    colour: Colour,
) -> Mesh:  # fmt: skip
    """A box in a wall's coordinates."""
    s, d, z = (np.array(v) for v in ((a, b, b, a) * 2, (d1, d1, d1, d1, d0, d0, d0, d0), (z0, z0, z1, z1) * 2))
    quads_ = ((0, 1, 2, 3), (5, 4, 7, 6), (3, 2, 6, 7), (1, 0, 4, 5), (1, 5, 6, 2), (4, 0, 3, 7))
    faces = [f for p, q, r, t in quads_ for f in ((p, q, r), (p, r, t))]
    return mesh(wall.at(s, d, z), faces, kind, colour)


def _awning(wall: Wall, left: float, right: float, z: float, rng: np.random.Generator) -> Mesh:
    """A sloping awning of 1.4 m with its hanging edge, striped or plain."""
    stripes = max(2, round((right - left) / 0.35))
    edge = np.linspace(left, right, stripes + 1)
    a, b = edge[:-1], edge[1:]
    top, low, out = np.full(stripes, z), np.full(stripes, z - 0.7), 1.4
    hue = np.array(_BOARDS[int(rng.integers(3))]) * 1.8
    pale = hue if rng.random() < 0.4 else np.array((0.55, 0.52, 0.46))
    colours = np.where((np.arange(stripes) % 2)[:, None] == 0, hue, pale)
    sloped = np.stack(
        [wall.at(a, out, low), wall.at(b, out, low), wall.at(b, 0.01, top), wall.at(a, 0.01, top)], axis=1
    )
    under = sloped[:, ::-1] - np.array([0, 0, 0.02])
    hem = rectangle(wall, a, b, low - 0.22, low, out)
    back = hem[:, ::-1]
    return quads(np.concatenate([sloped, under, hem, back]), Surface.CLOTH, np.tile(colours, (4, 1)))
