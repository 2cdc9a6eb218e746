"""A brick warehouse: steel columns and trusses, a pitched roof with skylights, roller doors, crates and drums."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from translight.generation.procedural.halls import furnishings
from translight.generation.procedural.halls.arches import Arched, arched_wall, tracery
from translight.generation.procedural.halls.hall import Free, Hall, Room, ends, ground, sides
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import box, boxes, merged, mesh, placed, quads, swept

_BRICK = (1.0, 1.0, 1.0)
_STEEL = ((0.10, 0.13, 0.12), (0.22, 0.08, 0.06), (0.16, 0.16, 0.15))
_SHEET = (0.34, 0.35, 0.35)
_EAVES_M, _RIDGE_M = 7.0, 3.4
_LIGHT = np.array([1.0, 0.80, 0.55])


def warehouse(room: Room, free: Free, rng: np.random.Generator) -> Hall:
    """The hall of a brief's room."""
    half = room.half_width_m(float(rng.uniform(9.5, 12.5)))
    edges = room.bays(float(rng.uniform(5.2, 6.4)))
    low, high, bay = float(edges[0]), float(edges[-1]), float(edges[1] - edges[0])
    steel = _STEEL[int(rng.integers(len(_STEEL)))]
    middles = 0.5 * (edges[1:] + edges[:-1]) - low
    window = Arched(bay - 1.9, 2.7, 5.6, 1.6)
    window = Arched(bay - 1.9, 2.7, 5.2, 0.0) if rng.random() < 0.5 else window
    eaves = room.least_wall_m(max(_EAVES_M, window.top_m + 0.6))
    meshes: list[Mesh] = []
    for wall in sides(half, low, high):
        meshes.append(arched_wall(wall, middles, window, eaves + 0.26, 0.45, Surface.BRICK, _BRICK))
        meshes.append(tracery(wall, middles, window, 5, -0.25, Surface.LEAD))
    meshes += _gables(half, low, high, eaves)
    meshes += _roof(half, edges, eaves, rng)
    meshes.append(quads([[(-half, low, 0), (half, low, 0), (half, high, 0), (-half, high, 0)]], Surface.CONCRETE))
    meshes.append(ground())
    truss = np.column_stack([np.zeros(len(edges)), edges, np.full(len(edges), eaves)])
    copies = [placed(_truss(half, steel), truss)]
    inner = 0.52 * half
    spots = np.array([(side * inner, y, 0.0) for y in edges[1:-1] for side in (-1, 1)])
    spots = spots[free(spots[:, :2], 0.3)]
    if len(spots):
        copies.append(placed(_post(eaves, steel), spots))
    copies += _goods(half, low, high, free, rng)
    centre = 0.5 * (edges[1:] + edges[:-1])
    hung = np.array([(x, y, eaves) for y in centre for x in (-0.5 * half, 0.0, 0.5 * half)])
    copies.append(placed(furnishings.shade_lamp(1.7), hung))
    lamps = hung - (0, 0, 1.78)
    return Hall(meshes, copies, lamps, np.repeat([45.0 * _LIGHT], len(lamps), axis=0), down=True)


def _bar(a: ArrayLike, b: ArrayLike, thick_m: float, colour: tuple[float, ...]) -> Mesh:
    """A square bar between two points across Y."""
    t = thick_m / 2
    return swept([(-t, -t), (t, -t), (t, t), (-t, t)], np.array([a, b], np.float64), (0, 1, 0), Surface.STEEL, colour)


