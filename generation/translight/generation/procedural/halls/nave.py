"""A stone nave: arcades on clustered pillars, clerestory, ribbed vaults over nave and aisles, a great window ahead.

Where the block-out has rows of columns of its own, it is a great hall: no aisles, and tall windows down to 2.4 m.
"""

from __future__ import annotations

import numpy as np

from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.halls import furnishings
from translight.generation.procedural.halls.arches import Arched, arched_wall, groin_vault, rise_m, tracery, vault_ribs
from translight.generation.procedural.halls.hall import Free, Hall, Room, chequered, ends, ground, sides
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import box, boxes, moved, placed, quads

_STONES = ((0.56, 0.51, 0.43), (0.50, 0.47, 0.42), (0.60, 0.56, 0.49), (0.52, 0.46, 0.38))
_WALL_M = 1.1
_WIDEST_WINDOW_M = 12.0
_TALL_WINDOWS_EXPOSURE = 3.0
_CANDLE = np.array([1.0, 0.62, 0.30])


def nave(room: Room, free: Free, rng: np.random.Generator) -> Hall:
    """The nave of a brief's room."""
    half = room.half_width_m(float(rng.uniform(4.8, 6.0)))
    edges = room.bays(float(rng.uniform(5.6, 6.6)))
    low, high, bay = float(edges[0]), float(edges[-1]), float(edges[1] - edges[0])
    stone = _STONES[int(rng.integers(len(_STONES)))]
    pale = tuple(min(1.08 * c, 0.66) for c in stone)
    aisle = float(rng.uniform(0.75, 0.9)) * min(half, 6.0)
    spring = float(rng.uniform(5.2, 6.4))
    storey = spring + 0.55 * bay * 1.15 + 1.2
    vault_foot = room.least_wall_m(storey + 1.6)
    crown = vault_foot + min(1.05 * half, 6.0 + 0.3 * half)
    top = crown + 1.2
    middles = 0.5 * (edges[1:] + edges[:-1]) - low
    if room.rows_m:
        return _great_hall(half, edges, vault_foot, crown, stone, pale, rng)
    arcade = Arched(bay - 1.5, 0.0, spring, 0.8)
    above = Arched(min(2.3, bay - 2.4), 1.3, vault_foot - storey + 0.45 * (crown - vault_foot), 1.0)
    outside = Arched(min(1.9, bay - 2.6), 1.8, 0.8 * spring, 1.0)
    meshes: list[Mesh] = []
    outer = half + _WALL_M + aisle
    for wall, high_wall, aisle_wall in zip(
        sides(half, low, high), sides(half, low, high, storey), sides(outer, low, high), strict=True
    ):
        meshes.append(arched_wall(wall, middles, arcade, storey, _WALL_M, Surface.ASHLAR, stone))
        meshes.append(arched_wall(high_wall, middles, above, top - storey, _WALL_M, Surface.ASHLAR, stone))
        meshes.append(arched_wall(aisle_wall, middles, outside, spring + 3.4, 0.8, Surface.ASHLAR, stone))
        meshes.append(tracery(high_wall, middles, above, 3, -0.6, Surface.LEAD))
        meshes.append(tracery(aisle_wall, middles, outside, 2, -0.45, Surface.LEAD))
        meshes.append(_string_course(high_wall, pale))
    meshes += _ends(half, low, high, top, stone, rng)
    meshes += _closing(half, outer, low, high, spring + 3.4, top, stone)
    tiles, colours = chequered(
        -outer, low, outer, high, 0.8, ((0.52, 0.47, 0.40), (0.24, 0.21, 0.19)), rng, diagonal=True
    )
    meshes.append(quads(tiles, Surface.FLAGS, colours))
    lamps, copies = _repeated(half, aisle, edges, spring, vault_foot, crown, stone, pale, free)
    copies += _pews(half, edges, free)
    meshes += _sanctuary(half, high, free)
    light = np.repeat([26.0 * _CANDLE], len(lamps), axis=0)
    return Hall(meshes, copies, lamps, light, down=False)


