"""What stands about a city many times, each made once: cars, lamps, roof plant, fire escapes; a Kit collects copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.city.vehicles import car
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import box, boxes, cylinder, lathe, merged, moved, placed, swept

_STEEL = (0.16, 0.16, 0.17)
_GALVANISED = (0.42, 0.43, 0.44)
LAMP_HEIGHT_M = 8.0
LAMP_REACH_M = 1.9
"""How far a street lamp's head hangs over the road, along its own −X."""


class Kit:
    """Copies of parts by name, in the city's axes."""

    def __init__(self) -> None:
        self.shining: list[tuple[float, ...]] = []
        """Places and unit axes of the lights that shops shine outside."""
        self._copies: dict[str, list[tuple[tuple[float, float, float], float, tuple[float, ...]]]] = {}

    def put(
        self,
        name: str,
        at_m: ArrayLike,
        turn_rad: float = 0.0,
        tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Stand one more of it. ``turn_rad`` is about Z from +Y to the right."""
        x, y, z = (float(v) for v in np.asarray(at_m))
        self._copies.setdefault(name, []).append(((x, y, z), float(turn_rad), tint))

    def shine(self, at_m: ArrayLike, axis: ArrayLike) -> None:
        """Have a shop's light shine from a place towards an axis of any length."""
        way = np.asarray(axis, np.float64)
        self.shining.append((*np.asarray(at_m, np.float64).tolist(), *(way / np.linalg.norm(way)).tolist()))

    def signals(self) -> Float64[np.ndarray, "n 6"]:
        """Places before the traffic lights' red lamps and the unit axes that they shine along."""
        made = []
        for (x, y, z), turn, *_ in self._copies.get("traffic light", ()):
            way = np.array([-np.sin(turn), -np.cos(turn)])
            made.append((x + 0.35 * way[0], y + 0.35 * way[1], z + 3.15, *way, 0.0))
        return np.array(made, np.float64).reshape(-1, 6)

    def placed(self) -> list[Placed]:
        """One Placed for each part that is used."""
        made = []
        for name, copies in sorted(self._copies.items()):
            at, turn, tint = (np.array(column) for column in zip(*copies, strict=True))
            made.append(placed(PARTS[name](), at, turn, tint=tint))
        return made


def lamp() -> Mesh:
    """A street lamp, 8 m, its arm along −X; its head shines downwards."""
    h, out = LAMP_HEIGHT_M, LAMP_REACH_M
    arm = [(0, 0, h - 0.5), (-0.15, 0, h - 0.15), (-0.5, 0, h + 0.05), (-out + 0.4, 0, h + 0.1)]
    section = [(-0.03, -0.03), (0.03, -0.03), (0.03, 0.03), (-0.03, 0.03)]
    return merged(
        [
            cylinder(0.16, 0.9, Surface.METAL, top_radius_m=0.13, sides=12, colour=_STEEL),
            cylinder(0.085, h - 0.3, Surface.METAL, top_radius_m=0.05, sides=12, colour=_STEEL),
            swept(section, arm, (0, 1, 0), Surface.METAL, _STEEL),
            box((0.75, 0.26, 0.10), Surface.METAL, (-out + 0.1, 0, h + 0.05), _STEEL),
            box((0.60, 0.20, 0.03), Surface.LAMP, (-out + 0.1, 0, h + 0.02)),
        ]
    )


def water_tank() -> Mesh:
    """A wooden water tank on a steel stand, 7 m."""
    legs = [(x, y, 0) for x in (-1.1, 1.1) for y in (-1.1, 1.1)]
    hoops = [moved(cylinder(1.73, 0.06, Surface.METAL, sides=28, colour=_STEEL), (0, 0, z)) for z in (3.1, 3.9, 4.8)]
    return merged(
        [
            boxes(np.tile((0.14, 0.14, 2.5), (4, 1)), legs, Surface.METAL, _STEEL),
            boxes([(3.0, 3.0, 0.18)], [(0, 0, 2.5)], Surface.METAL, _STEEL),
            boxes([(2.2, 0.06, 0.06), (2.2, 0.06, 0.06)], [(0, -1.1, 1.3), (0, 1.1, 1.3)], Surface.METAL, _STEEL),
            moved(cylinder(1.7, 2.7, Surface.WOOD, sides=28, smooth=False), (0, 0, 2.68)),
            moved(cylinder(1.85, 1.2, Surface.ROOF, top_radius_m=0, sides=28, smooth=False), (0, 0, 5.38)),
            *hoops,
        ]
    )


def air_conditioner() -> Mesh:
    """A roof unit, 2.2 × 1.4 × 1.3 m on feet, with two fans and a grille."""
    fans = [moved(cylinder(0.42, 0.14, Surface.METAL, sides=20, colour=_STEEL), (x, 0, 1.45)) for x in (-0.5, 0.5)]
    slats = [(-1.11, 0, 0.4 + 0.1 * k) for k in range(9)]
    return merged(
        [
            box((2.2, 1.4, 1.2), Surface.METAL, (0, 0, 0.25), _GALVANISED),
            boxes(np.tile((0.03, 1.2, 0.05), (9, 1)), slats, Surface.METAL, _STEEL),
            boxes([(2.2, 0.15, 0.25)] * 2, [(0, -0.5, 0), (0, 0.5, 0)], Surface.METAL, _STEEL),
            *fans,
        ]
    )


def vent() -> Mesh:
    """A mushroom vent, 0.9 m."""
    profile = [(0.14, 0), (0.14, 0.6), (0.32, 0.62), (0.3, 0.78), (0.12, 0.9)]
    return lathe(profile, Surface.METAL, 16, _GALVANISED)


def antenna() -> Mesh:
    """A mast of 6 m with crossbars and a red light on top."""
    rods = [(1.6 - 0.25 * k, 0.025, 0.025) for k in range(5)]
    at = [(0, 0, 3.6 + 0.45 * k) for k in range(5)]
    mast = cylinder(0.05, 6.0, Surface.METAL, sides=8, top_radius_m=0.03, colour=_STEEL)
    return merged([mast, boxes(rods, at, Surface.METAL, _STEEL), box((0.16, 0.16, 0.2), Surface.BEACON, (0, 0, 6))])


def bulkhead() -> Mesh:
    """A stairhead of 3.2 × 2.6 × 2.7 m with a steel door of 2.1 m and a lamp over it, in front (−Y)."""
    return merged(
        [
            box((3.2, 2.6, 2.6), Surface.BRICK, colour=(0.28, 0.17, 0.13)),
            box((3.5, 2.9, 0.12), Surface.STONE, (0, 0, 2.6), (0.35, 0.34, 0.32)),
            box((1.06, 0.06, 2.16), Surface.FRAME, (0.5, -1.31, 0), (0.08, 0.08, 0.08)),
            box((0.92, 0.06, 2.1), Surface.PAINT, (0.5, -1.33, 0), (0.10, 0.16, 0.14)),
            box((0.05, 0.1, 0.14), Surface.METAL, (0.86, -1.38, 1.0), _GALVANISED),
            box((0.26, 0.12, 0.10), Surface.LAMP, (0.5, -1.36, 2.32)),
        ]
    )


def fire_escape() -> Mesh:
    """One storey (3.2 m) of a fire escape: a grating, rails and a stair up; the wall is at y = 0, it stands in −Y."""
    bars = [((0.025, 0.025, 1.0), (-1.6 + 0.2 * k, -1.08, 0.05)) for k in range(17)]
    bars += [((0.025, 0.025, 1.0), (x, -1.08 + 0.2 * k, 0.05)) for x in (-1.6, 1.6) for k in range(1, 5)]
    bars += [((3.2, 0.04, 0.04), (0, -1.08, z)) for z in (0.5, 1.03)]
    bars += [((0.04, 1.08, 0.04), (x, -0.54, 1.03)) for x in (-1.6, 1.6)]
    bars += [((3.2, 0.05, 0.03), (0, -1.05 + 0.09 * k, 0.03)) for k in range(12)]
    bars += [((3.2, 0.06, 0.12), (0, y, -0.06)) for y in (-0.12, -1.06)]
    rise = np.arange(12) / 12
    bars += [((0.24, 0.55, 0.03), (-1.2 + 2.2 * r, -0.75, 0.2 + 3.0 * r)) for r in rise]
    size, at = zip(*bars, strict=True)
    section = [(-0.02, -0.09), (0.02, -0.09), (0.02, 0.09), (-0.02, 0.09)]
    string = [
        swept(section, [(-1.35, y, 0.03), (1.2, y, 3.23)], (0, 1, 0), Surface.METAL, (0.05, 0.05, 0.05))
        for y in (-1.02, -0.48)
    ]
    return merged([boxes(size, at, Surface.METAL, (0.05, 0.05, 0.05)), *string])


def traffic_light() -> Mesh:
    """A signal on a pole, 3.4 m, showing red towards −Y."""
    ball = [moved(cylinder(0.1, 0.03, k, sides=16), (0, 0, 0)) for k in (Surface.NEON_RED, Surface.RUBBER)]
    discs = [(ball[0], 3.15), (ball[1], 2.88), (ball[1], 2.61)]
    upright = [moved(_faced(disc), (0, -0.17, z)) for disc, z in discs]
    return merged(
        [
            cylinder(0.07, 3.4, Surface.METAL, sides=12, colour=(0.08, 0.09, 0.08)),
            box((0.34, 0.2, 0.95), Surface.METAL, (0, -0.06, 2.4), (0.06, 0.06, 0.05)),
            *upright,
        ]
    )


def hydrant() -> Mesh:
    """A fire hydrant, 0.75 m."""
    profile = [
        (0.16, 0),
        (0.16, 0.06),
        (0.11, 0.07),
        (0.11, 0.5),
        (0.15, 0.51),
        (0.15, 0.56),
        (0.09, 0.68),
        (0.03, 0.75),
    ]
    arms = box((0.42, 0.12, 0.12), Surface.PAINT, (0, 0, 0.36), (0.4, 0.05, 0.03))
    return merged([lathe(profile, Surface.PAINT, 16, (0.45, 0.06, 0.04)), arms])


def bin_() -> Mesh:
    """A litter bin, 1 m."""
    return lathe([(0.24, 0), (0.28, 0.85), (0.3, 0.86), (0.3, 0.92), (0.2, 1.0)], Surface.METAL, 18, (0.07, 0.09, 0.08))


def bollard() -> Mesh:
    """A bollard, 0.9 m."""
    profile = [(0.1, 0), (0.1, 0.05), (0.07, 0.08), (0.07, 0.75), (0.085, 0.77), (0.08, 0.85), (0.03, 0.9)]
    return lathe(profile, Surface.METAL, 16, (0.05, 0.05, 0.055), smooth=True)


def _faced(disc: Mesh) -> Mesh:
    """A disc that lay flat, upright, its top towards −Y."""
    made = moved(disc)
    made.vertices[:] = made.vertices[:, [0, 2, 1]] * np.array([1, -1, 1], np.float32)
    return made


PARTS: dict[str, Callable[[], Mesh]] = {
    "air conditioner": air_conditioner,
    "antenna": antenna,
    "bin": bin_,
    "bollard": bollard,
    "bulkhead": bulkhead,
    "fire escape": fire_escape,
    "hydrant": hydrant,
    "lamp": lamp,
    "saloon": partial(car, "saloon"),
    "taxi": partial(car, "taxi"),
    "traffic light": traffic_light,
    "van": partial(car, "van"),
    "vent": vent,
    "water tank": water_tank,
}
