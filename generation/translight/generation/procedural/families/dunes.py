"""Family "dunes": a sea of sand shaped by the wind, with sharp crests, slip faces at the angle of repose, far ranges.

Trains of dunes are sawtooth waves across the wind with wandering phase: a windward slope up to the brink, then nothing;
repose.py lets the sand behind slide. Proportions after Lancaster, "Geomorphology of Desert Dunes" (1995): windward
slopes of 5 to 15 degrees, heights of a tenth of the spacing; ripples of about 10 cm after Bagnold (1941).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, Float64, UInt16

from translight.environment.noise import smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.brief.words import named
from translight.generation.procedural.blocking import masses
from translight.generation.procedural.families.ground import Patch, exposure, lay, stage_share
from translight.generation.procedural.families.relief import Kind, relief
from translight.generation.procedural.families.repose import FAR_M, SLOPE, slip_faces
from translight.generation.procedural.families.stones import scattered_stones
from translight.generation.procedural.families.surface import Surface
from translight.generation.procedural.scene import Material, Pattern, Scene
from translight.generation.procedural.shapes import placed_once
from translight.generation.procedural.skies import air_for, sky_for

RADIUS_M = 30_000.0
_HALVES_M = (8192.0, 2048.0, 512.0, 128.0)
"""Of the squares in which slip faces are found, the coarsest first."""
CORNERS = 1025
_SAND_ENDS_M = 7000.0
_STAGE_FADE_M = 38.0
_SAND, _SLIP, _ROCK, _MASS = range(4)
_PALE, _GOLD, _RED = (0.62, 0.50, 0.36), (0.52, 0.34, 0.19), (0.42, 0.20, 0.09)
"""Linear albedo of quartz sand with little, some and much iron oxide."""
_WHITE_WORDS = ("white", "gypsum", "pale")
_RED_WORDS = ("red", "reddish", "namib", "namibia", "namibian", "rust", "rusty", "mars", "martian")


@dataclass(frozen=True, slots=True)
class Train:
    """Dunes of one size: spacing and height in metres, the azimuth they move to, how far crests wander (waves)."""

    spacing_m: float
    height_m: float
    to_rad: float
    wander: float
    seed: int

    def height(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Sawtooth heights, from 0 at the foot of each windward slope."""
        along = x * np.sin(self.to_rad) + y * np.cos(self.to_rad)
        across = x * np.cos(self.to_rad) - y * np.sin(self.to_rad)
        finest = max(footprint_m, self.spacing_m / 7)
        # stretched across the wind: crests are several times longer than their spacing
        bend = relief(
            along, 0.7 * across, self.seed, wavelength_m=2.8 * self.spacing_m, footprint_m=finest, gain=0.45, octaves=4
        )
        size = relief(x, y, self.seed + 1, wavelength_m=1.9 * self.spacing_m, footprint_m=finest, octaves=2)
        phase = along / self.spacing_m + self.wander * bend
        share = phase - np.floor(phase)
        rise = 0.35 * share + 0.65 * share * share * (3.0 - 2.0 * share)
        return self.height_m * np.clip(0.75 + 1.3 * size, 0.1, 1.35) * rise


