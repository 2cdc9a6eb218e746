"""Family city: a street corner or a roof terrace in a city of any hour, built of procedural/city's parts.

Words choose between the two: "rooftop", "roof", "terrace" or "balcony" in the brief's place or intent make the terrace.
The floor that the stage stands on is z = 0: the corner's pavement, the roadway between two fronts of the block-out
(city/fronts.py), or the terrace above its street.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from translight.core.errors import GenerationError
from translight.environment.noise import smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.brief.words import named
from translight.generation.procedural.blocking import clearance_m, masses
from translight.generation.procedural.city import fronts, streets
from translight.generation.procedural.city.buildings import (
    Plot,
    Site,
    building,
    far_buildings,
    inset,
    storeys_of,
    usual_styles,
)
from translight.generation.procedural.city.kit import Kit
from translight.generation.procedural.city.lots import heights_m, lots
from translight.generation.procedural.city.palette import Surface, materials
from translight.generation.procedural.city.terrace import terrace
from translight.generation.procedural.lamplight import balanced, balanced_materials
from translight.generation.procedural.scene import Lamps, Mesh, Scene, Sky
from translight.generation.procedural.shapes import merged, placed_once
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.turned import Turned

NEAR_M, FAR_M, GROUND_M = 260.0, 3400.0, 6000.0
"""Cars and lamps stand out to the first, buildings to the second, ground to the third."""
DETAIL_M = (60.0, 170.0)
"""Walls nearer than this have windows in relief: at previews, and at most."""
WIDEST_M = 300.0
"""The widest block-out, fronts aside: beyond it no avenue would be near."""
MOST_LAMPS = 220
_OUT_M = 1.6
"""How far awnings, signs and painted panes may stand over a building's plot."""
_ROOF_WORDS = ("roof", "rooftop", "roof-top", "terrace", "balcony", "balconies", "penthouse")
_LEVEL_DEG = (-18.0, -10.0, -6.0, -3.0, 0.0, 5.0)
_LEVEL_LOG10 = (-2.3, -2.1, -1.3, -0.75, -0.35, 0.0)
_GLOW = np.array([1.0, 0.70, 0.45])
_LAMP_LIGHT = np.array([1.0, 0.64, 0.32])
_SHOP_LIGHT = np.array([1.0, 0.82, 0.58])
_SIGNAL_LIGHT = np.array([1.0, 0.08, 0.05])
_HEAD_LIGHT = np.array([1.0, 0.82, 0.60])


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The city of a brief. ``height_px`` is the panorama's: walls within 60 to 170 m have windows in relief by it.

    Raises GenerationError for a block-out that is too wide.
    """
    rng = np.random.default_rng([seed, 0xC17])
    roof = bool(named(_ROOF_WORDS, f"{brief.place.where} {brief.intent}"))
    dark = float(smoothstep(8.0, -5.0, np.array(brief.light.sun_elevation_deg)))
    wet = brief.place.weather == "rain"
    bulbs = np.zeros((0, 3))
    share = 0.06 + 0.34 * dark
    turn_rad, drop_m = float(rng.uniform(-0.2, 0.2)), float(rng.uniform(34, 52))
    others, tall = (brief, ()) if roof else fronts.parted(brief)
    if tall:
        # The streets run along the largest of the fronts.
        turn = max(tall, key=lambda b: max(b.size_m[:2])).turn_deg
        turn_rad = float(np.radians((turn + 45.0) % 90.0 - 45.0))
    turned = Turned(turn_rad, -drop_m if roof else 0.0)
    held = [fronts.footprint(block, turned) for block in tall]
    kept = turned.kept_free(others, 1.2)
    if kept[2] - kept[0] > WIDEST_M:
        raise GenerationError(
            f"the block-out is {kept[2] - kept[0]:.0f} m wide: a city takes {WIDEST_M:g} m (blocking)"
        )
    road = None if roof else _avenue(held, turned.kept_free(others, 0.0))
    if road is not None:
        # The stage is the roadway itself, not its pavement.
        turned = Turned(turn_rad, streets.KERB_M)
    site = Site((0.0, 0.0), share, 0.25 + 0.6 * dark, float(np.clip(35 + 0.035 * height_px, *DETAIL_M)))
    kit = Kit()

    def free(points: np.ndarray, room_m: float) -> np.ndarray:
        if roof:
            return np.ones(len(points), bool)
        clear = np.asarray(clearance_m(brief, turned.stage(points)) > room_m + 0.3)
        return clear & (fronts.outside_m(points, held) > room_m)

    own, home = _home(kept, roof) if road is None else (kept, road)
    city = streets.plan(home, FAR_M, rng)
    meshes = [
        *streets.ground(city, 420.0, GROUND_M),
        *_buildings(_plots(city, own if road is None else None, home, held, rng), roof, drop_m, site, kit, rng),
    ]
    row = fronts.built(tall, turned.height_m, site, rng)
    heads = streets.street_lamps(city, NEAR_M, kit, free)
    zebra_m = kept[3] + 9.0 if road is not None else np.inf

    def drivable(points: np.ndarray, room_m: float) -> np.ndarray:
        # Cars in lanes wait behind the crossing: they would hide the street from the camera.
        x, y = points[:, 0] - home[0] + 0.5 * streets.AVENUE_M, points[:, 1]
        waits = (np.abs(x) < 6.5) & (y > kept[1] - 6.0) & (y < zebra_m) if road is not None else np.zeros(len(x), bool)
        return free(points, room_m) & ~waits & (np.abs(y - zebra_m) > room_m + 2.0)

    cars = streets.traffic(city, NEAR_M, kit, rng, drivable)
    if roof:
        made, bulbs = terrace(
            own, -turned.height_m, kit, rng, lambda p, r: clearance_m(brief, turned.stage(p)) > r + 0.3
        )
        meshes += made
    else:
        streets.corner(home, kit, free)
        if road is not None:
            meshes += streets.crossing(home[0] - streets.AVENUE_M / 2, zebra_m, kit, free)
    if wet:
        meshes.append(
            streets.puddles(45.0, 260, lambda p: np.where(_within(p, city.blocks), 0.0, -streets.KERB_M), rng)
        )
    lights = 0.16 * (1 - dark) + 0.5 * dark
    if dark > 0.2:
        meshes += streets.far_lights(city, NEAR_M, 1900.0, rng)
    everything = turned.copies([placed_once(replace(merged(meshes), smooth=False)), *kit.placed()]) + list(row.placed)
    block = masses(others, Surface.CONCRETE)
    if block is not None:
        everything.append(placed_once(replace(block, colour=np.full_like(block.colour, 0.4))))
    shops = np.concatenate([np.array(kit.shining).reshape(-1, 6), _in_place(row.shining, turned)])
    return Scene(
        sky=_lit_sky(brief, seed, height_px, dark),
        eye_m=np.array([0.0, 0.0, brief.lens.height_m]),
        materials=balanced_materials(brief, materials(wet, share, lights)),
        placed=tuple(everything),
        lamps=_lamps(brief, heads, cars, shops, kit.signals(), bulbs, turned, dark),
        air=air_for(brief),
        # Wet roads mirror more and scatter less: a camera opens up for them.
        exposure=1.0 + (2.7 if wet else 1.5) * dark,
    )


def _home(kept: Plot, roof: bool) -> tuple[Plot, Plot]:
    """The eye's own ground (a corner's pavement, or its building's roof), and the block that it is part of."""
    x0, y0, x1, y1 = kept
    if roof:
        own = (x0 - 3.0, y0 - 7.5, x1 + 4.0, y1 + 1.5)
        left, front = own[0] - streets.PAVEMENT_M, own[3] + streets.PAVEMENT_M
    else:
        own = (x0 - 1.5, y0 - 1.5, x1 + 2.0, y1 + 1.5)
        left, front = own[0], own[3]
    return own, (left, min(front - 88.0, own[1] - 26.0), max(left + 74.0, own[2] + 26.0), front)


