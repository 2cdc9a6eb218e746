"""Columns, benches, lights, crates and doors of halls: each stands on its z = 0, and what hangs hangs from there."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import box, boxes, cylinder, lathe, merged, moved, sphere

_IRON = (0.09, 0.085, 0.08)
_BASE = (
    (0.0, 0.0),
    (1.32, 0.0),
    (1.32, 0.14),
    (1.24, 0.2),
    (1.3, 0.28),
    (1.22, 0.36),
    (1.06, 0.4),
    (1.1, 0.46),
    (1.0, 0.52),
)


def column(radius_m: float, height_m: float, colour: ArrayLike, *, shafts: int = 0) -> Mesh:
    """A round pillar with plinth, base and flaring capital up to ``height_m``; ``shafts`` slender ones around it."""
    top = height_m
    profile = [(r * radius_m, z) for r, z in _BASE]
    capital = [
        (1.0, -1.0),
        (1.07, -0.96),
        (1.07, -0.9),
        (1.0, -0.86),
        (1.04, -0.6),
        (1.2, -0.3),
        (1.36, -0.16),
        (1.36, -0.14),
    ]
    profile += [(r * radius_m, top + z) for r, z in capital] + [(0.0, top - 0.14)]
    wide = 2.8 * radius_m
    parts = [
        lathe(profile[1:], Surface.STONE, 28, colour, smooth=True),
        box((wide, wide, 0.12), Surface.STONE, (0, 0, 0), colour),
        box((wide, wide, 0.14), Surface.STONE, (0, 0, top - 0.14), colour),
    ]
    for k in range(shafts):
        turn = 2 * np.pi * k / shafts
        at = (1.02 * radius_m * np.cos(turn), 1.02 * radius_m * np.sin(turn), 0.3)
        shaft = [(0.2, 0.0), (0.2, 0.1), (0.15, 0.2), (0.13, 0.3), (0.13, top - 1.3), (0.17, top - 1.25),
                 (0.14, top - 1.2), (0.24, top - 0.5)]  # fmt: skip
        parts.append(moved(lathe(shaft, Surface.STONE, 14, colour, smooth=True), at))
    return merged(parts)


def respond(height_m: float, colour: ArrayLike) -> Mesh:
    """Three slender shafts against a wall that faces +X, from a corbel to their capitals under a vault."""
    parts = []
    for y, r in ((-0.22, 0.11), (0.0, 0.16), (0.22, 0.11)):
        profile = [(0.05, -0.7), (1.5 * r, -0.2), (1.6 * r, 0.0), (r, 0.06), (r, height_m - 0.55),
                   (1.25 * r, height_m - 0.5), (r, height_m - 0.44), (1.8 * r, height_m - 0.05),
                   (1.8 * r, height_m)]  # fmt: skip
        parts.append(moved(lathe(profile, Surface.STONE, 14, colour, smooth=True), (0.08, y, 0)))
    return merged(parts)


def pew(length_m: float) -> Mesh:
    """A bench with a back and ends, facing +Y."""
    half = length_m / 2
    return boxes(
        [(length_m, 0.42, 0.05), (length_m, 0.05, 0.5), (0.07, 0.6, 0.95), (0.07, 0.6, 0.95), (length_m, 0.12, 0.04)],
        [(0, 0.02, 0.43), (0, -0.22, 0.46), (-half, 0, 0), (half, 0, 0), (0, -0.3, 0.93)],
        Surface.WOOD,
    )


def chandelier(radius_m: float, chain_m: float) -> Mesh:
    """A ring of twelve candles that hangs from z = 0; its ring lies ``chain_m`` lower."""
    turn = np.arange(12) * (2 * np.pi / 12)
    at = np.column_stack([radius_m * np.cos(turn), radius_m * np.sin(turn), np.full(12, -chain_m)])
    r = radius_m
    ring = lathe([(r + 0.05, -0.05), (r + 0.06, 0.05), (r - 0.04, 0.05), (r - 0.05, -0.05), (r + 0.05, -0.05)],
                 Surface.BRASS, 40)  # fmt: skip
    ring = _open_ring(ring)
    drip = cylinder(0.09, 0.03, Surface.BRASS, sides=12)
    candle = cylinder(0.025, 0.22, Surface.CLOTH, sides=10, colour=(0.7, 0.66, 0.55))
    flame = lathe([(0.0, 0.0), (0.022, 0.03), (0.018, 0.06), (0.0, 0.11)], Surface.FLAME, 10)
    parts = [moved(ring, (0, 0, -chain_m)), cylinder(0.02, chain_m, Surface.STEEL, sides=8, foot_m=(0, 0, -chain_m),
                                                      colour=_IRON)]  # fmt: skip
    for p in at:
        parts += [moved(part, p + np.array([0, 0, up])) for part, up in ((drip, 0.06), (candle, 0.09), (flame, 0.32))]
    spokes = [(2 * r, 0.03, 0.03), (0.03, 2 * r, 0.03)]
    parts.append(boxes(spokes, [(0, 0, -chain_m - 0.015)] * 2, Surface.BRASS))
    return merged(parts)


def _open_ring(ring: Mesh) -> Mesh:
    """A lathed ring without the discs that would close a solid's ends."""
    keep = (np.linalg.norm(ring.vertices[ring.triangles][..., :2], axis=-1) > 1e-6).all(axis=1)
    return Mesh(ring.vertices, ring.triangles[keep], ring.colour, ring.material[keep], ring.smooth)


