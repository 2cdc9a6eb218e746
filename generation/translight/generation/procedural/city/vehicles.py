"""Cars as lofted hulls for kit.py: body, glasshouse, wheels, lights; their length runs along Y, their front is +Y.

Proportions are those of ordinary cars: a saloon of 4.7 × 1.82 × 1.46 m, a van of 5.2 × 1.98 × 2.1 m.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import box, boxes, cylinder, merged, mesh

Kind = Literal["saloon", "taxi", "van"]

# Along the car: y, lower edge, half width at the sill, belt's height and half width, roof's height and half width.
_SALOON = np.array([
    (-2.33, 0.42, 0.70, 0.62, 0.72, 0.66, 0.66), (-2.27, 0.24, 0.82, 0.86, 0.80, 0.92, 0.70),
    (-1.75, 0.22, 0.88, 0.93, 0.86, 1.02, 0.72), (-1.55, 0.21, 0.89, 0.93, 0.87, 1.05, 0.72),
    (-0.95, 0.20, 0.90, 0.92, 0.88, 1.39, 0.60), (-0.45, 0.20, 0.91, 0.91, 0.88, 1.45, 0.61),
    (0.10, 0.20, 0.91, 0.90, 0.88, 1.45, 0.61), (0.40, 0.20, 0.91, 0.90, 0.88, 1.40, 0.61),
    (1.10, 0.20, 0.90, 0.89, 0.88, 1.00, 0.70), (1.35, 0.21, 0.89, 0.87, 0.86, 0.95, 0.72),
    (2.00, 0.22, 0.86, 0.74, 0.82, 0.82, 0.68), (2.28, 0.26, 0.78, 0.62, 0.76, 0.68, 0.62),
    (2.36, 0.40, 0.66, 0.52, 0.66, 0.56, 0.58),
])  # fmt: skip
_VAN = np.array([
    (-2.58, 0.45, 0.88, 1.00, 0.92, 1.90, 0.78), (-2.50, 0.28, 0.94, 1.10, 0.97, 2.02, 0.84),
    (-1.60, 0.24, 0.96, 1.12, 0.98, 2.08, 0.86), (-0.30, 0.24, 0.97, 1.12, 0.98, 2.10, 0.86),
    (0.50, 0.24, 0.97, 1.11, 0.98, 2.08, 0.86), (0.85, 0.24, 0.97, 1.10, 0.97, 2.00, 0.84),
    (1.65, 0.25, 0.96, 1.06, 0.95, 1.30, 0.82), (2.30, 0.28, 0.90, 0.86, 0.88, 0.98, 0.74),
    (2.52, 0.34, 0.82, 0.66, 0.82, 0.72, 0.70), (2.60, 0.46, 0.72, 0.58, 0.72, 0.62, 0.66),
])  # fmt: skip
_CABIN = {"saloon": (3, 8), "van": (3, 6)}
"""Stations between which the sides above the belt are glass; the faces before and behind them are screens."""


def car(kind: Kind) -> Mesh:
    """A car on its wheels at z = 0, body in white paint that a placed copy's tint colours."""
    shape = "van" if kind == "van" else "saloon"
    stations = _VAN if shape == "van" else _SALOON
    hull = _hull(stations, *_CABIN[shape])
    axle = (1.42, -1.38) if shape == "saloon" else (1.62, -1.55)
    front, back = float(stations[-1, 0]), float(stations[0, 0])
    inner = 0.69 if shape == "saloon" else 0.755
    parts = [hull, *(_wheel(side, inner, y) for y in axle for side in (-1, 1))]
    height = 0.60 if shape == "saloon" else 0.72
    for side in (-1, 1):
        x = 0.56 * side
        parts.append(box((0.34, 0.10, 0.12), Surface.HEADLIGHT, (x, front - 0.09, height - 0.08)))
        parts.append(box((0.36, 0.08, 0.13), Surface.TAIL_LIGHT, (x, back + 0.03, height + 0.06)))
        parts.append(box((0.16, 0.10, 0.12), Surface.PAINT, (0.98 * side, 0.72, 0.92), (0.5, 0.5, 0.5)))
    dark = (0.03, 0.03, 0.03)
    parts.append(boxes([(0.9, 0.06, 0.16), (1.3, 0.05, 0.1)], [(0, front - 0.03, 0.36), (0, back + 0.02, 0.34)],
                       Surface.FRAME, dark))  # fmt: skip
    parts.append(box((0.52, 0.02, 0.11), Surface.FRAME, (0, back - 0.005, 0.46), (0.6, 0.58, 0.45)))
    if kind == "taxi":
        parts.append(box((0.55, 0.16, 0.17), Surface.SIGN, (0, -0.15, 1.44), (1.0, 0.8, 0.4)))
    return merged(parts)


def _hull(stations: np.ndarray, first: int, last: int) -> Mesh:
    """The body and its windows: rings of ten points, left to right over the roof, lofted along the car."""
    y, low, sill, belt, wide, roof, top = stations.T
    half = [(0.62 * sill, low), (sill, low + 0.08), (0.5 * (sill + wide) + 0.02, 0.5 * (low + belt)), (wide, belt),
            (top, roof), (0.55 * top, roof + 0.035)]  # fmt: skip
    ring = [(x, z) for x, z in half] + [(-x, z) for x, z in half[::-1]]
    n = len(ring)
    points = np.stack([np.stack([x, y, z], axis=-1) for x, z in ring], axis=1)
    i, k = (v.reshape(-1) for v in np.meshgrid(np.arange(len(y) - 1), np.arange(n), indexing="ij"))
    after = (k + 1) % n
    a, b, c, d = i * n + k, i * n + after, (i + 1) * n + after, (i + 1) * n + k
    faces = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)])
    beside = np.isin(k, (3, n - 5)) & (i >= first) & (i < last)
    screens = np.isin(k, (4, 5, n - 7, n - 6)) & ((i == first) | (i == last - 1))
    glass = np.tile(beside | screens, 2)
    fan = np.stack([np.zeros(n - 2, int), np.arange(1, n - 1), np.arange(2, n)], axis=-1)
    # Seen from the back, the ring runs anticlockwise: the first cap keeps that, the last one turns it round.
    faces = np.concatenate([faces[:, ::-1], fan, fan[:, ::-1] + (len(y) - 1) * n])
    made = mesh(points.reshape(-1, 3), faces, Surface.PAINT)
    made.material[: len(glass)][glass] = Surface.GLASS
    return made


def _wheel(side: int, inner_m: float, y: float) -> Mesh:
    """A tyre and its rim, and the dark arch above it, on one side of the axle at y."""
    tyre = cylinder(0.33, 0.22, Surface.RUBBER, sides=24)
    rim = cylinder(0.21, 0.01, Surface.METAL, sides=16, foot_m=(0, 0, 0.22), colour=(0.2, 0.2, 0.21))
    arch = cylinder(0.39, 0.195, Surface.RUBBER, sides=24, foot_m=(0, 0.09, 0))
    lying = merged([tyre, rim, arch])
    turned = lying.vertices[:, [2, 0, 1]]
    if side < 0:
        turned = turned * np.array([-1.0, -1.0, 1.0], np.float32)
    lying.vertices[:] = turned + np.array([inner_m * side, y, 0.33], np.float32)
    return lying
