"""Where the camera stands by the sea, for ocean.py: a beach, rocks or a pier, with the land behind and skerries before.

Seaward is stage +Y, turned a little by the seed; ``off`` is metres from the shoreline out to sea.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, UInt16

from translight.environment.noise import smoothstep
from translight.generation.brief.blockout import box, in_picture
from translight.generation.brief.brief import Brief
from translight.generation.brief.words import named
from translight.generation.procedural.families.ground import Patch, stage_share
from translight.generation.procedural.families.relief import Kind, relief

Shore = Literal["beach", "rocks", "pier"]
SAND, WET, ROCK, TURF, TIMBER = range(5)
"""Materials of build's scene."""
_SHALLOW_M = 140.0
"""From the shoreline out to where the bed lies too deep to be seen."""
_WORDS: dict[Shore, tuple[str, ...]] = {
    "pier": (
        "pier", "quay", "quayside", "jetty", "jetties", "breakwater", "dock", "dockside", "deck", "harbour", "harbor",
        "harbourside", "boardwalk",
    ),
    "beach": ("beach", "beachfront", "sand", "sandy", "sandbank", "strand", "lagoon"),
}  # fmt: skip


def shore_of(brief: Brief) -> Shore:
    """What the brief's words name first in the order pier, beach; rocks without a word."""
    words = f"{brief.place.where} {brief.intent}"
    return next((shore for shore, names in _WORDS.items() if named(names, words)), "rocks")


def free_box(brief: Brief) -> Float64[np.ndarray, "2 2"]:
    """Least and greatest x and y of the camera's reach and of those who stand on the stage."""
    half = np.array(brief.stage.reach_m[:2]) / 2
    corners = np.concatenate([(-half, half), *(box(b).foot_m() for b in brief.blocking if not in_picture(b))])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


