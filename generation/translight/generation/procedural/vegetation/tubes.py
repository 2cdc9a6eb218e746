"""Wood around a skeleton.py: tapered tubes with closed ends, a foot that flares into roots, bark's bumps.

Every limb is a closed surface of its own, counter-clockwise from outside; its first ring lies inside its parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from translight.environment.noise import fractal
from translight.generation.procedural.vegetation.skeleton import Skeleton, limbs, unit


@dataclass(frozen=True, slots=True, eq=False)
class Wood:
    """Vertices (v 3) and triangles (t 3); ``limb`` (v) is 0 on the trunk and 1 on limbs."""

    vertices: Float64[np.ndarray, "v 3"]
    triangles: Int64[np.ndarray, "t 3"]
    limb: Float64[np.ndarray, "v"]


def tubes(skeleton: Skeleton, *, thinnest_m: float, sides: int, flare: float, bump: float, seed: int) -> Wood:
    """Tubes for the trunk and all limbs that start thicker than ``thinnest_m`` in radius.

    The trunk has ``sides`` sides, limbs fewer as they get thinner, at least 3. ``flare`` widens the foot by that share;
    ``bump`` is the relief of the trunk as a share of its radius. The trunk goes on 0.4 m below the ground.
    """
    chains = limbs(skeleton)
    trunk, others = chains[0], [c for c in chains[1:] if skeleton.radius_m[c[1]] >= thinnest_m]
    parts = [_trunk(skeleton, trunk, sides, flare, bump, seed)]
    for low, high, count in ((0.05, np.inf, max(sides // 2, 3)), (0.018, 0.05, 5), (0.0, 0.018, 3)):
        group = [c for c in others if low <= skeleton.radius_m[c[1]] < high]
        if group:
            parts.append(_limbs(skeleton, group, min(count, sides)))
    starts = np.cumsum([0, *(len(p[0]) for p in parts[:-1])])
    return Wood(
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] + s for p, s in zip(parts, starts, strict=True)]),
        np.concatenate([np.full(len(p[0]), float(i > 0)) for i, p in enumerate(parts)]),
    )


def _trunk(
    skeleton: Skeleton, chain: Int64[np.ndarray, "k"], sides: int, flare: float, bump: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The trunk, with rings close together where it flares."""
    joint, radius = skeleton.joint_m[chain], skeleton.radius_m[chain]
    height = joint[:, 2]
    foot = np.concatenate([np.linspace(0, 1.2, max(sides // 2, 3)), np.arange(1.6, height.max(), 0.5)])
    at = np.append(foot[foot < height.max() - 0.3], height.max())
    # a trunk rises: its height is its parameter
    rising = np.maximum.accumulate(height) + np.arange(len(height)) * 1e-9
    centre = np.column_stack([np.interp(at, rising, joint[:, 0]), np.interp(at, rising, joint[:, 1]), at])
    thick = np.interp(at, rising, radius)
    centre = np.concatenate([centre[:1] - (0, 0, 0.4), centre])
    thick = np.concatenate([thick[:1], thick])
    start, length = np.array([0]), np.array([len(thick)])
    turn = np.arange(sides) * (2 * np.pi / sides)
    lobes = sum(np.cos(k * turn + k * seed) / k for k in (3, 5))
    near = np.exp(-np.maximum(centre[:, 2], 0.0) / 0.35)[:, None]
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    places = np.concatenate(
        [
            np.broadcast_to(ring * 1.7, (len(thick), sides, 2)),
            np.broadcast_to(centre[:, None, 2:] * 0.9, (len(thick), sides, 1)),
        ],
        axis=-1,
    )
    rough = fractal(places.reshape(-1, 3), seed, 3).reshape(len(thick), sides)
    factor = 1.0 + flare * near * (1.0 + 0.55 * lobes) + bump * rough
    return _rings(centre, thick[:, None] * factor, start, length, sides)


def _limbs(skeleton: Skeleton, chains: list[Int64[np.ndarray, "k"]], sides: int) -> tuple[np.ndarray, np.ndarray]:
    length = np.array([len(c) for c in chains])
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    joints = np.concatenate(chains)
    radius = skeleton.radius_m[joints].copy()
    radius[start] = radius[start + 1] * 1.15  # not the parent's own thickness: a limb begins as itself
    return _rings(skeleton.joint_m[joints], np.repeat(radius[:, None], sides, axis=1), start, length, sides)


def _rings(
    centre: Float64[np.ndarray, "k 3"],
    radius: Float64[np.ndarray, "k s"],
    start: Int64[np.ndarray, "c"],
    length: Int64[np.ndarray, "c"],
    sides: int,
) -> tuple[Float64[np.ndarray, "v 3"], Int64[np.ndarray, "t 3"]]:
    """Chains of rings with frames carried along without twist, closed by a disc below and a point above."""
    count = len(centre)
    last = start + length - 1
    inner = np.ones(count, bool)
    inner[last] = False
    step = np.zeros((count, 3))
    step[np.flatnonzero(inner)] = centre[np.flatnonzero(inner) + 1] - centre[inner]
    step[last] = step[last - 1]
    tangent = step.copy()
    middle = inner.copy()
    middle[start] = False
    here = np.flatnonzero(middle)
    tangent[here] = unit(step[here]) + unit(step[here - 1])
    tangent = unit(tangent)
    across = np.zeros((count, 3))
    helper = np.where(np.abs(tangent[start, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
    across[start] = unit(helper - tangent[start] * (helper * tangent[start]).sum(axis=1, keepdims=True))
    for ring in range(1, int(length.max())):
        at = (start + ring)[length > ring]
        carried = across[at - 1]
        across[at] = unit(carried - tangent[at] * (carried * tangent[at]).sum(axis=1, keepdims=True))
    other = np.cross(tangent, across)
    turn = np.arange(sides) * (2 * np.pi / sides)
    out = np.cos(turn)[None, :, None] * across[:, None] + np.sin(turn)[None, :, None] * other[:, None]
    rings = (centre[:, None] + radius[..., None] * out).reshape(-1, 3)
    apex = centre[last] + tangent[last] * radius[last].mean(axis=1, keepdims=True)
    k = np.arange(sides)
    after = (k + 1) % sides
    low = np.flatnonzero(inner)[:, None] * sides
    a, b, c, d = low + k, low + after, low + sides + after, low + sides + k
    base = count * sides
    foot = base + np.arange(len(start))[:, None] + 0 * k
    top = base + len(start) + np.arange(len(start))[:, None] + 0 * k
    s, e = start[:, None] * sides, last[:, None] * sides
    faces = [(a, b, c), (a, c, d), (foot, s + after, s + k), (e + k, e + after, top)]
    triangles = np.concatenate([np.stack(f, axis=-1).reshape(-1, 3) for f in faces])
    return np.concatenate([rings, centre[start], apex]), triangles
