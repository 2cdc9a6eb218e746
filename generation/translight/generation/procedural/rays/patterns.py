"""Materials at a point: how a pattern mixes its two colours, how high its relief stands there, and which panes are lit.

Patterns are in three dimensions, in the object's own metres. What is finer than the pixel's footprint fades out, so
nothing flickers far off, and an 8K picture holds more than a preview.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.environment.noise import unit_of
from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import M_LIT, M_OCTAVES, M_PATTERN, M_SIZE, M_TURN

PLAIN, FRACTAL, RIDGES, CELLS, BRICKS, TILES, PANES, RIPPLES, PLANKS = range(9)
"""scene.py's Pattern."""

_P0, _P1, _P2 = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D)


@part
def cell_value(x: int, y: int, z: int, salt: int) -> float:
    """A number within [0, 1) of a lattice cell."""
    stays_apart()
    k = np.uint32(np.uint32(x) * _P0) ^ np.uint32(np.uint32(y) * _P1) ^ np.uint32(np.uint32(z) * _P2)
    k = np.uint32(k + np.uint32(np.uint32(salt) * np.uint32(0x27D4EB2F)))
    return 0.5 * np.float64(unit_of(k)) + 0.5


@inlined
def _fade(f: float) -> float:
    return f * f * f * (f * (f * 6.0 - 15.0) + 10.0)


@inlined
def _corner(x: Any, y: Any, z: Any) -> float:
    return np.float64(unit_of(np.uint32(x ^ y ^ z)))


@part
def noise(x: float, y: float, z: float, salt: int) -> float:
    """Value noise within [−1, 1], one lattice cell a unit."""
    stays_apart()
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = _fade(x - fx), _fade(y - fy), _fade(z - fz)
    kx, ky, kz = np.uint32(np.int64(fx)), np.uint32(np.int64(fy)), np.uint32(np.int64(fz))
    base = np.uint32(np.uint32(salt) * np.uint32(0x27D4EB2F))
    x0, x1 = np.uint32(kx * _P0) ^ base, np.uint32((kx + np.uint32(1)) * _P0) ^ base
    y0, y1 = np.uint32(ky * _P1), np.uint32((ky + np.uint32(1)) * _P1)
    z0, z1 = np.uint32(kz * _P2), np.uint32((kz + np.uint32(1)) * _P2)
    a, b, c, d = _corner(x0, y0, z0), _corner(x1, y0, z0), _corner(x0, y1, z0), _corner(x1, y1, z0)
    e, f, g, h = _corner(x0, y0, z1), _corner(x1, y0, z1), _corner(x0, y1, z1), _corner(x1, y1, z1)
    a, c, e, g = a + u * (b - a), c + u * (d - c), e + u * (f - e), g + u * (h - g)
    a, e = a + v * (c - a), e + v * (g - e)
    return a + w * (e - a)


