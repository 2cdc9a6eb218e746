"""A roof terrace to stand on: paving and boards, a parapet, plant, lanterns, on a building of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.buildings import Plot, inset
from translight.generation.procedural.city.kit import Kit
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.city.streets import Free
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import box, boxes, sphere, swept

PARAPET_M = 0.95
_WALL = (0.27, 0.16, 0.12)
_CAP = (0.42, 0.40, 0.37)


def terrace(
    own: Plot, height_m: float, kit: Kit, rng: np.random.Generator, free: Free
) -> tuple[list[Mesh], Float64[np.ndarray, "n 3"]]:
    """The terrace over the plot at this height above the pavement, what stands on it kept off the free ground.

    The second value is the places of its bulbs, as lamps, in the city's axes.
    """
    x0, y0, x1, y1 = own
    x, y, wide, deep = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    made = [
        box((wide, deep, height_m - 0.3), Surface.BRICK, (x, y, 0), _WALL),
        box((wide, deep, 0.3), Surface.PAVING, (x, y, height_m - 0.3)),
    ]
    t = 0.32
    size = [(wide, t, PARAPET_M), (wide, t, PARAPET_M), (t, deep - 2 * t, PARAPET_M), (t, deep - 2 * t, PARAPET_M)]
    foot = np.array([(x, y0 + t / 2, 0), (x, y1 - t / 2, 0), (x0 + t / 2, y, 0), (x1 - t / 2, y, 0)])
    foot[:, 2] = height_m
    made.append(boxes(size, foot, Surface.BRICK, _WALL))
    cap = np.array(size) + np.array([(0.1, 0.1, 0), (0.1, 0.1, 0), (0.1, 0, 0), (0.1, 0, 0)])
    cap[:, 2] = 0.09
    made.append(boxes(cap, foot + np.array([0, 0, PARAPET_M]), Surface.STONE, _CAP))
    wanted = [
        ("bulkhead", (x0 + 2.4, y0 + 2.2), np.pi, 1.9), ("water tank", (x1 - 2.6, y0 + 2.7), 0.0, 2.0),
        ("air conditioner", (x1 - 1.3, y0 + 6.6), np.pi / 2, 1.3), ("air conditioner", (x, y0 + 1.5), 0.0, 1.3),
        ("vent", (x + 2.3, y0 + 1.1), 0.0, 0.4), ("vent", (x + 2.9, y0 + 2.0), 0.0, 0.4),
        ("vent", (x1 - 1.0, y1 - 3.2), 0.0, 0.4), ("antenna", (x0 + 4.6, y0 + 1.0), 0.4, 0.9),
        ("vent", (x0 + 0.9, y0 + 5.2), 0.0, 0.4),
    ]  # fmt: skip
    for name, spot, turn, room in wanted:
        if free(np.array([spot]), room)[0]:
            kit.put(name, (*spot, height_m), turn + float(rng.normal(0, 0.01)))
    planters = [(x0 + 0.75, y0 + 4 + 2.6 * k) for k in range(int((deep - 5) / 2.6))]
    keep = [p for p in planters if free(np.array([p]), 1.15)[0]]
    if keep:
        at = np.array([(*p, height_m) for p in keep])
        made.append(boxes(np.tile((0.5, 1.8, 0.55), (len(at), 1)), at, Surface.WOOD))
        made.append(
            boxes(
                np.tile((0.42, 1.7, 0.03), (len(at), 1)),
                at + np.array([0, 0, 0.54]),
                Surface.CLOTH,
                (0.03, 0.02, 0.015),
            )
        )
    strings, bulbs = _festoon(own, height_m)
    return made + strings, bulbs


def _festoon(own: Plot, height_m: float) -> tuple[list[Mesh], Float64[np.ndarray, "n 3"]]:
    """Bulbs on wires that sag between posts along both sides and the back."""
    x0, y0, x1, y1 = inset(own, 0.16)
    posts = np.array([(x0, y1), (x0, (y0 + y1) / 2), (x0, y0), (x1, y0), (x1, (y0 + y1) / 2), (x1, y1)])
    top = height_m + 3.1
    tall = np.tile((0.06, 0.06, top - height_m - PARAPET_M), (len(posts), 1))
    feet = np.column_stack([posts, np.full(len(posts), height_m + PARAPET_M)])
    made, bulbs = [boxes(tall, feet, Surface.METAL, (0.05, 0.05, 0.05))], []
    for a, b in pairwise(posts):
        t = np.linspace(0, 1, max(4, round(float(np.linalg.norm(b - a)) / 0.8)) + 1)
        path = np.column_stack([a + t[:, None] * (b - a), top - 0.05 - 1.4 * t * (1 - t)])
        across = np.array([a[1] - b[1], b[0] - a[0], 0.0])
        wire = [(-0.008, -0.008), (0.008, -0.008), (0.008, 0.008), (-0.008, 0.008)]
        made.append(swept(wire, path, across, Surface.RUBBER))
        hung = path[1:-1] - (0, 0, 0.09)
        made += [sphere(0.038, Surface.LAMP, subdivisions=1, centre_m=at) for at in hung]
        bulbs.append(hung[::2] - (0, 0, 0.12))
    return made, np.concatenate(bulbs)
