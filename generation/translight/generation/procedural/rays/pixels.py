"""A pixel as numbers, and what one ray from the eye adds to it: what it meets, and how that is lit."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, part, stays_apart
from translight.generation.procedural.rays.lamps import lamp_light
from translight.generation.procedural.rays.layout import (
    DEEP,
    G_FLOATS,
    GCELL,
    GRID_I,
    GRID_INTS,
    INSTANCE_F,
    INSTANCE_FLOATS,
    INSTANCE_I,
    INSTANCE_INTS,
    LAMPS,
    M_A,
    M_B,
    M_EMISSION,
    M_RELIEF,
    M_ROUGHNESS,
    M_THROUGH,
    SUN_LIGHT,
)
from translight.generation.procedural.rays.light import (
    air,
    around,
    chance,
    disc,
    fresnel,
    glint,
    reflected,
    rough_fresnel,
    sky,
    sunny,
    to_sun,
)
from translight.generation.procedural.rays.path import (
    LAND,
    MESH,
    NONE,
    WATER_HIT,
    arriving,
    blocked,
    bumped,
    hit,
    sheen,
    surface,
)
from translight.generation.procedural.rays.patterns import pattern
from translight.generation.procedural.rays.water import on_water

PANORAMA, HEIGHT_PX, WIDTH_PX, EYE, TURN, FX, FY, CX, CY, VIEW = 0, 1, 2, 3, 6, 15, 16, 17, 18, 19
"""Numbers of a view (float64)."""
IMAGE, LIGHT, LAMPLIGHT, COLOUR, NORMAL, ALBEDO, DISTANCE, FLOATS_A_PIXEL = 0, 3, 6, 9, 12, 15, 18, 19
"""Of a pixel: what is finished, the diffuse light to be filtered (of surroundings, of lamps), the colour that it is
seen with, and what guides the filter."""
LIT, LOW, HIGH, TILT, DISTANCES = 0, 3, 5, 7, 10
"""What is noted of a pixel until it is finished: the colour of the rays that brought its surroundings' light; the least
and the greatest of its first rays' brightness and colour; the sum of their normals; their distances, sorted."""
SMOOTH = 0.35
"""Roughness below which a surface mirrors what is around it."""
_PI = np.pi
_BRIGHTEST = 24.0
"""Of one sample's diffuse light: a rare bright path would show as a speck."""


