"""The demo environment: a ruined colonnade in the desert at sunset, computed from a seed; no data file is read.

This module is the plan of what stands where. procedural_terrain, _stone, _rock and _plants make the shapes, surfels.py
cuts them into Gaussians, procedural_sky and _light give the light, and procedural_bake puts it into their colours.
"""

from __future__ import annotations

import itertools

import numpy as np

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Similarity
from translight.environment import procedural_terrain as terrain
from translight.environment.environment import Environment
from translight.environment.noise import smoothstep
from translight.environment.procedural_bake import baked
from translight.environment.procedural_plants import Strokes, grass, joined, palm_crown, palm_trunk
from translight.environment.procedural_rock import butte, rocks
from translight.environment.procedural_sky import make_sky
from translight.environment.procedural_stone import Arcade, block, column
from translight.environment.surfels import Surface, cut

MIN_SPLATS = 20_000
_FULL = 150_000
"""With fewer splats than this, plants get fewer leaves."""
_EYE = np.array([0.0, -3.0, 1.7])
"""Where haze and detail are right; after it, the corners of where the camera goes: what none sees is not drawn."""
_EYES = np.array([_EYE, *itertools.product((-4.0, 4.0), (-9.0, 1.0), (0.2, 4.0))])
_SUN_AZIMUTH_DEG, _SUN_ELEVATION_DEG = -27.0, 8.0
_EXPOSURE = 6.5
_BOUNCE = np.array([0.20, 0.135, 0.10])
"""What the land sends up to what stands on it."""

# positions are stage metres
_COLUMNS = (
    (-6.3, 11.0, 5.4, True),
    (-6.5, 15.6, 5.4, True),
    (-6.7, 20.2, 3.1, False),
    (-6.9, 24.8, 5.4, True),
    (-7.1, 29.4, 5.4, True),
    (-7.3, 34.0, 1.6, False),
    (-7.5, 38.6, 4.4, False),
)
"""x, y, height, whether whole."""
_BLOCKS = (
    ((-6.95, 10.4, 5.4), (1.2, 6.0, 0.7), -0.04),
    ((-7.55, 24.2, 5.4), (1.2, 6.0, 0.7), -0.04),
    ((-3.9, 12.4, -0.12), (1.25, 0.8, 0.62), 0.5),
    ((3.3, 15.0, -0.1), (0.9, 1.5, 0.55), -0.3),
)
"""Lower near left corner, size, heading: two lintels, two fallen stones."""
_BOULDERS = np.array(
    [
        (-4.4, 6.4, 0.10, 0.85),
        (-5.7, 7.6, 0.25, 1.25),
        (-3.4, 5.8, 0.02, 0.36),
        (4.7, 5.6, 0.08, 0.60),
        (4.0, 6.4, 0.00, 0.28),
        (-2.7, 8.9, 0.05, 0.42),
        (2.9, 10.4, 0.08, 0.55),
        (-9.5, 13.0, 0.40, 1.60),
        (1.2, 22.0, 0.10, 0.80),
        (-2.2, 30.0, 0.20, 1.20),
        (-1.2, 31.5, 0.10, 0.70),
    ]
)
"""x, y, z of the centre, radius."""
_PEBBLES = 140
_PALMS = (
    (-10.8, 17.5, 7.4),
    (-13.5, 27.0, 8.6),
    (-11.2, 31.0, 6.6),
    (-16.0, 33.0, 7.6),
    (2.6, 47.0, 8.2),
    (0.6, 55.0, 6.8),
    (4.2, 58.0, 9.0),
    (-20.0, 60.0, 8.0),
)
"""x, y, height of the trunk."""
_FRONDS = 26
_TUFTS, _BLADES = 190, 30
_BUTTES = (
    (-182.0, 186.0, 24.0, 40.0, 1.3),
    (-78.0, 268.0, 15.0, 22.0, 1.7),
    (-9.0, 292.0, 9.0, 27.0, 1.3),
    (34.0, 268.0, 15.0, 34.0, 1.5),
    (96.0, 262.0, 24.0, 38.0, 1.5),
    (185.0, 205.0, 30.0, 40.0, 1.3),
    (-245.0, 70.0, 30.0, 46.0, 1.2),
    (235.0, 80.0, 30.0, 48.0, 1.2),
)
"""x, y, radius, height, stretch along X."""


