"""Light along a ray: what it hits, how that looks, and how sun, lamps, sky and other surfaces light it."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.lamps import lamp_light
from translight.generation.procedural.rays.land import ground, land_hit
from translight.generation.procedural.rays.layout import (
    DEEP,
    G_COLOUR_F,
    G_COLUMNS,
    G_FLOATS,
    G_MATERIAL_I,
    G_ROWS,
    GCELL,
    GRID_I,
    GRID_INTS,
    GRIDS,
    GX0,
    GY0,
    INSTANCE_F,
    INSTANCE_FLOATS,
    INSTANCE_I,
    INSTANCE_INTS,
    LAMPS,
    M_A,
    M_B,
    M_EMISSION,
    M_METAL,
    M_RELIEF,
    M_SPECULAR,
    MATERIAL_F,
    MATERIAL_FLOATS,
    SUN_LIGHT,
    TRIANGLE_F,
    TRIANGLE_FLOATS,
    TRIANGLE_I,
    TRIANGLE_INTS,
    VERTEX_F,
    VERTEX_FLOATS,
    WATER,
)
from translight.generation.procedural.rays.light import (
    around,
    blurred_sky,
    chance,
    frame,
    fresnel,
    sky,
    sky_on,
    sunny,
    to_sun,
)
from translight.generation.procedural.rays.meshes import mesh_hit
from translight.generation.procedural.rays.patterns import cell_value, pattern
from translight.generation.procedural.rays.waves import water_hit

NONE, LAND, MESH, WATER_HIT = 0, 1, 2, 3
_PI = np.pi
_GOING = 2.0
"""A path goes on as often as this many times what it still carries (Arvo and Kirk, "Particle Transport", 1990)."""


@part
def hit(
    F: Any, N: Any, stack: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float,
    water: int,
) -> Any:  # fmt: skip
    """The nearest of everything: distance, kind, grid or triangle, copy, two weights. ``water`` 0 leaves that out."""
    stays_apart()
    kind, what, copy, u, v, best = NONE, -1, -1, 0.0, 0.0, far
    # Downwards the land ends the way soon; upwards leaves and walls do.
    if dz <= 0.0 and get(N, GRIDS) > 0:
        t, k = land_hit(F, N, ox, oy, oz, dx, dy, dz, best)
        if t < best:
            best, kind, what = t, LAND, k
    t, k, c, wu, wv = mesh_hit(F, N, stack, ox, oy, oz, dx, dy, dz, best, np.int64(0))
    if t < best:
        best, kind, what, copy, u, v = t, MESH, k, c, wu, wv
    if dz > 0.0 and get(N, GRIDS) > 0:
        t, k = land_hit(F, N, ox, oy, oz, dx, dy, dz, best)
        if t < best:
            best, kind, what, copy, u, v = t, LAND, k, -1, 0.0, 0.0
    if water != 0 and get(N, WATER) != 0:
        t = water_hit(F, N, ox, oy, oz, dx, dy, dz, best)
        if t < best:
            best, kind = t, WATER_HIT
    if kind == NONE:
        best = np.inf
    return best, kind, what, copy, u, v


@part
def blocked(
    F: Any, N: Any, stack: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float
) -> bool:  # fmt: skip
    """Whether anything lies between a point and so far away."""
    stays_apart()
    t, _, _, _, _ = mesh_hit(F, N, stack, ox, oy, oz, dx, dy, dz, far, np.int64(1))
    if not t < far and get(N, GRIDS) > 0:
        t, _ = land_hit(F, N, ox, oy, oz, dx, dy, dz, far)
    return t < far


@part
def surface(
    F: Any, N: Any, t: float, kind: int, what: int, copy: int, u: float, v: float, ox: float, oy: float, oz: float,
    dx: float, dy: float, dz: float,
) -> Any:  # fmt: skip
    """Geometric normal, shading normal, own colour, material's offset, own coordinates, own normal, own size of 1 m.

    Both normals look to where the ray came from.
    """
    stays_apart()
    x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
    if kind == LAND:
        record = get(N, GRID_I) + what * GRID_INTS
        at, columns, rows = get(N, record + G_FLOATS), get(N, record + G_COLUMNS), get(N, record + G_ROWS)
        _, sx, sy = ground(F, N, what, x, y)
        norm = 1.0 / np.sqrt(sx * sx + sy * sy + 1.0)
        nx, ny, nz = -sx * norm, -sy * norm, norm
        gu, gv = (x - get(F, at + GX0)) / get(F, at + GCELL), (y - get(F, at + GY0)) / get(F, at + GCELL)
        i, j = min(max(int(gu), 0), columns - 2), min(max(int(gv), 0), rows - 2)
        p, q = min(max(gu - i, 0.0), 1.0), min(max(gv - j, 0.0), 1.0)
        a = get(N, record + G_COLOUR_F) + 3 * (j * columns + i)
        b = a + 3 * columns
        e, f, g, h = (1 - p) * (1 - q), p * (1 - q), (1 - p) * q, p * q
        r = e * get(F, a) + f * get(F, a + 3) + g * get(F, b) + h * get(F, b + 3)
        gr = e * get(F, a + 1) + f * get(F, a + 4) + g * get(F, b + 1) + h * get(F, b + 4)
        bl = e * get(F, a + 2) + f * get(F, a + 5) + g * get(F, b + 2) + h * get(F, b + 5)
        # Borders between materials are ragged, not squares: each point takes one of its four corners by chance.
        pick = cell_value(int(np.floor(x * 97.0)), int(np.floor(y * 97.0)), np.int64(0), np.int64(21))
        corner = j * columns + i
        if pick >= e:
            corner += 1
            if pick >= e + f:
                corner += columns - 1
                if pick >= e + f + g:
                    corner += 1
        m = get(N, MATERIAL_F) + MATERIAL_FLOATS * get(N, get(N, record + G_MATERIAL_I) + corner)
        flip = 1.0 if nx * dx + ny * dy + nz * dz <= 0.0 else -1.0
        # A smoothed normal may look away at a grazing angle although the patch does not: only its look is turned.
        return nx, ny, nz, nx, ny, nz, r, gr, bl, m, x, y, z, nx, ny, nz, 1.0, flip
    w = get(N, INSTANCE_F) + copy * INSTANCE_FLOATS
    lx = get(F, w) * x + get(F, w + 1) * y + get(F, w + 2) * z + get(F, w + 3)
    ly = get(F, w + 4) * x + get(F, w + 5) * y + get(F, w + 6) * z + get(F, w + 7)
    lz = get(F, w + 8) * x + get(F, w + 9) * y + get(F, w + 10) * z + get(F, w + 11)
    at = get(N, TRIANGLE_F) + what * TRIANGLE_FLOATS
    ax, ay, az = get(F, at + 3), get(F, at + 4), get(F, at + 5)
    bx, by, bz = get(F, at + 6), get(F, at + 7), get(F, at + 8)
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    norm = 1.0 / max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-30)
    nx, ny, nz = nx * norm, ny * norm, nz * norm
    gx, gy, gz = to_stage(F, w, nx, ny, nz)
    ints = get(N, TRIANGLE_I) + what * TRIANGLE_INTS
    base = get(N, VERTEX_F)
    v0, v1 = base + VERTEX_FLOATS * get(N, ints), base + VERTEX_FLOATS * get(N, ints + 1)
    v2 = base + VERTEX_FLOATS * get(N, ints + 2)
    c0 = 1.0 - u - v
    r = (c0 * get(F, v0 + 3) + u * get(F, v1 + 3) + v * get(F, v2 + 3)) * get(F, w + 12)
    gr = (c0 * get(F, v0 + 4) + u * get(F, v1 + 4) + v * get(F, v2 + 4)) * get(F, w + 13)
    bl = (c0 * get(F, v0 + 5) + u * get(F, v1 + 5) + v * get(F, v2 + 5)) * get(F, w + 14)
    sx, sy, sz = gx, gy, gz
    if get(N, get(N, INSTANCE_I) + copy * INSTANCE_INTS + 1) != 0:
        mx = c0 * get(F, v0) + u * get(F, v1) + v * get(F, v2)
        my = c0 * get(F, v0 + 1) + u * get(F, v1 + 1) + v * get(F, v2 + 1)
        mz = c0 * get(F, v0 + 2) + u * get(F, v1 + 2) + v * get(F, v2 + 2)
        sx, sy, sz = to_stage(F, w, mx, my, mz)
    m = get(N, MATERIAL_F) + MATERIAL_FLOATS * get(N, ints + 3)
    flip = 1.0
    if gx * dx + gy * dy + gz * dz > 0.0:
        flip = -1.0
        gx, gy, gz, sx, sy, sz = -gx, -gy, -gz, -sx, -sy, -sz
    return gx, gy, gz, sx, sy, sz, r, gr, bl, m, lx, ly, lz, nx, ny, nz, get(F, w + 15), flip


@inlined
def to_stage(F: Any, w: int, x: float, y: float, z: float) -> Any:
    """A copy's own normal, in stage axes and of length 1."""
    a = get(F, w) * x + get(F, w + 4) * y + get(F, w + 8) * z
    b = get(F, w + 1) * x + get(F, w + 5) * y + get(F, w + 9) * z
    c = get(F, w + 2) * x + get(F, w + 6) * y + get(F, w + 10) * z
    norm = 1.0 / max(np.sqrt(a * a + b * b + c * c), 1e-30)
    return a * norm, b * norm, c * norm