def _great_hall(
    half: float, edges: np.ndarray, vault_foot: float, crown: float, stone: tuple[float, ...],
    pale: tuple[float, ...], rng: np.random.Generator,
) -> Hall:  # fmt: skip
    """One room under one vault, with a tall window in every bay."""
    low, high, bay = float(edges[0]), float(edges[-1]), float(edges[1] - edges[0])
    top, middles = crown + 1.2, 0.5 * (edges[1:] + edges[:-1]) - low
    window = Arched(min(3.0, bay - 2.6), 2.4, vault_foot - 0.8, 0.7)
    meshes: list[Mesh] = []
    for wall in sides(half, low, high):
        meshes.append(arched_wall(wall, middles, window, top, _WALL_M, Surface.ASHLAR, stone))
        meshes.append(tracery(wall, middles, window, 3, -0.6, Surface.LEAD))
    meshes += _ends(half, low, high, top, stone, rng)
    meshes.append(box((2 * (half + _WALL_M), high - low + 2 * _WALL_M, 0.4), Surface.ASHLAR,
                      (0, (low + high) / 2, top), stone))  # fmt: skip
    meshes.append(ground())
    tiles, colours = chequered(
        -half, low, half, high, 0.8, ((0.52, 0.47, 0.40), (0.40, 0.36, 0.31)), rng, diagonal=True
    )
    meshes.append(quads(tiles, Surface.FLAGS, colours))
    copies = _responds(half, edges, 3.4, vault_foot, pale)
    copies += _vaults(half, edges, vault_foot, crown, stone, pale)
    lamps, hung = _chandeliers(edges, crown)
    light = np.repeat([26.0 * _CANDLE], len(lamps), axis=0)
    return Hall(meshes, [*copies, hung], lamps, light, down=False, day_exposure=_TALL_WINDOWS_EXPOSURE)


def _responds(
    half: float, edges: np.ndarray, foot: float, vault_foot: float, colour: tuple[float, ...]
) -> list[Placed]:
    """Shafts against both walls from corbels at ``foot`` up to the vault."""
    shaft = furnishings.respond(vault_foot - foot, colour)
    copies = []
    for side, turn in ((-1, 0.0), (1, np.pi)):
        at = np.column_stack([np.full(len(edges), side * half), edges, np.full(len(edges), foot)])
        copies.append(placed(shaft, at, turn))
    return copies


def _vaults(
    half: float, edges: np.ndarray, vault_foot: float, crown: float, stone: tuple[float, ...], pale: tuple[float, ...]
) -> list[Placed]:
    """The vault over every bay of the middle, with its ribs."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    centre = np.column_stack([np.zeros(len(middle)), middle, np.full(len(middle), vault_foot)])
    shape = (2 * half + 0.1, float(edges[1] - edges[0]), crown - vault_foot, 0.75)
    return [
        placed(groin_vault(*shape, Surface.PLASTER, pale), centre),
        placed(vault_ribs(*shape, 0.3, Surface.STONE, stone), centre),
    ]


def _chandeliers(edges: np.ndarray, crown: float) -> tuple[np.ndarray, Placed]:
    """Their lamps, and they themselves, in every second bay."""
    y = 0.5 * (edges[1:] + edges[:-1])[::2]
    hung = np.column_stack([np.zeros(len(y)), y, np.full(len(y), crown - 0.3)])
    return hung * (1, 1, 0) + (0, 0, 5.75), placed(furnishings.chandelier(1.15, crown - 5.5), hung)


def _repeated(
    half: float, aisle: float, edges: np.ndarray, spring: float, vault_foot: float, crown: float,
    stone: tuple[float, ...], pale: tuple[float, ...], free: Free,
) -> tuple[np.ndarray, list[Placed]]:  # fmt: skip
    """Pillars, responds, vaults with their ribs, and chandeliers with their lamps."""
    bay = float(edges[1] - edges[0])
    middle = 0.5 * (edges[1:] + edges[:-1])
    n = len(middle)
    pillar = np.array([(side * (half + _WALL_M / 2), y, 0.0) for y in edges for side in (-1, 1)])
    pillar = pillar[free(pillar[:, :2], 1.0)]
    copies = [placed(furnishings.column(0.62, spring + 0.02, stone, shafts=8), pillar)]
    copies += _responds(half, edges, spring + 0.9, vault_foot, pale)
    copies += _vaults(half, edges, vault_foot, crown, stone, pale)
    shape = (aisle + 0.1, bay, 0.62 * aisle, 0.75)
    foot = spring - 0.3
    for side in (-1, 1):
        at = np.column_stack([np.full(n, side * (half + _WALL_M + aisle / 2)), middle, np.full(n, foot)])
        copies.append(placed(groin_vault(*shape, Surface.PLASTER, pale), at))
        copies.append(placed(vault_ribs(*shape, 0.22, Surface.STONE, stone), at))
    lamps, hung = _chandeliers(edges, crown)
    copies.append(hung)
    sconce = np.array([(side * (half + _WALL_M + aisle / 2), y, spring - 0.9) for y in middle[::3] for side in (-1, 1)])
    copies.append(placed(furnishings.globe_lamp(0.5 + 0.62 * aisle), sconce + np.array([0, 0, 0.5 + 0.62 * aisle])))
    return np.concatenate([lamps, sconce - np.array([0, 0, 0.5])]), copies


def _ends(
    half: float, low: float, high: float, top: float, stone: tuple[float, ...], rng: np.random.Generator
) -> list[Mesh]:
    """The front wall with its great window, the back wall with a portal and a window above it."""
    back, front = ends(half, low, high)
    middle = np.array([half])
    wide, sharpness = min(1.35 * half, _WIDEST_WINDOW_M), float(rng.uniform(0.75, 0.95))
    great = Arched(wide, 4.6, min(0.52 * top, top - 1.2 - rise_m(wide, sharpness)), sharpness)
    made = [arched_wall(front, middle, great, top, _WALL_M, Surface.ASHLAR, stone)]
    made.append(tracery(front, middle, great, 5, -0.6, Surface.STONE))
    portal = Arched(3.2, 0.0, 2.9, 0.8)
    made.append(arched_wall(back, middle, portal, 7.0, _WALL_M, Surface.ASHLAR, stone))
    upper = Wall(back.corner_m + np.array([0, 0, 7.0]), back.along, back.width_m)
    window = Arched(min(half, _WIDEST_WINDOW_M), 1.0, 0.35 * (top - 7.0), 0.8)
    made.append(arched_wall(upper, middle, window, top - 7.0, _WALL_M, Surface.ASHLAR, stone))
    made.append(tracery(upper, middle, window, 4, -0.6, Surface.STONE))
    made.append(moved(furnishings.door(3.2, 2.9), (0, low - 0.45, 0), np.pi))
    made.append(box((3.4, 0.3, portal.top_m - 2.9 + 0.1), Surface.WOOD, (0, low - 0.55, 2.9)))
    return made


def _closing(
    half: float, outer: float, low: float, high: float, aisle_top: float, top: float, stone: tuple[float, ...]
) -> list[Mesh]:
    """Roofs over all, the aisles' ends, and the ground outside."""
    long, y = high - low + 2 * _WALL_M, (low + high) / 2
    wide = outer - half + 0.8
    size = [(2 * (half + _WALL_M), long, 0.4), (wide, long, 0.4), (wide, long, 0.4)]
    foot = [(0.0, y, top), (-(half + wide / 2), y, aisle_top), (half + wide / 2, y, aisle_top)]
    for side in (-1, 1):
        for end in (low - 0.5, high + 0.5):
            size.append((wide, 1.0, aisle_top))
            foot.append((side * (half + wide / 2), end, 0.0))
    return [boxes(size, foot, Surface.ASHLAR, stone), ground()]


