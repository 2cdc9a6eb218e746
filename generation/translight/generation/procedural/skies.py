"""The sky of a brief, with its sun or moon: clear air, clouds, stars, as scene.py's Sky; air.py has the air before it.

Everything is computed with the sun's irradiance beyond the air as 1, balanced for the brief's white (white.py), and
exposed so that a white that faces the sun under this sky is 1 by day, and less at night, as a camera would have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.atmosphere import Atmosphere, extinction_per_m, henyey_greenstein, sun_transmittance
from translight.environment.noise import smoothstep, start_of
from translight.generation.brief.brief import Brief, Family
from translight.generation.procedural.air import air_for, atmosphere
from translight.generation.procedural.scene import Sky
from translight.generation.procedural.sky import paint_kernel
from translight.generation.procedural.sky.clouds import WEATHERS, Clouds, chosen, marched
from translight.generation.procedural.sky.scattering import AZIMUTHS, ELEVATIONS, EYE_M, scattered
from translight.generation.procedural.sky.stars import SUN_LUX, add_stars
from translight.generation.procedural.sky.white import LUMINANCE, SUN_K, balance, white

__all__ = ["air_for", "direction_of", "sky_for"]

MOON_LUX = 0.06
"""Of a moon past its first quarter, so that stars are seen beside it; a full one has 0.25."""
_MOON_K = 4150.0
_AIRGLOW = np.array([0.85, 1.0, 0.9]) * 1.5e-4 / SUN_LUX
"""Radiance overhead of the air's own light: 0.15 mcd/m²."""
STARS_BELOW_DEG = -2.5
LAND: dict[Family, tuple[float, float, float]] = {
    "dunes": (0.40, 0.29, 0.18),
    "ocean": (0.03, 0.05, 0.07),
    "forest": (0.06, 0.09, 0.04),
    "peaks": (0.50, 0.52, 0.56),
    "city": (0.13, 0.13, 0.13),
    "hall": (0.15, 0.15, 0.15),
    "space": (0.12, 0.11, 0.10),
}
"""Albedo of what lies beyond the built land."""
_NIGHT = ((-90.0, 0.20), (-10.0, 0.16), (-6.0, 0.17), (-3.0, 0.30), (0.0, 0.62), (3.0, 1.0), (90.0, 1.0))
"""Sun's elevation, and what a well-lit white is exposed to."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A light beyond the air: unit direction towards it, and irradiance there."""

    direction: Float64[np.ndarray, "3"]
    irradiance: Float64[np.ndarray, "3"]


@dataclass(frozen=True, slots=True, eq=False)
class Daylight:
    """A sky before it is balanced and exposed; the sun's irradiance beyond the air is 1 in luminance.

    ``radiance`` (h w 3), and the main source's direction and irradiance at the floor, behind the clouds.
    """

    radiance: Float32[np.ndarray, "h w 3"]
    source_direction: Float64[np.ndarray, "3"]
    source_irradiance: Float64[np.ndarray, "3"]


def sky_for(brief: Brief, seed: int, height_px: int) -> Sky:
    """The sky of 2·height by height texels, even height; of the sun, or of the moon opposite when that is brighter."""
    day = daylight(brief, seed, height_px)
    whole = irradiance(day.radiance) + day.source_irradiance
    elevation = brief.light.sun_elevation_deg
    level = float(np.interp(elevation, *np.array(_NIGHT).T)) * WEATHERS[brief.place.weather].level
    matrix = balance(brief.light.colour_temperature_k) * (level * np.pi / float(LUMINANCE @ whole))
    picture = day.radiance
    for first in range(0, height_px, 256):
        rows = picture[first : first + 256]
        rows[:] = np.maximum(rows @ matrix.T.astype(np.float32), 0.0)
    return Sky(picture, day.source_direction, np.maximum(matrix @ day.source_irradiance, 0.0))


def daylight(brief: Brief, seed: int, height_px: int) -> Daylight:
    """The sky in physical units."""
    if height_px < 2 or height_px % 2:
        raise ValueError(f"a sky's height is an even number of rows, got {height_px}")
    air = atmosphere(brief)
    clouds = chosen(brief.place.weather, seed)
    sources = sources_of(brief)
    key, direct = brightest(sources, EYE_M, air)
    canvas = Canvas(height_px)
    canvas.paint_clear(sources, air)
    if brief.light.sun_elevation_deg < STARS_BELOW_DEG and clouds.sheet is None and brief.place.weather != "fog":
        add_stars(canvas.upper, height_px, seed, np.exp(-np.array(air.haze_per_m) * air.haze_height_m))
    above = irradiance(canvas.picture) / np.pi
    horizontal = direct * max(key.direction[2], 0.0)
    under = np.array(LAND[brief.place.family or "dunes"]) * (horizontal / np.pi + above)
    sun = direct * clouds.sun
    lost = extinction_per_m(np.zeros(1), air)[0]
    if brief.place.weather == "fog":
        canvas.paint_fog(key, horizontal / np.pi + above)
        lost = np.full(3, air_for(brief).fog_per_m)
    elif clouds.sheet is not None:
        canvas.paint_sheet(clouds, seed, key, horizontal / np.pi + above, lost)
    else:
        canvas.paint_clouds(brief, clouds, seed, sources, air, above, under, lost)
    canvas.paint_below(under * (clouds.sheet.through if clouds.sheet else 1.0), lost)
    return Daylight(canvas.picture, key.direction, sun)


