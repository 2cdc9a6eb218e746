"""Materials of halls by name; albedos between 0.3 and 0.7 where light shall go from wall to wall."""

from __future__ import annotations

from enum import IntEnum

from translight.generation.procedural.scene import Material, Pattern


class Surface(IntEnum):
    """Index of a material; a mesh's ``material`` holds them."""

    STONE = 0
    ASHLAR = 1
    PLASTER = 2
    TILES = 3
    FLAGS = 4
    BRICK = 5
    CONCRETE = 6
    STEEL = 7
    BRASS = 8
    WOOD = 9
    LEAD = 10
    LAMP = 11
    FLAME = 12
    CLOTH = 13
    GROUND = 14
    CLOCK = 15


def materials(lights: float) -> tuple[Material, ...]:
    """All of Surface; ``lights`` scales the radiance of lamps and flames."""
    one = (1.0, 1.0, 1.0)
    plain = {
        Surface.STONE: Material(one, (0.80, 0.77, 0.72), Pattern.FRACTAL, (1.8, 1.8, 1.8), 8, relief_m=0.0015),
        Surface.ASHLAR: Material(one, (0.70, 0.67, 0.62), Pattern.BRICKS, (0.9, 0.4, 0.42), relief_m=0.004),
        Surface.PLASTER: Material(one, (0.86, 0.84, 0.80), Pattern.FRACTAL, (3.0, 3.0, 3.0), 7, relief_m=0.0008),
        Surface.TILES: Material(one, (0.35, 0.33, 0.30), Pattern.TILES, (0.6, 0.6, 0.6), relief_m=0.0006,
                                roughness=0.22),
        Surface.FLAGS: Material(one, (0.45, 0.43, 0.40), Pattern.TILES, (0.8, 0.8, 0.8), relief_m=0.001,
                                roughness=0.36),
        Surface.BRICK: Material((0.42, 0.24, 0.17), (0.50, 0.47, 0.43), Pattern.BRICKS, (0.23, 0.11, 0.075),
                                relief_m=0.005),
        Surface.CONCRETE: Material((0.40, 0.39, 0.37), (0.30, 0.29, 0.27), Pattern.FRACTAL, (3.0, 3.0, 3.0), 8,
                                   relief_m=0.0008, roughness=0.42),
        Surface.STEEL: Material(one, (0.8, 0.78, 0.75), Pattern.FRACTAL, (0.5, 0.5, 0.5), roughness=0.45, specular=0.2),
        Surface.BRASS: Material((0.75, 0.52, 0.22), (0.6, 0.4, 0.16), Pattern.FRACTAL, (0.2, 0.2, 0.2), roughness=0.3,
                                metal=1.0),
        Surface.WOOD: Material((0.30, 0.19, 0.11), (0.17, 0.10, 0.055), Pattern.PLANKS, (2.0, 0.18, 0.18),
                               roughness=0.4),
        Surface.LEAD: Material((0.10, 0.10, 0.10), (0.08, 0.08, 0.08), roughness=0.6),
        Surface.LAMP: Material((0.8,) * 3, (0.8,) * 3, emission=(9.0 * lights, 6.6 * lights, 3.9 * lights)),
        Surface.FLAME: Material((0.8,) * 3, (0.8,) * 3, emission=(12.0 * lights, 6.6 * lights, 2.2 * lights)),
        Surface.CLOTH: Material(one, (0.8, 0.8, 0.8), Pattern.FRACTAL, (0.2, 0.2, 0.2), roughness=1.0),
        Surface.GROUND: Material((0.22, 0.21, 0.17), (0.12, 0.13, 0.08), Pattern.FRACTAL, (6.0, 6.0, 6.0)),
        Surface.CLOCK: Material((0.8, 0.78, 0.7), (0.8, 0.78, 0.7),
                                emission=(0.9 * lights, 0.8 * lights, 0.6 * lights)),
    }  # fmt: skip
    return tuple(plain[kind] for kind in Surface)