@dataclass(frozen=True, slots=True, eq=False)
class Coast:
    """Heights about the stage's floor, which is at 0; the sea's level lies below it."""

    brief: Brief
    shore: Shore
    seed: int
    level_m: float
    seaward_rad: float
    shoreline_m: float
    """From the stage's origin to the mean shoreline."""

    def off(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Metres seaward of the shoreline, which wanders."""
        out = x * np.sin(self.seaward_rad) + y * np.cos(self.seaward_rad) - self.shoreline_m
        finest = max(footprint_m, 8.0 if self.shore != "rocks" else 0.5)
        bays = relief(x, y, self.seed + 1, wavelength_m=900.0, footprint_m=max(footprint_m, 50.0), octaves=4)
        coves = relief(x, y, self.seed + 2, wavelength_m=55.0, footprint_m=finest, octaves=6)
        away = np.hypot(x, y)
        rough = 14.0 if self.shore == "rocks" else 3.0
        return np.asarray(out + 420.0 * bays * smoothstep(60.0, 1500.0, away) + rough * coves * smoothstep(8, 60, away))

    def height(self, x: np.ndarray, y: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Sea bed, shore and land."""
        off = self.off(x, y, footprint_m)
        z = self._hinterland(x, y, off, footprint_m)
        z += self._rocky(x, y, off, footprint_m) if self.shore == "rocks" else self._sandy(x, y, off, footprint_m)
        z += self._islands(x, y, off, footprint_m)
        if self.shore == "pier":
            return np.asarray(z)
        share = stage_share(self.brief, x, y, 9.0 if self.shore == "beach" else 5.0)
        return np.asarray(z * (1.0 - share))

    def _hinterland(
        self, x: np.ndarray, y: np.ndarray, off: np.ndarray, footprint_m: float
    ) -> Float64[np.ndarray, "n"]:
        out = np.zeros(len(x))
        inland = off < -40.0
        hills = relief(
            x[inland], y[inland], self.seed + 3, wavelength_m=2400.0, footprint_m=footprint_m, octaves=12,
            kind=Kind.ERODED,
        )  # fmt: skip
        out[inland] = smoothstep(40.0, 1600.0, -off[inland]) * np.maximum(95.0 + 320.0 * hills, 4.0 + 40.0 * hills)
        return out

    def _sandy(self, x: np.ndarray, y: np.ndarray, off: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """A beach face of about 1 in 11 up to its berm, flat behind it, foredunes with marram farther back."""
        face = self.level_m - np.where(off < 0, off / 11.0, off / 22.0)
        over = smoothstep(-0.35, 0.35, face)
        beach = np.minimum(face, 0.0) * (1 - over) + over * np.minimum(face, 0.12)
        out = np.maximum(beach, self.level_m - 14.0)
        back, dry = off < -26.0, off < 2.0
        hummocks = relief(
            x[back], y[back], self.seed + 4, wavelength_m=32.0, footprint_m=footprint_m, octaves=12, gain=0.45
        )
        out[back] += smoothstep(26.0, 62.0, -off[back]) * np.maximum(3.2 + 7.0 * hummocks, 0.4)
        small = relief(x[dry], y[dry], self.seed + 5, wavelength_m=2.4, footprint_m=footprint_m, octaves=8)
        out[dry] += 0.035 * small * smoothstep(2.0, -6.0, off[dry])
        return np.asarray(out)

    def _rocky(self, x: np.ndarray, y: np.ndarray, off: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Worn ledges that step down into the sea; blocks and clefts along bedding."""
        base = np.where(off < 0, np.minimum(-0.03 * off, 1.8), np.maximum(-0.35 * off, -16.0)) + 0.55 * self.level_m
        shallow = off < _SHALLOW_M
        x, y, out = x[shallow], y[shallow], base
        base = base[shallow]
        knolls = relief(x, y, self.seed + 6, wavelength_m=34.0, footprint_m=footprint_m, octaves=5, gain=0.42)
        clefts = relief(
            0.45 * x + 0.3 * y, y - 0.5 * x, self.seed + 7, wavelength_m=6.5, footprint_m=footprint_m,
            octaves=14, gain=0.46, kind=Kind.RIDGED,
        )  # fmt: skip
        rough = base + 2.0 * knolls + 0.3 * clefts
        # bedding that dips a little: softened steps of 0.38 m
        dip = 0.05 * x - 0.03 * y
        tread = (rough + dip) / 0.38
        whole = np.floor(tread)
        stepped = 0.38 * (whole + smoothstep(0.55, 0.98, tread - whole)) - dip
        fine = relief(x, y, self.seed + 12, wavelength_m=0.9, footprint_m=footprint_m, octaves=8, gain=0.55)
        share = smoothstep(_SHALLOW_M, 0.5 * _SHALLOW_M, off[shallow])
        out[shallow] += share * (0.3 * rough + 0.7 * stepped + 0.06 * fine - base)
        return np.asarray(out)

    def _islands(self, x: np.ndarray, y: np.ndarray, off: np.ndarray, footprint_m: float) -> Float64[np.ndarray, "n"]:
        """Skerries off rocks, and far off, islands and headlands."""
        out = np.zeros(len(x))
        if self.shore == "rocks":
            near = (off > 45.0) & (off < 900.0)
            skerries = relief(
                x[near], y[near], self.seed + 8, wavelength_m=170.0, footprint_m=footprint_m, octaves=9, gain=0.5
            )
            shown = smoothstep(60.0, 140.0, off[near]) * smoothstep(900.0, 350.0, off[near])
            out[near] += shown * np.maximum(58.0 * skerries - 5.0, 0.0)
        far = off > 2200.0
        islands = relief(
            x[far], y[far], self.seed + 9, wavelength_m=5200.0, footprint_m=footprint_m, octaves=12, kind=Kind.ERODED
        )
        out[far] += smoothstep(2200.0, 5500.0, off[far]) * np.maximum(900.0 * islands - 150.0, 0.0)
        return out

    def painted(self, patch: Patch) -> tuple[Float32[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]:
        """Dry and wet sand or rock by height above the sea, weed and lichen lines, turf where it is level inland."""
        x, y, cell = patch.x_m, patch.y_m, patch.cell_m
        above = patch.z_m - self.level_m
        off = self.off(x, y, cell)
        steep = patch.steepness()
        ragged, broad = np.zeros(len(x)), np.zeros(len(x))
        seen = above > -6.0
        for noise, seed, wave_m in ((ragged, self.seed + 20, 7.0), (broad, self.seed + 21, 60.0)):
            noise[seen] = relief(x[seen], y[seen], seed, wavelength_m=wave_m, footprint_m=cell, octaves=9, gain=0.55)
        rocky = (off > 1500.0) | (steep > 0.9) if self.shore != "rocks" else np.ones(len(x), bool)
        wet = smoothstep(0.45, 0.15, above + 0.25 * ragged)
        dry_rock = np.array([0.25, 0.23, 0.21]) * (1.0 + 0.45 * broad + 0.3 * ragged)[:, None]
        lichen = smoothstep(0.05, 0.3, ragged + 0.4 * broad) * smoothstep(1.2, 2.2, above)
        dry_rock = _mixed(dry_rock, (0.36, 0.31, 0.17), 0.45 * lichen)
        weed = smoothstep(0.35, 0.0, above + 0.3 * ragged)
        rock = _mixed(_mixed(dry_rock, (0.07, 0.062, 0.055), 0.85 * wet), (0.045, 0.042, 0.018), 0.8 * weed)
        dry_sand = np.array([0.50, 0.41, 0.29]) * (1.0 + 0.12 * broad + 0.10 * ragged)[:, None]
        sand = _mixed(dry_sand, (0.20, 0.155, 0.105), wet)
        albedo = np.where(rocky[:, None], rock, sand)
        inland = smoothstep(18.0, 34.0, -off + 12.0 * ragged) if self.shore != "rocks" else smoothstep(1.8, 3.4, above)
        green = inland * smoothstep(0.85, 0.5, steep + 0.5 * ragged) * smoothstep(1.2, 2.4, above)
        green = np.maximum(green, smoothstep(3.0, 9.0, above) * (off > 1500.0) * smoothstep(0.9, 0.6, steep))
        turf = np.array([0.105, 0.115, 0.045]) * (1.0 + 0.5 * broad + 0.4 * ragged)[:, None]
        turf = _mixed(turf, (0.24, 0.20, 0.10), smoothstep(-0.1, 0.35, broad - 0.4 * ragged))
        albedo = _mixed(albedo, turf, green)
        material = np.where(rocky, ROCK, np.where(wet > 0.5, WET, SAND))
        material = np.where(rocky & (wet > 0.6), WET, material)
        return np.clip(albedo, 0.01, 0.95).astype(np.float32), np.where(green > 0.5, TURF, material).astype(np.uint16)


def _mixed(a: np.ndarray, b: object, share: np.ndarray) -> Float64[np.ndarray, "n 3"]:
    return np.asarray(a + share[:, None] * (np.asarray(b) - a))