def globe_lamp(chain_m: float) -> Mesh:
    """A glowing globe that hangs from z = 0 on a rod."""
    return merged(
        [
            cylinder(0.015, chain_m - 0.3, Surface.STEEL, sides=8, foot_m=(0, 0, -chain_m + 0.3), colour=_IRON),
            sphere(0.3, Surface.LAMP, subdivisions=2, centre_m=(0, 0, -chain_m)),
        ]
    )


def shade_lamp(chain_m: float) -> Mesh:
    """A wide enamel shade on a rod that hangs from z = 0."""
    outer = [(0.34, 0.0), (0.34, 0.02), (0.14, 0.22), (0.08, 0.34), (0.0, 0.36)]
    return merged(
        [
            moved(lathe(outer, Surface.STEEL, 24, (0.05, 0.12, 0.09)), (0, 0, -chain_m)),
            cylinder(0.30, 0.015, Surface.LAMP, sides=24, foot_m=(0, 0, -chain_m - 0.012)),
            cylinder(0.012, chain_m - 0.35, Surface.STEEL, sides=8, foot_m=(0, 0, 0.35 - chain_m), colour=_IRON),
        ]
    )


def bench(length_m: float) -> Mesh:
    """A double waiting bench, back to back."""
    half = length_m / 2
    return boxes(
        [
            (length_m, 1.0, 0.06),
            (length_m, 0.08, 0.62),
            (0.09, 1.06, 0.66),
            (0.09, 1.06, 0.66),
            (length_m - 0.2, 0.7, 0.4),
        ],
        [(0, 0, 0.42), (0, 0, 0.48), (-half, 0, 0), (half, 0, 0), (0, 0, 0.02)],
        Surface.WOOD,
    )


def crate(size_m: tuple[float, float, float]) -> Mesh:
    """A slatted wooden crate on a pallet."""
    x, y, z = size_m
    edge: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = [
        ((x + 0.04, 0.09, 0.02), (0, 0, z + 0.14)),
        ((0.09, y + 0.04, 0.02), (0, 0, z + 0.14)),
    ]
    for side in (-1, 1):
        edge += [((0.09, 0.02, z), (k * (x / 2 - 0.05), side * (y / 2 + 0.01), 0.14)) for k in (-1, 1)]
        edge += [((0.02, 0.09, z), (side * (x / 2 + 0.01), k * (y / 2 - 0.05), 0.14)) for k in (-1, 1)]
        edge += [((x - 0.02, 0.02, 0.09), (0, side * (y / 2 + 0.01), 0.14 + f * (z - 0.09))) for f in (0, 1)]
        edge += [((0.02, y - 0.02, 0.09), (side * (x / 2 + 0.01), 0, 0.14 + f * (z - 0.09))) for f in (0, 1)]
    feet = [((x, 0.1, 0.1), (0, k * (y / 2 - 0.06), 0)) for k in (-1, 0, 1)]
    sizes, at = zip(*edge, *feet, ((x + 0.05, y + 0.05, 0.03), (0, 0, 0.1)), ((x, y, z), (0, 0, 0.14)), strict=True)
    return boxes(sizes, at, Surface.WOOD)


def drum(colour: ArrayLike) -> Mesh:
    """A 200-litre drum."""
    profile = [(0.28, 0), (0.29, 0.01), (0.285, 0.28), (0.3, 0.3), (0.285, 0.32), (0.285, 0.57), (0.3, 0.59),
               (0.285, 0.61), (0.29, 0.87), (0.28, 0.88), (0.27, 0.86)]  # fmt: skip
    return lathe(profile, Surface.STEEL, 28, colour, smooth=True)


def door(width_m: float, height_m: float) -> Mesh:
    """A two-leaved panelled door of that size that faces −Y, its back at y = 0."""
    leaf = width_m / 2 - 0.02
    parts: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = [
        ((leaf, 0.1, height_m), (side * width_m / 4, -0.05, 0)) for side in (-1, 1)
    ]
    rows = max(2, round(height_m / 1.1))
    for side in (-1, 1):
        for k in range(rows):
            high = height_m / rows - 0.24
            parts.append(((leaf - 0.3, 0.04, high), (side * width_m / 4, -0.12, 0.12 + k * height_m / rows)))
    size, at = zip(*parts, strict=True)
    handles = boxes([(0.03, 0.08, 0.4)] * 2, [(-0.09, -0.16, 0.95), (0.09, -0.16, 0.95)], Surface.BRASS)
    return merged([boxes(size, at, Surface.WOOD), handles])