@inlined
def _smooth(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@inlined
def _shown(size: float, footprint: float) -> float:
    """How much is left of features of a size: all at 4 pixels, none at 1."""
    return _smooth(1.0, 4.0, size / max(footprint, 1e-9))


@part
def _octaves(x: float, y: float, z: float, size: float, octaves: int, footprint: float, ridges: int) -> float:
    """A fractal sum within about ±1; ``size`` is a lattice cell's, in the footprint's unit."""
    stays_apart()
    total, weight, weights = 0.0, 1.0, 0.0
    for n in range(octaves):
        shown = _shown(size, footprint)
        if shown <= 0.0:
            break
        value = noise(x, y, z, np.int64(n))
        if ridges != 0:
            value = 1.0 - 2.0 * abs(value)
            value = value * abs(value)
        total += weight * shown * value
        weights += weight
        weight *= 0.5
        x, y, z, size = 1.624 * x - 1.218 * y, 1.218 * x + 1.624 * y, 2.03 * z + 0.37, size / 2.03
    return total / max(weights, 1e-9) * (1.0 if octaves == 1 else 1.4)


@part
def _cells(x: float, y: float, z: float) -> Any:
    """Distance to the border between the nearest two cell centres, and the nearest cell's own number."""
    stays_apart()
    fx, fy, fz = np.int64(np.floor(x)), np.int64(np.floor(y)), np.int64(np.floor(z))
    first, second, own = np.inf, np.inf, 0.0
    for k in range(27):
        i, j, m = fx + k % 3 - 1, fy + k // 3 % 3 - 1, fz + k // 9 - 1
        cx, cy, cz = (
            i + cell_value(i, j, m, np.int64(1)),
            j + cell_value(i, j, m, np.int64(2)),
            m + cell_value(i, j, m, np.int64(3)),
        )
        d = (cx - x) ** 2 + (cy - y) ** 2 + (cz - z) ** 2
        if d < first:
            first, second, own = d, first, cell_value(i, j, m, np.int64(4))
        elif d < second:
            second = d
    return np.sqrt(second) - np.sqrt(first), own


@inlined
def _across(x: float, y: float, z: float, nx: float, ny: float, nz: float, sx: float, sy: float, sz: float) -> Any:
    """The two coordinates of a face, along its courses and up, with the sizes that belong to them."""
    ax, ay, az = abs(nx), abs(ny), abs(nz)
    if az >= ax and az >= ay:
        return x, y, sx, sy
    if ay >= ax:
        return x, z, sx, sz
    return y, z, sy, sz


@part
def pattern(
    F: Any, m: int, x: float, y: float, z: float, nx: float, ny: float, nz: float, footprint: float
) -> Any:  # fmt: skip
    """Share of colour b (0 to 1), relief (about ±0.5), and whether light is given off (0 to 1)."""
    stays_apart()
    kind = int(get(F, m + M_PATTERN))
    if kind == PLAIN:
        return 0.0, 0.0, 1.0
    sx, sy, sz = get(F, m + M_SIZE), get(F, m + M_SIZE + 1), get(F, m + M_SIZE + 2)
    turn = get(F, m + M_TURN)
    if turn != 0.0 and kind != PANES:
        cosine, sine = np.cos(turn), np.sin(turn)
        x, y = cosine * x + sine * y, cosine * y - sine * x
        nx, ny = cosine * nx + sine * ny, cosine * ny - sine * nx
    octaves = int(get(F, m + M_OCTAVES))
    least = min(sx, min(sy, sz))
    if kind == FRACTAL:
        value = _octaves(x / sx, y / sy, z / sz, least, octaves, footprint, np.int64(0))
        return _smooth(-0.55, 0.55, value), 0.5 * value, 1.0
    if kind == RIDGES:
        value = _octaves(x / sx, y / sy, z / sz, least, octaves, footprint, np.int64(1))
        return _smooth(-0.7, 0.7, value), 0.5 * value, 1.0
    if kind == CELLS:
        shown = _shown(least, footprint)
        border, own = _cells(x / sx, y / sy, z / sz) if shown > 0.0 else (0.5, 0.5)
        grain = _octaves(
            4.0 * x / sx,
            4.0 * y / sy,
            4.0 * z / sz,
            0.25 * least,
            np.int64(max(octaves - 2, 1)),
            footprint,
            np.int64(0),
        )
        joint = 1.0 - _smooth(0.02, 0.16, border)
        share = shown * max(joint, 0.35 * own) + (1.0 - shown) * 0.25
        return min(share + 0.12 * abs(grain), 1.0), shown * (_smooth(0.0, 0.35, border) - 0.5) + 0.12 * grain, 1.0
    if kind == RIPPLES:
        warp = _octaves(x / (3.0 * sx), y / (3.0 * sy), 0.0, 3.0 * min(sx, sy), np.int64(3), footprint, np.int64(0))
        phase = x / sx + 0.9 * warp
        phase -= np.floor(phase)
        # Steep in the lee, gentle to the wind.
        wave = phase / 0.68 if phase < 0.68 else (1.0 - phase) / 0.32
        wave = _smooth(0.0, 1.0, wave)
        shown = _shown(0.5 * sx, footprint)
        fine = 1.0 / (0.02 * max(sx, 0.05))
        grain = _octaves(x * fine, y * fine, z * fine, 1.0 / fine, np.int64(2), footprint, np.int64(0))
        patch = _octaves(x / (9.0 * sx), y / (9.0 * sx), 0.0, 9.0 * sx, np.int64(3), footprint, np.int64(0))
        share = 0.5 + shown * 0.3 * (0.5 - wave) + 0.16 * grain + 0.25 * patch
        return min(max(share, 0.0), 1.0), shown * (wave - 0.5) * (0.75 + 0.5 * patch) + 0.03 * grain, 1.0
    along, up, wide, high = _across(x, y, z, nx, ny, nz, sx, sy, sz)
    if kind == PLANKS:
        row = np.floor(up / high) if high > 0.0 else 0.0
        shift = cell_value(int(row), np.int64(0), np.int64(0), np.int64(7)) * wide
        board = np.floor((along + shift) / wide)
        a, b = along + shift - board * wide, up - row * high
        shown = _shown(0.25 * high, footprint)
        gap = min(min(a, wide - a), min(b, high - b))
        joint = (1.0 - _smooth(0.002, 0.006 + footprint, gap)) * shown
        own = cell_value(int(row), int(board), np.int64(1), np.int64(8))
        grow = up / high * 7.0 + 31.0 * own
        ring = _octaves(along / wide * 1.7, grow, own * 9.0, high / 7.0, octaves, footprint, np.int64(0))
        return (
            min(max(0.35 + 0.45 * (own - 0.5) * _shown(high, footprint) + 0.4 * ring + joint, 0.0), 1.0),
            0.06 * ring - 0.5 * joint,
            1.0,
        )
    row = np.floor(up / high)
    shift = 0.0
    if kind == BRICKS:
        shift = 0.5 * wide * (row - 2.0 * np.floor(0.5 * row))
    column = np.floor((along + shift) / wide)
    a, b = along + shift - column * wide, up - row * high
    gap = min(min(a, wide - a), min(b, high - b))
    own = cell_value(int(column), int(row), int(np.floor(abs(nx) * 2.0 + abs(ny) * 4.0)), np.int64(5))
    if kind == PANES:
        frame = 0.06 * min(wide, high)
        shown = _shown(0.5 * min(wide, high), footprint)
        edge = (1.0 - _smooth(frame, frame + max(0.004, footprint), gap)) * shown + 0.2 * (1.0 - shown)
        lit = get(F, m + M_LIT)
        glow = (1.0 if own < lit else 0.0) * shown + lit * (1.0 - shown)
        # Rooms differ: curtains, lamps, blinds.
        glow *= 0.45 + 1.1 * cell_value(int(column), int(row), np.int64(3), np.int64(6)) * shown + 0.55 * (1.0 - shown)
        return edge, 0.5 * edge, glow * (1.0 - edge)
    least = min(wide, high)
    half = max(0.012, 0.035 * least) * 0.5
    shown = _shown(0.5 * least, footprint)
    joint = 1.0 - _smooth(half, half * 1.6 + footprint, gap)
    grain = _octaves(9.0 * along / least, 9.0 * up / least, 17.0 * own, least / 9.0, octaves, footprint, np.int64(0))
    share = joint * shown + (1.0 - shown) * 4.0 * half / least
    vary = (0.5 - own) * _shown(least, footprint) * (0.5 if kind == BRICKS else 0.2)
    share = min(max(share + (1.0 - joint) * (0.18 + 0.3 * grain + vary), 0.0), 1.0)
    return share, -0.5 * joint * shown + 0.12 * grain, 1.0