@part
def bumped(
    F: Any, N: Any, m: int, copy: int, nx: float, ny: float, nz: float, lx: float, ly: float, lz: float, mx: float,
    my: float, mz: float, size: float, flip: float, footprint: float, height: float,
) -> Any:  # fmt: skip
    """A shading normal n tilted by a pattern's relief at own coordinates l (own normal m), by differences."""
    stays_apart()
    relief = get(F, m + M_RELIEF)
    tx, ty, tz, bx, by, bz = frame(mx, my, mz)
    e = max(0.5 * footprint, 2e-4)
    _, hu, _ = pattern(F, m, lx + e * tx, ly + e * ty, lz + e * tz, mx, my, mz, footprint)
    _, hv, _ = pattern(F, m, lx + e * bx, ly + e * by, lz + e * bz, mx, my, mz, footprint)
    du, dv = (hu - height) * relief / e, (hv - height) * relief / e
    # Slopes beyond 2 are noise in one sample.
    steep = max(1.0, np.sqrt(du * du + dv * dv) / 2.0)
    du, dv = du / steep, dv / steep
    gx, gy, gz = du * tx + dv * bx, du * ty + dv * by, du * tz + dv * bz
    if copy >= 0:
        w = get(N, INSTANCE_F) + copy * INSTANCE_FLOATS
        k = size
        gx, gy, gz = (
            k * (get(F, w) * gx + get(F, w + 4) * gy + get(F, w + 8) * gz),
            k * (get(F, w + 1) * gx + get(F, w + 5) * gy + get(F, w + 9) * gz),
            k * (get(F, w + 2) * gx + get(F, w + 6) * gy + get(F, w + 10) * gz),
        )
    nx, ny, nz = nx - flip * gx, ny - flip * gy, nz - flip * gz
    norm = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
    return nx * norm, ny * norm, nz * norm