def _truss(half: float, colour: tuple[float, ...]) -> Mesh:
    """A fan truss from eaves (z = 0) to ridge, across X."""
    n = 8
    x = np.linspace(-half, half, n + 1)
    top = _RIDGE_M * (1 - np.abs(x) / half)
    chord = [_bar((-half, 0, 0), (half, 0, 0), 0.16, colour)]
    chord += [_bar((s * half, 0, 0.1), (0, 0, _RIDGE_M), 0.16, colour) for s in (-1, 1)]
    for k in range(1, n):
        chord.append(_bar((x[k], 0, 0), (x[k] + 1e-3, 0, top[k]), 0.09, colour))
    for k in range(1, n // 2):
        for s in (-1, 1):
            chord.append(_bar((s * abs(x[k]), 0, 0), (s * abs(x[k + 1]), 0, top[k + 1]), 0.08, colour))
    return merged(chord)


def _post(height_m: float, colour: tuple[float, ...]) -> Mesh:
    """A rolled steel column: two flanges, a web, a foot and a head plate."""
    return boxes(
        [(0.03, 0.26, height_m), (0.03, 0.26, height_m), (0.26, 0.02, height_m), (0.5, 0.5, 0.03), (0.5, 0.5, 0.03)],
        [(-0.13, 0, 0), (0.13, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, height_m - 0.03)],
        Surface.STEEL,
        colour,
    )


def _gables(half: float, low: float, high: float, eaves: float) -> list[Mesh]:
    """End walls up to the ridge; a roller door of 4.2 m in the front one, a door of 2.1 m in both."""
    made = []
    for wall in ends(half, low, high):
        s = np.array([0.0, 2 * half, 2 * half, half, 0.0])
        z = np.array([0.0, 0.0, eaves, eaves + _RIDGE_M, eaves])
        front, back = wall.at(s, 0.0, z), wall.at(s, -0.45, z)
        fan = [(0, 1, 2), (0, 2, 3), (0, 3, 4)]
        around = [f for k in range(5) for f in ((k, 5 + k, 5 + (k + 1) % 5), (k, 5 + (k + 1) % 5, (k + 1) % 5))]
        faces = [*fan, *[(5 + a, 5 + c, 5 + b) for a, b, c in fan], *around]
        made.append(mesh(np.concatenate([front, back]), faces, Surface.BRICK, _BRICK))
    slats = [(4.4, 0.08 + 0.05 * (k % 2), 0.2) for k in range(21)]
    made.append(
        boxes(slats, [(-0.25 * half, high - 0.07, 0.2 * k) for k in range(21)], Surface.STEEL, (0.30, 0.32, 0.33))
    )
    made.append(box((4.9, 0.5, 0.55), Surface.STEEL, (-0.25 * half, high - 0.25, 4.2), (0.12, 0.12, 0.12)))
    posts = [(-0.25 * half + x, high - 0.1, 0) for x in (-2.3, 2.3)]
    made.append(boxes([(0.16, 0.2, 4.2)] * 2, posts, Surface.STEEL, (0.35, 0.28, 0.05)))
    for y, out in ((high, -1), (low, 1)):
        made.append(box((0.95, 0.1, 2.1), Surface.STEEL, (0.55 * half, y + 0.05 * out, 0), (0.10, 0.16, 0.20)))
        made.append(box((1.15, 0.06, 2.2), Surface.STEEL, (0.55 * half, y + 0.03 * out, 0), (0.06, 0.06, 0.06)))
    return made


def _roof(half: float, edges: np.ndarray, eaves: float, rng: np.random.Generator) -> list[Mesh]:
    """Sheeting on both slopes with purlins; in every second bay a skylight that is open to the sky."""
    made = []
    slope = np.array([0.0, 0.30, 0.72, 1.0])
    odd = int(rng.integers(2))
    for k, (a, b) in enumerate(pairwise(edges)):
        for side in (-1, 1):
            for i in range(3):
                if i == 1 and k % 2 == odd:
                    made += _skylight(half, a, b, side, slope[1], slope[2], eaves)
                    continue
                u0, u1 = slope[i], slope[i + 1]
                made.append(_sheet(half, float(a), float(b), side, float(u0), float(u1), eaves))
    y, long = float(edges[0] + edges[-1]) / 2, float(edges[-1] - edges[0])
    made.append(box((0.6, long, 0.12), Surface.STEEL, (0, y, eaves + _RIDGE_M + 0.17), _SHEET))
    rungs = [(s * half * (1 - u), y, eaves + 0.06 + _RIDGE_M * u) for u in np.linspace(0.06, 0.98, 9) for s in (-1, 1)]
    made.append(boxes(np.tile((0.07, long, 0.14), (len(rungs), 1)), rungs, Surface.STEEL, (0.14, 0.14, 0.13)))
    return made


def _sheet(half: float, a: float, b: float, side: int, u0: float, u1: float, eaves: float) -> Mesh:
    """A slab of the roof between two heights of its slope: 6 cm of sheeting."""
    corners = [(half * (1 - u) * side, y, eaves + 0.2 + _RIDGE_M * u) for u, y in ((u0, a), (u1, a), (u1, b), (u0, b))]
    low = np.array(corners)
    low[:2] += (0, -0.01, 0)
    points = np.concatenate([low, low + np.array([0, 0, 0.06])])
    quads_ = ((0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0))
    faces = [f for p, q, r, t in quads_ for f in ((p, q, r), (p, r, t))]
    faces = faces if side < 0 else [(p, r, q) for p, q, r in faces]
    return mesh(points, [(p, r, q) for p, q, r in faces], Surface.STEEL, _SHEET)


def _skylight(half: float, a: float, b: float, side: int, u0: float, u1: float, eaves: float) -> list[Mesh]:
    """Glazing bars down an opening of the roof."""
    made = []
    for y in np.arange(a + 0.02, b, 0.8):
        low, high = ((side * half * (1 - u), y, eaves + 0.22 + _RIDGE_M * u) for u in (u0, u1))
        made.append(_bar(low, high, 0.05, (0.08, 0.08, 0.08)))
    return made


def _goods(half: float, low: float, high: float, free: Free, rng: np.random.Generator) -> list[Placed]:
    """Crates in stacks along both sides, and drums between them."""
    stacks, drums = [], []
    kinds = [(1.2, 1.0, 0.9), (1.0, 1.0, 1.0), (1.6, 1.1, 0.7)]
    for side in (-1, 1):
        for y in np.arange(low + 2.5, high - 2.5, 2.1):
            for x in (half - 1.2, half - 2.7, half - 4.2):
                at = np.array([[side * x + rng.uniform(-0.15, 0.15), y + rng.uniform(-0.2, 0.2)]])
                draw = rng.random()
                if not free(at, 1.1)[0]:
                    continue
                if draw < 0.55 - 0.12 * (half - x):
                    kind, z = int(rng.integers(3)), 0.0
                    for _ in range(int(rng.integers(1, 4))):
                        turn = float(rng.normal(0, 0.06) + (np.pi / 2 if rng.random() < 0.5 else 0))
                        stacks.append((kind, (*at[0], z), turn, float(rng.uniform(0.75, 1.2))))
                        z += kinds[kind][2] + 0.14 + 0.02
                elif draw < 0.66:
                    drums += [(*(at[0] + d), 0.0) for d in ((0, 0), (0.65, 0.05), (0.3, 0.6)) if rng.random() < 0.8]
    made = []
    for kind, size in enumerate(kinds):
        of = [s for s in stacks if s[0] == kind]
        if of:
            tint = np.array([s[3] for s in of])[:, None] * (1.0, 0.97, 0.93)
            made.append(placed(furnishings.crate(size), [s[1] for s in of], np.array([s[2] for s in of]), 1.0, tint))
    if drums:
        hue = rng.choice([(0.05, 0.12, 0.3), (0.35, 0.06, 0.04), (0.25, 0.24, 0.22)], len(drums))
        made.append(placed(furnishings.drum((1.0, 1.0, 1.0)), drums, rng.uniform(0, 6, len(drums)), 1.0, hue))
    return made
