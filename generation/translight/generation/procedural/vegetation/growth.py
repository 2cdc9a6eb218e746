"""How trees grow into a skeleton.py: broad crowns by space colonisation, conifers by whorls on a straight trunk.

Space colonisation: Runions, Lane and Prusinkiewicz, "Modeling Trees with a Space Colonization Algorithm" (2007).
Whorls: Weber and Penn, "Creation and Rendering of Realistic Trees" (1995), simplified to three levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import cKDTree

from translight.generation.procedural.vegetation.skeleton import Skeleton, radii


@dataclass(frozen=True, slots=True)
class Habit:
    """The form of one tree."""

    height_m: float
    crown_share: float
    """Of the height, from its top."""
    crown_radius_m: float
    foot_radius_m: float
    """At the ground, above the roots' flare."""
    leader_share: float = 0.8
    """How much of the height one trunk reaches before it dissolves into limbs (1: conifers)."""
    points: int = 1500
    """Of space that limbs grow towards, in a broad crown."""
    step_m: float = 0.4
    lift: float = 0.15
    """Pull upwards on growing limbs; negative hangs."""
    whorl_m: float = 0.45
    """Between the whorls of a conifer."""
    tip_radius_m: float = 0.004


def broad(habit: Habit, rng: np.random.Generator) -> Skeleton:
    """A tree whose limbs colonise an egg-shaped crown around a leader that fades away in it."""
    height, crown = habit.height_m, habit.crown_share * habit.height_m
    trunk, parent = _leader(habit, habit.leader_share * height, rng)
    points = _crown(habit, height - crown, rng)
    joints, parents = _colonised(points, trunk, parent, habit, rng)
    return Skeleton(joints, parents, radii(parents, habit.foot_radius_m, habit.tip_radius_m))


def conifer(habit: Habit, rng: np.random.Generator) -> Skeleton:
    """A tree of whorls: limbs sink with age, turn up at their ends and bear twigs on both sides; dead ones below."""
    trunk, parent = _leader(habit, habit.height_m, rng)
    joints, parents = [trunk], [parent]
    count = len(trunk)
    bottom = (1 - habit.crown_share) * habit.height_m
    at = max(0.35 * bottom, 1.5)
    while at < habit.height_m - 0.4:
        share = (habit.height_m - at) / (habit.height_m - bottom)  # 0 at the top, 1 where the crown begins
        dead = share > 1
        reach = habit.crown_radius_m * (0.45 if dead else min(share, 1.0) ** 0.75 * (1.08 - 0.25 * share**3))
        number = int(rng.integers(2, 4) if dead else rng.integers(5, 8))
        first = rng.uniform(0, 2 * np.pi)
        for k in range(number):
            azimuth = first + (k + rng.uniform(-0.3, 0.3)) * 2 * np.pi / number
            length = max(reach * rng.uniform(0.72, 1.12), 0.25)
            from_m = at + rng.uniform(-0.12, 0.12)
            root = int(np.clip(np.searchsorted(trunk[:, 2], from_m), 1, len(trunk) - 1))
            limb, links = _bough(trunk[root], azimuth, length, min(share, 1.0), dead, rng)
            joints.append(limb)
            parents.append(np.where(links < 0, root, links + count))
            count += len(limb)
        at += habit.whorl_m * rng.uniform(0.75, 1.25) * (1.6 if dead else 0.55 + 0.6 * min(share, 1.0))
    every, links = np.concatenate(joints), np.concatenate(parents)
    return Skeleton(every, links, radii(links, habit.foot_radius_m, habit.tip_radius_m))


