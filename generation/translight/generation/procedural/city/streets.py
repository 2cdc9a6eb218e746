"""A city's plan and what lies on its ground: blocks, roads with their markings, pavements, traffic and street lamps.

In the city's axes avenues run along Y, streets along X, and pavements' tops are z = 0; roads lie a kerb lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.buildings import Plot
from translight.generation.procedural.city.kit import LAMP_HEIGHT_M, LAMP_REACH_M, Kit
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import boxes, mesh, quads

KERB_M = 0.13
AVENUE_M, STREET_M = 17.0, 11.0
PAVEMENT_M = 4.5
_PAINTS = ((0.02, 0.02, 0.022), (0.5, 0.5, 0.5), (0.30, 0.31, 0.33), (0.10, 0.11, 0.12), (0.28, 0.03, 0.03),
           (0.03, 0.06, 0.16), (0.42, 0.40, 0.34), (0.04, 0.10, 0.08))  # fmt: skip
_TAXI = (0.62, 0.36, 0.03)
Free = Callable[[np.ndarray, float], np.ndarray]
"""Which points (n 2) of the city have this much room to the ground that must stay free."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Roads' middles, and the blocks between them up to their kerbs; the first block is the eye's own."""

    avenues: Float64[np.ndarray, "a"]
    streets: Float64[np.ndarray, "s"]
    blocks: Float64[np.ndarray, "n 4"]


def plan(home: Plot, reach_m: float, rng: np.random.Generator) -> Plan:
    """A grid of roads around the home block, out to ``reach_m``, with blocks of uneven size."""
    x0, y0, x1, y1 = home
    columns = _strips(x0, x1, AVENUE_M, (62.0, 92.0), reach_m, rng)
    rows = _strips(y0, y1, STREET_M, (66.0, 110.0), reach_m, rng)
    grid = [(a, c, b, d) for a, b in columns for c, d in rows if max(abs(a), abs(b), abs(c), abs(d)) < reach_m * 1.2]
    blocks = np.array([home, *(plot for plot in grid if plot != home)])
    avenues = np.array([a - AVENUE_M / 2 for a, _ in columns])
    return Plan(avenues, np.array([c - STREET_M / 2 for c, _ in rows]), blocks)


