"""The procedural scene's rocks, from pebbles to table mountains, as surfaces to cut into Gaussians."""

from __future__ import annotations

import numpy as np

from translight.environment.noise import fractal, noise, smoothstep
from translight.environment.procedural_stone import DUST
from translight.environment.surfels import Surface, grid

_ROCK = np.array([0.33, 0.27, 0.22])
_CLIFF = np.array([0.42, 0.25, 0.165])
_FACETS = 18


def rocks(centres: np.ndarray, sizes: np.ndarray, seed: int) -> Surface:
    """Broken rocks at ``centres`` (m 3): each the solid between random facets; ``sizes`` are half axes."""
    m = len(centres)
    rng = np.random.default_rng(seed)
    facet = rng.normal(size=(m, _FACETS, 3))
    facet /= np.linalg.norm(facet, axis=2, keepdims=True)
    offset = rng.uniform(0.55, 0.95, (m, _FACETS))

    def point(k: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        direction = np.column_stack([np.cos(u) * np.cos(v), np.sin(u) * np.cos(v), np.sin(v)])
        reach = np.zeros(len(k))
        for i in range(_FACETS):  # the nearest facet wins, its edges a little rounded
            towards = np.einsum("ij,ij->i", facet[k, i], direction)
            reach += np.maximum(towards / offset[k, i], 0.0) ** 24
        body = direction / np.maximum(reach, 1e-6)[:, None] ** (1 / 24)
        place = body * 1.4 + 17.0 * k[:, None]
        rough = 1.0 + 0.09 * fractal(place, seed + 1, 2) + 0.10 * np.abs(fractal(place * 2.2, seed + 4, 3))
        return centres[k] + body * rough[:, None] * sizes[k]

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        grain = fractal(points * 5.0, seed + 2, 4)
        lichen = smoothstep(0.15, 0.45, fractal(points * 1.8, seed + 3, 3)) * 0.3
        colour = _ROCK * (1.0 + 0.55 * grain)[:, None]
        colour = colour * (1 - lichen)[:, None] + np.array([0.36, 0.34, 0.26]) * lichen[:, None]
        dust = smoothstep(0.62, 0.98, normals[:, 2]) * 0.5 + 0.6 * smoothstep(0.22, 0.0, points[:, 2])
        dust = np.clip(dust, 0, 0.85)[:, None]
        return colour * (1 - dust) + DUST * dust

    patches = [
        grid(k, (-np.pi, np.pi), (-0.45, 0.5 * np.pi), *((10, 5) if sizes[k, 0] > 0.2 else (4, 2))) for k in range(m)
    ]
    return Surface(point, np.concatenate(patches), paint)


def butte(centre: tuple[float, float], radius: float, height: float, stretch: float, seed: int) -> list[Surface]:
    """A table mountain: a foot of rubble, one or two walls with gullies, a flat top. ``stretch`` widens it along X."""
    foot, ledge = 0.36, 0.72

    def place(angle: np.ndarray, h: np.ndarray, inwards: np.ndarray | float = 1.0) -> np.ndarray:
        ring = np.column_stack([np.cos(angle), np.sin(angle)])
        outline = 1.0 + 0.30 * fractal(ring * 1.3, seed, 3) + 0.05 * fractal(ring * 5.0, seed + 1, 3)
        gully = 0.055 * np.abs(noise(np.column_stack([ring * 9.0, h * 0.8]), seed + 2))
        slope = 0.85 * np.maximum(1 - h / foot, 0.0) ** 1.25
        steps = 0.10 * smoothstep(ledge, ledge + 0.03, h) + 0.05 * smoothstep(foot, 1.0, h)
        strata = 0.018 * noise(np.column_stack([ring * 2.0, h * 26.0]), seed + 3)
        r = radius * (outline * (1 + slope - steps) + gully * smoothstep(0.2, 0.45, h) + strata) * inwards
        top = 1.0 + 0.05 * noise(ring * 2.2, seed + 4)
        return np.column_stack(
            [centre[0] + stretch * r * np.cos(angle), centre[1] + r * np.sin(angle), height * h * top - 1.5]
        )

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        h = points[:, 2] / height
        band = noise(np.column_stack([h * 21.0, points[:, :2] / 60.0]), seed + 5)
        band = band + 0.6 * noise(np.column_stack([h * 55.0, points[:, :2] / 40.0]), seed + 6)
        rock = _CLIFF * (1.0 + 0.30 * band + 0.15 * fractal(points / 6.0, seed + 7, 3))[:, None]
        loose = smoothstep(0.45, 0.75, normals[:, 2])[:, None]
        return rock * (1 - 0.75 * loose) + 0.75 * DUST * loose

    turn = (-np.pi, np.pi)
    return [
        Surface(lambda _, u, v: place(u, v), grid(0, turn, (0.0, 1.0), 14, 6), paint),
        Surface(lambda _, u, v: place(u, np.ones_like(u), v), grid(0, turn, (0.0, 1.0), 10, 2), paint, flip=True),
    ]