def _leader(habit: Habit, height: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A trunk that wanders a little about the vertical."""
    count = max(int(height / habit.step_m), 4)
    up = np.linspace(0, height, count + 1)
    share = up / habit.height_m
    bend = habit.height_m * (1 - habit.leader_share + 0.02) * 0.06
    phase = rng.uniform(0, 2 * np.pi, 4)
    x = bend * (share * np.sin(3 * share + phase[0]) + 0.35 * share * np.sin(9 * share + phase[1]))
    y = bend * (share * np.sin(3 * share + phase[2]) + 0.35 * share * np.sin(9 * share + phase[3]))
    return np.column_stack([x, y, up]), np.arange(-1, count)


def _crown(habit: Habit, bottom: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Points of an egg, widest at 40 % of its height, uneven in its outline, denser towards the outside."""
    ball = rng.normal(size=(habit.points, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    depth = rng.uniform(0.05, 1.0, habit.points) ** 0.42
    azimuth, rise = np.arctan2(ball[:, 1], ball[:, 0]), ball[:, 2]
    phase = rng.uniform(0, 2 * np.pi, 6)
    lobes = 1 + 0.16 * np.sin(2 * azimuth + 3 * rise + phase[0]) + 0.13 * np.sin(3 * azimuth - 5 * rise + phase[1])
    lobes += 0.09 * np.sin(5 * azimuth + 6 * rise + phase[2])
    upper = habit.height_m - bottom
    half = np.where(rise > 0, 0.6 * upper, 0.4 * upper)
    z = bottom + 0.4 * upper + rise * depth * half * (0.85 + 0.15 * lobes)
    xy = ball[:, :2] * (depth * lobes * habit.crown_radius_m)[:, None]
    return np.column_stack([xy, np.minimum(z, habit.height_m)])


def _colonised(
    points: Float64[np.ndarray, "n 3"],
    trunk: Float64[np.ndarray, "k 3"],
    parent: Int64[np.ndarray, "k"],
    habit: Habit,
    rng: np.random.Generator,
) -> tuple[Float64[np.ndarray, "m 3"], Int64[np.ndarray, "m"]]:
    """Every joint grows a step towards the points nearest to it; a point that is reached is gone."""
    step, kill = habit.step_m, 1.35 * habit.step_m
    joints, parents = [trunk], [parent]
    count = len(trunk)
    every = trunk
    distance, nearest = cKDTree(trunk[len(trunk) // 4 :]).query(points)
    nearest = nearest + len(trunk) // 4
    alive = np.ones(len(points), bool)
    for _ in range(200):
        alive &= distance > kill
        pull = np.flatnonzero(alive)
        if len(pull) == 0:
            break
        towards = points[pull] - every[nearest[pull]]
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        grows, where = np.unique(nearest[pull], return_inverse=True)
        pulls = np.stack([np.bincount(where, towards[:, k], len(grows)) for k in range(3)], axis=-1)
        way = pulls / np.maximum(np.linalg.norm(pulls, axis=1, keepdims=True), 1e-9)
        way = way + np.array([0, 0, habit.lift]) + rng.normal(scale=0.18, size=way.shape)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        new = every[grows] + step * way
        away, _ = cKDTree(every).query(new)
        fresh = away > 0.45 * step  # two points in balance would grow the same joint for ever
        stuck = np.isin(nearest, grows[~fresh]) & alive
        alive[stuck & (rng.random(len(points)) < 0.5)] = False
        new, grows = new[fresh], grows[fresh]
        if len(new):
            near, which = cKDTree(new).query(points)
            closer = near < distance
            distance = np.where(closer, near, distance)
            nearest = np.where(closer, which + count, nearest)
            joints.append(new)
            parents.append(grows)
            count += len(new)
            every = np.concatenate(joints)
    return every, np.concatenate(parents)


def _bough(
    root: Float64[np.ndarray, "3"],
    azimuth: float,
    length: float,
    age: float,
    dead: bool,
    rng: np.random.Generator,
) -> tuple[Float64[np.ndarray, "n 3"], Int64[np.ndarray, "n"]]:
    """One limb of a whorl with its twigs; links within it, −1 for what grows from the trunk."""
    count = max(int(length / 0.3), 2)
    s = np.arange(1, count + 1) / count
    rise = np.radians(52 - 78 * age**0.7 + rng.normal(scale=5))
    slope = rise + np.radians(38) * age * s**2 - np.radians(18) * age * s * (1 - s) * 4
    out = np.cumsum(np.cos(slope)) * length / count
    up = np.cumsum(np.sin(slope)) * length / count
    heading = azimuth + np.cumsum(rng.normal(scale=0.05, size=count))
    axis = np.column_stack([np.cos(heading), np.sin(heading)])
    limb = np.column_stack([root[:2] + axis * out[:, None], root[2] + up])
    joints, links = [limb], [np.arange(-1, count - 1)]
    if not dead:
        at = np.repeat(np.arange(count), 2)
        side = np.tile([1.0, -1.0], count)
        reach = 0.1 + 0.42 * length * (0.25 + 0.75 * np.sin(np.pi * (0.12 + 0.8 * s[at]))) * (1.05 - s[at])
        reach *= rng.uniform(0.7, 1.2, len(at))
        spread = heading[at] + side * np.radians(rng.uniform(42, 62, len(at)))
        dip = slope[at] * 0.6 - np.radians(rng.uniform(5, 25, len(at))) * age
        way = np.column_stack([np.cos(spread) * np.cos(dip), np.sin(spread) * np.cos(dip), np.sin(dip)])
        mid = limb[at] + 0.5 * reach[:, None] * way
        end = mid + 0.5 * reach[:, None] * (way - np.array([0, 0, 0.18]) * age)
        joints += [mid, end]
        links += [at, count + np.arange(len(at))]
    return np.concatenate(joints), np.concatenate(links)
