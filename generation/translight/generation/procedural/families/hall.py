"""Family hall: a stone nave, a station's hall or a warehouse, lit by the brief's sun through its windows and by lamps.

Words of the brief's place and intent choose the style; without any, the seed does. The floor is z = 0. Long thin walls
of the block-out become rows of the style's columns (halls/arcade.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np

from translight.core.errors import GenerationError
from translight.environment.noise import smoothstep
from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Block, Brief
from translight.generation.brief.words import named
from translight.generation.procedural.blocking import clearance_m, is_ground, masses
from translight.generation.procedural.halls.arcade import Order, arcade, is_row
from translight.generation.procedural.halls.carpet import carpet
from translight.generation.procedural.halls.hall import ROWS_M, Free, Hall, Room
from translight.generation.procedural.halls.nave import nave
from translight.generation.procedural.halls.palette import Surface, materials
from translight.generation.procedural.halls.station import station
from translight.generation.procedural.halls.warehouse import warehouse
from translight.generation.procedural.lamplight import balanced, balanced_materials
from translight.generation.procedural.scene import Lamps, Placed, Scene
from translight.generation.procedural.shapes import merged, placed_once
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.turned import Turned

AHEAD_M = (17.0, 112.0)
"""A hall goes this far ahead at least and at most, by ``stage.depth_m``; further only for its block-out."""
CLEAR_M, WIDEST_M, LONGEST_M = 4.8, 60.0, 240.0
"""Lamps over the middle hang higher than the first; the others are the largest block-out that a hall holds."""
_Style = Callable[[Room, Free, np.random.Generator], Hall]
_STYLES: dict[_Style, tuple[str, ...]] = {
    warehouse: (
        "warehouse", "factory", "factories", "industrial", "workshop", "depot", "hangar", "(?<!light )shed", "loft",
    ),
    station: (
        "station", "terminal", "terminus", "concourse", "railway", "lobby", "lobbies", "atrium", "atria", "museum",
        "ballroom", "library", "libraries",
    ),
    nave: (
        "cathedral", "church", "nave", "abbey", "chapel", "gothic", "stone", "monastery", "monasteries", "crypt",
        "castle", "altar",
    ),
}  # fmt: skip
"""Words of each; light that is shed names no shed. Of styles with as many, the first is built."""
_ORDERS: dict[_Style, Order] = {
    nave: Order(Surface.ASHLAR, (0.56, 0.52, 0.45), 0.6, round=True),
    station: Order(Surface.ASHLAR, (0.56, 0.53, 0.47), 0.5, round=True),
    warehouse: Order(Surface.BRICK, (1.0, 1.0, 1.0), 0.5, round=False),
}
_MOST_TURN_RAD = 0.12


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The hall of a brief; ``height_px`` is the panorama's, and only the sky's picture follows it.

    Raises GenerationError for a camera that reaches the lamps and for a block-out too wide, too long or too high.
    """
    high = brief.lens.height_m + 0.5 * brief.stage.reach_m[2]
    if high > CLEAR_M:
        raise GenerationError(f"the camera reaches up to {high:g} m: a hall leaves it {CLEAR_M:g} m (lens.height_m)")
    rng = np.random.default_rng([seed, 0x4A11])
    rows = [block for block in brief.blocking if is_row(block)]
    turned = Turned(_turn_rad(rows, float(rng.uniform(-_MOST_TURN_RAD, _MOST_TURN_RAD))))
    ahead = float(np.clip(brief.stage.depth_m, *AHEAD_M))
    kept = turned.kept_free(brief, 0.5)
    if kept[2] - kept[0] > WIDEST_M:
        raise GenerationError(
            f"the block-out is {kept[2] - kept[0]:.0f} m wide: a hall takes {WIDEST_M:g} m (blocking)"
        )
    if kept[3] - kept[1] > LONGEST_M:
        raise GenerationError(
            f"the block-out is {kept[3] - kept[1]:.0f} m long: a hall takes {LONGEST_M:g} m (blocking, stage.reach_m)"
        )
    rows_m = max((float(own.centre_m[2] + own.half_m[2]) for own in map(box, rows)), default=0.0)
    if rows_m > ROWS_M:
        raise GenerationError(f"rows of columns reach up to {rows_m:g} m: a hall takes {ROWS_M:g} m (blocking)")
    back, front = max(0.4 * ahead, -kept[1] + 3.0), max(ahead, kept[3] + 12.0)
    room = Room(back, front, kept, rows_m)
    solid = _solid(brief)

    def free(points: np.ndarray, room_m: float) -> np.ndarray:
        return np.asarray(clearance_m(solid, turned.stage(points)) > room_m + 0.3)

    style = _style(brief, rng)
    hall = style(room, free, rng)
    dark = float(smoothstep(6.0, -6.0, np.array(brief.light.sun_elevation_deg)))
    sky = sky_for(brief, seed, height_px)
    # At night the lamps set the exposure: what is outside is far darker than they are.
    exposure = float(hall.day_exposure ** (1.0 - dark))
    night = 10.0 ** (-1.6 * dark)
    sky = replace(sky, radiance=np.asarray(sky.radiance * night, np.float32), sun_irradiance=sky.sun_irradiance * night)
    lamps = (0.35 + 0.65 * dark) / exposure
    everything = turned.copies([placed_once(replace(merged(hall.meshes), smooth=False)), *hall.copies])
    everything += _block_out(brief, rows, _ORDERS[style])
    if named(("carpet", "carpeted"), _words(brief)):
        everything += turned.copies([placed_once(runner) for runner in carpet(brief, turned, room)])
    return Scene(
        sky=sky,
        eye_m=np.array([0.0, 0.0, brief.lens.height_m]),
        materials=balanced_materials(brief, materials(lamps)),
        placed=tuple(copies for copies in everything if len(copies.tint)),
        lamps=_lamps(brief, hall, turned, lamps),
        air=air_for(brief),
        exposure=exposure,
    )


