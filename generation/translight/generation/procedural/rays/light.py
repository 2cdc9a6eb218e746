"""Where light comes from and what becomes of it: the sky, the sun's disc, microfacets, chance, and the air between."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import (
    AIR_ALBEDO,
    BLURRED_F,
    BLURRED_ROWS,
    CHANCE,
    DITHER_F,
    DITHER_PX,
    FOG,
    FOG_HEIGHT,
    FOG_SUN,
    FOG_TOP,
    FORWARD,
    HAZE,
    HAZE_HEIGHT,
    HORIZON_COLUMNS,
    HORIZON_F,
    IRRADIANCE_F,
    MEAN_SKY,
    SEED,
    SKY_F,
    SKY_ROWS,
    SUN,
    SUN_COS,
    SUN_DISC,
    SUN_LIGHT,
    SUN_SIN,
)

_TURN, _PI = 2.0 * np.pi, np.pi
R1, R2 = 0.7548776662466927, 0.5698402909980532
"""Roberts's R2 sequence (2018): powers of the plastic number's inverse."""
_LIMB = 0.6
"""The sun's limb darkening in visible light (Cox, "Allen's Astrophysical Quantities", 2000)."""


@inlined
def chance(F: Any, N: Any, px: int, py: int, sample: int, dimension: int) -> Any:
    """Two numbers within [0, 1): the pair that a pixel has in the dither, moved on by the seed and for each sample."""
    salt = dimension * 7919 + get(N, SEED)
    mask = DITHER_PX - 1
    at = get(N, DITHER_F) + 2 * (((py + salt * 29) & mask) * DITHER_PX + ((px + salt * 13) & mask))
    a, b = get(F, at) + get(F, CHANCE) + sample * R1, get(F, at + 1) + get(F, CHANCE + 1) + sample * R2
    return a - np.floor(a), b - np.floor(b)


@inlined
def frame(nx: float, ny: float, nz: float) -> Any:
    """Two unit vectors across a unit vector (Duff et al., "Building an Orthonormal Basis, Revisited", 2017)."""
    sign = 1.0 if nz >= 0.0 else -1.0
    a = -1.0 / (sign + nz)
    b = nx * ny * a
    return 1.0 + sign * nx * nx * a, sign * b, -sign * nx, b, sign + ny * ny * a, -ny


@inlined
def around(nx: float, ny: float, nz: float, a: float, b: float) -> Any:
    """A direction about a normal, as often as its cosine."""
    r, phi = np.sqrt(a), _TURN * b
    x, y, z = r * np.cos(phi), r * np.sin(phi), np.sqrt(max(1.0 - a, 0.0))
    tx, ty, tz, bx, by, bz = frame(nx, ny, nz)
    return x * tx + y * bx + z * nx, x * ty + y * by + z * ny, x * tz + y * bz + z * nz


@part
def _picture(F: Any, at: int, rows: int, dx: float, dy: float, dz: float) -> Any:
    """Bilinear radiance of an equirectangular picture."""
    stays_apart()
    column = (np.arctan2(dx, dy) / _TURN + 0.5) * 2 * rows - 0.5
    row = (0.5 - np.arctan2(dz, np.sqrt(dx * dx + dy * dy)) / _PI) * rows - 0.5
    i, j = np.floor(column), np.floor(row)
    u, v = column - i, row - j
    a, b = (int(i) + 2 * rows) % (2 * rows), (int(i) + 1 + 2 * rows) % (2 * rows)
    c, d = max(int(j), 0), min(int(j) + 1, rows - 1)
    p, q = at + 3 * (c * 2 * rows + a), at + 3 * (c * 2 * rows + b)
    r, s = at + 3 * (d * 2 * rows + a), at + 3 * (d * 2 * rows + b)
    e, f, g, h = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
    return (
        e * get(F, p) + f * get(F, q) + g * get(F, r) + h * get(F, s),
        e * get(F, p + 1) + f * get(F, q + 1) + g * get(F, r + 1) + h * get(F, s + 1),
        e * get(F, p + 2) + f * get(F, q + 2) + g * get(F, r + 2) + h * get(F, s + 2),
    )


@inlined
def sky(F: Any, N: Any, dx: float, dy: float, dz: float) -> Any:
    """The sky as it is drawn, without the disc."""
    return _picture(F, get(N, SKY_F), get(N, SKY_ROWS), dx, dy, dz)


@inlined
def blurred_sky(F: Any, N: Any, dx: float, dy: float, dz: float) -> Any:
    """The sky for light on surfaces: small, so that few rays find it."""
    return _picture(F, get(N, BLURRED_F), np.int64(BLURRED_ROWS), dx, dy, dz)


