"""Surfaces cut into flat Gaussians, finer where a camera near the stage sees them larger; procedural.py uses it.

A surface is a map from patches' (u, v) to points. Its patches are halved, largest as seen from the eye first, until the
wanted number of cells is reached; every cell becomes one Gaussian that lies in the surface and overlaps its neighbours.
So coverage has no gaps, detail goes where the picture shows it, and the count is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

Points = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(patch (n,), u (n,), v (n,)) → stage points (n 3)."""
Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(points (n 3), normals (n 3)) → albedo (n 3), linear Rec.709."""

_GRAZING = 0.17
"""A cell counts as no flatter to the eye than this: the camera also rises and sinks."""
_BEHIND = 0.35
"""Cells that face well away from the eye count for this much of their size, and overlap less."""
_TURNED_AWAY = 0.22
"""Cells whose normals point away from all eyes by more than this (a cosine) are not drawn."""
_SHRINK = 0.85
_JITTER = 0.18
_THICKNESS = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """``point`` over ``patches`` (m 5): patch number, centre u, centre v, width in u, width in v; and its ``paint``.

    ``weight`` scales how large cells count, from stage points (n 3); ``flip`` turns the normal, ∂u × ∂v, around.
    """

    point: Points
    patches: Float64[np.ndarray, "m 5"]
    paint: Paint
    weight: Callable[[np.ndarray], np.ndarray] | None = None
    flip: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """n cells: centre, the spans of the cell in u and v (metres), unit normal, and where on which surface each lies."""

    point: Float64[np.ndarray, "n 3"]
    span_u: Float64[np.ndarray, "n 3"]
    span_v: Float64[np.ndarray, "n 3"]
    normal: Float64[np.ndarray, "n 3"]
    surface: UInt8[np.ndarray, "n"]
    patch: Int32[np.ndarray, "n"]
    uv: Float64[np.ndarray, "n 2"]

    def __len__(self) -> int:
        return len(self.point)


def cut(
    surfaces: Sequence[Surface], eyes: Float64[np.ndarray, "e 3"], count: int, rng: np.random.Generator
) -> tuple[Surfels, Surfels]:
    """Exactly ``count`` cells that some of ``eyes`` can see the front of, even in size as the first eye sees them.

    Second come the cells that face away from every eye, coarse: they cast shadows, and are not drawn. Raises
    ValueError when there are more patches than ``count``.
    """
    cells = [_Cells.of(surface, surface.patches, eyes) for surface in surfaces]
    total = sum(int(own.seen.sum()) for own in cells)
    if count < total:
        raise ValueError(f"surfaces of {total} patches take at least {total} splats, got {count}")
    limit = max(float(own.size.max()) for own in cells)
    while total < count:
        limit *= _SHRINK
        chosen = [own.size > limit for own in cells]
        if total + sum(int(c.sum()) for c in chosen) > count:
            chosen = _largest([own.size for own in cells], count - total)
        for i, surface in enumerate(surfaces):
            if chosen[i].any():
                halves = _Cells.of(surface, cells[i].halved(chosen[i]), eyes)
                total += int(halves.seen.sum()) - int(chosen[i].sum())
                cells[i] = cells[i].kept(~chosen[i]).joined(halves)
    return (
        _surfels(surfaces, [own.patches[own.seen] for own in cells], rng),
        _surfels(surfaces, [own.patches[~own.seen] for own in cells], rng),
    )


def gaussians(surfels: Surfels, overlap: float) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 4"]]:
    """Scales and quaternions (wxyz) of the cells as flat Gaussians; ``overlap`` is σ over the cell's width."""
    n = surfels.normal
    e1 = surfels.span_u / np.maximum(np.linalg.norm(surfels.span_u, axis=1, keepdims=True), 1e-12)
    e2 = np.cross(n, e1)
    a1, b1 = _dot(surfels.span_u, e1), _dot(surfels.span_v, e1)
    a2, b2 = _dot(surfels.span_u, e2), _dot(surfels.span_v, e2)
    xx, xy, yy = a1 * a1 + b1 * b1, a1 * a2 + b1 * b2, a2 * a2 + b2 * b2
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    middle, spread = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    long, short = np.sqrt(middle + spread), np.sqrt(np.maximum(middle - spread, 1e-12))
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    axes = np.stack([c * e1 + s * e2, c * e2 - s * e1, n], axis=2)
    scales = overlap * np.stack([long, short, _THICKNESS * short], axis=1)
    return scales.astype(np.float32), quaternions(axes)


def quaternions(axes: Float64[np.ndarray, "n 3 3"]) -> Float32[np.ndarray, "n 4"]:
    """wxyz of rotation matrices whose columns are the axes; Shepperd (1978), all four branches by the largest."""
    r = axes
    squares = np.stack(
        [
            1 + r[:, 0, 0] + r[:, 1, 1] + r[:, 2, 2],
            1 + r[:, 0, 0] - r[:, 1, 1] - r[:, 2, 2],
            1 - r[:, 0, 0] + r[:, 1, 1] - r[:, 2, 2],
            1 - r[:, 0, 0] - r[:, 1, 1] + r[:, 2, 2],
        ],
        axis=1,
    )
    yx, zx, zy = r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]
    xy, xz, yz = r[:, 0, 1] + r[:, 1, 0], r[:, 0, 2] + r[:, 2, 0], r[:, 1, 2] + r[:, 2, 1]
    table = np.stack(
        [
            np.stack([squares[:, 0], yx, zx, zy], axis=1),
            np.stack([yx, squares[:, 1], xy, xz], axis=1),
            np.stack([zx, xy, squares[:, 2], yz], axis=1),
            np.stack([zy, xz, yz, squares[:, 3]], axis=1),
        ],
        axis=1,
    )
    q = table[np.arange(len(r)), np.argmax(squares, axis=1)]
    return (q / np.linalg.norm(q, axis=1, keepdims=True)).astype(np.float32)