def _turn_rad(rows: list[Block], otherwise: float) -> float:
    """The hall against the stage: along the longest row of columns, where that leads ahead."""
    if not rows:
        return otherwise
    longest = max(rows, key=lambda block: max(block.size_m[:2]))
    along = longest.turn_deg + (90.0 if longest.size_m[0] > longest.size_m[1] else 0.0)
    # A row has two ends, and stands square to a hall as well as along it.
    return float(np.radians((along + 45.0) % 90.0 - 45.0))


def _solid(brief: Brief) -> Brief:
    """The brief with its masses as blocks that furniture keeps away from."""
    blocks = []
    for block in brief.blocking:
        stands = block.kind in ("wall", "floor") and not is_ground(block)
        blocks.append(msgspec.structs.replace(block, kind="hero", in_picture=False) if stands else block)
    return msgspec.structs.replace(brief, blocking=tuple(blocks))


def _block_out(brief: Brief, rows: list[Block], order: Order) -> list[Placed]:
    """The block-out's rows of columns, and its other masses as boxes."""
    made = [placed_once(arcade(row, order)) for row in rows]
    rest = msgspec.structs.replace(brief, blocking=tuple(b for b in brief.blocking if b not in rows))
    block = masses(rest, Surface.STONE if order.round else Surface.CONCRETE)
    if block is not None:
        colour = np.array(order.colour, np.float32)
        made.append(placed_once(replace(block, colour=np.broadcast_to(colour, block.colour.shape).copy())))
    return made


def _style(brief: Brief, rng: np.random.Generator) -> _Style:
    """The style that most words name; without any, one by chance."""
    found = {style: len(named(names, _words(brief))) for style, names in _STYLES.items()}
    if any(found.values()):
        return max(found, key=lambda style: found[style])
    return list(_STYLES)[int(rng.integers(len(_STYLES)))]


def _words(brief: Brief) -> str:
    return f"{brief.place.where} {brief.intent}"


def _lamps(brief: Brief, hall: Hall, turned: Turned, strength: float) -> Lamps:
    n = len(hall.lamp_m)
    place = np.column_stack([turned.stage(hall.lamp_m[:, :2]), hall.lamp_m[:, 2]])
    cone = np.full(n, np.cos(np.radians(75.0)) if hall.down else -1.0)
    axis = np.tile((0.0, 0.0, -1.0), (n, 1))
    return Lamps(place, np.full(n, 0.06), balanced(brief, hall.intensity) * strength, axis, cone)
