"""A station's hall: a coffered barrel vault with a skylight along its crown, great round windows, a clock, benches."""

from __future__ import annotations

import numpy as np

from translight.generation.procedural.halls import furnishings
from translight.generation.procedural.halls.arches import Arched, arched_wall, tracery
from translight.generation.procedural.halls.hall import Free, Hall, Room, chequered, ends, ground, sides
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import (
    box,
    boxes,
    cylinder,
    extruded,
    lathe,
    merged,
    moved,
    placed,
    quads,
    swept,
)

_STONES = ((0.58, 0.52, 0.43), (0.55, 0.53, 0.49), (0.52, 0.46, 0.37))
_OPEN_DEG = 13.0
"""Half of the angle of the vault that is skylight."""
_SHELL_M = 0.5
_GLOBE = np.array([1.0, 0.78, 0.52])


def station(room: Room, free: Free, rng: np.random.Generator) -> Hall:
    """The hall of a brief's room."""
    half = room.half_width_m(float(rng.uniform(9.0, 12.0)))
    edges = room.bays(float(rng.uniform(6.4, 7.6)))
    low, high, bay = float(edges[0]), float(edges[-1]), float(edges[1] - edges[0])
    stone = _STONES[int(rng.integers(len(_STONES)))]
    pale = tuple(min(1.1 * c, 0.68) for c in stone)
    wall_m = room.least_wall_m(float(rng.uniform(10.0, 12.0)))
    middles = 0.5 * (edges[1:] + edges[:-1]) - low
    window = Arched(0.56 * bay, 3.4, wall_m - 3.6, 0.5)
    meshes: list[Mesh] = []
    for wall in sides(half, low, high):
        meshes.append(arched_wall(wall, middles, window, wall_m, 0.9, Surface.ASHLAR, stone))
        meshes.append(tracery(wall, middles, window, 4, -0.5, Surface.LEAD))
    meshes += _mouldings(half, edges, wall_m, pale)
    meshes += _ends(half, low, high, wall_m, stone)
    meshes += _vault(half, edges, wall_m, pale)
    tiles, colours = chequered(-half, low, half, high, 0.6, ((0.56, 0.52, 0.45), (0.30, 0.22, 0.17)), rng)
    meshes.append(quads(tiles, Surface.TILES, colours))
    meshes.append(ground())
    copies: list[Placed] = [placed(_pilaster(wall_m, pale), [(-half, y, 0) for y in edges], 0.0),
                            placed(_pilaster(wall_m, pale), [(half, y, 0) for y in edges], np.pi)]  # fmt: skip
    copies += _benches(half, low, high, free)
    meshes += _kiosk(room, free)
    lamps = np.array([(side * (half - 1.1), y, 5.2) for y in edges[1:-1] for side in (-1, 1)])
    copies.append(placed(_bracket(), lamps[lamps[:, 0] < 0], 0.0))
    copies.append(placed(_bracket(), lamps[lamps[:, 0] > 0], np.pi))
    return Hall(meshes, copies, lamps - (0, 0, 0.5), np.repeat([30.0 * _GLOBE], len(lamps), axis=0), down=False)