def _avenue(held: list[Plot], kept: Plot) -> Plot | None:
    """The block right of the avenue whose two sides the fronts are; None where they leave no such avenue."""
    left = [p for p in held if p[2] <= kept[0] and p[1] < kept[3] + 40 and p[3] > kept[1]]
    right = [p for p in held if p[0] >= kept[2] and p[1] < kept[3] + 40 and p[3] > kept[1]]
    if not (left and right):
        return None
    a, b = max(p[2] for p in left), min(p[0] for p in right)
    kerb = 0.5 * (a + b) + 0.5 * streets.AVENUE_M
    inside = kerb - streets.AVENUE_M < kept[0] and kept[2] < kerb
    ahead = [p for p in held if p[0] < b and p[2] > a]
    if not inside or not streets.AVENUE_M + 2.0 <= b - a <= 60.0 or ahead:
        return None
    low, high = min(p[1] for p in left + right), max(p[3] for p in left + right)
    edge = streets.PAVEMENT_M
    return kerb, low - edge, max(kerb + 70.0, max(p[2] for p in right) + 24.0), high + edge


def _plots(city: streets.Plan, own: Plot | None, home: Plot, held: list[Plot], rng: np.random.Generator) -> np.ndarray:
    """Where buildings stand: around the eye's own ground, if it is part of a block, and clear of the fronts."""
    plots, edge = lots(city.blocks[1:], rng), streets.PAVEMENT_M
    mine = [home]
    if own is not None:
        right = (own[2] + 0.5, home[1] + edge, home[2] - edge, home[3] - edge)
        behind = (home[0] + edge, home[1] + edge, own[2], own[1] - 0.5)
        mine = [inset(p, -edge) for p in (right, behind)]
    return fronts.cut_back(np.concatenate([lots(np.array(mine), rng), plots]), held, _OUT_M)


