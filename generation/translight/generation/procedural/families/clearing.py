"""The plan of forest.py's clearing: where its edge and its track run, how the ground rises, what covers it.

All of it is a function of the brief and the seed at any point of the floor, so trees, plants and land agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt16

from translight.environment.noise import fractal, smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.brief.words import named
from translight.generation.procedural.blocking import clearance_m, needs_room
from translight.generation.procedural.families.ground import Patch, stage_share
from translight.generation.procedural.families.relief import relief
from translight.generation.procedural.vegetation.palette import Season, Stuff

TREE_FREE_M = 4.5
"""Around what blocking and reach keep free, no trunk stands nearer: the lowest limbs are shorter."""
PLANT_FREE_M = 0.75
"""Nor anything higher than turf."""
TRACK_HALF_M = 1.5
_SOIL, _LITTER = (0.055, 0.040, 0.028), (0.125, 0.078, 0.044)
_MOSS, _GRASS = (0.060, 0.082, 0.024), (0.078, 0.098, 0.032)
_TALL_M = 25.0
_GRAVEL = (0.16, 0.13, 0.10)
_CANOPY = (0.022, 0.036, 0.016)


@dataclass(frozen=True, slots=True)
class Plan:
    """One clearing. Azimuths are from stage +Y to the right, radians."""

    brief: Brief
    seed: int
    season: Season
    radius_m: float
    """Mean distance of the edge from the stage's origin."""
    track_rad: float
    """Where the track leaves."""
    depth_m: float
    """How far trees stand."""
    stage_m: float
    """From here on the ground owes nothing to the stage."""

    def edge_m(self, azimuth: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        """Distance of the clearing's edge from the origin; it bulges where the track leaves."""
        ring = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=-1)
        uneven = fractal(1.7 * ring + 11.3, self.seed + 1, 3).astype(np.float64)
        away = np.abs(np.mod(azimuth - self.track_rad + np.pi, 2 * np.pi) - np.pi)
        return self.radius_m * (1 + 0.5 * uneven + 0.35 * np.exp(-((away / 0.35) ** 2)))

    def depth_in_m(self, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
        """How far points lie within the wood; negative in the clearing."""
        return np.hypot(*xy.T) - self.edge_m(np.arctan2(xy[:, 0], xy[:, 1]))

    def off_track_m(self, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
        """Distance to the middle of the track, which winds away from the stage; far behind it."""
        s, c = np.sin(self.track_rad), np.cos(self.track_rad)
        along, across = xy @ (s, c), xy @ (c, -s)
        phase = self.seed % 17
        bend = 0.016 * along**2 / (1 + along / 70) * np.cos(phase) + 1.4 * np.sin(along / 17 + phase)
        settled = smoothstep(2.0, 14.0, along)
        return np.where(along > 2.0, np.abs(across - bend * settled), 1e3)

    def lets_sun_in(self, xy: Float64[np.ndarray, "n 2"], rng: np.random.Generator) -> Bool[np.ndarray, "n"]:
        """Where no tree stands, so that the sun reaches the stage: most places that would shade it."""
        light = self.brief.light
        turn, rise = np.radians(light.sun_azimuth_deg), np.radians(light.sun_elevation_deg)
        along, across = xy @ (np.sin(turn), np.cos(turn)), xy @ (np.cos(turn), -np.sin(turn))
        shades = (along > 0) & (along * np.tan(max(rise, 0.03)) < _TALL_M)
        lane = np.abs(across) < 5.0 + 0.10 * along + 3.0 * fractal(along[:, None] * (0.11, 0.0), self.seed + 10, 2)
        return shades & lane & (rise > 0) & (rng.random(len(xy)) < 0.8)

    def exposure(self) -> float:
        """Under trees little of the sky is seen; a camera there is opened by two stops and more."""
        open_sky = self.radius_m**2 / (self.radius_m**2 + (0.8 * _TALL_M) ** 2)
        return 3.6 / float(open_sky)

    def height_m(
        self, x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], footprint_m: float
    ) -> Float64[np.ndarray, "n"]:
        """Level under the stage, hummocks in the wood, rising away from the clearing: trees stand behind trees."""
        radius = np.hypot(x, y)
        out = np.zeros(len(x))
        # each part is computed only where and when it shows: an 8K panorama's land has 80 million corners
        if footprint_m < 3.0:
            near = radius < 1.5 * self.depth_m
            px, py, r = x[near], y[near], radius[near]
            away = smoothstep(0.6 * self.radius_m, 2.5 * self.radius_m, r)
            hummocks = relief(px, py, self.seed + 2, wavelength_m=7.0, footprint_m=footprint_m, octaves=4, gain=0.45)
            out[near] = (0.9 * away + 0.22) * hummocks * smoothstep(1.5 * self.depth_m, self.depth_m, r)
            if footprint_m < 0.5:
                out[near] -= 0.07 * away * self._ruts(np.stack([px, py], axis=-1))
        wide = radius > 0.6 * self.radius_m
        if wide.any():
            px, py, r = x[wide], y[wide], radius[wide]
            hills = relief(px, py, self.seed + 3, wavelength_m=160.0, footprint_m=footprint_m, octaves=3)
            hills *= 9.0 * smoothstep(15, 120, r) * smoothstep(0.6 * self.radius_m, 2.5 * self.radius_m, r)
            rise = 0.045 * np.maximum(r - self.radius_m, 0.0) * smoothstep(0, 60, r)
            beyond = smoothstep(150, 1500, r)
            if beyond.any():
                far = relief(px, py, self.seed + 4, wavelength_m=900.0, footprint_m=footprint_m, octaves=4)
                rise += 90 * beyond * (0.5 + far)
            out[wide] += hills + rise
        stage = radius < self.stage_m
        if stage.any():
            out[stage] *= 1 - stage_share(self.brief, x[stage], y[stage], 6.0)
        if footprint_m < 0.15:
            out += 0.022 * relief(x, y, self.seed + 5, wavelength_m=0.6, footprint_m=footprint_m, octaves=5)
        return out

    def paint(self, patch: Patch) -> tuple[Float32[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]:
        """Grass in the clearing's light, moss and litter under trees, soil on the track; snow over all in winter."""
        xy = np.stack([patch.x_m, patch.y_m], axis=-1)
        # beyond the last tree the ground stands for the crowns of a wood seen from afar
        far = smoothstep(0.75, 1.0, np.hypot(patch.x_m, patch.y_m) / self.depth_m)
        colour = np.broadcast_to(_CANOPY, (len(xy), 3)) * (1 + fractal(xy * 0.11, self.seed + 9, 3)[:, None])
        material = np.full(len(xy), np.uint16(Stuff.SOIL))
        near = far < 1
        own, material[near] = self._cover(xy[near])
        colour[near] = colour[near] * far[near, None] + own * (1 - far[near, None])
        if self.season == "winter":
            colour[~near] = 0.35 + colour[~near]
        return colour.astype(np.float32), material

    def _cover(self, xy: Float64[np.ndarray, "n 2"]) -> tuple[Float64[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]:
        """Of the ground near enough to be seen between trees."""
        fine = fractal(xy * 1.9, self.seed + 6, 4).astype(np.float64)
        broad = fractal(xy * 0.23, self.seed + 7, 3).astype(np.float64)
        grassy = self.grassy(xy)[:, None]
        mossy = smoothstep(-0.05, 0.3, broad + 0.5 * fine)[:, None]
        off = self.off_track_m(xy)
        track = smoothstep(TRACK_HALF_M, 0.8 * TRACK_HALF_M, off + 0.8 * fine)[:, None]
        wood = np.array(_LITTER) * (1 - mossy) + mossy * _MOSS
        soil = smoothstep(0.22, 0.42, fine - 0.3 * broad)[:, None]
        colour = wood * (1 - 0.75 * soil) + 0.75 * soil * _SOIL
        autumn = np.array((1.25, 0.95, 0.7)) if self.season == "autumn" else 1.0
        colour = colour * (1 - grassy) + grassy * (np.array(_GRASS) * autumn)
        strip = _rut(off)[:, None]
        worn = np.array(_GRAVEL) * 0.8 * strip + (1 - strip) * (0.5 * np.array(_GRASS) + 0.5 * np.array(_SOIL))
        colour = colour * (1 - track) + track * worn
        colour *= (1 + 0.5 * fine)[:, None]
        material = np.where(track[:, 0] > 0.5, np.uint16(Stuff.TRACK), np.uint16(Stuff.SOIL))
        if self.season == "winter":
            lies = smoothstep(-0.35, -0.1, fine + 0.4 * broad)[:, None]
            colour = colour * (1 - lies) + lies * (1 + 0.06 * broad[:, None])
            material = np.where(lies[:, 0] > 0.5, np.uint16(Stuff.SNOW), material)
        return colour, material

    def grassy(self, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
        """How much of the ground is grass: the clearing and its rim, in patches."""
        patchy = fractal(xy * 0.35, self.seed + 8, 3).astype(np.float64)
        return smoothstep(5.0, -4.0, self.depth_in_m(xy) + 7 * patchy) * smoothstep(-0.42, -0.12, patchy)

    def free_m(self, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
        """Distance to what must stay free: the camera's reach and blocking."""
        return clearance_m(self.brief, xy)

    def _ruts(self, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
        """1 in the two wheel tracks."""
        return _rut(self.off_track_m(xy))


def _rut(off_m: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    return np.exp(-(((off_m - 0.75) / 0.28) ** 2))


def plan(brief: Brief, seed: int) -> Plan:
    """The clearing of a brief: wide enough for its blocking and reach, with a track roughly ahead."""
    rng = np.random.default_rng((seed, 40))
    spread = [0.5 * max(brief.stage.reach_m[:2])]
    around = [b for b in brief.blocking if needs_room(b)]
    spread += [float(np.linalg.norm(b.position_m[:2])) + 0.5 * max(b.size_m[:2]) for b in around]
    radius = max(rng.uniform(14.0, 19.0), min(max(spread) + 4.0, 60.0))
    side = 1.0 if rng.random() < 0.5 else -1.0
    return Plan(
        brief,
        seed,
        _season(brief),
        radius,
        side * rng.uniform(np.radians(4), np.radians(24)),
        float(np.clip(2.2 * brief.stage.depth_m, 160.0, 420.0)),
        1.5 * max(spread) + 8.0,
    )


def _season(brief: Brief) -> Season:
    """Winter in snow; autumn where the words say so; else summer."""
    words = f"{brief.intent} {brief.place.where} {brief.light.time_of_day} {brief.style.words}"
    if brief.place.weather == "snow" or named(("winter", "wintry", "midwinter"), words):
        return "winter"
    return "autumn" if named(("autumn", "autumnal", "october", "november"), words) else "summer"