def _vault(half: float, edges: np.ndarray, spring: float, colour: tuple[float, ...]) -> list[Mesh]:
    """Two closed shells up to the skylight's edges, coffer ribs on them, and the skylight's glazing bars."""
    low, high = float(edges[0]), float(edges[-1])
    turn = np.radians(np.linspace(0, 90 - _OPEN_DEG, 20))
    arc = np.column_stack([np.cos(turn), np.sin(turn)])
    outline = np.concatenate([(half + _SHELL_M) * arc, half * arc[::-1]])
    made = []
    for side in (-1, 1):
        shape = outline * (side, 1) if side > 0 else (outline * (side, 1))[::-1]
        made.append(_lying(extruded(shape, high - low, Surface.PLASTER, colour), high, spring))
    ribs = np.radians(np.linspace(0, 180, 49))
    section = [(-0.35, -0.22), (0.35, -0.22), (0.35, 0.22), (-0.35, 0.22)]
    for y in edges:
        path = np.column_stack([-half * np.cos(ribs), np.full(len(ribs), y), spring + half * np.sin(ribs)])
        made.append(swept(section, path, (0, -1, 0), Surface.STONE, colour))
    size, foot = [], []
    for a in np.radians([15, 30, 45, 60, 90 - _OPEN_DEG]):
        for side in (-1, 1):
            x, z = side * (half - 0.03) * np.cos(a), spring + (half - 0.03) * np.sin(a) - 0.16
            size.append((0.3, high - low, 0.3))
            foot.append((x, (low + high) / 2, z))
    made.append(boxes(size, foot, Surface.STONE, colour))
    reach = half * np.sin(np.radians(_OPEN_DEG))
    crown = spring + half
    bars = np.arange(low + 0.6, high, 1.2)
    size = [(2 * reach + 0.2, 0.06, 0.14)] * len(bars) + [(0.08, high - low, 0.2)] * 3
    foot = [(0, y, crown - 0.3) for y in bars] + [
        (x, (low + high) / 2, crown - 0.3) for x in (-reach / 2, 0, reach / 2)
    ]
    made.append(boxes(size, foot, Surface.LEAD))
    return made


def _lying(prism: Mesh, high: float, spring: float) -> Mesh:
    """A prism over x and z, from the hall's front end backwards."""
    x, z, y = prism.vertices.T
    prism.vertices[:] = np.stack([x, high - y, spring + z], axis=-1)
    return prism


def _ends(half: float, low: float, high: float, wall_m: float, stone: tuple[float, ...]) -> list[Mesh]:
    """End walls with one great round window over doors, and the clock before it."""
    top = wall_m + half + 1.0
    window = Arched(1.35 * half, 5.4, wall_m - 1.0, 0.5)
    made = []
    for wall in ends(half, low, high):
        made.append(arched_wall(wall, [half], window, top, 0.9, Surface.ASHLAR, stone))
        made.append(tracery(wall, [half], window, 8, -0.5, Surface.LEAD))
    leaves = furnishings.door(1.9, 2.6)
    frame = boxes([(0.25, 0.3, 3.0), (0.25, 0.3, 3.0), (2.4, 0.3, 0.4)], [(-1.08, -0.1, 0), (1.08, -0.1, 0),
                  (0, -0.1, 2.62)], Surface.STONE, (0.5, 0.46, 0.4))  # fmt: skip
    portal = merged([leaves, frame])
    for k in (-1.5, -0.5, 0.5, 1.5):
        made.append(moved(portal, (k * 0.38 * half, high, 0)))
        made.append(moved(portal, (k * 0.38 * half, low, 0), np.pi))
    face = cylinder(1.0, 0.16, Surface.CLOCK, sides=40)
    ring = lathe([(1.14, 0.0), (1.14, 0.2), (1.0, 0.22), (0.0, 0.165)], Surface.BRASS, 40)
    hands = boxes([(0.08, 0.03, 0.62), (0.06, 0.03, 0.85)], [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0)], Surface.LEAD)
    hour, minute = hands.vertices[:8], hands.vertices[8:]
    for hand, turn in ((hour, -0.9), (minute, 2.2)):
        c, s = np.cos(turn), np.sin(turn)
        hand[:, [0, 2]] = hand[:, [0, 2]] @ np.array([[c, s], [-s, c]], np.float32)
    for part in (ring, face):
        part.vertices[:] = part.vertices[:, [0, 2, 1]] * np.array([1, -1, 1], np.float32)
    at = (0.0, high - 0.02, 4.25)
    made += [moved(ring, at), moved(face, (0.0, high - 0.05, 4.25)), moved(hands, (0.0, high - 0.25, 4.25))]
    return made