@inlined
def sky_on(F: Any, N: Any, nx: float, ny: float, nz: float) -> Any:
    """What an unshaded surface of that normal receives from the sky, over π."""
    return _picture(F, get(N, IRRADIANCE_F), np.int64(BLURRED_ROWS), nx, ny, nz)


@inlined
def disc(F: Any, dx: float, dy: float, dz: float) -> Any:
    """The sun's own radiance in a direction: what its irradiance comes from, darker at the limb."""
    cosine = get(F, SUN) * dx + get(F, SUN + 1) * dy + get(F, SUN + 2) * dz
    if cosine < get(F, SUN_COS):
        return 0.0, 0.0, 0.0
    out = (1.0 - cosine * cosine) / (get(F, SUN_SIN) * get(F, SUN_SIN))
    shade = (1.0 - _LIMB * (1.0 - np.sqrt(max(1.0 - out, 0.0)))) / (1.0 - _LIMB / 3.0)
    return get(F, SUN_DISC) * shade, get(F, SUN_DISC + 1) * shade, get(F, SUN_DISC + 2) * shade


@inlined
def sunny(F: Any) -> bool:
    """Whether there is a sun or a moon at all."""
    return get(F, SUN_LIGHT) + get(F, SUN_LIGHT + 1) + get(F, SUN_LIGHT + 2) > 0.0


@inlined
def to_sun(F: Any, a: float, b: float) -> Any:
    """A direction to a point of the disc."""
    sx, sy, sz = get(F, SUN), get(F, SUN + 1), get(F, SUN + 2)
    tx, ty, tz, bx, by, bz = frame(sx, sy, sz)
    r, phi = get(F, SUN_SIN) * np.sqrt(a), _TURN * b
    x, y = r * np.cos(phi), r * np.sin(phi)
    z = np.sqrt(1.0 - r * r)
    return z * sx + x * tx + y * bx, z * sy + x * ty + y * by, z * sz + x * tz + y * bz


@inlined
def fresnel(head_on: float, cosine: float) -> float:
    """Schlick (1994); what reflects less than 2 % head on reflects less at the edge too, and what has 0 nothing."""
    edge = min(50.0 * head_on, 1.0)
    return head_on + (edge - head_on) * (1.0 - min(max(cosine, 0.0), 1.0)) ** 5


@inlined
def rough_fresnel(head_on: float, cosine: float, roughness: float) -> float:
    """The mean over a rough surface's slopes, which rises less at the edge (Lagarde, "Adopting a physically based
    shading model", 2011)."""
    edge = max(min(50.0 * head_on, 1.0) * (1.0 - roughness), head_on)
    return head_on + (edge - head_on) * (1.0 - min(max(cosine, 0.0), 1.0)) ** 5


@part
def glint(alpha: float, nv: float, nl: float, nh: float) -> float:
    """D·G / (4·nv·nl)·nl of GGX with Smith's shadowing (Walter et al. 2007, Heitz 2014), without Fresnel's term."""
    stays_apart()
    a2 = alpha * alpha
    d = nh * nh * (a2 - 1.0) + 1.0
    spread = a2 / (_PI * d * d)
    masked = nl * np.sqrt(a2 + (1.0 - a2) * nv * nv) + nv * np.sqrt(a2 + (1.0 - a2) * nl * nl)
    return spread * 0.5 / max(masked, 1e-9) * nl


@part
def reflected(
    alpha: float, nx: float, ny: float, nz: float, vx: float, vy: float, vz: float, a: float, b: float
) -> Any:
    """A direction off a rough mirror and its weight without Fresnel's term; v points to the eye.

    Visible normals by spherical caps (Dupuy and Benyoub, "Sampling Visible GGX Normals with Spherical Caps", 2023).
    """
    stays_apart()
    tx, ty, tz, bx, by, bz = frame(nx, ny, nz)
    x, y, z = vx * tx + vy * ty + vz * tz, vx * bx + vy * by + vz * bz, max(vx * nx + vy * ny + vz * nz, 1e-4)
    sx, sy, sz = x * alpha, y * alpha, z
    norm = 1.0 / np.sqrt(sx * sx + sy * sy + sz * sz)
    sx, sy, sz = sx * norm, sy * norm, sz * norm
    phi = _TURN * a
    cz = (1.0 - b) * (1.0 + sz) - sz
    r = np.sqrt(max(1.0 - cz * cz, 0.0))
    hx, hy, hz = (r * np.cos(phi) + sx) * alpha, (r * np.sin(phi) + sy) * alpha, max(cz + sz, 1e-9)
    norm = 1.0 / np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * norm, hy * norm, hz * norm
    vh = x * hx + y * hy + z * hz
    lx, ly, lz = 2.0 * vh * hx - x, 2.0 * vh * hy - y, 2.0 * vh * hz - z
    if lz <= 1e-4:
        lz = 1e-4
    a2 = alpha * alpha
    weight = 2.0 * lz / (lz + np.sqrt(a2 + (1.0 - a2) * lz * lz))
    return (
        lx * tx + ly * bx + lz * nx,
        lx * ty + ly * by + lz * ny,
        lx * tz + ly * bz + lz * nz,
        weight,
        vh,
    )