@part
def arriving(
    F: Any, N: Any, stack: Any, px: int, py: int, sample: int, dimension: int, ox: float, oy: float, oz: float,
    dx: float, dy: float, dz: float, spread: float, depth: int, sharp: int,
) -> Any:  # fmt: skip
    """Radiance (3) that comes to a point from a direction, over up to ``depth`` diffuse surfaces, without lamps' own.

    ``sharp``: 1 for a mirror's ray, which sees the sky as it is, and lamps; 2 for one under water, which sees no water.
    ``spread`` is a pixel's size for each metre of the way. The sun's disc is not seen: surfaces sample it.
    """
    stays_apart()
    red = green = blue = 0.0
    tr = tg = tb = 1.0
    far = 0.0
    wet = np.int64(0) if sharp == 2 else np.int64(1)
    for bounce in range(depth):
        t, kind, what, copy, u, v = hit(F, N, stack, ox, oy, oz, dx, dy, dz, np.inf, wet)
        if kind == NONE:
            r, g, b = sky(F, N, dx, dy, dz) if sharp != 0 and bounce == 0 else blurred_sky(F, N, dx, dy, dz)
            return red + tr * r, green + tg * g, blue + tb * b
        far += t
        if kind == WATER_HIT:
            # Seen from elsewhere water is level: it mirrors the blurred sky, and no further ray is sent.
            k = fresnel(0.02, -dz)
            r, g, b = blurred_sky(F, N, dx, dy, -dz)
            sr, sg, sb = sky_on(F, N, np.float64(0.0), np.float64(0.0), np.float64(1.0))
            red += tr * (k * r + (1.0 - k) * get(F, DEEP) * sr)
            green += tg * (k * g + (1.0 - k) * get(F, DEEP + 1) * sg)
            blue += tb * (k * b + (1.0 - k) * get(F, DEEP + 2) * sb)
            return red, green, blue
        gx, gy, gz, nx, ny, nz, r, g, b, m, lx, ly, lz, mx, my, mz, size, _ = surface(
            F, N, t, kind, what, copy, u, v, ox, oy, oz, dx, dy, dz
        )
        share, _, glow = pattern(F, m, lx, ly, lz, mx, my, mz, spread * far / size)
        r *= get(F, m + M_A) + share * (get(F, m + M_B) - get(F, m + M_A))
        g *= get(F, m + M_A + 1) + share * (get(F, m + M_B + 1) - get(F, m + M_A + 1))
        b *= get(F, m + M_A + 2) + share * (get(F, m + M_B + 2) - get(F, m + M_A + 2))
        if kind == MESH and get(N, get(N, INSTANCE_I) + copy * INSTANCE_INTS + 2) >= 0:
            w = get(N, INSTANCE_F) + copy * INSTANCE_FLOATS
            if sharp != 0:
                red, green, blue = red + tr * get(F, w + 12), green + tg * get(F, w + 13), blue + tb * get(F, w + 14)
            return red, green, blue
        red += tr * glow * get(F, m + M_EMISSION)
        green += tg * glow * get(F, m + M_EMISSION + 1)
        blue += tb * glow * get(F, m + M_EMISSION + 2)
        tr, tg, tb = tr * r, tg * g, tb * b
        x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
        lift = 2e-4 + 2e-6 * far
        x, y, z = x + gx * lift, y + gy * lift, z + gz * lift
        if sunny(F):
            a, c = chance(F, N, px, py, sample, dimension + 2 * bounce)
            wx, wy, wz = to_sun(F, a, c)
            nl = nx * wx + ny * wy + nz * wz
            lit = nl > 0.0 and gx * wx + gy * wy + gz * wz > 0.0
            if lit and not blocked(F, N, stack, x, y, z, wx, wy, wz, np.inf):
                nl /= _PI
                red += tr * nl * get(F, SUN_LIGHT)
                green += tg * nl * get(F, SUN_LIGHT + 1)
                blue += tb * nl * get(F, SUN_LIGHT + 2)
        if get(N, LAMPS) > 0:
            a, c = chance(F, N, px, py, sample, dimension + 2 * bounce + 7)
            lamp, r, g, b, wx, wy, wz, way = lamp_light(F, N, a, c, x, y, z, nx, ny, nz)
            lit = lamp >= 0 and gx * wx + gy * wy + gz * wz > 0.0
            if lit and not blocked(F, N, stack, x, y, z, wx, wy, wz, way):
                red, green, blue = red + tr * r, green + tg * g, blue + tb * b
        a, c = chance(F, N, px, py, sample, dimension + 2 * bounce + 1)
        going = min(_GOING * max(tr, max(tg, tb)), 1.0)
        if a >= going:
            return red, green, blue
        a, tr, tg, tb = a / going, tr / going, tg / going, tb / going
        dx, dy, dz = around(nx, ny, nz, a, c)
        ox, oy, oz = x, y, z
    if not blocked(F, N, stack, ox, oy, oz, dx, dy, dz, np.inf):
        r, g, b = blurred_sky(F, N, dx, dy, dz)
        red, green, blue = red + tr * r, green + tg * g, blue + tb * b
    return red, green, blue


@inlined
def sheen(F: Any, m: int, r: float, g: float, b: float) -> Any:
    """Reflectance head on (3), and what of the colour (3) is diffuse."""
    metal, head_on = get(F, m + M_METAL), get(F, m + M_SPECULAR)
    return (
        head_on + metal * (r - head_on),
        head_on + metal * (g - head_on),
        head_on + metal * (b - head_on),
        r * (1.0 - metal),
        g * (1.0 - metal),
        b * (1.0 - metal),
    )
