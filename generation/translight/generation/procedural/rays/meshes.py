"""Rays against placed meshes: through Embree (embree.py), or a tree over copies and one over each mesh (bvh.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import call, get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import (
    INSTANCE_F,
    INSTANCE_FLOATS,
    INSTANCE_I,
    INSTANCE_INTS,
    NODE_F,
    NODE_FLOATS,
    NODE_I,
    NODE_INTS,
    TOP_NODE,
    TRIANGLE_F,
    TRIANGLE_FLOATS,
)

SCENE, INTERSECT, OCCLUDED, RAY_AT, RAY = 0, 1, 2, 3, 8
"""Of a ray's scratch: Embree's scene (0: none), its two calls, the address of its ray and hit, and where those lie."""
_OPEN = 24
"""There the nodes that wait lie."""
STACK = _OPEN + 160
"""Words of scratch that a ray needs: deeper trees are not built."""
_T_FAR, _MASK, _ID, _FLAGS, _PRIMITIVE, _GEOMETRY, _COPY = 8, 9, 10, 11, 17, 18, 19
"""Of Embree's RTCRayHit (include/embree4/rtcore_ray.h), in words of 32 bits; origin, near, direction and time lead."""


@inlined
def _entry(
    F: Any, at: int, ox: float, oy: float, oz: float, ix: float, iy: float, iz: float, near: float, far: float
) -> float:  # fmt: skip
    """Where a ray enters a node's box, or infinity."""
    a, b = (get(F, at) - ox) * ix, (get(F, at + 3) - ox) * ix
    c, d = (get(F, at + 1) - oy) * iy, (get(F, at + 4) - oy) * iy
    e, f = (get(F, at + 2) - oz) * iz, (get(F, at + 5) - oz) * iz
    first = max(max(min(a, b), min(c, d)), max(min(e, f), near))
    last = min(min(max(a, b), max(c, d)), min(max(e, f), far))
    # Boxes are rounded to float32: a little slack keeps flat ones.
    return first if first <= last * 1.0000004 else np.inf


@inlined
def _inverse(d: float) -> float:
    return 1.0 / d if abs(d) > 1e-18 else 1e18


