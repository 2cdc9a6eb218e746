"""The procedural scene's plants, drawn in strokes: each leaf and blade is one long thin Gaussian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import smoothstep
from translight.environment.surfels import Surface, grid

_GOLDEN_RAD = 2.399963
_LEAF = np.array([0.085, 0.115, 0.035])
_OLD_LEAF = np.array([0.25, 0.175, 0.07])
_STRAW = np.array([0.40, 0.31, 0.155])
_BARK = np.array([0.20, 0.145, 0.10])


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """n strokes: ``centre``, ``along`` (half of the length, metres), ``facing`` (unit), ``width_m``, albedo."""

    centre: Float64[np.ndarray, "n 3"]
    along: Float64[np.ndarray, "n 3"]
    facing: Float64[np.ndarray, "n 3"]
    width_m: Float64[np.ndarray, "n"]
    albedo: Float64[np.ndarray, "n 3"]

    def __len__(self) -> int:
        return len(self.centre)


def joined(parts: Sequence[Strokes]) -> Strokes:
    """All strokes as one."""
    return Strokes(
        np.concatenate([part.centre for part in parts]),
        np.concatenate([part.along for part in parts]),
        np.concatenate([part.facing for part in parts]),
        np.concatenate([part.width_m for part in parts]),
        np.concatenate([part.albedo for part in parts]),
    )


def palm_crown(
    top: Float64[np.ndarray, "3"], length: float, fronds: int, leaflets: int, rng: np.random.Generator
) -> Strokes:
    """A date palm's crown: arching fronds around ``top``, each a rib with ``leaflets`` on either side."""
    turn = np.arange(fronds) * _GOLDEN_RAD + rng.uniform(0, 6.28) + rng.uniform(-0.2, 0.2, fronds)
    age = (np.arange(fronds) + 0.5) / fronds
    rise = np.radians(82.0 - 105.0 * age**0.9) + rng.uniform(-0.1, 0.1, fronds)
    reach = length * rng.uniform(0.85, 1.08, fronds) * (0.75 + 0.5 * age * (1.3 - age))
    droop = rng.uniform(0.32, 0.5, fronds) + 0.25 * age

    # positions along every rib: (fronds, leaflets)
    t = np.broadcast_to((np.arange(leaflets) + 0.6) / leaflets, (fronds, leaflets))
    heading = np.stack([np.cos(turn), np.sin(turn), np.zeros(fronds)], axis=1)[:, None, :]
    up = np.array([0.0, 0.0, 1.0])
    out, climb = (reach * np.cos(rise))[:, None, None], (reach * np.sin(rise))[:, None, None]
    sag = (droop * reach)[:, None, None]
    s = t[..., None]
    rib = top + heading * out * s + up * (climb * s - sag * s**2.2)
    tangent = heading * out + up * (climb - 2.2 * sag * s**1.2)
    tangent = tangent / np.linalg.norm(tangent, axis=-1, keepdims=True)
    side = np.cross(tangent, up)
    side = side / np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-6)

    parts = []
    size = 0.24 * length * (np.sin(np.pi * (0.10 + 0.86 * t)) ** 0.7)[..., None]
    tint = np.clip(age**2 * 0.9 + rng.uniform(-0.15, 0.15, fronds), 0, 1)[:, None, None]
    for sign in (-1.0, 1.0):
        hang = rng.uniform(0.10, 0.40, (fronds, leaflets, 1))
        direction = sign * side * 0.80 + tangent * 0.62 - up * hang
        direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
        half = 0.5 * size * rng.uniform(0.8, 1.15, (fronds, leaflets, 1))
        facing = np.cross(direction, tangent)
        facing = facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-6)
        colour = (_LEAF * (1 - tint) + _OLD_LEAF * tint) * rng.uniform(0.75, 1.25, (fronds, leaflets, 1))
        width = np.full((fronds, leaflets), 0.030 * length / 2.8)
        parts.append(_flat(rib + direction * half, direction * half, facing, width, colour))
    step = np.broadcast_to((reach / leaflets * 0.62)[:, None, None], (fronds, leaflets, 1))
    rib_width = 0.028 * (1.15 - t)
    parts.append(
        _flat(rib, tangent * step, np.cross(tangent, side), rib_width, np.broadcast_to(_OLD_LEAF * 0.8, rib.shape))
    )
    return joined(parts)


def palm_trunk(foot: tuple[float, float], top: Float64[np.ndarray, "3"], radius: float) -> Surface:
    """A leaning, ringed trunk from the ground to the crown."""

    def point(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        z = v * top[2]
        ring = 1.0 + 0.16 * np.abs((z / 0.17 + u / 6.28) % 1.0 - 0.5)
        rho = radius * ring * (0.80 + 0.5 * np.exp(-z / 0.5) + 0.28 * smoothstep(top[2] - 0.9, top[2], z))
        lean = (v**1.6)[:, None] * (top[:2] - np.asarray(foot))
        return np.column_stack([foot[0] + lean[:, 0] + rho * np.cos(u), foot[1] + lean[:, 1] + rho * np.sin(u), z])

    def paint(points: np.ndarray, _: np.ndarray) -> np.ndarray:
        ring = np.abs((points[:, 2] / 0.17) % 1.0 - 0.5)
        return _BARK * (0.75 + 0.8 * ring)[:, None]

    return Surface(point, grid(0, (-np.pi, np.pi), (0.0, 1.0), 5, 10), paint)


def grass(
    foot: Float64[np.ndarray, "m 3"], height: Float64[np.ndarray, "m"], blades: int, rng: np.random.Generator
) -> Strokes:
    """Dry tufts at ``foot``: ``blades`` each, every blade a lower and an upper stroke that bend outwards."""
    m = len(foot)
    turn = rng.uniform(0, 2 * np.pi, (m, blades))
    lean = rng.uniform(0.05, 0.75, (m, blades)) ** 1.2
    tall = height[:, None] * rng.uniform(0.55, 1.1, (m, blades))
    out = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=-1)
    up = np.array([0.0, 0.0, 1.0])
    root = foot[:, None, :] + out * (rng.uniform(0.0, 0.14, (m, blades)) * height[:, None])[..., None]
    lower = tall[..., None] * 0.5 * (up * np.cos(0.5 * lean)[..., None] + out * np.sin(0.5 * lean)[..., None])
    bent = 1.7 * lean + 0.12
    upper = tall[..., None] * 0.5 * (up * np.cos(bent)[..., None] + out * np.sin(bent)[..., None])
    facing = np.cross(out, up)
    tone = rng.uniform(0.65, 1.25, (m, blades, 1)) * np.array([1.0, 1.0, 1.0])
    green = rng.uniform(0.0, 0.45, (m, 1, 1))
    colour = tone * (_STRAW * (1 - green) + np.array([0.20, 0.21, 0.075]) * green)
    width = np.clip(0.011 * tall / 0.5, 0.005, 0.02)
    return joined(
        [
            _flat(root + 0.5 * lower, 0.58 * lower, facing, width, colour * 0.8),
            _flat(root + lower + 0.5 * upper, 0.58 * upper, facing, 0.7 * width, colour),
        ]
    )


def _flat(centre: np.ndarray, along: np.ndarray, facing: np.ndarray, width: np.ndarray, albedo: np.ndarray) -> Strokes:
    """Arrays of any leading shape as rows."""
    unit = facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-9)
    rows = [np.broadcast_to(a, centre.shape).reshape(-1, 3) for a in (centre, along, unit, albedo)]
    return Strokes(rows[0], rows[1], rows[2], np.broadcast_to(width, centre.shape[:-1]).ravel(), rows[3])