def direction_of(azimuth_deg: float, elevation_deg: float) -> Float64[np.ndarray, "3"]:
    """Unit, stage axes: azimuth from +Y to the right, elevation from the horizon up."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.cos(elevation)
    return np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)])


def irradiance(picture: Float32[np.ndarray, "h w 3"]) -> Float64[np.ndarray, "3"]:
    """What the upper half of a sky sends onto level ground."""
    height = picture.shape[0]
    elevation = (0.5 - (np.arange(height // 2) + 0.5) / height) * np.pi
    rows = picture[: height // 2].mean(axis=1, dtype=np.float64)
    return np.asarray((np.sin(elevation) * np.cos(elevation)) @ rows * (2 * np.pi * np.pi / height))


_STILL = np.zeros(2)


class Canvas:
    """A picture with the directions of its rows and columns; ``rows`` and ``columns`` name those of a part of it."""

    def __init__(self, height_px: int, rows: slice = slice(None), columns: np.ndarray | None = None) -> None:
        self.height_px = height_px
        self.elevation = ((0.5 - (np.arange(height_px) + 0.5) / height_px) * np.pi)[rows]
        azimuth = ((np.arange(2 * height_px) + 0.5) / (2 * height_px) - 0.5) * 2 * np.pi
        self.azimuth = azimuth if columns is None else azimuth[columns]
        self.picture = np.zeros((len(self.elevation), len(self.azimuth), 3), np.float32)
        over = int((self.elevation > 0).sum())
        self.upper = self.picture[:over]
        self.rise = np.stack([np.sin(self.elevation), np.cos(self.elevation)], axis=-1)
        self.turn = np.stack([np.sin(self.azimuth), np.cos(self.azimuth)], axis=-1)
        self.upper_rise = self.rise[:over]

    def paint_clear(self, sources: list[Source], air: Atmosphere) -> None:
        """Air that the sources light, and its own faint light."""
        row_at = np.sqrt(self.elevation[: len(self.upper)] / (0.5 * np.pi)) * (ELEVATIONS - 1)
        for source in sources:
            glow = scattered(float(source.direction[2]), air)
            own = np.arctan2(source.direction[0], source.direction[1])
            away = np.abs((self.azimuth - own + np.pi) % (2 * np.pi) - np.pi)
            tables = (glow.air.astype(np.float32), glow.haze.astype(np.float32), glow.again.astype(np.float32))
            column_at = away / np.pi * (AZIMUTHS - 1)
            paint_kernel.glow(
                self.upper, self.upper_rise, self.turn, row_at, column_at, *tables, source.direction, source.irradiance
            )
        # van Rhijn (1921): a layer 90 km up is seen through more of itself towards the horizon
        slant = 1 / np.sqrt(1 - (self.upper_rise[:, 1] / (1 + 90.0 / 6371.0)) ** 2)
        dimmed = np.clip(np.sin(self.elevation[: len(self.upper)]) * 3 + 0.4, 0, 1)
        self.upper += ((slant * dimmed)[:, None, None] * _AIRGLOW).astype(np.float32)

    def paint_clouds(
        self,
        brief: Brief,
        clouds: Clouds,
        seed: int,
        sources: list[Source],
        air: Atmosphere,
        above: Float64[np.ndarray, "3"],
        under: Float64[np.ndarray, "3"],
        lost: Float64[np.ndarray, "3"],
    ) -> None:
        """Cirrus, and heaps before it: the sun still lights what is high up when it has set on the floor."""
        self.paint_cirrus(brief, clouds, seed, sources, air, above, lost, _STILL)
        if clouds.heaps is None:
            return
        heaps = clouds.heaps
        key, direct = brightest(sources, heaps.base_m + 0.5 * heaps.thickness_m, air)
        layer = marched(
            heaps,
            seed,
            self.height_px // 2,
            clear_towards=key.direction if key.direction[2] > 0.03 else None,
            light=key.direction,
            direct=direct,
            above=above,
            under=under,
        )
        paint_kernel.heaps(self.upper, self.upper_rise, self.turn, layer, start_of(seed + 77), lost, air.haze_height_m)

    def paint_cirrus(
        self,
        brief: Brief,
        clouds: Clouds,
        seed: int,
        sources: list[Source],
        air: Atmosphere,
        above: Float64[np.ndarray, "3"],
        lost: Float64[np.ndarray, "3"],
        shift: Float64[np.ndarray, "2"],
    ) -> None:
        """Thin, high cloud; ``shift`` as paint_kernel.cirrus has it."""
        if clouds.cirrus <= 0:
            return
        wind = np.radians(brief.place.wind_from_deg)
        key, direct = brightest(sources, 9000.0, air)
        paint_kernel.cirrus(
            self.upper,
            self.upper_rise,
            self.turn,
            start_of(seed + 211),
            clouds.cirrus,
            np.array([np.sin(wind), np.cos(wind)]),
            key.direction,
            direct,
            above,
            lost * 0.12,
            shift,
        )

    def paint_sheet(
        self,
        clouds: Clouds,
        seed: int,
        key: Source,
        light: Float64[np.ndarray, "3"],
        lost: Float64[np.ndarray, "3"],
        shift: Float64[np.ndarray, "2"] | None = None,
    ) -> None:
        """A closed sky; ``shift`` as paint_kernel.sheet has it."""
        sheet = clouds.sheet
        assert sheet is not None
        under = light * sheet.through * np.array(sheet.tint)
        # drops take no colour away, but what is scattered between cloud and land many times turns neutral
        under = 0.35 * under + 0.65 * (LUMINANCE @ under) * np.array([0.97, 1.0, 1.04])
        paint_kernel.sheet(
            self.upper,
            self.upper_rise,
            self.turn,
            start_of(seed + 97),
            sheet.base_m,
            sheet.depth,
            sheet.swing,
            sheet.size_m,
            sheet.relief,
            key.direction,
            under,
            under * 0.62,
            lost,
            _STILL if shift is None else shift,
        )

    def paint_below(self, land: Float64[np.ndarray, "3"], lost: Float64[np.ndarray, "3"]) -> None:
        """What lies under the horizon: haze as bright as the horizon's, without the sun's glare, and land."""
        first = self.height_px // 2
        horizon = self.picture[first - 1].copy()
        dull = np.minimum(horizon, 1.5 * np.median(horizon, axis=0))
        paint_kernel.below(self.picture, self.rise, first, horizon, _around(dull, 0.4), land, lost)

    def paint_fog(self, key: Source, light: Float64[np.ndarray, "3"]) -> None:
        """Nothing but fog: brighter overhead, where it is thinner, and around the sun."""
        grey = 0.5 * light + 0.5 * (LUMINANCE @ light)
        sine = self.upper_rise[:, :1]
        cosine = self.upper_rise[:, 1:] * (self.turn @ key.direction[:2]) + sine * key.direction[2]
        halo = 0.75 * henyey_greenstein(cosine, 0.55) + 0.25 * henyey_greenstein(cosine, 0.86)
        shade = (0.62 + 0.38 * smoothstep(-0.05, 0.9, sine)) * (0.8 + 2.2 * halo * max(key.direction[2], 0.05) ** 0.3)
        self.upper[:] = (shade[..., None] * (0.6 * grey)).astype(np.float32)


def _around(horizon: Float32[np.ndarray, "w 3"], width_rad: float) -> Float32[np.ndarray, "w 3"]:
    """A row smoothed around by a Gaussian of this standard deviation."""
    turns = np.fft.rfftfreq(len(horizon), 1 / len(horizon))
    kept = np.exp(-0.5 * (turns * width_rad) ** 2)[:, None]
    return np.fft.irfft(np.fft.rfft(horizon, axis=0) * kept, len(horizon), axis=0).astype(np.float32)


def sources_of(brief: Brief) -> list[Source]:
    """The sun, and the moon opposite when the sun is down."""
    sun = direction_of(brief.light.sun_azimuth_deg, brief.light.sun_elevation_deg)
    sources = [Source(sun, white(SUN_K))]
    if brief.light.sun_elevation_deg < 0:
        sources.append(Source(-sun, white(_MOON_K) * MOON_LUX / SUN_LUX))
    return sources


def brightest(sources: list[Source], altitude_m: float, air: Atmosphere) -> tuple[Source, Float64[np.ndarray, "3"]]:
    """The source that sheds most light at an altitude, and its irradiance there."""
    lights = [
        source.irradiance * sun_transmittance(np.array([altitude_m]), source.direction[2:], air, steps=40)[0]
        for source in sources
    ]
    best = int(np.argmax([LUMINANCE @ light for light in lights]))
    return sources[best], lights[best]