def _in_place(shining: np.ndarray, turned: Turned) -> np.ndarray:
    """Places and axes (n 6) of the stage in the place's axes."""
    at, way = turned.place(shining[:, :2]), turned.place(shining[:, 3:5])
    return np.hstack([at, shining[:, 2:3] - turned.height_m, way, shining[:, 5:]])


def _buildings(
    plots: np.ndarray, roof: bool, terrace_m: float, site: Site, kit: Kit,
    rng: np.random.Generator,
) -> list[Mesh]:  # fmt: skip
    height = heights_m(plots, terrace_m if roof else None, rng)
    x, y = (np.maximum(np.maximum(plots[:, k], -plots[:, k + 2]), 0) for k in (0, 1))
    near = np.hypot(x, y) < site.detail_m
    made = []
    for plot, tall in zip(plots[near], height[near], strict=True):
        usual = usual_styles(tall)
        style = usual[int(rng.integers(len(usual)))]
        made += building(tuple(plot), style, storeys_of(style, tall), site, kit, rng)
    return made + far_buildings(plots[~near], height[~near], rng)


def _lamps(
    brief: Brief,
    heads: np.ndarray,
    cars: np.ndarray,
    shops: np.ndarray,
    signals: np.ndarray,
    bulbs: np.ndarray,
    turned: Turned,
    dark: float,
) -> Lamps | None:
    """Street lamps, moving cars' headlights, shops, signals and bulbs, the nearest of them, once it gets dark."""
    if dark < 0.2:
        return None
    ahead = np.column_stack([np.sin(cars[:, 3]), np.cos(cars[:, 3]), np.full(len(cars), -0.10)])
    down = np.array([[0.0, 0.0, -1.0]])
    groups = (
        (heads, down, 180.0 * _LAMP_LIGHT, np.cos(np.radians(98)), 0.12),
        (cars[:, :3], ahead / np.sqrt(1.01), 60.0 * _HEAD_LIGHT, np.cos(np.radians(16)), 0.08),
        (shops[:, :3], shops[:, 3:], 12.0 * _SHOP_LIGHT, np.cos(np.radians(70)), 0.05),
        (signals[:, :3], signals[:, 3:], 9.0 * _SIGNAL_LIGHT, np.cos(np.radians(75)), 0.1),
        (bulbs, down, 6.0 * _LAMP_LIGHT, -1.0, 0.04),
    )
    count = [len(place) for place, *_ in groups]
    position = np.concatenate([place for place, *_ in groups])
    axis = np.concatenate([np.broadcast_to(way, place.shape) for place, way, *_ in groups])
    intensity = dark * np.repeat(balanced(brief, np.array([light for *_, light, _, _ in groups])), count, axis=0)
    cone = np.repeat([c for *_, c, _ in groups], count)
    radius = np.repeat([r for *_, r in groups], count)
    order = np.argsort(np.linalg.norm(position[:, :2], axis=1), kind="stable")[:MOST_LAMPS]
    place = np.column_stack([turned.stage(position[order, :2]), position[order, 2] + turned.height_m])
    way = np.column_stack([turned.stage(axis[order, :2]), axis[order, 2]])
    return Lamps(place, radius[order], intensity[order], way, cone[order])


def _lit_sky(brief: Brief, seed: int, height_px: int, dark: float) -> Sky:
    """The brief's sky, at night as dark as a city's is beside its lamps, with their glow in the haze above it."""
    sky = sky_for(brief, seed, height_px)
    if dark == 0.0:
        return sky
    h = sky.radiance.shape[0]
    elevation = np.degrees((0.5 - (np.arange(h) + 0.5) / h) * np.pi)
    weight = np.maximum(np.sin(np.radians(elevation)), 0) * np.cos(np.radians(elevation))
    mean = float((sky.radiance.mean(axis=(1, 2)) * weight).sum() / weight.sum())
    level = 10.0 ** float(np.interp(brief.light.sun_elevation_deg, _LEVEL_DEG, _LEVEL_LOG10))
    scale = min(1.0, 0.4 * level / max(mean, 1e-9))
    cloud = {"overcast": 3.0, "fog": 3.0, "rain": 2.6, "snow": 3.0, "broken": 2.0, "scattered": 1.5}
    strength = dark * 0.006 * cloud.get(brief.place.weather, 1.0)
    glow = strength * (0.35 + 1.6 * np.exp(-np.abs(elevation) / 14.0))[:, None, None] * balanced(brief, _GLOW)
    radiance = (sky.radiance * scale + glow).astype(np.float32)
    moon = np.minimum(sky.sun_irradiance * scale, 0.05 + 10 * (1 - dark))
    return replace(sky, radiance=radiance, sun_irradiance=np.asarray(moon, np.float64))


def _within(points: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Which points (n 2) lie in one of the blocks near the origin."""
    near = blocks[(np.abs(blocks) < 200).any(axis=1)]
    x, y = points[:, :1], points[:, 1:]
    return np.asarray(((x > near[:, 0]) & (y > near[:, 1]) & (x < near[:, 2]) & (y < near[:, 3])).any(axis=1))