def grid(patch: int, u: tuple[float, float], v: tuple[float, float], columns: int, rows: int) -> np.ndarray:
    """The rectangle of one patch number as columns × rows patches (m 5)."""
    du, dv = (u[1] - u[0]) / columns, (v[1] - v[0]) / rows
    centres_u = u[0] + du * (np.arange(columns) + 0.5)
    centres_v = v[0] + dv * (np.arange(rows) + 0.5)
    uu, vv = np.meshgrid(centres_u, centres_v)
    ones = np.ones(uu.size)
    return np.stack([patch * ones, uu.ravel(), vv.ravel(), du * ones, dv * ones], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Patches (n 5) of one surface; which of their axes looks longer, how long (radians · weight), whether seen."""

    patches: Float64[np.ndarray, "n 5"]
    axis: np.ndarray
    size: np.ndarray
    seen: np.ndarray

    @classmethod
    def of(cls, surface: Surface, patches: np.ndarray, eyes: np.ndarray) -> _Cells:
        point, span_u, span_v = _spans(surface, patches)
        normal = _normals(surface, span_u, span_v)
        seen = np.zeros(len(patches), dtype=bool)
        for eye in eyes:
            sight = point - eye
            seen |= _dot(normal, sight) < _TURNED_AWAY * np.linalg.norm(sight, axis=1)
        sight = point - eyes[0]
        distance = np.linalg.norm(sight, axis=1)
        sight /= distance[:, None]
        scale = (1 - (1 - _BEHIND) * np.clip((_dot(normal, sight) - 0.2) / 0.4, 0, 1)) / distance
        if surface.weight is not None:
            scale *= surface.weight(point)
        length = [
            np.sqrt(np.maximum(_dot(s, s) - (1 - _GRAZING**2) * _dot(s, sight) ** 2, 0)) for s in (span_u, span_v)
        ]
        size = np.where(seen, np.maximum(*length) * scale, 0.0)
        return cls(patches, (length[1] > length[0]).astype(np.int8), size, seen)

    def kept(self, chosen: np.ndarray) -> _Cells:
        return _Cells(self.patches[chosen], self.axis[chosen], self.size[chosen], self.seen[chosen])

    def joined(self, other: _Cells) -> _Cells:
        columns = (
            (self.patches, other.patches),
            (self.axis, other.axis),
            (self.size, other.size),
            (self.seen, other.seen),
        )
        return _Cells(*(np.concatenate(pair) for pair in columns))

    def halved(self, chosen: np.ndarray) -> np.ndarray:
        """The chosen patches as two halves each, across the longer axis."""
        axis = self.axis[chosen]
        lower, upper = self.patches[chosen], self.patches[chosen]
        rows = np.arange(len(lower))
        width = lower[rows, 3 + axis] / 2
        lower[rows, 1 + axis] -= width / 2
        upper[rows, 1 + axis] += width / 2
        lower[rows, 3 + axis] = upper[rows, 3 + axis] = width
        return np.concatenate([lower, upper])


def _normals(surface: Surface, span_u: np.ndarray, span_v: np.ndarray) -> np.ndarray:
    normal = np.cross(span_u, span_v) * (-1.0 if surface.flip else 1.0)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def _spans(surface: Surface, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (n 3), and the spans of cells (n 3) each, from differences across half of their width."""
    patch, u, v, du, dv = cells.T
    count = len(cells)
    at_u = np.concatenate([u, u - du / 4, u + du / 4, u, u])
    at_v = np.concatenate([v, v, v, v - dv / 4, v + dv / 4])
    points = surface.point(np.tile(patch, 5).astype(np.int32), at_u, at_v).reshape(5, count, 3)
    return points[0], 2 * (points[2] - points[1]), 2 * (points[4] - points[3])


def _largest(sizes: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """Which cells of each surface are among the ``count`` largest of all."""
    every = np.concatenate(sizes)
    chosen = np.zeros(len(every), dtype=bool)
    chosen[np.argsort(-every, kind="stable")[:count]] = True
    return np.split(chosen, np.cumsum([len(size) for size in sizes])[:-1])


def _surfels(surfaces: Sequence[Surface], cells: Sequence[np.ndarray], rng: np.random.Generator) -> Surfels:
    """Centres moved a little within their cells, so that the cutting's lattice does not show."""
    parts = []
    for i, (surface, own) in enumerate(zip(surfaces, cells, strict=True)):
        moved = own.copy()
        moved[:, 1:3] += own[:, 3:5] * rng.uniform(-_JITTER, _JITTER, (len(own), 2))
        point, span_u, span_v = _spans(surface, moved)
        normal = _normals(surface, span_u, span_v)
        number = np.full(len(own), i, np.uint8)
        parts.append((point, span_u, span_v, normal, number, moved[:, 0].astype(np.int32), moved[:, 1:3]))
    return Surfels(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)
