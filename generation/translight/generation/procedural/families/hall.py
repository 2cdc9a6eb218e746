"""Family hall: a stone nave, a station's hall or a warehouse, lit by the brief's sun through its windows and by lamps.

Words of the brief's place and intent choose the style; without any, the seed does. The floor is z = 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from translight.core.errors import GenerationError
from translight.environment.noise import smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import clearance_m, masses
from translight.generation.procedural.halls.hall import Free, Hall, Room
from translight.generation.procedural.halls.nave import nave
from translight.generation.procedural.halls.palette import Surface, materials
from translight.generation.procedural.halls.station import station
from translight.generation.procedural.halls.warehouse import warehouse
from translight.generation.procedural.lamplight import balanced, balanced_materials
from translight.generation.procedural.scene import Lamps, Mesh, Scene
from translight.generation.procedural.shapes import merged, placed_once
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.turned import Turned

LEAST_M, MOST_M = 26.0, 160.0
"""A hall is this long at least and at most; between them ``stage.depth_m`` says how far it goes ahead."""
CLEAR_M, WIDEST_M = 4.8, 60.0
"""Lamps hang higher than the first; the second is the widest block-out that a hall is built around."""
_STYLES: tuple[tuple[str, Callable[[Room, Free, np.random.Generator], Hall]], ...] = (
    (r"warehouse|factory|industrial|workshop|depot|hangar|shed|loft", warehouse),
    (r"station|terminal|concourse|railway|lobby|atrium|museum|ballroom|library", station),
    (r"cathedral|church|nave|abbey|chapel|gothic|stone|monastery|crypt|castle", nave),
)
_DAY_EXPOSURE = 6.0
"""Daylight indoors is some three stops below that of the open."""


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The hall of a brief; ``height_px`` is the panorama's, and only the sky's picture follows it.

    Raises GenerationError for a camera that reaches the lamps and for a block-out that is too wide.
    """
    high = brief.lens.height_m + 0.5 * brief.stage.reach_m[2]
    if high > CLEAR_M:
        raise GenerationError(f"the camera reaches up to {high:g} m: a hall leaves it {CLEAR_M:g} m (lens.height_m)")
    rng = np.random.default_rng([seed, 0x4A11])
    turned = Turned(float(rng.uniform(-0.12, 0.12)))
    ahead = float(np.clip(brief.stage.depth_m, 0.65 * LEAST_M, 0.7 * MOST_M))
    kept = turned.kept_free(brief, 0.5)
    if kept[2] - kept[0] > WIDEST_M:
        raise GenerationError(
            f"the block-out is {kept[2] - kept[0]:.0f} m wide: a hall takes {WIDEST_M:g} m (blocking)"
        )
    room = Room(max(0.4 * ahead, -kept[1] + 3.0), max(ahead, kept[3] + 12.0), kept)

    def free(points: np.ndarray, room_m: float) -> np.ndarray:
        return np.asarray(clearance_m(brief, turned.stage(points)) > room_m + 0.3)

    hall = _style(brief, rng)(room, free, rng)
    dark = float(smoothstep(6.0, -6.0, np.array(brief.light.sun_elevation_deg)))
    sky = sky_for(brief, seed, height_px)
    # At night the lamps set the exposure: what is outside is far darker than they are.
    exposure = float(_DAY_EXPOSURE ** (1.0 - dark))
    night = 10.0 ** (-1.6 * dark)
    sky = replace(sky, radiance=np.asarray(sky.radiance * night, np.float32), sun_irradiance=sky.sun_irradiance * night)
    lamps = (0.35 + 0.65 * dark) / exposure
    everything = turned.copies([placed_once(merged(_plain(hall.meshes))), *hall.copies])
    block = masses(brief, Surface.STONE)
    if block is not None:
        everything.append(placed_once(replace(block, colour=np.full_like(block.colour, 0.5))))
    return Scene(
        sky=sky,
        eye_m=np.array([0.0, 0.0, brief.lens.height_m]),
        materials=balanced_materials(brief, materials(lamps)),
        placed=tuple(everything),
        lamps=_lamps(brief, hall, turned, lamps),
        air=air_for(brief),
        exposure=exposure,
    )


def _style(brief: Brief, rng: np.random.Generator) -> Callable[[Room, Free, np.random.Generator], Hall]:
    words = f"{brief.place.where} {brief.intent}".lower()
    for pattern, style in _STYLES:
        if re.search(rf"\b({pattern})", words):
            return style
    return _STYLES[int(rng.integers(len(_STYLES)))][1]


def _lamps(brief: Brief, hall: Hall, turned: Turned, strength: float) -> Lamps:
    n = len(hall.lamp_m)
    place = np.column_stack([turned.stage(hall.lamp_m[:, :2]), hall.lamp_m[:, 2]])
    cone = np.full(n, np.cos(np.radians(75.0)) if hall.down else -1.0)
    axis = np.tile((0.0, 0.0, -1.0), (n, 1))
    return Lamps(place, np.full(n, 0.06), balanced(brief, hall.intensity) * strength, axis, cone)


def _plain(meshes: list[Mesh]) -> list[Mesh]:
    return [replace(m, smooth=False) for m in meshes]
