"""Closed solids as meshes for scene.py: boxes, lathed and extruded forms, spheres, and how to join and place them.

Everything stands on z = 0 of its own coordinates around its own axis, in metres, with triangles counter-clockwise from
outside; ``moved`` and ``scene.Placed`` take it elsewhere. A colour (3) is every vertex's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.generation.procedural.scene import Mesh, Placed

WHITE = (1.0, 1.0, 1.0)
_BOX_CORNERS = np.array([[x, y, z] for z in (0.0, 1.0) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
_BOX_SIDES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (3, 2, 6, 7), (2, 0, 4, 6), (1, 3, 7, 5))
"""Corners of bottom, top, front (−Y), back (+Y), left (−X) and right (+X)."""
_EDGE = 1e-9


def mesh(
    vertices: ArrayLike, triangles: ArrayLike, material: int, colour: ArrayLike = WHITE, smooth: bool = False
) -> Mesh:
    """A mesh of vertices (v 3) and triangles (t 3) of one material; ``colour`` is (3) or (v 3)."""
    points = np.ascontiguousarray(vertices, np.float32).reshape(-1, 3)
    faces = np.ascontiguousarray(triangles, np.int32).reshape(-1, 3)
    colours = np.ascontiguousarray(np.broadcast_to(np.asarray(colour, np.float32), points.shape))
    return Mesh(points, faces, colours, np.full(len(faces), material, np.uint16), smooth)


def box(size_m: ArrayLike, material: int, foot_m: ArrayLike = (0, 0, 0), colour: ArrayLike = WHITE) -> Mesh:
    """A box of width, depth and height, the middle of whose foot is at ``foot_m``."""
    return boxes(np.asarray(size_m)[None], np.asarray(foot_m)[None], material, colour)


def boxes(size_m: ArrayLike, foot_m: ArrayLike, material: int, colour: ArrayLike = WHITE) -> Mesh:
    """Boxes (n 3), with corners of their own, as one mesh; ``colour`` is (3) or (n 3)."""
    size, foot = np.asarray(size_m, np.float64).reshape(-1, 3), np.asarray(foot_m, np.float64).reshape(-1, 3)
    corners = _BOX_CORNERS * size[:, None] + foot[:, None]
    faces = np.array([f for a, b, c, d in _BOX_SIDES for f in ((a, b, c), (a, c, d))])
    triangles = faces[None] + 8 * np.arange(len(size))[:, None, None]
    colours = np.repeat(np.broadcast_to(np.asarray(colour, np.float64), size.shape), 8, axis=0)
    return mesh(corners, triangles, material, colours)


def quads(corners_m: ArrayLike, material: int, colour: ArrayLike = WHITE) -> Mesh:
    """Open four-sided faces (n 4 3), corners counter-clockwise from outside; ``colour`` is (3), (n 3) or (n 4 3)."""
    corners = np.asarray(corners_m, np.float64).reshape(-1, 4, 3)
    colours = np.asarray(colour, np.float64)
    if colours.ndim == 2:
        colours = colours[:, None]
    triangles = np.array([[0, 1, 2], [0, 2, 3]])[None] + 4 * np.arange(len(corners))[:, None, None]
    return mesh(corners, triangles, material, np.broadcast_to(colours, corners.shape).reshape(-1, 3))


def lathe(
    profile_m: ArrayLike, material: int, sides: int = 24, colour: ArrayLike = WHITE, smooth: bool = False
) -> Mesh:
    """A solid of revolution about Z: ``profile_m`` (n 2) radius and height, upwards along its outside.

    Ends whose radius is not 0 are closed by discs. With ``smooth``, edges of more than 30 degrees in the profile stay
    sharp, for their rings are doubled: the solid is closed once its equal vertices are joined.
    """
    profile = np.asarray(profile_m, np.float64)
    ends = [profile[[0]] * (0, 1)] if profile[0, 0] > _EDGE else []
    tops = [profile[[-1]] * (0, 1)] if profile[-1, 0] > _EDGE else []
    profile = np.concatenate([*ends, profile, *tops])
    turn = np.arange(sides) * (2 * np.pi / sides)
    round_ = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    parts, ring_of, last = [], 0, None
    rings: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    k = np.arange(sides)
    n = (k + 1) % sides
    for lower, upper in pairwise(profile):
        step = (upper - lower) / max(float(np.linalg.norm(upper - lower)), _EDGE)
        if last is None or not smooth or float(step @ last) < np.cos(np.radians(30)):
            rings.append(lower)
            ring_of = len(rings) - 1
        rings.append(upper)
        a, b = ring_of * sides, (len(rings) - 1) * sides
        if lower[0] > _EDGE:
            faces.append(np.stack([a + k, a + n, b + n], axis=-1))
        if upper[0] > _EDGE:
            faces.append(np.stack([a + k, b + n, b + k], axis=-1))
        ring_of, last = len(rings) - 1, step
    for radius, height in rings:
        parts.append(np.column_stack([radius * round_, np.full(sides, height)]))
    return mesh(np.concatenate(parts), np.concatenate(faces), material, colour, smooth)


def cylinder(
    radius_m: float,
    height_m: float,
    material: int,
    *,
    top_radius_m: float | None = None,
    sides: int = 24,
    foot_m: ArrayLike = (0, 0, 0),
    colour: ArrayLike = WHITE,
    smooth: bool = True,
) -> Mesh:
    """An upright cylinder, or a cone's trunk (a cone where ``top_radius_m`` is 0)."""
    top = radius_m if top_radius_m is None else top_radius_m
    made = lathe([(radius_m, 0.0), (top, height_m)], material, sides, colour, smooth)
    return moved(made, foot_m)


