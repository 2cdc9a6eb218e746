"""Family "ocean": a sea from measured spectra before a beach, rocks or a pier; coast.py is the shore, waves.py the sea.

The sea is level to the horizon: at a camera's 2 m the true horizon lies 0.04 degrees lower than drawn, one pixel of 8K.
"""

from __future__ import annotations

import numpy as np

from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import masses
from translight.generation.procedural.families.coast import ROCK, TIMBER, Coast, free_box, shore_of
from translight.generation.procedural.families.ground import exposure, lay
from translight.generation.procedural.families.stones import scattered_stones
from translight.generation.procedural.families.waves import Swell, sampled, variance_m2, whitecap_share
from translight.generation.procedural.scene import Material, Mesh, Pattern, Scene, Water
from translight.generation.procedural.shapes import boxes, cylinder, merged, moved, placed_once
from translight.generation.procedural.skies import air_for, sky_for

RADIUS_M = 16_000.0
FETCH_M = 60_000.0
"""Over which the wind has blown: a coastal sea."""
_DISPLACED_M = 1.2
_PLANK_M, _PLANK_GAP_M = 0.16, 0.008


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The scene of a brief; ``height_px``, the panorama's, decides the ground's detail."""
    coast, water = sea_and_coast(brief, seed)
    materials = (
        Material((1, 1, 1), (0.9, 0.88, 0.86), Pattern.FRACTAL, (0.05, 0.05, 0.05), 4, 0.0, 0.002, 0.95, 0.0),
        Material((1, 1, 1), (0.85, 0.85, 0.85), Pattern.FRACTAL, (0.4, 0.4, 0.4), 6, 0.0, 0.002, 0.5, 0.02),
        Material((1, 1, 1), (0.72, 0.7, 0.68), Pattern.RIDGES, (0.35, 0.35, 0.2), 7, 0.0, 0.02, 0.8),
        Material((1, 1, 1), (0.6, 0.65, 0.5), Pattern.FRACTAL, (0.12, 0.12, 0.12), 5, 0.0, 0.03, 1.0, 0.0),
        Material((0.30, 0.27, 0.235), (0.2, 0.175, 0.15), Pattern.PLANKS, (3.0, 0.16, 0.16), 6, 0.0, 0.002, 0.75),
    )
    land = lay(coast.height, coast.painted, eye_height_m=brief.lens.height_m, height_px=height_px, radius_m=RADIUS_M)
    placed = []
    if coast.shore == "pier":
        placed.append(placed_once(pier(brief, coast.level_m)))
    else:
        placed += scattered_stones(
            brief, seed + 90, 420 if coast.shore == "rocks" else 120, coast.height, ROCK, (0.2, 0.18, 0.165),
            from_m=3.0, reach_m=80.0, largest_m=0.7, above_m=coast.level_m - 1.0,
        )  # fmt: skip
    walls = masses(brief, TIMBER if coast.shore == "pier" else ROCK)
    if walls is not None:
        tint = np.ones(3) if coast.shore == "pier" else np.array([0.3, 0.28, 0.26])
        placed.append(placed_once(Mesh(walls.vertices, walls.triangles, (walls.colour * tint).astype(np.float32),
                                       walls.material)))  # fmt: skip
    eye = np.array([0.0, 0.0, brief.lens.height_m])
    return Scene(
        sky_for(brief, seed, height_px),
        eye,
        materials,
        land,
        tuple(placed),
        water,
        air=air_for(brief),
        exposure=exposure(brief),
    )


def sea_and_coast(brief: Brief, seed: int) -> tuple[Coast, Water]:
    """The shore that the words ask for and the sea before it, low enough that its crests stay below the stage."""
    rng = np.random.default_rng(seed)
    wind, from_rad = brief.place.wind_m_s, float(np.radians(brief.place.wind_from_deg))
    shore = shore_of(brief)
    swell = Swell(rng.uniform(0.25, 0.6) + 0.03 * wind, rng.uniform(7.0, 11.0), rng.uniform(-0.6, 0.6))
    waves = sampled(wind, from_rad, seed + 1, fetch_m=FETCH_M, swell=swell)
    significant_m = 4.0 * float(np.sqrt(variance_m2(max(wind, 0.7), FETCH_M) + (swell.height_m / 4) ** 2))
    free = {"beach": 0.35, "rocks": 0.6, "pier": 1.2}[shore]
    level = -(free + 0.8 * significant_m)
    ahead = float(free_box(brief)[1, 1])
    shoreline = {"beach": ahead + 4.0 - 11.0 * level, "rocks": ahead + 7.0, "pier": -28.0}[shore]
    coast = Coast(brief, shore, seed + 10, level, rng.uniform(-0.3, 0.3), shoreline)
    return coast, Water(level, waves, _DISPLACED_M, (0.012, 0.045, 0.055), (2.2, 7.0, 9.0), foam=whitecap_share(wind))


def pier(brief: Brief, level_m: float) -> Mesh:
    """A boardwalk of worn planks at z = 0 under all who stand on the stage, on posts, from the land out to sea."""
    low, high = free_box(brief) + np.array([[-1.2, -45.0], [1.2, 3.5]])
    rng = np.random.default_rng(17)
    y = (np.arange(np.floor(low[1] / _PLANK_M), np.ceil(high[1] / _PLANK_M)) + 0.5) * _PLANK_M
    width, middle = high[0] - low[0], 0.5 * (low[0] + high[0])
    n = len(y)
    size = np.column_stack([width + rng.uniform(-0.02, 0.03, n), np.full(n, _PLANK_M - _PLANK_GAP_M), np.full(n, 0.05)])
    foot = np.column_stack([middle + rng.uniform(-0.01, 0.01, n), y, -0.05 - rng.uniform(0, 0.003, n)])
    shade = rng.uniform(0.75, 1.12, (n, 1)) * rng.uniform(0.97, 1.03, (n, 3))
    deck = boxes(size, foot, TIMBER, shade)
    beams = boxes(
        [(0.2, high[1] - low[1], 0.28)] * 2,
        [(low[0] + 0.4, 0.5 * (low[1] + high[1]), -0.335), (high[0] - 0.4, 0.5 * (low[1] + high[1]), -0.335)],
        TIMBER,
        (0.7, 0.7, 0.7),
    )
    post = cylinder(0.14, 7.0 - level_m, TIMBER, sides=16, foot_m=(0, 0, level_m - 7.05), colour=(0.55, 0.55, 0.5))
    posts = [
        moved(post, (x, at, 0)) for at in np.arange(high[1] - 0.5, low[1], -4.0) for x in (low[0] + 0.4, high[0] - 0.4)
    ]
    return merged([deck, beams, *posts])