def demo_environment(seed: int = 1, splats: int = _FULL, sky_height_px: int = 512) -> Environment:
    """A ruined colonnade, placed on the stage: X right, Y into the picture, the ground at Z = 0, metres.

    The land begins 3 m beyond the stage's origin, behind the place of an LED wall, and ends 300 m away; nearer, the
    sky's lower half shows it going on. Made to be seen by cameras within a few metres of the origin that look towards
    +Y: what faces away from all of them is left out. ``splats`` is the exact count. The same arguments give the same
    environment. Raises ValueError when ``splats`` is fewer than MIN_SPLATS.
    """
    if splats < MIN_SPLATS:
        raise ValueError(f"the demo environment takes at least {MIN_SPLATS} splats, got {splats}")
    rng = np.random.default_rng(seed)
    sky = make_sky(
        sky_height_px,
        sun_azimuth_deg=_SUN_AZIMUTH_DEG,
        sun_elevation_deg=_SUN_ELEVATION_DEG,
        ground=_BOUNCE,
        exposure=_EXPOSURE,
        seed=seed,
    )
    fine = min(splats / _FULL, 1.0) ** 0.5
    trunks, crowns = _palms(fine, rng)
    plants = joined([*crowns, _tufts(fine, seed, rng)])
    surfaces = [terrain.land(seed, _land_weight), *_ruins(seed + 200), _stones(seed + 300, rng), *trunks]
    for i, (x, y, radius, height, stretch) in enumerate(_BUTTES):
        surfaces += butte((x, y), radius, height, stretch, seed + 400 + 10 * i)
    seen, unseen = cut(surfaces, _EYES, splats - len(plants), rng)
    cloud, picture = baked(seen, unseen, surfaces, plants, sky, _EYE, rng, seed)
    return Environment("Colonnade", cloud, Similarity(1.0, STAGE_FROM_RDF), picture, "srgb", 1.0)


def _land_weight(points: np.ndarray) -> np.ndarray:
    """Land is simpler than stone, and its sides are in few shots: both are cut coarser."""
    azimuth = np.abs(np.arctan2(points[:, 0], points[:, 1] - _EYE[1]))
    return 0.58 - 0.28 * smoothstep(0.6, 1.2, azimuth)


def _ruins(seed: int) -> list[Surface]:
    """The arcade on the right, the gate far in the middle, columns on the left."""
    arcade = Arcade((6.4, 7.0), 0.035, 17, 4.1, 1.45, 3.0, 6.2, 1.2, 1.5, seed, missing=(4, 5, 9))
    gate = Arcade((-13.0, 52.0), np.pi / 2 + 0.12, 1, 10.0, 2.6, 5.0, 10.2, 3.0, 1.9, seed + 10)
    surfaces = arcade.surfaces() + gate.surfaces()
    for i, (x, y, height, whole) in enumerate(_COLUMNS):
        surfaces += column((x, y), height, 0.46, seed + 20 + i, capital=whole)
    for i, (corner, size, heading) in enumerate(_BLOCKS):
        surfaces += block(corner, size, heading, seed + 30 + i)
    return surfaces


def _stones(seed: int, rng: np.random.Generator) -> Surface:
    """Boulders, and pebbles around them."""
    near = _BOULDERS[rng.integers(0, len(_BOULDERS), _PEBBLES)]
    spread = rng.normal(0, 1, (_PEBBLES, 2)) * (0.5 + near[:, 3:])
    radius = rng.uniform(0.03, 0.13, _PEBBLES)
    x, y = near[:, 0] + spread[:, 0], np.maximum(near[:, 1] + spread[:, 1], terrain.NEAREST_M + 0.3)
    every = np.concatenate([_BOULDERS, np.column_stack([x, y, 0.1 * radius, radius])])
    sizes = every[:, 3:] * np.array([1.15, 0.95, 0.8]) * rng.uniform(0.8, 1.2, (len(every), 3))
    return rocks(every[:, :3], sizes, seed)


def _palms(fine: float, rng: np.random.Generator) -> tuple[list[Surface], list[Strokes]]:
    """Trunks, and crowns of fewer leaves where they are far or splats are few."""
    trunks, crowns = [], []
    for x, y, height in _PALMS:
        top = np.array([x + rng.uniform(-1.3, 1.3), y + rng.uniform(-0.8, 0.8), height])
        trunks.append(palm_trunk((x, y), top, 0.17))
        leaflets = int(np.clip(900.0 / np.hypot(x, y), 12, 34) * fine)
        crowns.append(palm_crown(top, rng.uniform(2.7, 3.3), _FRONDS, leaflets, rng))
    return trunks, crowns


def _tufts(fine: float, seed: int, rng: np.random.Generator) -> Strokes:
    """Grass: most of it tall and around the boulders, the rest low and anywhere near."""
    count = int(_TUFTS * fine)
    foot = np.column_stack([rng.uniform(-9, 9, count), 3.6 + 18 * rng.uniform(0, 1, count) ** 1.3])
    tall = rng.uniform(0.10, 0.26, count)
    by = _BOULDERS[rng.integers(0, len(_BOULDERS), count)]
    gathered = rng.uniform(0, 1, count) < 0.75
    around = by[:, :2] + rng.normal(0, 0.5, (count, 2)) * (0.5 + by[:, 3:])
    foot = np.where(gathered[:, None], around, foot)
    tall = np.where(gathered, rng.uniform(0.16, 0.60, count), tall)
    kept = (foot[:, 1] > terrain.NEAREST_M + 0.3) & (np.abs(foot[:, 0]) < 6.0 + 0.3 * foot[:, 1])
    foot, tall = foot[kept], tall[kept]
    return grass(np.column_stack([foot, terrain.height(foot, seed)]), tall, _BLADES, rng)