@inlined
def _column(z0: float, dz: float, t: float, height: float) -> float:
    """∫ exp(−z/height) along a ray from z0 of slope dz, over t metres."""
    start = np.exp(-max(z0, -3.0 * height) / height)
    k = dz / height
    if abs(k * t) < 1e-6:
        return start * t
    return start * (1.0 - np.exp(-min(max(k * t, -60.0), 700.0))) / k


@part
def fog_depth(F: Any, z0: float, dz: float, t: float) -> float:
    """Optical depth of the fog: even up to its top, and thinning exponentially above it."""
    stays_apart()
    if get(F, FOG) <= 0.0:
        return 0.0
    top, height = get(F, FOG_TOP), get(F, FOG_HEIGHT)
    z1 = z0 + dz * t
    if z0 <= top and z1 <= top:
        return get(F, FOG) * t
    if z0 >= top and z1 >= top:
        return get(F, FOG) * _column(z0 - top, dz, t, height)
    cross = (top - z0) / dz
    if z0 < top:
        return get(F, FOG) * (cross + _column(0.0, dz, t - cross, height))
    return get(F, FOG) * (t - cross + _column(0.0, -dz, cross, height))


@inlined
def _phase(g: float, cosine: float) -> float:
    return (1.0 - g * g) / (4.0 * _PI * (1.0 + g * g - 2.0 * g * cosine) ** 1.5)


@part
def air(F: Any, N: Any, oz: float, dx: float, dy: float, dz: float, t: float, sky_too: int) -> Any:
    """Transmittance (3) along a ray, and the light (3) that the air sends to the eye from it.

    Haze tends to the sky's radiance just above the horizon in that direction; fog to the sky's mean and the sun's light
    scattered by Henyey and Greenstein's phase function. The sky holds its haze already: it gets the fog alone.
    """
    stays_apart()
    fog = fog_depth(F, oz, dz, t)
    column = 0.0
    if sky_too == 0 and get(F, HAZE) + get(F, HAZE + 1) + get(F, HAZE + 2) > 0.0:
        column = _column(oz, dz, t, get(F, HAZE_HEIGHT))
    if fog <= 0.0 and column <= 0.0:
        return 1.0, 1.0, 1.0, 0.0, 0.0, 0.0
    cosine = get(F, SUN) * dx + get(F, SUN + 1) * dy + get(F, SUN + 2) * dz
    g = get(F, FORWARD)
    glow = (0.55 * _phase(g, cosine) + 0.45 / (4.0 * _PI)) * get(F, FOG_SUN)
    turn = (np.arctan2(dx, dy) / _TURN + 0.5) * HORIZON_COLUMNS - 0.5
    i = np.floor(turn)
    u = turn - i
    p = get(N, HORIZON_F) + 3 * ((int(i) + HORIZON_COLUMNS) % HORIZON_COLUMNS)
    q = get(N, HORIZON_F) + 3 * ((int(i) + 1 + HORIZON_COLUMNS) % HORIZON_COLUMNS)
    fog_left = np.exp(-fog)
    r, rl = _layers(F, np.int64(0), column, fog_left, fog, glow, (1 - u) * get(F, p) + u * get(F, q))
    g_, gl = _layers(F, np.int64(1), column, fog_left, fog, glow, (1 - u) * get(F, p + 1) + u * get(F, q + 1))
    b, bl = _layers(F, np.int64(2), column, fog_left, fog, glow, (1 - u) * get(F, p + 2) + u * get(F, q + 2))
    return r, g_, b, rl, gl, bl


@inlined
def _layers(F: Any, c: int, column: float, fog_left: float, fog: float, glow: float, horizon: float) -> Any:
    haze = get(F, HAZE + c) * column
    total = haze + fog
    source = get(F, AIR_ALBEDO + c) * (get(F, MEAN_SKY + c) + glow * get(F, SUN_LIGHT + c))
    # Both lie along the whole ray: each gives its share of what is lost.
    mixed = (haze * horizon + fog * source) / max(total, 1e-30)
    left = fog_left * np.exp(-haze)
    return left, mixed * (1.0 - left)