@inlined
def _own(F: Any, m: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> Any:
    """A ray in a copy's own axes: origin and direction."""
    return (
        get(F, m) * ox + get(F, m + 1) * oy + get(F, m + 2) * oz + get(F, m + 3),
        get(F, m + 4) * ox + get(F, m + 5) * oy + get(F, m + 6) * oz + get(F, m + 7),
        get(F, m + 8) * ox + get(F, m + 9) * oy + get(F, m + 10) * oz + get(F, m + 11),
        get(F, m) * dx + get(F, m + 1) * dy + get(F, m + 2) * dz,
        get(F, m + 4) * dx + get(F, m + 5) * dy + get(F, m + 6) * dz,
        get(F, m + 8) * dx + get(F, m + 9) * dy + get(F, m + 10) * dz,
    )


@inlined
def _triangle(F: Any, at: int, px: float, py: float, pz: float, qx: float, qy: float, qz: float) -> Any:
    """Distance to a triangle's plane and two weights there (Möller and Trumbore 1997); flat ones give no numbers."""
    e1x, e1y, e1z = get(F, at + 3), get(F, at + 4), get(F, at + 5)
    e2x, e2y, e2z = get(F, at + 6), get(F, at + 7), get(F, at + 8)
    hx, hy, hz = qy * e2z - qz * e2y, qz * e2x - qx * e2z, qx * e2y - qy * e2x
    inverse = 1.0 / (e1x * hx + e1y * hy + e1z * hz)
    sx, sy, sz = px - get(F, at), py - get(F, at + 1), pz - get(F, at + 2)
    cx, cy, cz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
    return (
        (e2x * cx + e2y * cy + e2z * cz) * inverse,
        (sx * hx + sy * hy + sz * hz) * inverse,
        (qx * cx + qy * cy + qz * cz) * inverse,
    )


@part
def mesh_hit(
    F: Any, N: Any, stack: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float,
    any_hit: int,
) -> Any:  # fmt: skip
    """The nearest hit within (0, far), or any: distance (or infinity), triangle, copy, and its two weights."""
    stays_apart()
    best, triangle, copy, wu, wv = far, -1, -1, 0.0, 0.0
    root = get(N, TOP_NODE)
    if root < 0:
        return np.inf, triangle, copy, wu, wv
    if stack[SCENE] != 0:
        return _embree_hit(F, N, stack, ox, oy, oz, dx, dy, dz, far, any_hit)
    ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
    px, py, pz, qx, qy, qz, jx, jy, jz = ox, oy, oz, dx, dy, dz, ix, iy, iz
    nodes, links = get(N, NODE_F), get(N, NODE_I)
    triangles, instances, roots = get(N, TRIANGLE_F), get(N, INSTANCE_F), get(N, INSTANCE_I)
    depth, floor, node, current = _OPEN, -1, root, -1
    if _entry(F, nodes + node * NODE_FLOATS, ox, oy, oz, ix, iy, iz, 0.0, best) == np.inf:
        return np.inf, triangle, copy, wu, wv
    while True:
        first, count = get(N, links + node * NODE_INTS), get(N, links + node * NODE_INTS + 1)
        if count == 0:
            a = _entry(F, nodes + first * NODE_FLOATS, px, py, pz, jx, jy, jz, 0.0, best)
            b = _entry(F, nodes + (first + 1) * NODE_FLOATS, px, py, pz, jx, jy, jz, 0.0, best)
            if a < np.inf and b < np.inf:
                nearer = 0 if a <= b else 1
                stack[depth] = first + 1 - nearer
                depth += 1
                node = first + nearer
                continue
            if a < np.inf or b < np.inf:
                node = first if a < np.inf else first + 1
                continue
        elif current >= 0:
            for k in range(first, first + count):
                t, u, v = _triangle(F, triangles + k * TRIANGLE_FLOATS, px, py, pz, qx, qy, qz)
                if u < -1e-9 or v < -1e-9 or u + v > 1.0 + 1e-9:
                    continue
                if 0.0 < t < best:
                    best, triangle, copy, wu, wv = t, k, current, u, v
                    if any_hit != 0:
                        return best, triangle, copy, wu, wv
        else:
            # A leaf of the upper tree: its copies wait on the stack, as negative numbers.
            for k in range(first, first + count):
                stack[depth] = -1 - k
                depth += 1
        # The next node; under the floor, the ray is in stage axes again.
        while True:
            if depth == floor:
                current, floor = -1, -1
                px, py, pz, qx, qy, qz, jx, jy, jz = ox, oy, oz, dx, dy, dz, ix, iy, iz
            if depth == _OPEN:
                if triangle < 0:
                    return np.inf, triangle, copy, wu, wv
                return best, triangle, copy, wu, wv
            depth -= 1
            node = stack[depth]
            if node < 0:
                current = -1 - node
                floor = depth
                px, py, pz, qx, qy, qz = _own(F, instances + current * INSTANCE_FLOATS, ox, oy, oz, dx, dy, dz)
                jx, jy, jz = _inverse(qx), _inverse(qy), _inverse(qz)
                node = get(N, roots + current * INSTANCE_INTS)
            if _entry(F, nodes + node * NODE_FLOATS, px, py, pz, jx, jy, jz, 0.0, best) < np.inf:
                break


@part
def _embree_hit(
    F: Any, N: Any, words: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float,
    any_hit: int,
) -> Any:  # fmt: skip
    """mesh_hit by Embree, which reckons in float32; distance and weights are reckoned again in float64."""
    stays_apart()
    ray, numbers = words.view(np.float32), words.view(np.int32)
    at = 2 * RAY
    ray[at], ray[at + 1], ray[at + 2], ray[at + 3] = ox, oy, oz, 0.0
    ray[at + 4], ray[at + 5], ray[at + 6], ray[at + 7] = dx, dy, dz, 0.0
    ray[at + _T_FAR] = far
    numbers[at + _MASK], numbers[at + _ID], numbers[at + _FLAGS] = -1, 0, 0
    if any_hit != 0:
        call(words[OCCLUDED], words[SCENE], words[RAY_AT], np.int64(0))
        return 0.0 if ray[at + _T_FAR] < 0.0 else np.inf, -1, -1, 0.0, 0.0
    numbers[at + _GEOMETRY] = numbers[at + _COPY] = -1
    call(words[INTERSECT], words[SCENE], words[RAY_AT], np.int64(0))
    if numbers[at + _GEOMETRY] < 0:
        return np.inf, -1, -1, 0.0, 0.0
    copies, copy = get(N, INSTANCE_I), np.int64(numbers[at + _COPY])
    copy += np.int64(numbers[at + _GEOMETRY]) * get(N, copies + copy * INSTANCE_INTS + 4)
    triangle = get(N, copies + copy * INSTANCE_INTS + 3) + np.int64(numbers[at + _PRIMITIVE])
    px, py, pz, qx, qy, qz = _own(F, get(N, INSTANCE_F) + copy * INSTANCE_FLOATS, ox, oy, oz, dx, dy, dz)
    t, u, v = _triangle(F, get(N, TRIANGLE_F) + triangle * TRIANGLE_FLOATS, px, py, pz, qx, qy, qz)
    if not 0.0 < t < far:
        t = np.float64(ray[at + _T_FAR])
    return t, triangle, copy, min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0)
