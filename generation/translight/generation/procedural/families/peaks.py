"""Family "peaks": a snowfield below summits of 2.3 to 3.0 km, carved by erosion.py, with snow where it would lie.

Snow lies by slope, wind and height: it slides off what is steeper than about 45 degrees (McClung and Schaerer, "The
Avalanche Handbook", 3rd ed., 2006), is blown from windward slopes and gathers in the lee. The foreground has sastrugi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, Float64, UInt16

from translight.environment.noise import smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import masses
from translight.generation.procedural.families.erosion import carved
from translight.generation.procedural.families.ground import Patch, exposure, lay, stage_share
from translight.generation.procedural.families.relief import Kind, relief
from translight.generation.procedural.families.stones import scattered_stones
from translight.generation.procedural.families.surface import Surface
from translight.generation.procedural.scene import Material, Pattern, Scene
from translight.generation.procedural.shapes import placed_once
from translight.generation.procedural.skies import air_for, sky_for

RADIUS_M = 32_000.0
CORNERS = 1024
_UPLIFT_M_PER_YEAR = 5e-4
_FIELD_M, _SLOPES_M = 260.0, 2000.0
"""The snowfield reaches to the first; at the second the mountains are as they were carved."""
_TALLEST_M = 2300.0, 3000.0
SNOW, CRUST, ROCK, SCREE, MASS = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Massif:
    """Mountains about the stage, whose floor is at 0."""

    brief: Brief
    seed: int
    carved: Surface
    """Height above the stage."""
    rough: Surface
    """How much rock shows its own relief: 0 on gentle ground, 1 on walls."""

    def height(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Snow and rock."""
        away = np.hypot(x, y)
        wild = smoothstep(_FIELD_M, _SLOPES_M, away)
        z = np.zeros(len(x))
        far = away > _FIELD_M
        if far.any():
            fx, fy = x[far], y[far]
            rough = self.rough.at(fx, fy)
            arete = self.aretes(fx, fy, footprint_m)
            soft = relief(fx, fy, self.seed + 2, wavelength_m=160.0, footprint_m=footprint_m, octaves=5, gain=0.4)
            z[far] = wild[far] * (self.carved.at(fx, fy) + rough * 34.0 * arete + (1.0 - rough) * 7.0 * soft)
        near = away < _SLOPES_M
        if near.any():
            nx, ny = x[near], y[near]
            swell = relief(nx, ny, self.seed + 3, wavelength_m=210.0, footprint_m=footprint_m, octaves=3, gain=0.4)
            level = 1.0 - stage_share(self.brief, nx, ny, 30.0)
            drifts = relief(nx, ny, self.seed + 4, wavelength_m=17.0, footprint_m=footprint_m, octaves=3, gain=0.4)
            z[near] += (1.0 - wild[near]) * level * (9.0 * swell + 0.7 * drifts)
            free = 0.12 + 0.88 * (1.0 - stage_share(self.brief, nx, ny, 3.5))
            z[near] += free * smoothstep(900.0, 300.0, away[near]) * self.sastrugi(nx, ny, footprint_m)
        return z

    def aretes(self, x: np.ndarray, y: np.ndarray, footprint_m: float, octaves: int = 14) -> Float64[np.ndarray, "n"]:
        """Relief of walls: ribs and couloirs, ribs up, within about ±1."""
        return relief(
            x, y, self.seed + 1, wavelength_m=300.0, footprint_m=footprint_m, octaves=octaves, gain=0.5,
            kind=Kind.RIDGED,
        )  # fmt: skip

    def sastrugi(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Ridges that the wind cuts along itself, undercut at its end, in patches; about 0.2 m at most."""
        wind = np.radians(self.brief.place.wind_from_deg)
        along = x * np.sin(wind) + y * np.cos(wind)
        across = x * np.cos(wind) - y * np.sin(wind)
        cut = relief(
            0.28 * along, across, self.seed + 5, wavelength_m=1.9, footprint_m=footprint_m, octaves=10, gain=0.5,
            kind=Kind.RIDGED,
        )  # fmt: skip
        patches = relief(0.5 * along, across, self.seed + 6, wavelength_m=13.0, footprint_m=footprint_m, octaves=3)
        return np.asarray((0.25 + 0.75 * smoothstep(-0.2, 0.3, patches)) * 0.075 * cut)


def massif(brief: Brief, seed: int, corners: int = CORNERS) -> Massif:
    """Mountains of a seed: uplifted around a basin with two gaps, carved, and scaled to the height they should be."""
    surface = carved(partial(_uplift, seed=seed), RADIUS_M, corners, seed)
    rng = np.random.default_rng(seed + 7)
    axis = surface.axis()
    away = np.hypot(axis[:, None], axis[None, :])
    # the basin's floor is the stage's; what towers within 15 km gets its true size
    floor = float(np.median(surface.height_m[away < max(600.0, 1.5 * surface.cell_m)]))
    tall = float(np.quantile(surface.height_m[away < 15_000.0], 0.999)) - floor
    height = (surface.height_m - floor) * (rng.uniform(*_TALLEST_M) / max(tall, 1.0))
    across, along = np.gradient(height, surface.cell_m)
    rough = smoothstep(0.35, 0.95, np.hypot(across, along)).astype(np.float32)
    return Massif(brief, seed, Surface(height.astype(np.float32), RADIUS_M), Surface(rough, RADIUS_M))


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The scene of a brief; ``height_px``, the panorama's, decides the ground's detail."""
    mountains = massif(brief, seed, CORNERS)
    turn = np.pi / 2 - np.radians(brief.place.wind_from_deg)
    materials = (
        Material((1, 1, 1), (0.97, 0.98, 0.99), Pattern.FRACTAL, (0.3, 0.3, 0.3), 8, turn, 0.004, 0.9, 0.004),
        Material((1, 1, 1), (0.93, 0.95, 0.97), Pattern.FRACTAL, (0.5, 0.12, 0.12), 8, turn, 0.012, 0.75, 0.008),
        Material((1, 1, 1), (0.62, 0.6, 0.6), Pattern.RIDGES, (2.5, 2.5, 1.2), 9, turn, 0.12, 0.85),
        Material((1, 1, 1), (0.6, 0.6, 0.6), Pattern.CELLS, (0.5, 0.5, 0.5), 5, 0.0, 0.12, 0.9),
        Material((0.3, 0.28, 0.27), (0.2, 0.19, 0.18), Pattern.RIDGES, (0.6, 0.6, 0.3), 8, 0.0, 0.03, 0.85),
    )
    land = lay(
        mountains.height,
        partial(painted, mountains=mountains),
        eye_height_m=brief.lens.height_m,
        height_px=height_px,
        radius_m=RADIUS_M,
    )
    stones = scattered_stones(
        brief, seed + 70, 110, mountains.height, ROCK, (0.17, 0.16, 0.155), from_m=4.0, reach_m=160.0, largest_m=1.1
    )
    walls = masses(brief, MASS)
    placed = stones if walls is None else (*stones, placed_once(walls))
    eye = np.array([0.0, 0.0, brief.lens.height_m])
    return Scene(
        sky_for(brief, seed, height_px), eye, materials, land, placed, air=air_for(brief), exposure=exposure(brief)
    )


def snow_limit(patch: Patch, brief: Brief) -> Float64[np.ndarray, "n"]:
    """Slope (rise over run) above which snow slides: about 1, less to windward, more in the lee and while it snows.

    A coarse cell's slope is less than that of the walls within it, so its limit is lower.
    """
    wind = np.radians(brief.place.wind_from_deg)
    steep = np.maximum(patch.steepness(), 1e-6)
    # downhill against the wind: windward
    windward = -(patch.slope_x * np.sin(wind) + patch.slope_y * np.cos(wind)) / steep
    strength = 7.0 * smoothstep(1.0, 15.0, np.array(brief.place.wind_m_s))
    coarse = 8.0 * smoothstep(1.0, 5.0, np.array(np.log2(max(patch.cell_m, 1e-3))))
    falling = 5.0 if brief.place.weather == "snow" else 0.0
    return np.asarray(np.tan(np.radians(48.0 - strength * windward - coarse + falling)))


def painted(patch: Patch, mountains: Massif) -> tuple[Float32[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]:
    """Snow, crust near the stage, banded rock on what is too steep for snow, scree at the feet of walls."""
    x, y, z, cell, seed = patch.x_m, patch.y_m, patch.z_m, patch.cell_m, mountains.seed
    steep, away = patch.steepness(), np.hypot(x, y)
    ragged = relief(x, y, seed + 30, wavelength_m=140.0, footprint_m=cell, octaves=12, gain=0.6)
    # ribs are blown bare, couloirs are filled
    ribs = mountains.aretes(x, y, cell, octaves=6)
    limit = snow_limit(patch, mountains.brief) * (1.0 + 0.3 * ragged - 0.3 * ribs * (away > _FIELD_M))
    bare = smoothstep(0.92, 1.08, steep / limit)
    # beds of rock dip a little and are bent
    bed = z + 0.12 * x - 0.07 * y + 60.0 * relief(
        x, y, seed + 31, wavelength_m=1500.0, footprint_m=max(cell, 40.0), octaves=3
    )  # fmt: skip
    bands = relief(bed, np.zeros(len(x)), seed + 32, wavelength_m=70.0, footprint_m=max(cell, 0.4), octaves=7, gain=0.6)
    tone = (1.0 + 0.6 * bands + 0.4 * ragged)[:, None]
    rock = np.array([0.135, 0.130, 0.128]) * tone
    rock += smoothstep(0.1, 0.4, bands)[:, None] * np.array([0.035, 0.022, 0.010])
    scree = (steep > 0.55) & (steep < 0.8) & (ragged > 0.12) & (mountains.rough.at(x, y) > 0.35)
    rock = np.where(scree[:, None], 0.85 * rock + 0.02, rock)
    drift = relief(x, y, seed + 33, wavelength_m=9.0, footprint_m=cell, octaves=8)
    snow = np.array([0.86, 0.875, 0.90]) * (1.0 + 0.03 * drift)[:, None]
    # a little rock shows through thin snow
    bare = np.maximum(bare, 0.8 * scree)
    albedo = snow + bare[:, None] * (rock - snow)
    material = np.where(bare > 0.5, np.where(scree, SCREE, ROCK), np.where(away < 900.0, CRUST, SNOW))
    return np.clip(albedo, 0.02, 0.93).astype(np.float32), material.astype(np.uint16)


def _uplift(x: np.ndarray, y: np.ndarray, seed: int) -> Float64[np.ndarray, "n"]:
    """Metres a year: a ring of ranges about a basin, with gaps through which the far ones are seen."""
    rng = np.random.default_rng(seed)
    away, azimuth = np.hypot(x, y), np.arctan2(x, y)
    warp = 2600.0 * relief(x, y, seed + 20, wavelength_m=14_000.0, footprint_m=800.0, octaves=3)
    ring = smoothstep(1000.0, 4600.0, away + warp) * (1.0 - 0.72 * smoothstep(9000.0, 17_000.0, away + 2 * warp))
    ranges = relief(x, y, seed + 21, wavelength_m=9000.0, footprint_m=600.0, octaves=5, gain=0.55, kind=Kind.RIDGED)
    gaps = np.ones(len(x))
    for centre in (rng.uniform(-0.5, 0.5), rng.uniform(1.6, 4.6)):
        off = np.angle(np.exp(1j * (azimuth - centre)))
        width = rng.uniform(0.16, 0.3)
        gaps *= 1.0 - 0.9 * np.exp(-((off / width) ** 2)) * smoothstep(14_000.0, 9000.0, away)
    return np.asarray(_UPLIFT_M_PER_YEAR * (0.03 + ring * gaps * np.maximum(0.5 + 0.75 * ranges, 0.05)))