def _strips(
    low: float, high: float, road_m: float, size_m: tuple[float, float], reach_m: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    strips = [(low, high)]
    while strips[-1][1] < reach_m:
        start = strips[-1][1] + road_m
        strips.append((start, start + float(rng.uniform(*size_m))))
    while strips[0][0] > -reach_m:
        end = strips[0][0] - road_m
        strips.insert(0, (end - float(rng.uniform(*size_m)), end))
    return strips


def ground(city: Plan, near_m: float, far_m: float) -> list[Mesh]:
    """Asphalt to the horizon, pavements with kerbs of the blocks that are near, and lines on the roads."""
    far = [(-far_m, -far_m, -KERB_M), (far_m, -far_m, -KERB_M), (far_m, far_m, -KERB_M), (-far_m, far_m, -KERB_M)]
    made = [mesh(far, [(0, 1, 2), (0, 2, 3)], Surface.ASPHALT)]
    near = city.blocks[_distance(city.blocks) < near_m]
    x0, y0, x1, y1 = near.T
    n, edge = len(near), 0.16
    middle = np.column_stack([(x0 + x1) / 2, (y0 + y1) / 2, np.full(n, -KERB_M)])
    size = np.column_stack([x1 - x0, y1 - y0, np.full(n, KERB_M)])
    made.append(boxes(size - (2 * edge, 2 * edge, 0), middle, Surface.PAVING))
    across, deep = np.zeros((n, 3)), np.zeros((n, 3))
    across[:, 1], deep[:, 0] = (y1 - y0 - edge) / 2, (x1 - x0 - edge) / 2
    long, tall = size * (1, 0, 1) + (0, edge, 0), size * (0, 1, 1) + (edge, -2 * edge, 0)
    for foot, part in ((middle - across, long), (middle + across, long), (middle - deep, tall), (middle + deep, tall)):
        made.append(boxes(part, foot, Surface.KERB))
    made.append(_markings(city, near_m))
    return made


def _distance(blocks: Float64[np.ndarray, "n 4"]) -> np.ndarray:
    """From the city's origin to each block."""
    dx = np.maximum(np.maximum(blocks[:, 0], -blocks[:, 2]), 0)
    dy = np.maximum(np.maximum(blocks[:, 1], -blocks[:, 3]), 0)
    return np.asarray(np.hypot(dx, dy))


def _flat(x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray, z: float) -> Float64[np.ndarray, "n 4 3"]:
    x0, y0, x1, y1, z_ = np.broadcast_arrays(x0, y0, x1, y1, z)
    corners = [np.stack([x, y, z_], axis=-1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return np.stack(corners, axis=1)


def _markings(city: Plan, near_m: float) -> Mesh:
    """Dashed lane lines, stop lines and zebra crossings at every junction that is near."""
    z, rects = 0.006 - KERB_M, []
    near_x = city.avenues[np.abs(city.avenues) < near_m]
    near_y = city.streets[np.abs(city.streets) < near_m]
    dash = np.arange(-near_m, near_m, 9.0)
    dash = dash[(np.abs(dash[:, None] - city.streets).min(axis=1) > STREET_M / 2 + 9)]
    for x in near_x:
        rects += [_flat(x + off - 0.06, dash, x + off + 0.06, dash + 3.0, z) for off in (-4.2, 4.2)]
        rects += [_flat(x + off - 0.05, dash - 3.0, x + off + 0.05, dash + 6.0, z) for off in (-0.15, 0.15)]
        for y in near_y:
            bars = x + np.arange(-AVENUE_M / 2 + 0.7, AVENUE_M / 2 - 0.6, 1.0)
            for side in (-1, 1):
                foot = y + side * (STREET_M / 2 + 2.4)
                rects.append(_flat(bars - 0.25, np.full(len(bars), foot - 1.5), bars + 0.25, foot + 1.5, z))
                stop = np.array([y + side * (STREET_M / 2 + 5.2)])
                rects.append(_flat(x - AVENUE_M / 2 if side > 0 else x + 0.3, stop - 0.2,
                                   x - 0.3 if side > 0 else x + AVENUE_M / 2, stop + 0.2, z))  # fmt: skip
            bars = y + np.arange(-STREET_M / 2 + 0.7, STREET_M / 2 - 0.6, 1.0)
            for side in (-1, 1):
                foot = x + side * (AVENUE_M / 2 + 2.4)
                rects.append(_flat(np.full(len(bars), foot - 1.5), bars - 0.25, foot + 1.5, bars + 0.25, z))
    for y in near_y:
        dash = np.arange(-near_m, near_m, 8.0)
        dash = dash[(np.abs(dash[:, None] - city.avenues).min(axis=1) > AVENUE_M / 2 + 8)]
        rects.append(_flat(dash, y - 0.06, dash + 3.0, y + 0.06, z))
    return quads(np.concatenate([np.zeros((0, 4, 3)), *rects]), Surface.MARKING)


def puddles(near_m: float, count: int, height: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator) -> Mesh:
    """Still water of a millimetre in hollows: lobed outlines that lie on the ground of this height (n 2 → n)."""
    centre = rng.uniform(-near_m, near_m, (count, 2))
    k = np.arange(28) * (2 * np.pi / 28)
    lobes = sum(
        rng.uniform(0, 0.3, (count, 1)) / m * np.cos(m * k + rng.uniform(0, 6.3, (count, 1))) for m in (2, 3, 4, 5, 7)
    )
    radius = rng.uniform(0.3, 1.6, (count, 1)) * (1 + lobes)
    stretch = rng.uniform(0.5, 1.0, (count, 1))
    x, y = centre[:, :1] + radius * np.cos(k) * stretch, centre[:, 1:] + radius * np.sin(k)
    level = height(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(x.shape)
    whole = np.ptp(level, axis=1) == 0
    z = level + 0.003
    points = np.stack([x, y, z], axis=-1)[whole]
    n = len(points)
    fan = np.stack([np.zeros(26, int), np.arange(1, 27), np.arange(2, 28)], axis=-1)
    return mesh(points.reshape(-1, 3), (fan[None] + 28 * np.arange(n)[:, None, None]).reshape(-1, 3), Surface.PUDDLE)


def street_lamps(city: Plan, near_m: float, kit: Kit, free: Free) -> Float64[np.ndarray, "n 3"]:
    """Lamps along both kerbs of all roads that are near, staggered; the places just below their heads."""
    spots = []
    run = np.arange(-near_m, near_m, 27.0)
    for roads, width, swap in ((city.avenues, AVENUE_M, False), (city.streets, STREET_M, True)):
        across, half = (city.streets, STREET_M / 2) if not swap else (city.avenues, AVENUE_M / 2)
        for middle in roads[np.abs(roads) < near_m]:
            for side in (-1, 1):
                s = run + (13.5 if side > 0 else 0.0)
                s = s[np.abs(s[:, None] - across).min(axis=1) > half + 1.2]
                off = middle + side * (width / 2 + 0.55)
                turn = (0.0 if side > 0 else np.pi) if not swap else (-np.pi / 2 if side > 0 else np.pi / 2)
                for v in s:
                    x, y = (v, off) if swap else (off, v)
                    spots.append((x, y, turn))
    made = np.array(spots).reshape(-1, 3)
    made = made[(np.hypot(made[:, 0], made[:, 1]) < near_m) & free(made[:, :2], 0.5)]
    heads = []
    for x, y, turn in made:
        kit.put("lamp", (x, y, 0.0), turn)
        reach = LAMP_REACH_M - 0.1
        heads.append((x - reach * np.cos(turn), y + reach * np.sin(turn), LAMP_HEIGHT_M - 0.06))
    return np.array(heads, np.float64).reshape(-1, 3)


def traffic(city: Plan, near_m: float, kit: Kit, rng: np.random.Generator, free: Free) -> Float64[np.ndarray, "n 4"]:
    """Cars parked along kerbs and moving in lanes (right-hand traffic): place and turn of the moving ones' fronts."""
    fronts = []
    for roads, width, swap, lanes in (
        (city.avenues, AVENUE_M, False, (2.1, 5.6)),
        (city.streets, STREET_M, True, (2.0,)),
    ):
        across, half = (city.streets, STREET_M / 2) if not swap else (city.avenues, AVENUE_M / 2)
        for middle in roads[np.abs(roads) < near_m]:
            for side in (-1, 1):
                ways = [(width / 2 - 1.15, 5.9, 0.3, 6.0, False)] + [(lane, 13.0, 0.3, 3.0, True) for lane in lanes]
                for off, gap, missing, junction, moves in ways:
                    s = np.arange(-near_m, near_m, gap) + rng.uniform(-0.4, 0.4, len(np.arange(-near_m, near_m, gap)))
                    s = s + (rng.uniform(-3, 3, len(s)) if moves else 0.0)
                    keep = rng.random(len(s)) > missing + (0.25 if moves else 0.0)
                    keep &= np.abs(s[:, None] - across).min(axis=1) > half + junction
                    # Up an avenue on its right side (+X), down it on its left; a street likewise, turned.
                    turn = (0.0 if side > 0 else np.pi) if not swap else (np.pi / 2 if side < 0 else -np.pi / 2)
                    for v in s[keep]:
                        at = np.array((v, middle + side * off) if swap else (middle + side * off, v))
                        if np.hypot(*at) < near_m and free(at[None], 2.9)[0]:
                            _car(at, turn, kit, rng)
                            if moves:
                                fronts.append(
                                    (*(at + 2.5 * np.array([np.sin(turn), np.cos(turn)])), 0.62 - KERB_M, turn)
                                )
    return np.array(fronts).reshape(-1, 4)


def _car(at: np.ndarray, turn: float, kit: Kit, rng: np.random.Generator) -> None:
    draw = rng.random()
    name = "taxi" if draw < 0.22 else "van" if draw < 0.36 else "saloon"
    tint = _TAXI if name == "taxi" else _PAINTS[int(rng.integers(len(_PAINTS)))]
    kit.put(name, (*at, -KERB_M), turn + float(rng.normal(0, 0.012)), tint=tint)


def far_lights(city: Plan, from_m: float, to_m: float, rng: np.random.Generator) -> list[Mesh]:
    """Lamps' heads and cars' lights, as squares that face the eye, along roads too far to see more of."""
    made = []
    for roads, swap in ((city.avenues, False), (city.streets, True)):
        v, middle = (k.reshape(-1) for k in np.meshgrid(np.arange(-to_m, to_m, 27.0), roads[np.abs(roads) < to_m]))
        for off, z, kind, size, share in (
            (-6.0, LAMP_HEIGHT_M, Surface.LAMP, 0.35, 1.0), (6.0, LAMP_HEIGHT_M, Surface.LAMP, 0.35, 1.0),
            (2.5, 0.6, Surface.TAIL_LIGHT, 0.3, 0.6), (-2.5, 0.6, Surface.HEADLIGHT, 0.22, 0.6),
        ):  # fmt: skip
            s = v + rng.uniform(-4, 4, len(v)) * (z < 1)
            at = np.column_stack([s, middle + off] if swap else [middle + off, s])
            r = np.hypot(at[:, 0], at[:, 1])
            keep = (r > from_m) & (r < to_m) & (rng.random(len(s)) < share)
            aside = 0.5 * size * np.column_stack([-at[:, 1], at[:, 0]])[keep] / r[keep, None]
            left, right = at[keep] - aside, at[keep] + aside
            low, high = np.full((len(left), 1), z - size / 2), np.full((len(left), 1), z + size / 2)
            sides = ((left, low), (left, high), (right, high), (right, low))
            made.append(quads(np.stack([np.hstack(side) for side in sides], axis=1), kind))
    return made


def corner(home: Plot, kit: Kit, free: Free) -> None:
    """What stands at the home block's front left corner: signals, a hydrant, bins and bollards along the kerb."""
    x0, _, _, y1 = home
    wanted = [
        ("traffic light", (x0 + 0.7, y1 - 0.7), 0.0),
        ("traffic light", (x0 - AVENUE_M - 0.7, y1 + STREET_M + 0.7), 0.0),
        ("traffic light", (x0 + 0.7, y1 + STREET_M + 0.7), 0.0), ("hydrant", (x0 + 1.0, y1 - 4.2), 0.0),
        ("bin", (x0 + 1.1, y1 - 2.6), 0.0), ("hydrant", (x0 + 1.0, y1 + STREET_M + 7.0), 0.0),
        ("bin", (x0 + 1.1, y1 + STREET_M + 2.6), 0.0),
    ]  # fmt: skip
    wanted += [("bollard", (x0 + 0.5, y1 - 5.5 - 1.5 * k), 0.0) for k in range(5)]
    wanted += [("bollard", (x0 + 2.5 + 1.5 * k, y1 - 0.5), 0.0) for k in range(5)]
    for name, at, turn in wanted:
        if free(np.array([at]), 0.35)[0]:
            kit.put(name, (*at, 0.0), turn)


def crossing(middle_x: float, y: float, kit: Kit, free: Free) -> list[Mesh]:
    """A zebra across the avenue of this middle between two streets, with signals that show red to the eye."""
    half = AVENUE_M / 2
    for side in (-1, 1):
        at = (middle_x + side * (half + 0.7), y - side * 2.6)
        if free(np.array([at]), 0.35)[0]:
            kit.put("traffic light", (*at, 0.0), 0.0)
    bars = middle_x + np.arange(-half + 0.7, half - 0.6, 1.0)
    low = np.full(len(bars), y - 1.5)
    return [quads(_flat(bars - 0.25, low, bars + 0.25, low + 3.0, 0.007 - KERB_M), Surface.MARKING)]
