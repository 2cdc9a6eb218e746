"""Leaves and needles as small triangles at places along a skeleton.py's twigs; palette.py says how they are lit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import mesh
from translight.generation.procedural.vegetation.skeleton import Skeleton, unit


@dataclass(frozen=True, slots=True, eq=False)
class Sprigs:
    """Where foliage grows (n 3): points, the twig's direction and its length in metres."""

    at_m: Float64[np.ndarray, "n 3"]
    along: Float64[np.ndarray, "n 3"]
    length_m: Float64[np.ndarray, "n"]


def sprigs(skeleton: Skeleton, thickest_m: float, above_m: float = 0.0) -> Sprigs:
    """The pieces of twig, thinner than ``thickest_m`` in radius and above a height, that carry foliage."""
    joint, parent = skeleton.joint_m, skeleton.parent
    carries: Bool[np.ndarray, "n"] = (skeleton.radius_m <= thickest_m) & (parent >= 0) & (joint[:, 2] > above_m)
    ends, starts = joint[carries], joint[parent[carries]]
    step = ends - starts
    length = np.linalg.norm(step, axis=1)
    return Sprigs(starts, step / np.maximum(length, 1e-9)[:, None], length)


def leaves(
    on: Sprigs,
    count: int,
    length_m: float,
    material: int,
    rng: np.random.Generator,
    *,
    width: float = 0.55,
    spread_m: float = 0.25,
    hang: float = 0.0,
    tone: float = 0.16,
) -> Mesh:
    """``count`` folded kites of two triangles, shared out evenly over the sprigs, mostly flat to the sky.

    ``hang`` turns their tips down. Colours vary by ``tone`` between leaves and sprigs; the crown's inside is darker.
    """
    which = _shared(len(on.at_m), count, rng)
    n = len(which)
    along = on.along[which]
    sideways = unit(rng.normal(size=(n, 3)))
    foot = on.at_m[which] + along * (rng.random(n) * on.length_m[which])[:, None]
    foot += sideways * (spread_m * rng.random(n) ** 0.7)[:, None]
    axis = unit(0.6 * along + 0.9 * sideways * (1, 1, 0.5) - np.array([0, 0, 0.15 + hang]))
    up = unit(np.array([0, 0, 1.0]) + 0.55 * rng.normal(size=(n, 3)))
    normal = unit(up - axis * (up * axis).sum(axis=1, keepdims=True))
    side = np.cross(normal, axis)
    size = length_m * rng.uniform(0.65, 1.25, n)[:, None]
    belly = foot + 0.42 * size * axis - 0.10 * size * normal
    half = 0.5 * width * size * side
    corners = np.stack(
        [foot, belly - half + 0.2 * size * normal, foot + size * axis, belly + half + 0.2 * size * normal], 1
    )
    colour = _tones(which, n, tone, rng)
    faces = np.array([[0, 1, 2], [0, 2, 3]])[None] + 4 * np.arange(n)[:, None, None]
    return mesh(corners.reshape(-1, 3), faces, material, np.repeat(colour, 4, axis=0), smooth=True)


def needles(
    on: Sprigs, count: int, length_m: float, width_m: float, material: int, rng: np.random.Generator, *, splay: float
) -> Mesh:
    """``count`` narrow triangles, shared out over the sprigs by their length, splayed about the twig's direction."""
    shares = on.length_m / max(float(on.length_m.sum()), 1e-9)
    which = np.repeat(np.arange(len(shares)), np.floor(shares * count + rng.random(len(shares))).astype(int))
    n = len(which)
    along = on.along[which]
    around = rng.normal(size=(n, 3)) * (1, 1, 0.75)
    around = unit(around - along * (around * along).sum(axis=1, keepdims=True))
    foot = on.at_m[which] + along * (rng.random(n) * on.length_m[which])[:, None]
    axis = unit(along + splay * rng.uniform(0.5, 1.3, n)[:, None] * around)
    side = unit(np.cross(axis, rng.normal(size=(n, 3)) + np.array([0, 0, 1.5])))
    size = length_m * rng.uniform(0.7, 1.25, n)[:, None]
    half = 0.5 * width_m * side
    corners = np.stack([foot - half, foot + half, foot + size * axis], axis=1)
    colour = _tones(which, n, 0.2, rng)
    faces = np.arange(3 * n).reshape(-1, 3)
    # the tips are this year's, and lighter
    shade = np.tile([0.8, 0.8, 1.2], n)[:, None]
    return mesh(corners.reshape(-1, 3), faces, material, np.repeat(colour, 3, axis=0) * shade, smooth=True)


def _shared(places: int, count: int, rng: np.random.Generator) -> Int64[np.ndarray, "n"]:
    """Indices of places, each as often as any other to within one."""
    if places == 0 or count == 0:
        return np.zeros(0, np.int64)
    rounds = -(-count // places)
    return np.concatenate([rng.permutation(places) for _ in range(rounds)])[:count]


def _tones(which: Int64[np.ndarray, "n"], n: int, tone: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Brightness and a shift from blue-green to yellow-green for each leaf, partly shared by its sprig."""
    sprig = rng.normal(size=int(which.max(initial=-1)) + 1)[which] if n else np.zeros(0)
    value = np.clip(1 + tone * (0.7 * sprig + 0.7 * rng.normal(size=n)), 0.45, 1.7)
    warm = np.clip(0.8 * tone * rng.normal(size=n) + 0.3 * tone * sprig, -0.35, 0.35)
    return value[:, None] * np.stack([1 + warm, np.ones(n), 1 - 0.8 * warm], axis=-1)