@dataclass(frozen=True, slots=True, eq=False)
class Sand:
    """A sea of dunes: height in metres at points, with the stage at 0 and its floor level."""

    brief: Brief
    trains: tuple[Train, Train, Train]
    shift_m: tuple[float, float]
    base_m: float
    seed: int
    faces: tuple[Surface, ...] = ()

    def laid(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Heights as the wind leaves them, with sheer edges behind the brinks and no regard to the stage."""
        px, py = x + self.shift_m[0], y + self.shift_m[1]
        large, middle, oblique = (train.height(px, py, footprint_m) for train in self.trains)
        field = relief(px, py, self.seed + 5, wavelength_m=900.0, footprint_m=max(footprint_m, 100.0), octaves=3)
        sand = large * (0.7 + 0.6 * field) + np.maximum(middle, 0.8 * oblique * smoothstep(-0.15, 0.25, field))
        sand += 0.5 * relief(px, py, self.seed + 6, wavelength_m=38.0, footprint_m=max(footprint_m, 3.0), octaves=3)
        return sand * (1.0 - smoothstep(0.75 * _SAND_ENDS_M, _SAND_ENDS_M, np.hypot(x, y)))

    def before_sliding(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """The same above the stage's floor, and level there."""
        free = 1.0 - stage_share(self.brief, x, y, _STAGE_FADE_M)
        return np.asarray((self.laid(x, y, footprint_m) - self.base_m) * free)

    def slipping(self, x: np.ndarray, y: np.ndarray) -> Float64[np.ndarray, "n"]:
        """Height of the slip faces, whether or not the sand reaches up to them."""
        out = np.full(len(x), FAR_M)
        outer = np.maximum(np.abs(x), np.abs(y))
        for surface in self.faces:
            near = outer < 0.98 * surface.half_m
            if near.any():
                # the spline lifts the bottom of a face by a third of a cell's rise: lowered, it meets its foot
                own = surface.at(x[near], y[near]) - 0.5 * SLOPE * surface.cell_m
                share = 1.0 - smoothstep(0.8 * surface.half_m, 0.97 * surface.half_m, outer[near])
                out[near] += share * (own - out[near])
        return out

    def height(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """What lies: sand, and ranges of rock beyond it."""
        gap = self.before_sliding(x, y, footprint_m) - (face := self.slipping(x, y))
        # the smaller of both, rounded over about a cell, so that brinks do not show the grid's teeth
        z = face + 0.5 * (gap - np.hypot(gap, 0.3 * footprint_m))
        small = 1.0 - stage_share(self.brief, x, y, 3.0)
        z += 0.02 * small * relief(x, y, self.seed + 7, wavelength_m=1.6, footprint_m=footprint_m, octaves=3)
        return z + self.ranges(x, y, footprint_m)

    def ranges(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Barren ranges beyond the sand, 0 within it."""
        away = np.hypot(x, y)
        out = np.zeros(len(x))
        far = away > _SAND_ENDS_M
        if far.any():
            fx, fy = x[far], y[far]
            where = relief(fx, fy, self.seed + 8, wavelength_m=17_000.0, footprint_m=500.0, octaves=2)
            rock = relief(
                fx, fy, self.seed + 9, wavelength_m=5200.0, footprint_m=footprint_m, octaves=9, kind=Kind.RIDGED
            )
            tall = smoothstep(-0.12, 0.4, where) * smoothstep(_SAND_ENDS_M, 15_000.0, away[far])
            out[far] = tall * np.maximum(560.0 + 620.0 * rock, 0.0)
        return out


def sand_sea(brief: Brief, seed: int, corners: int = CORNERS) -> Sand:
    """The dunes of a brief and a seed: laid by the wind, then slid on grids of so many corners a side."""
    rng = np.random.default_rng(seed)
    to = np.radians(brief.place.wind_from_deg + 180.0)
    large, middle = rng.uniform(420.0, 600.0), rng.uniform(85.0, 125.0)
    oblique = to + rng.uniform(0.5, 0.9) * rng.choice([-1.0, 1.0])
    trains = (
        Train(large, large / rng.uniform(7.0, 9.0), to + rng.normal(0, 0.12), rng.uniform(1.1, 1.6), seed + 11),
        Train(middle, middle / rng.uniform(8.0, 10.0), to + rng.normal(0, 0.1), rng.uniform(1.2, 1.7), seed + 23),
        Train(1.9 * middle, 1.9 * middle / 9.5, oblique, rng.uniform(1.0, 1.4), seed + 37),
    )
    shift, base = _viewpoint(partial(Sand, brief, trains, seed=seed), rng)
    sand = Sand(brief, trains, shift, base, seed)
    faces: list[Surface] = []
    for half in _HALVES_M:
        sheer = partial(sand.before_sliding, footprint_m=2 * half / (corners - 1))
        faces.append(slip_faces(sheer, half, corners, faces[-1] if faces else None))
    return Sand(brief, trains, shift, base, seed, tuple(faces))


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The scene of a brief; ``height_px``, the panorama's, decides the ground's detail."""
    sand = sand_sea(brief, seed, CORNERS)
    turn = np.pi / 2 - np.radians(brief.place.wind_from_deg)
    materials = (
        Material((1, 1, 1), (0.90, 0.88, 0.85), Pattern.RIPPLES, (0.11, 0.11, 0.11), 5, turn, 0.006, 1.0, 0.0),
        Material((1, 1, 1), (0.95, 0.94, 0.92), Pattern.FRACTAL, (0.4, 0.4, 0.4), 8, turn, 0.002, 1.0, 0.0),
        Material((1, 1, 1), (0.65, 0.62, 0.6), Pattern.RIDGES, (0.8, 0.8, 0.8), 7, 0.0, 0.03, 0.85),
        Material((0.46, 0.33, 0.22), (0.36, 0.25, 0.16), Pattern.FRACTAL, (0.7, 0.7, 0.3), 8, 0.0, 0.012, 0.9),
    )
    colour = sand_colour(brief, seed)
    land = lay(
        sand.height,
        partial(_painted, sand=sand, colour=colour),
        eye_height_m=brief.lens.height_m,
        height_px=height_px,
        radius_m=RADIUS_M,
    )
    stones = scattered_stones(brief, seed + 71, 60, sand.height, _ROCK, (0.33, 0.25, 0.18), reach_m=90.0)
    walls = masses(brief, _MASS)
    placed = stones if walls is None else (*stones, placed_once(walls))
    eye = np.array([0.0, 0.0, brief.lens.height_m])
    return Scene(
        sky_for(brief, seed, height_px), eye, materials, land, placed, air=air_for(brief), exposure=exposure(brief)
    )


def sand_colour(brief: Brief, seed: int) -> Float64[np.ndarray, "3"]:
    """Albedo of the fine sand: by the brief's words where they name a colour, else by the seed."""
    words = f"{brief.intent} {brief.place.where}"
    if named(_WHITE_WORDS, words):
        return np.array([0.72, 0.68, 0.60])
    if named(_RED_WORDS, words):
        return np.array(_RED)
    iron = np.random.default_rng(seed + 3).uniform(0.0, 0.75)
    return np.array(_PALE) + iron / 0.5 * (np.array(_GOLD) - _PALE) if iron < 0.5 else _between(_GOLD, _RED, iron - 0.5)


def _between(a: tuple[float, ...], b: tuple[float, ...], share: float) -> Float64[np.ndarray, "3"]:
    return np.array(a) + share * (np.array(b) - a)


def _viewpoint(place: partial[Sand], rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    """Where on the sand the stage stands, and its height there: smooth ground, high up a flank, with dunes ahead."""
    near = np.linspace(-45.0, 45.0, 31)
    ny, nx = (grid.ravel() for grid in np.meshgrid(near, near))
    turn, reach = (g.ravel() for g in np.meshgrid(np.linspace(-0.7, 0.7, 15), np.geomspace(60.0, 1500.0, 24)))
    best, found = np.inf, ((0.0, 0.0), 0.0)
    for _ in range(48):
        shift = (float(rng.uniform(-3000, 3000)), float(rng.uniform(-3000, 3000)))
        bare = place(shift_m=shift, base_m=0.0)
        ground = bare.laid(nx, ny, 2.0)
        base = float(np.median(ground))
        ahead = bare.laid(reach * np.sin(turn), reach * np.cos(turn), 4.0)
        rise = np.max(((ahead - base) / reach).reshape(24, 15), axis=0)
        cost = float(np.ptp(ground)) + 60.0 * float(np.abs(rise - 0.14).mean()) - 6.0 * float(rise.std() > 0.03)
        if cost < best:
            best, found = cost, (shift, base)
    return found


def _painted(
    patch: Patch, sand: Sand, colour: Float64[np.ndarray, "3"]
) -> tuple[Float32[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]:
    """Fine pale sand on crests and slip faces, coarse dark grains between, rock where ranges are steep."""
    x, y, steep = patch.x_m, patch.y_m, patch.steepness()
    slips = steep > 0.47  # no windward slope is that steep
    patchy = relief(x, y, sand.seed + 50, wavelength_m=60.0, footprint_m=patch.cell_m, octaves=9, gain=0.55)
    coarse = smoothstep(0.05, 0.45, patchy) * (1 - slips) * smoothstep(0.3, 0.1, steep)
    shade = 1.0 - 0.28 * coarse + 0.05 * slips
    albedo = colour[None] * shade[:, None]
    rock = smoothstep(8.0, 60.0, sand.ranges(x, y, patch.cell_m))
    bands = relief(0.05 * x, patch.z_m * 1.0, sand.seed + 51, wavelength_m=90.0, footprint_m=patch.cell_m, octaves=4)
    stone = np.array([0.22, 0.155, 0.11]) * (1.0 + 0.5 * bands)[:, None]
    albedo = albedo + (rock * smoothstep(0.2, 0.45, steep))[:, None] * (stone - albedo)
    material = np.where(rock > 0.5, _ROCK, np.where(slips, _SLIP, _SAND))
    return albedo.astype(np.float32), material.astype(np.uint16)