def _mouldings(half: float, edges: np.ndarray, wall_m: float, colour: tuple[float, ...]) -> list[Mesh]:
    """A plinth and the cornice under the vault, in steps."""
    long, y = float(edges[-1] - edges[0]), float(edges[0] + edges[-1]) / 2
    size, foot = [], []
    for side in (-1, 1):
        for out, z, high in (
            (0.12, 0.0, 0.9),
            (0.25, wall_m - 0.9, 0.25),
            (0.45, wall_m - 0.65, 0.3),
            (0.7, wall_m - 0.35, 0.3),
        ):
            size.append((out, long, high))
            foot.append((side * (half - out / 2), y, z))
    return [boxes(size, foot, Surface.STONE, colour)]


def _pilaster(wall_m: float, colour: tuple[float, ...]) -> Mesh:
    """A flat pillar against the wall that faces +X."""
    top = wall_m - 0.9
    parts = [(0.55, 1.3, 0.5, 0.0), (0.45, 1.15, 0.25, 0.5), (0.35, 0.95, top - 1.6, 0.75),
             (0.45, 1.1, 0.2, top - 0.85), (0.42, 1.0, 0.35, top - 0.65), (0.55, 1.25, 0.3, top - 0.3)]  # fmt: skip
    return boxes([(x, y, h) for x, y, h, _ in parts], [(x / 2, 0, z) for x, _, _, z in parts], Surface.STONE, colour)


def _bracket() -> Mesh:
    """A globe on an arm from a wall on its −X side; the globe is at the origin."""
    arm = boxes([(1.1, 0.05, 0.05), (0.05, 0.3, 0.6)], [(-0.55, 0, -0.36), (-1.08, 0, -0.6)], Surface.BRASS)
    return merged([_globe(), arm])


def _globe() -> Mesh:
    return lathe([(0.08, -0.32), (0.1, -0.3), (0.22, -0.22), (0.3, -0.08), (0.3, 0.06), (0.22, 0.2), (0.0, 0.3)],
                  Surface.LAMP, 24, smooth=True)  # fmt: skip


def _benches(half: float, low: float, high: float, free: Free) -> list[Placed]:
    """Rows of waiting benches at both sides."""
    at = [
        (side * x, y, 0.0)
        for side in (-1, 1)
        for x in (0.45 * half, 0.72 * half)
        for y in np.arange(low + 6, high - 6, 4.6)
    ]
    spots = np.array(at)
    clear = free(spots[:, :2], 1.7)
    return [placed(furnishings.bench(2.6), spots[clear], np.pi / 2)] if clear.any() else []


def _kiosk(room: Room, free: Free) -> list[Mesh]:
    """A round desk with a four-faced clock, ahead in the middle."""
    for y in (0.42 * room.front_m, 0.55 * room.front_m, 0.3 * room.front_m):
        if free(np.array([(0.0, y)]), 2.3)[0]:
            desk = lathe(
                [(1.9, 0), (1.9, 0.12), (1.8, 0.14), (1.8, 0.98), (1.95, 1.02), (1.95, 1.08)], Surface.WOOD, 36
            )
            post = lathe(
                [(0.3, 1.08), (0.3, 1.3), (0.12, 1.45), (0.1, 2.5), (0.3, 2.7), (0.3, 2.75)], Surface.BRASS, 24
            )
            clock = box((0.62, 0.62, 0.62), Surface.BRASS, (0, 0, 2.75))
            faces = boxes([(0.5, 0.64, 0.5), (0.64, 0.5, 0.5)], [(0, 0, 2.81)] * 2, Surface.CLOCK)
            cap = lathe([(0.4, 3.37), (0.25, 3.5), (0.0, 3.75)], Surface.BRASS, 16)
            return [moved(part, (0, y, 0)) for part in (desk, post, clock, faces, cap)]
    return []
