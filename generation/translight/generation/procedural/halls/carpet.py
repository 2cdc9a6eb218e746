"""A worn runner of carpet along a hall's middle, for families/hall.py where the brief's words ask for one."""

from __future__ import annotations

from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import is_ground
from translight.generation.procedural.halls.hall import Room
from translight.generation.procedural.halls.palette import Surface
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import boxes
from translight.generation.procedural.turned import Turned

WIDTH_M = 2.4
_LEAST_M = 2.0
_LAYERS = ((1.0, 0.008, (0.20, 0.028, 0.035)), (0.8, 0.011, (0.28, 0.065, 0.055)), (0.3, 0.014, (0.31, 0.15, 0.115)))
"""Share of the width, height and colour: the border, the ground, and where feet have worn it."""


def carpet(brief: Brief, turned: Turned, room: Room) -> list[Mesh]:
    """The runner in the hall's axes, up to the first wall or raised floor of the block-out that stands on its way."""
    end = room.front_m - 3.0
    begin = -room.back_m + 3.0
    for block in brief.blocking:
        if block.kind not in ("wall", "floor") or is_ground(block):
            continue
        left, near, right, far = turned.around([box(block).foot_m()])
        if left < 0.5 * WIDTH_M and right > -0.5 * WIDTH_M:
            end = min(end, near) if near > 0 else end
            begin = max(begin, far) if far < 0 else begin
            if near <= 0 <= far:
                return []
    if end - begin < _LEAST_M:
        return []
    size = [(share * WIDTH_M, end - begin, high) for share, high, _ in _LAYERS]
    foot = [(0.0, 0.5 * (begin + end), 0.0)] * len(_LAYERS)
    return [boxes(size, foot, Surface.CLOTH, [colour for *_, colour in _LAYERS])]
