"""Materials of the city by name, in the order that families/city.py hands them to scene.py.

Albedos are those of clean building materials (0.05 asphalt to 0.6 light stone); radiances of lit things are in the
night's picture units, where pavement below a street lamp is near 0.2.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float64, UInt16

from translight.generation.procedural.scene import Material, Pattern


class Surface(IntEnum):
    """Index of a material; a mesh's ``material`` holds them."""

    ASPHALT = 0
    PAVING = 1
    KERB = 2
    MARKING = 3
    PUDDLE = 4
    BRICK = 5
    STONE = 6
    CONCRETE = 7
    METAL = 8
    GLASS = 9
    FRAME = 10
    ROOF = 11
    WOOD = 12
    PAINT = 13
    RUBBER = 14
    CLOTH = 15
    ROOM_WARM = 16
    ROOM_COOL = 17
    BLIND = 18
    SHOP = 19
    HEADLIGHT = 20
    TAIL_LIGHT = 21
    LAMP = 22
    NEON_RED = 23
    NEON_BLUE = 24
    NEON_GREEN = 25
    NEON_WARM = 26
    SIGN = 27
    BEACON = 28
    PANES_HOMES = 29
    PANES_OFFICE = 30
    PANES_TOWER = 31
    PANES_OLD = 32
    ROOM_AMBER = 33


PANES = {
    Surface.PANES_HOMES: (1.2, 1.6),
    Surface.PANES_OFFICE: (1.5, 3.6),
    Surface.PANES_TOWER: (1.5, 3.8),
    Surface.PANES_OLD: (1.4, 1.75),
}
"""Width and height of a pane of each far facade, whole or half storeys; far buildings' edges lie on multiples."""
SHADED = (Surface.ROOM_WARM, Surface.ROOM_COOL, Surface.ROOM_AMBER, Surface.SHOP, Surface.BLIND)
SHADES = (0.07, 0.14, 0.26, 0.45, 0.75, 1.2, 1.9)
"""What glows in rooms comes in these brightnesses: each is a material of its own, after Surface's."""
NEON = (Surface.NEON_RED, Surface.NEON_BLUE, Surface.NEON_GREEN, Surface.NEON_WARM)