@part
def add_ray(
    F: Any, N: Any, stack: Any, px: int, py: int, sample: int, ox: float, oy: float, oz: float, dx: float, dy: float,
    dz: float, spread: float, depth: int, light_too: bool, out: Any, note: Any,
) -> float:  # fmt: skip
    """Add one ray's share to a pixel; returns the distance that it met something at, in metres.

    ``light_too``: with the light of its surroundings, and its colour to ``note``. Lamps, sun and mirrors always.
    """
    stays_apart()
    t, kind, what, copy, u, v = hit(F, N, stack, ox, oy, oz, dx, dy, dz, np.inf, np.int64(1))
    if kind == NONE:
        r, g, b = sky(F, N, dx, dy, dz)
        sr, sg, sb = disc(F, dx, dy, dz)
        tr, tg, tb, ar, ag, ab = air(F, N, oz, dx, dy, dz, 2e5, np.int64(1))
        out[IMAGE] += tr * (r + sr) + ar
        out[IMAGE + 1] += tg * (g + sg) + ag
        out[IMAGE + 2] += tb * (b + sb) + ab
        return np.inf
    if kind == WATER_HIT:
        x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
        red, green, blue, nx, ny, nz = on_water(F, N, stack, px, py, sample, x, y, z, dx, dy, dz, t, spread)
        tr, tg, tb, ar, ag, ab = air(F, N, oz, dx, dy, dz, t, np.int64(0))
        out[IMAGE] += tr * red + ar
        out[IMAGE + 1] += tg * green + ag
        out[IMAGE + 2] += tb * blue + ab
        out[NORMAL] += nx
        out[NORMAL + 1] += ny
        out[NORMAL + 2] += nz
        for c in range(3):
            out[ALBEDO + c] += get(F, DEEP + c)
        return t
    gx, gy, gz, nx, ny, nz, r, g, b, m, lx, ly, lz, mx, my, mz, size, flip = surface(
        F, N, t, kind, what, copy, u, v, ox, oy, oz, dx, dy, dz
    )
    facing = abs(gx * dx + gy * dy + gz * dz)
    footprint = spread * t / size / np.sqrt(max(facing, 0.15))
    share, height, glow = pattern(F, m, lx, ly, lz, mx, my, mz, footprint)
    if get(F, m + M_RELIEF) > 0.0:
        nx, ny, nz = bumped(F, N, m, copy, nx, ny, nz, lx, ly, lz, mx, my, mz, size, flip, footprint, height)
    r *= get(F, m + M_A) + share * (get(F, m + M_B) - get(F, m + M_A))
    g *= get(F, m + M_A + 1) + share * (get(F, m + M_B + 1) - get(F, m + M_A + 1))
    b *= get(F, m + M_A + 2) + share * (get(F, m + M_B + 2) - get(F, m + M_A + 2))
    tr, tg, tb, red, green, blue = air(F, N, oz, dx, dy, dz, t, np.int64(0))
    x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
    lift = 2e-4 + 2e-6 * t
    if kind == LAND:
        # A smoothed normal leaves its patch's plane: coarse cells far off would shade themselves.
        cell = get(F, get(N, get(N, GRID_I) + what * GRID_INTS + G_FLOATS) + GCELL)
        lift += min(0.01 * cell, 1e-3 * t)
    x, y, z = x + gx * lift, y + gy * lift, z + gz * lift
    er, eg, eb = glow * get(F, m + M_EMISSION), glow * get(F, m + M_EMISSION + 1), glow * get(F, m + M_EMISSION + 2)
    if kind == MESH and get(N, get(N, INSTANCE_I) + copy * INSTANCE_INTS + 2) >= 0:
        w = get(N, INSTANCE_F) + copy * INSTANCE_FLOATS
        er, eg, eb = get(F, w + 12), get(F, w + 13), get(F, w + 14)
    red, green, blue = red + tr * er, green + tg * eg, blue + tb * eb
    sr, sg, sb, cr, cg, cb = sheen(F, m, r, g, b)
    through, roughness = get(F, m + M_THROUGH), get(F, m + M_ROUGHNESS)
    alpha = max(roughness * roughness, 0.02)
    nv = max(-(nx * dx + ny * dy + nz * dz), 0.02)
    fr, fg, fb = fresnel(sr, nv), fresnel(sg, nv), fresnel(sb, nv)
    if sunny(F):
        a, c = chance(F, N, px, py, sample, np.int64(1))
        wx, wy, wz = to_sun(F, a, c)
        nl, gl = nx * wx + ny * wy + nz * wz, gx * wx + gy * wy + gz * wz
        side = 1.0 if gl > 0.0 else -1.0
        k = (1.0 - through) * max(nl, 0.0) / _PI if gl > 0.0 else through * max(-nl, 0.0) / _PI
        if k > 0.0:
            back = 0.0 if gl > 0.0 else 2.0 * lift
            if not blocked(F, N, stack, x - gx * back, y - gy * back, z - gz * back, wx, wy, wz, np.inf):
                kr, kg, kb = k * cr * (1.0 - fr), k * cg * (1.0 - fg), k * cb * (1.0 - fb)
                if side > 0.0:
                    hx, hy, hz = wx - dx, wy - dy, wz - dz
                    norm = 1.0 / max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-9)
                    nh, vh = (nx * hx + ny * hy + nz * hz) * norm, (wx * hx + wy * hy + wz * hz) * norm
                    s = glint(alpha, nv, nl, nh)
                    kr, kg, kb = kr + s * fresnel(sr, vh), kg + s * fresnel(sg, vh), kb + s * fresnel(sb, vh)
                red += tr * kr * get(F, SUN_LIGHT)
                green += tg * kg * get(F, SUN_LIGHT + 1)
                blue += tb * kb * get(F, SUN_LIGHT + 2)
    if roughness < SMOOTH:
        a, c = chance(F, N, px, py, sample, np.int64(2))
        wx, wy, wz, weight, vh = reflected(roughness * roughness, nx, ny, nz, -dx, -dy, -dz, a, c)
        below = gx * wx + gy * wy + gz * wz
        if below < 0.0:
            wx, wy, wz = wx - 2.0 * below * gx, wy - 2.0 * below * gy, wz - 2.0 * below * gz
        hr, hg, hb = arriving(
            F, N, stack, px, py, sample, np.int64(10), x, y, z, wx, wy, wz, spread, np.int64(1), np.int64(1)
        )
        red += tr * weight * fresnel(sr, vh) * hr
        green += tg * weight * fresnel(sg, vh) * hg
        blue += tb * weight * fresnel(sb, vh) * hb
        kr, kg, kb = tr * cr * (1.0 - fr), tg * cg * (1.0 - fg), tb * cb * (1.0 - fb)
    else:
        # what mirrors in the mean of all small slopes rises less at grazing angles the rougher they are
        fr, fg, fb = (
            rough_fresnel(sr, nv, roughness),
            rough_fresnel(sg, nv, roughness),
            rough_fresnel(sb, nv, roughness),
        )
        kr, kg, kb = tr * (cr * (1.0 - fr) + fr), tg * (cg * (1.0 - fg) + fg), tb * (cb * (1.0 - fb) + fb)
    if get(N, LAMPS) > 0 and kr + kg + kb > 0.0:
        a, c = chance(F, N, px, py, sample, np.int64(20))
        lamp, hr, hg, hb, wx, wy, wz, way = lamp_light(F, N, a, c, x, y, z, nx, ny, nz)
        lit = lamp >= 0 and gx * wx + gy * wy + gz * wz > 0.0
        if lit and not blocked(F, N, stack, x, y, z, wx, wy, wz, way):
            k = 1.0 - through
            out[LAMPLIGHT] += k * kr * hr
            out[LAMPLIGHT + 1] += k * kg * hg
            out[LAMPLIGHT + 2] += k * kb * hb
    light_sample = sample
    if kind == LAND:  # The filter smooths land so widely that every second ray's light does.
        light_sample = sample // 2
        light_too = light_too and (sample % 2 == 0 or note[LIT] + note[LIT + 1] + note[LIT + 2] <= 0.0)
    if light_too and kr + kg + kb > 0.0:
        note[LIT] += kr
        note[LIT + 1] += kg
        note[LIT + 2] += kb
        a, c = chance(F, N, px, py, light_sample, np.int64(3))
        side = 1.0
        if through > 0.0:
            if a < through:
                side, a = -1.0, a / through
            else:
                a = (a - through) / (1.0 - through)
        wx, wy, wz = around(side * nx, side * ny, side * nz, a, c)
        away = gx * wx + gy * wy + gz * wz
        if side * away < 0.0:  # above the smoothed surface, and below the true one
            wx, wy, wz = wx - 2.0 * away * gx, wy - 2.0 * away * gy, wz - 2.0 * away * gz
        back = 0.0 if side > 0.0 else 2.0 * lift
        sx, sy, sz = x - gx * back, y - gy * back, z - gz * back
        hr, hg, hb = arriving(
            F, N, stack, px, py, light_sample, np.int64(4), sx, sy, sz, wx, wy, wz, 4.0 * spread, depth, np.int64(0)
        )
        dim = min(1.0, _BRIGHTEST / max(max(hr, hg), max(hb, 1e-9)))
        out[LIGHT] += kr * dim * hr
        out[LIGHT + 1] += kg * dim * hg
        out[LIGHT + 2] += kb * dim * hb
    out[COLOUR] += kr
    out[COLOUR + 1] += kg
    out[COLOUR + 2] += kb
    out[IMAGE] += red
    out[IMAGE + 1] += green
    out[IMAGE + 2] += blue
    out[NORMAL] += nx
    out[NORMAL + 1] += ny
    out[NORMAL + 2] += nz
    out[ALBEDO] += r
    out[ALBEDO + 1] += g
    out[ALBEDO + 2] += b
    return t
