"""Seeded scenes for benchmarks: a furnished room with a window, in a distant shell; log-normal sizes, SH degree 3.

The same name gives the same splats on every machine. Splats are flat, as a trainer leaves them, and their size falls
with their number, so that more splats mean more detail and not more overdraw. Real captures are named by their files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from translight.core.camera import Camera, View
from translight.render.cameras import look_at
from translight.render.contract import Scene
from translight.splats.cloud import SplatCloud
from translight.splats.order import along_curve

COUNTS: Mapping[str, int] = {"room_100k": 100_000, "room_500k": 500_000, "room_2m": 2_000_000, "room_6m": 6_000_000}
"""Splats of each scene."""
POSES = 8
"""Views of a camera move."""

_SEED = 20261126
_ROOM_M = (10.0, 8.0, 4.0)
_WINDOW_M = (-2.0, 2.0, 1.0, 3.0)
"""In the back wall: x from and to, z from and to."""
_SHELL_M = 40.0
_SHELL_SHARE = 0.2
_FURNITURE = 24
_FURNITURE_SHARE = 0.3
_SPREAD = 0.55
"""Standard deviation of the logarithm of sizes."""
_COVER = 0.8
"""A splat's median standard deviation over the spacing of its neighbours."""
_FLATNESS = 0.1


def bench_scene(name: str) -> Scene:
    """The scene of that name in ``COUNTS``; a second or two for a million splats. Raises ValueError on another name."""
    if name not in COUNTS:
        raise ValueError(f"no bench scene {name!r}; there are {', '.join(COUNTS)}")
    return Scene.of(along_curve(room(COUNTS[name])))


def room(count: int) -> SplatCloud:
    """``count`` splats in stage axes: floor, ceiling and walls around X ±5 m, Y 0 to 8 m, furniture, and the shell."""
    rng = np.random.default_rng(_SEED)
    shell, furniture = int(count * _SHELL_SHARE), int(count * _FURNITURE_SHARE)
    parts = [_walls(rng, count - shell - furniture), _ellipsoids(rng, furniture), _shell(rng, shell)]
    means, normals, spacing = (np.concatenate(field) for field in zip(*parts, strict=True))
    order = rng.permutation(count)
    means, normals, spacing = means[order], normals[order], spacing[order]
    scales = _COVER * spacing[:, None] * np.exp(rng.normal(0, _SPREAD, (count, 3)))
    scales[:, 2] *= _FLATNESS
    sh = rng.normal(0, 0.04, (count, 16, 3))
    sh[:, 0] = _texture(means) + rng.normal(0, 0.15, (count, 3))
    return SplatCloud(
        means=means.astype(np.float32),
        scales=scales.astype(np.float32),
        wxyz=_facing(normals, rng.uniform(0, 2 * math.pi, count)).astype(np.float32),
        opacities=(1 / (1 + np.exp(-rng.normal(0.5, 1.8, count)))).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def move(width_px: int, height_px: int) -> list[View]:
    """A camera move through the room: views whose eye and direction both change, as a crane's do."""
    camera = Camera.from_fov(width_px, height_px, horizontal_deg=60)
    views = []
    for i in range(POSES):
        angle = 2 * math.pi * i / POSES
        eye = (1.5 * math.sin(angle), 0.9 + 0.6 * math.cos(angle), 1.6 + 0.4 * math.sin(2 * angle))
        views.append(View(look_at(eye, (-1.2 * math.sin(angle), 8.0, 1.6)), camera))
    return views


def _walls(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points on the room's six sides but the window, normals inwards, and the points' spacing."""
    x, y, z = _ROOM_M
    # side: area, fixed axis, its value, inward normal
    sides = [(y * z, 0, -x / 2, 1), (y * z, 0, x / 2, -1), (x * z, 1, 0.0, 1), (x * z, 1, y, -1)]
    sides += [(x * y, 2, 0.0, 1), (x * y, 2, z, -1)]
    areas = np.array([side[0] for side in sides])
    which = rng.choice(len(sides), count, p=areas / areas.sum())
    points = rng.uniform((-x / 2, 0, 0), (x / 2, y, z), (count, 3))
    normals = np.zeros((count, 3))
    for k, (_, axis, value, sign) in enumerate(sides):
        on = which == k
        points[on, axis], normals[on, axis] = value, sign
    left, right, low, high = _WINDOW_M
    glass = (which == 3) & (points[:, 0] > left) & (points[:, 0] < right) & (points[:, 2] > low) & (points[:, 2] < high)
    points[glass, 0] = np.where(points[glass, 0] > 0, right, left) * rng.uniform(1.0, 2.4, glass.sum())
    return points, normals, np.full(count, math.sqrt(areas.sum() / max(count, 1)))


def _ellipsoids(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Furniture: ellipsoids on the floor and in the air, away from the middle."""
    x, y, z = _ROOM_M
    centres = rng.uniform((-x / 2 + 0.5, 2.5, 0.2), (x / 2 - 0.5, y - 0.5, z - 0.8), (_FURNITURE, 3))
    radii = rng.uniform(0.15, 0.6, (_FURNITURE, 3))
    which = rng.integers(0, _FURNITURE, count)
    direction = _unit(rng.normal(size=(count, 3)))
    points = centres[which] + direction * radii[which]
    area = 4 * math.pi * (radii**2).mean()
    return points, _unit(direction / radii[which]), np.full(count, math.sqrt(area * _FURNITURE / max(count, 1)))


def _shell(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points on a half sphere around the room and beyond its back wall, seen through the window."""
    direction = _unit(rng.normal(size=(count, 3)) + np.array([0, 1.2, 0.3]))
    direction[:, 1] = np.abs(direction[:, 1])
    points = direction * _SHELL_M * rng.uniform(0.8, 1.2, (count, 1))
    return points, -direction, np.full(count, _SHELL_M * math.sqrt(2 * math.pi / max(count, 1)))


def _texture(points: np.ndarray) -> np.ndarray:
    """Constant SH coefficients of a pattern with detail at every scale."""
    waves = [np.sin(points * f + p).prod(axis=1) for f, p in ((0.9, 0.3), (2.7, 1.1), (8.1, 2.0), (24.3, 0.7))]
    grey = sum(wave / 1.6**k for k, wave in enumerate(waves))
    return np.stack([grey + 0.3 * np.sin(points[:, 0] * k + k) for k in (0.5, 0.9, 1.4)], axis=1)


def _facing(normals: np.ndarray, spin: np.ndarray) -> np.ndarray:
    """Quaternions that turn +Z to a normal, after a turn about +Z."""
    nx, ny, nz = normals.T
    towards = np.stack([1 + nz, -ny, nx, np.zeros_like(nx)], axis=1)
    towards[nz < -1 + 1e-9] = (0, 1, 0, 0)
    w, x, y, _ = _unit(towards).T
    c, s = np.cos(spin / 2), np.sin(spin / 2)
    return np.stack([w * c, x * c + y * s, y * c - x * s, w * s], axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