def _string_course(wall: Wall, colour: tuple[float, ...]) -> Mesh:
    """A moulding along a wall at its foot."""
    a, b = wall.at(np.array([0.0, wall.width_m]), 0.06, np.array([-0.2, -0.2]))
    return box((0.16, wall.width_m, 0.22), Surface.STONE, (a + b) / 2, colour)


def _pews(half: float, edges: np.ndarray, free: Free) -> list[Placed]:
    """Rows of pews on both sides of a middle aisle of 2.6 m, all facing the front."""
    long = half - 2.2
    if long < 1.2:
        return []
    rows = np.arange(edges[0] + 5.0, edges[-1] - 9.0, 1.05)
    at = np.array([(side * (1.3 + long / 2), y, 0.0) for y in rows for side in (-1, 1)])
    clear = np.ones(len(at), bool)
    for along in (-0.5, -0.25, 0.0, 0.25, 0.5):
        clear &= free(at[:, :2] + (along * long, 0.0), 1.1)
    return [placed(furnishings.pew(long), at[clear])] if clear.any() else []


def _sanctuary(half: float, high: float, free: Free) -> list[Mesh]:
    """Three steps, an altar with its cloth, and two candlesticks before the great window."""
    made = []
    for k in range(3):
        deep = 5.6 - 0.45 * k
        if free(np.array([(0.0, high - deep)]), 0.5)[0]:
            made.append(
                box(
                    (2 * half - 1.6 - 0.8 * k, deep, 0.16),
                    Surface.STONE,
                    (0, high - deep / 2, 0.16 * k),
                    (0.5, 0.46, 0.4),
                )
            )
    if len(made) == 3:
        made.append(box((2.6, 0.9, 0.98), Surface.STONE, (0, high - 2.4, 0.48), (0.6, 0.57, 0.52)))
        made.append(box((2.7, 1.0, 0.03), Surface.CLOTH, (0, high - 2.4, 1.46), (0.62, 0.6, 0.56)))
        made.append(box((0.9, 0.02, 0.7), Surface.CLOTH, (0, high - 2.9, 0.78), (0.25, 0.03, 0.04)))
        size = [(0.07, 0.07, 0.55), (0.07, 0.07, 0.55), (0.05, 0.05, 0.3), (0.05, 0.05, 0.3)]
        foot = [(x, high - 2.4, z) for z in (1.49, 2.04) for x in (-1.05, 1.05)]
        made.append(boxes(size[:2], foot[:2], Surface.BRASS))
        made.append(boxes(size[2:], foot[2:], Surface.CLOTH, (0.7, 0.66, 0.55)))
    return made
