"""Buildings of a city: near ones with base, shaft, crown and real windows, far ones as boxes with painted panes.

A plot is (x0, y0, x1, y1) in the city's axes; the pavement is z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.city.facades import STYLES, Colour, Style, Wall, facade
from translight.generation.procedural.city.kit import Kit
from translight.generation.procedural.city.palette import PANES, Surface
from translight.generation.procedural.city.shopfronts import FLOOR_M, blade, ground_floor
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import box, boxes, mesh

Plot = tuple[float, float, float, float]
_FAR_STYLES = (Surface.PANES_HOMES, Surface.PANES_OLD, Surface.PANES_OFFICE, Surface.PANES_TOWER)
_SHINING_M = 55.0
"""Shops farther away glow, but light nothing."""
_FAR_FACE = Surface.CONCRETE
_PLANT_M = 1300.0
"""Farther roofs have no plant room."""


@dataclass(frozen=True, slots=True)
class Site:
    """What buildings want to know of their city."""

    eye_m: tuple[float, float]
    lit_share: float
    open_share: float
    """Of shops that have their lights on."""
    detail_m: float
    """Walls nearer than this have real windows."""


def storeys_of(style: str, height_m: float, least: int = 1) -> int:
    """How many storeys above the ground floor make about this height."""
    return max(least, round((height_m - FLOOR_M) / STYLES[style].storey_m))


def usual_styles(height_m: float) -> tuple[str, ...]:
    """The styles of buildings of this height, each as likely as it is often named."""
    if height_m < 30:
        return "walk-up", "stone"
    return ("stone", "office") if height_m < 62 else ("office", "curtain", "curtain")


def building(
    plot: Plot, style_name: str, storeys: int, site: Site, kit: Kit, rng: np.random.Generator,
    *, closed: tuple[int, ...] = (),
) -> list[Mesh]:  # fmt: skip
    """A near building: a ground floor of shops, a shaft that may step back, a cornice, a parapet and roof plant.

    ``closed`` are the sides, as walls() counts them, that stand against a neighbour: they have no openings.
    """
    style = STYLES[style_name]
    hue = style.colours[int(rng.integers(len(style.colours)))]
    colour: Colour = tuple(float(c * f) for c, f in zip(hue, rng.uniform(0.85, 1.12, 3), strict=True))
    made, z = [], FLOOR_M
    for side, wall in enumerate(walls(plot, 0.0)):
        seen = side not in closed and _seen(wall, site)
        if seen:
            made += ground_floor(
                wall, colour, rng, open_share=site.open_share, kit=kit if _seen(wall, site, _SHINING_M) else None
            )
        else:
            made.append(_blank(wall, FLOOR_M, style.wall, colour))
        if seen and storeys >= 3 and rng.random() < 0.75:
            made += blade(wall, float(rng.uniform(0.15, 0.85)) * wall.width_m, FLOOR_M + 0.4, rng)
    made.append(_band(plot, z - 0.12, 0.3, 0.18))
    tiers = [(plot, storeys)]
    if storeys > 11 and style_name != "curtain" and min(plot[2] - plot[0], plot[3] - plot[1]) > 14:
        low = int(storeys * rng.uniform(0.55, 0.75))
        tiers = [(plot, low), (inset(plot, float(rng.uniform(2.5, 4.0))), storeys - low)]
    for k, (part, count) in enumerate(tiers):
        for side, wall in enumerate(walls(part, z) if count else ()):
            if side not in closed and _seen(wall, site):
                made += facade(wall, style, count, colour, rng, lit_share=site.lit_share)
                if style_name == "walk-up" and k == 0 and count <= 11:
                    _escape(wall, style, count, kit, rng)
            else:
                made.append(_blank(wall, count * style.storey_m, style.wall, colour))
        z += count * style.storey_m
        made += _crown(part, z, style, colour)
    roof_plant(inset(tiers[-1][0], 1.2), z, kit, rng, tank=style_name in ("walk-up", "stone"))
    return made


def walls(plot: Plot, z: float) -> list[Wall]:
    """Front (−Y), left (−X), back and right of a plot at height z."""
    x0, y0, x1, y1 = plot
    corners = ((x0, y0), (x0, y1), (x1, y1), (x1, y0))
    ways = ((1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0))
    widths = (x1 - x0, y1 - y0, x1 - x0, y1 - y0)
    return [Wall(np.array([*c, z]), np.array(w), wide) for c, w, wide in zip(corners, ways, widths, strict=True)]


def inset(plot: Plot, by_m: float) -> Plot:
    """A smaller plot in its middle."""
    x0, y0, x1, y1 = plot
    return x0 + by_m, y0 + by_m, x1 - by_m, y1 - by_m


def roof_plant(plot: Plot, z: float, kit: Kit, rng: np.random.Generator, *, tank: bool) -> None:
    """Air conditioners, vents, a stairhead, an antenna and perhaps a water tank on a roof."""
    x0, y0, x1, y1 = plot
    if min(x1 - x0, y1 - y0) < 5:
        return

    def spot(margin: float) -> tuple[float, float, float]:
        return float(rng.uniform(x0 + margin, x1 - margin)), float(rng.uniform(y0 + margin, y1 - margin)), z

    kit.put("bulkhead", spot(2.0), float(rng.integers(4)) * np.pi / 2)
    if tank and rng.random() < 0.7:
        kit.put("water tank", spot(2.2))
    for _ in range(int(rng.integers(1, 5))):
        kit.put("air conditioner", spot(1.3), float(rng.integers(2)) * np.pi / 2)
    for _ in range(int(rng.integers(2, 6))):
        kit.put("vent", spot(0.5))
    if rng.random() < 0.5:
        kit.put("antenna", spot(1.0), float(rng.uniform(0, np.pi)))


def far_buildings(
    plot: Float64[np.ndarray, "n 4"],
    height_m: Float64[np.ndarray, "n"],
    rng: np.random.Generator,
    kind: Surface | None = None,
) -> list[Mesh]:
    """Boxes with painted windows: for the tall a step back and a mast; their edges lie on the panes' grid.

    ``kind`` is the panes of all of them; without it their height and chance choose.
    """
    made = []
    kinds = np.where(height_m > 70, rng.choice([2, 3, 3], len(plot)), rng.choice([0, 0, 1, 1, 2], len(plot)))
    for index, surface in enumerate(_FAR_STYLES):
        chosen = kinds == index if kind is None else np.full(len(plot), surface is kind)
        if not chosen.any():
            continue
        bay, storey = PANES[surface]
        low = np.round(plot[chosen, :2] / bay) * bay
        high = np.maximum(np.round(plot[chosen, 2:] / bay), np.round(plot[chosen, :2] / bay) + 2) * bay
        top = np.maximum(np.round(height_m[chosen] / storey), 2) * storey
        step = rng.random(len(top)) < np.where(top > 60, 0.7, 0.0)
        waist = np.where(step, np.round(top * rng.uniform(0.5, 0.8, len(top)) / storey) * storey, top)
        n = len(top)
        shade = rng.uniform(0.6, 1.25, (n, 1)) * rng.uniform(0.93, 1.07, (n, 3))
        made.append(_blocks(low, high, np.zeros(n), waist, surface, shade))
        by = (np.round(0.13 * (high - low) / bay) * bay)[step]
        if step.any():
            made.append(_blocks((low[step] + by), (high[step] - by), waist[step], top[step], surface, shade[step]))
        # A roof's plant room, which also hides the panes' last row from above.
        room = rng.uniform(0.2, 0.6, (n, 1)) * (high - low) * 0.5
        middle = 0.5 * (low + high)
        tall = rng.uniform(2.5, 5.5, n)
        close = np.linalg.norm(middle, axis=1) < _PLANT_M
        low, high, top, tall = middle - room, middle + room, top, top + tall
        made.append(_blocks(low[close], high[close], top[close], tall[close], _FAR_FACE, 0.2 * shade[close]))
        mast = (top > 110) & (rng.random(n) < 0.6)
        if mast.any():
            foot = np.column_stack([middle, top])[mast]
            tall = rng.uniform(15, 45, int(mast.sum()))
            size = np.column_stack([np.full((len(tall), 2), 0.9), tall])
            made.append(boxes(size, foot, Surface.METAL, (0.2, 0.2, 0.2)))
            made.append(boxes(np.full((len(tall), 3), 1.1), foot + tall[:, None] * (0, 0, 1), Surface.BEACON))
    return made


def _blocks(
    low: np.ndarray, high: np.ndarray, z0: np.ndarray, z1: np.ndarray, kind: Surface, colour: np.ndarray
) -> Mesh:
    size = np.column_stack([high - low, z1 - z0])
    foot = np.column_stack([0.5 * (low + high), z0])
    return boxes(size, foot, kind, colour)


def _seen(wall: Wall, site: Site, near_m: float = np.inf) -> bool:
    """Whether the eye is before the wall, and near enough to see into its windows."""
    away = np.array(site.eye_m) - wall.corner_m[:2]
    out = np.array([wall.along[1], -wall.along[0]])
    s = np.clip(away @ wall.along, 0.0, wall.width_m)
    distance = float(np.linalg.norm(away - s * wall.along))
    return bool(away @ out > 0) and distance < min(site.detail_m, near_m)


def _blank(wall: Wall, height_m: float, kind: Surface, colour: Colour) -> Mesh:
    s, z = np.array([0.0, wall.width_m, wall.width_m, 0.0]), np.array([0.0, 0.0, height_m, height_m])
    return mesh(wall.at(s, 0.0, z), [(0, 1, 2), (0, 2, 3)], kind, colour)


def _band(plot: Plot, z: float, high_m: float, out_m: float) -> Mesh:
    """A stone course around a building."""
    x0, y0, x1, y1 = inset(plot, -out_m)
    return box((x1 - x0, y1 - y0, high_m), Surface.STONE, ((x0 + x1) / 2, (y0 + y1) / 2, z), (0.36, 0.34, 0.31))


def _crown(plot: Plot, z: float, style: Style, colour: Colour) -> list[Mesh]:
    """Cornice, roof and parapet at the top of a tier."""
    x0, y0, x1, y1 = plot
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    made = [box((x1 - x0, y1 - y0, 0.02), Surface.ROOF, (x, y, z))]
    if style.trim_m:
        steps = ((0.15, -0.55, 0.3), (0.35, -0.25, 0.15), (0.5, -0.1, 0.12))
        made += [_ring(plot, z + low, high, 0.4 + out, out, (0.38, 0.35, 0.30)) for out, low, high in steps]
    made.append(_ring(plot, z, 1.0, 0.3, 0.0, tuple(0.9 * c for c in colour)))
    return made


def _ring(plot: Plot, z: float, high_m: float, thick_m: float, out_m: float, colour: Colour) -> Mesh:
    """A low wall along a plot's edges, standing out by ``out_m``."""
    x0, y0, x1, y1 = inset(plot, -out_m)
    wide, deep, t = x1 - x0, y1 - y0 - 2 * thick_m, thick_m
    size = [(wide, t, high_m), (wide, t, high_m), (t, deep, high_m), (t, deep, high_m)]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    foot = [(x, y0 + t / 2, z), (x, y1 - t / 2, z), (x0 + t / 2, y, z), (x1 - t / 2, y, z)]
    return boxes(size, foot, Surface.STONE, colour)


def _escape(wall: Wall, style: Style, storeys: int, kit: Kit, rng: np.random.Generator) -> None:
    """A fire escape before two bays of the wall, at each storey's floor."""
    bays = max(1, round(wall.width_m / style.bay_m))
    if bays < 3:
        return
    s = (int(rng.integers(1, bays - 1)) + 0.5) * wall.width_m / bays
    turn = np.arctan2(-wall.along[1], wall.along[0])
    for j in range(storeys):
        at = wall.at(np.array(s), 0.0, np.array(j * style.storey_m + style.sill_m - 0.15))
        kit.put("fire escape", at, float(turn))