def materials(wet: bool, lit_share: float, lights: float) -> tuple[Material, ...]:
    """All of Surface. ``lit_share`` is that of windows; ``lights`` scales what lamps and windows give off."""

    def glow(r: float, g: float, b: float) -> tuple[float, float, float]:
        return (r * lights, g * lights, b * lights)

    def panes(a: tuple[float, float, float], kind: Surface, share: float, warm: float) -> Material:
        bay, storey = PANES[kind]
        light = glow(0.42, 0.25 + 0.10 * (1 - warm), 0.11 + 0.17 * (1 - warm))
        return Material(a, (0.10, 0.10, 0.11), Pattern.PANES, (bay, bay, storey), emission=light, lit_share=share,
                        roughness=0.45)  # fmt: skip

    asphalt, paving = (0.16, 0.20) if wet else (0.75, 0.8)
    darker = 0.6 if wet else 1.0
    grey = 0.075 * darker
    plain: dict[Surface, Material] = {
        Surface.ASPHALT: Material((grey, grey, grey * 1.04), (grey * 0.6,) * 3, Pattern.FRACTAL, (1.7, 1.7, 1.7), 8,
                                  relief_m=0.0012, roughness=asphalt),
        Surface.PAVING: Material((0.30 * darker, 0.29 * darker, 0.275 * darker), (0.10,) * 3, Pattern.TILES,
                                 (0.9, 0.9, 0.9), relief_m=0.002, roughness=paving),
        Surface.KERB: Material((0.33 * darker,) * 3, (0.2,) * 3, Pattern.FRACTAL, (0.4, 0.4, 0.4), roughness=0.7),
        Surface.MARKING: Material((0.55,) * 3, (0.2,) * 3, Pattern.FRACTAL, (0.5, 0.5, 0.5), 7, roughness=0.6),
        # A millimetre of clear water: what is below it shows.
        Surface.PUDDLE: Material((grey * 0.8,) * 3, (grey * 0.5,) * 3, Pattern.FRACTAL, (1.7, 1.7, 1.7), 8,
                                 roughness=0.02),
        Surface.BRICK: Material((1.0,) * 3, (0.62, 0.60, 0.57), Pattern.BRICKS, (0.23, 0.11, 0.075), relief_m=0.006),
        Surface.STONE: Material((1.0,) * 3, (0.78, 0.76, 0.72), Pattern.FRACTAL, (2.5, 2.5, 2.5), 8, relief_m=0.002),
        Surface.CONCRETE: Material((1.0,) * 3, (0.8,) * 3, Pattern.FRACTAL, (4.0, 4.0, 1.5), 8, relief_m=0.001),
        Surface.METAL: Material((1.0,) * 3, (0.85,) * 3, Pattern.FRACTAL, (0.8, 0.8, 0.8), roughness=0.45,
                                specular=0.08),
        Surface.GLASS: Material((0.012, 0.014, 0.016), (0.012, 0.014, 0.016), roughness=0.03, specular=0.09),
        Surface.FRAME: Material((1.0,) * 3, (1.0,) * 3, roughness=0.5),
        Surface.ROOF: Material((0.16, 0.155, 0.15), (0.10, 0.10, 0.10), Pattern.FRACTAL, (1.2, 1.2, 1.2), 8,
                               relief_m=0.003, roughness=0.3 if wet else 0.95),
        Surface.WOOD: Material((0.24, 0.16, 0.10), (0.13, 0.08, 0.05), Pattern.PLANKS, (0.14, 2.4, 0.14)),
        Surface.PAINT: Material((1.0,) * 3, (1.0,) * 3, roughness=0.18, specular=0.06),
        Surface.RUBBER: Material((0.025,) * 3, (0.02,) * 3, roughness=0.8),
        Surface.CLOTH: Material((1.0,) * 3, (0.85,) * 3, Pattern.FRACTAL, (0.3, 0.3, 0.3), roughness=1.0),
        Surface.ROOM_WARM: Material((0.5, 0.45, 0.4), (0.5, 0.45, 0.4), emission=glow(1.0, 0.60, 0.27)),
        Surface.ROOM_COOL: Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), emission=glow(1.0, 0.82, 0.62)),
        Surface.ROOM_AMBER: Material((0.5, 0.4, 0.3), (0.5, 0.4, 0.3), emission=glow(1.0, 0.46, 0.15)),
        Surface.BLIND: Material((0.5, 0.46, 0.38), (0.4, 0.36, 0.3), Pattern.TILES, (9.0, 9.0, 0.05),
                                emission=glow(0.30, 0.19, 0.09)),
        Surface.SHOP: Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), emission=glow(0.95, 0.74, 0.48)),
        Surface.HEADLIGHT: Material((0.8,) * 3, (0.8,) * 3, emission=glow(7.0, 5.7, 4.2)),
        Surface.TAIL_LIGHT: Material((0.3, 0.01, 0.01), (0.3, 0.01, 0.01), emission=glow(3.4, 0.10, 0.05)),
        Surface.LAMP: Material((0.8,) * 3, (0.8,) * 3, emission=glow(11.0, 7.0, 3.5)),
        Surface.NEON_RED: Material((0.5, 0.1, 0.1), (0.5, 0.1, 0.1), emission=glow(3.4, 0.12, 0.06)),
        Surface.NEON_BLUE: Material((0.1, 0.2, 0.5), (0.1, 0.2, 0.5), emission=glow(0.25, 0.9, 2.2)),
        Surface.NEON_GREEN: Material((0.1, 0.5, 0.3), (0.1, 0.5, 0.3), emission=glow(0.2, 2.5, 1.2)),
        Surface.NEON_WARM: Material((0.5, 0.4, 0.2), (0.5, 0.4, 0.2), emission=glow(3.2, 1.7, 0.5)),
        Surface.SIGN: Material((1.0,) * 3, (1.0,) * 3, emission=glow(1.6, 1.25, 0.85)),
        Surface.BEACON: Material((0.3, 0, 0), (0.3, 0, 0), emission=glow(7.0, 0.25, 0.15)),
        Surface.PANES_HOMES: panes((0.26, 0.20, 0.17), Surface.PANES_HOMES, 0.55 * lit_share, 1.0),
        Surface.PANES_OFFICE: panes((0.27, 0.26, 0.25), Surface.PANES_OFFICE, 1.1 * lit_share, 0.35),
        Surface.PANES_TOWER: panes((0.13, 0.14, 0.155), Surface.PANES_TOWER, lit_share, 0.5),
        Surface.PANES_OLD: panes((0.36, 0.33, 0.29), Surface.PANES_OLD, 0.5 * lit_share, 0.85),
    }  # fmt: skip
    shaded = [
        replace(
            plain[kind],
            emission=(k * plain[kind].emission[0], k * plain[kind].emission[1], k * plain[kind].emission[2]),
        )
        for kind in SHADED
        for k in SHADES
    ]
    return (*(plain[kind] for kind in Surface), *shaded)


def shaded(kind: Surface, light: Float64[np.ndarray, "n"]) -> UInt16[np.ndarray, "n"]:
    """The materials whose radiance is nearest to that of ``kind`` times ``light``."""
    nearest = np.abs(np.log(np.maximum(light, 1e-3))[:, None] - np.log(SHADES)).argmin(axis=1)
    return (len(Surface) + SHADED.index(kind) * len(SHADES) + nearest).astype(np.uint16)