def sphere(
    radius_m: float, material: int, *, subdivisions: int = 2, centre_m: ArrayLike = (0, 0, 0), colour: ArrayLike = WHITE
) -> Mesh:
    """An icosphere with smooth normals: 20 · 4^subdivisions triangles, around ``centre_m``."""
    g = (1 + 5**0.5) / 2
    points = np.array([(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g),
                       (0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)])  # fmt: skip
    faces = np.array([(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2),
                      (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5),
                      (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)])  # fmt: skip
    for _ in range(subdivisions):
        edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), axis=-1).reshape(-1, 2)
        unique, where = np.unique(edges, axis=0, return_inverse=True)
        middle = len(points) + where.reshape(-1, 3)
        points = np.concatenate([points, points[unique].mean(axis=1)])
        a, b, c = faces.T
        ab, bc, ca = middle.T
        faces = np.concatenate([np.stack(t, axis=-1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return mesh(points * radius_m + np.asarray(centre_m, np.float64), faces, material, colour, smooth=True)


def extruded(outline_m: ArrayLike, height_m: float, material: int, colour: ArrayLike = WHITE) -> Mesh:
    """A prism over a simple polygon (n 2) counter-clockwise from above, with sharp edges. Raises ValueError else."""
    outline = np.asarray(outline_m, np.float64)
    lid = _ears(outline)
    n = len(outline)
    low = np.column_stack([outline, np.zeros(n)])
    high = low + np.array([0, 0, height_m])
    k, after = np.arange(n), (np.arange(n) + 1) % n
    sides = np.concatenate([np.stack([k, after, n + after], axis=-1), np.stack([k, n + after, n + k], axis=-1)])
    return mesh(np.concatenate([low, high]), np.concatenate([lid[:, ::-1], lid + n, sides]), material, colour)


def swept(section_m: ArrayLike, path_m: ArrayLike, across: ArrayLike, material: int, colour: ArrayLike = WHITE) -> Mesh:
    """A bar of a convex section (n 2) along a path (m 3) in the plane that ``across`` (3) is normal to: ribs, rails.

    The section's x lies along ``across``, its y along across × path; it is counter-clockwise seen against the path.
    """
    section, path = np.asarray(section_m, np.float64), np.asarray(path_m, np.float64)
    side = np.asarray(across, np.float64) / np.linalg.norm(across)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.cross(along, side)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    points = path[:, None] + section[None, :, :1] * side + section[None, :, 1:] * up[:, None]
    m, n = len(path), len(section)
    ring, k = np.meshgrid(np.arange(m - 1) * n, np.arange(n), indexing="ij")
    after = (k + 1) % n
    a, b, c, d = ring + k, ring + after, ring + n + after, ring + n + k
    fan = np.stack([np.zeros(n - 2, int), np.arange(1, n - 1), np.arange(2, n)], axis=-1)
    faces = [np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))]
    return mesh(points, np.concatenate([*faces, fan[:, ::-1], fan + (m - 1) * n]), material, colour)


def moved(of: Mesh, by_m: ArrayLike = (0, 0, 0), turn_rad: float = 0.0, scale: ArrayLike = 1.0) -> Mesh:
    """The mesh scaled (positive), then turned about Z from +Y to the right, then moved."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turned = (of.vertices * np.asarray(scale, np.float64)) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]).T
    return replace(of, vertices=(turned + np.asarray(by_m, np.float64)).astype(np.float32))


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """All as one mesh; the first says whether normals are smooth. Raises ValueError for none."""
    if not meshes:
        raise ValueError("there is nothing to merge")
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.triangles + np.int32(s) for m, s in zip(meshes, starts, strict=True)]),
        np.concatenate([m.colour for m in meshes]),
        np.concatenate([m.material for m in meshes]),
        meshes[0].smooth,
    )


def placed(of: Mesh, at_m: ArrayLike, turn_rad: ArrayLike = 0.0, scale: ArrayLike = 1.0, tint: ArrayLike = 1) -> Placed:
    """Copies at (n 3), turned about Z from +Y to the right (n), scaled (n or n 3) and tinted (n 3)."""
    at = np.asarray(at_m, np.float64).reshape(-1, 3)
    n = len(at)
    turn = np.broadcast_to(np.asarray(turn_rad, np.float64), n)
    size = np.asarray(scale, np.float64)
    size = np.broadcast_to(size[:, None] if size.ndim == 1 else size, (n, 3))
    out = np.zeros((n, 3, 4))
    out[:, 0, 0], out[:, 0, 1], out[:, 1, 0], out[:, 1, 1] = np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
    out[:, 2, 2] = 1
    out[:, :, :3] *= size[:, None, :]
    out[:, :, 3] = at
    return Placed(of, out, np.ascontiguousarray(np.broadcast_to(np.asarray(tint, np.float32), (n, 3))))


def placed_once(of: Mesh) -> Placed:
    """The mesh where it is."""
    return placed(of, [(0, 0, 0)])


def _ears(outline: Float64[np.ndarray, "n 2"]) -> np.ndarray:
    """Triangles (n−2 3) of a simple polygon by clipping ears (Meisters 1975)."""
    left, out = list(range(len(outline))), []
    while len(left) > 3:
        for i in range(len(left)):
            a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
            rest = [p for p in left if p not in (a, b, c)]
            if _turn(outline[[a]], outline[b], outline[c])[0] <= _EDGE or _within(outline, a, b, c, rest):
                continue
            out.append((a, b, c))
            del left[i]
            break
        else:
            raise ValueError("an outline must be a simple polygon, counter-clockwise")
    if len(left) < 3 or _turn(outline[[left[0]]], outline[left[1]], outline[left[2]])[0] <= 0:
        raise ValueError("an outline must be a simple polygon, counter-clockwise")
    return np.array([*out, tuple(left)])


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return np.asarray((b[..., 0] - a[:, 0]) * (c[..., 1] - a[:, 1]) - (b[..., 1] - a[:, 1]) * (c[..., 0] - a[:, 0]))


def _within(outline: np.ndarray, a: int, b: int, c: int, rest: list[int]) -> bool:
    points = outline[rest]
    corners = outline[[a, b, c]]
    inside = np.ones(len(points), bool)
    for i in range(3):
        inside &= _turn(points, corners[i], corners[(i + 1) % 3]) >= 0
    return bool(inside.any())
