"""A part of a brief's sky whose clouds drift with the wind, as skies.py draws it; plates/clouds.py makes it loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64, Int64

from translight.core.errors import GenerationError
from translight.environment.atmosphere import extinction_per_m
from translight.environment.noise import start_of
from translight.generation.brief.brief import Brief
from translight.generation.procedural.air import atmosphere
from translight.generation.procedural.skies import LAND, STARS_BELOW_DEG, Canvas, brightest, irradiance, sources_of
from translight.generation.procedural.sky import paint_kernel
from translight.generation.procedural.sky.cloud_kernel import march
from translight.generation.procedural.sky.clouds import chosen, plan_of
from translight.generation.procedural.sky.scattering import EYE_M
from translight.generation.procedural.sky.white import balance

LOW_WIND, HIGH_WIND = 1.6, 2.5
"""Wind at cumulus' and at cirrus' height over that at 10 m; their least, in m/s, follow."""
_LEAST_LOW_M_S, _LEAST_HIGH_M_S = 5.0, 12.0
_COARSE_PX = 256
"""Height of the sky that the clouds are lit by: it has no detail."""


def drifting_sky(
    brief: Brief, seed: int, height_px: int, rows: slice, columns: Int64[np.ndarray, "w"]
) -> Callable[[float], Float32[np.ndarray, "h w 3"]]:
    """The radiance of rows, all above the horizon, and columns of a sky ``height_px`` high, by the time in seconds.

    Balanced for the brief's white, not exposed. At 0 it is the sky of ``skies.sky_for`` but for the exposure and for
    fine noise on the clouds' edges. Raises GenerationError where the weather has no clouds that move, or by night.
    """
    weather = brief.place.weather
    if weather == "fog":
        raise GenerationError("weather fog: there is nothing in the sky that moves")
    if brief.light.sun_elevation_deg < STARS_BELOW_DEG:
        raise GenerationError(
            f"the sun stands at {brief.light.sun_elevation_deg:g}°: clouds drift from {STARS_BELOW_DEG:g}° on; below, "
            "stars would have to be seen between them"
        )
    air, clouds, sources = atmosphere(brief), chosen(weather, seed), sources_of(brief)
    lost = extinction_per_m(np.zeros(1), air)[0]
    key, direct = brightest(sources, EYE_M, air)
    whole = Canvas(_COARSE_PX)
    whole.paint_clear(sources, air)
    above = irradiance(whole.picture) / np.pi
    horizontal = direct * max(key.direction[2], 0.0)
    under = np.array(LAND[brief.place.family or "dunes"]) * (horizontal / np.pi + above)
    matrix = balance(brief.light.colour_temperature_k).T.astype(np.float32)
    canvas = Canvas(height_px, rows, columns)
    if len(canvas.upper) != len(canvas.picture):
        raise ValueError("drifting_sky draws rows above the horizon")
    canvas.paint_clear(sources, air)
    clear = canvas.picture.copy()
    low, high = wind_m_s(brief)
    plan = None
    if clouds.heaps is not None:
        lit, light = brightest(sources, clouds.heaps.base_m + 0.5 * clouds.heaps.thickness_m, air)
        plan = plan_of(clouds.heaps, seed, lit.direction if lit.direction[2] > 0.03 else None)
    marched = np.zeros((*canvas.picture.shape[:2], 5), np.float32)

    def at(seconds: float) -> Float32[np.ndarray, "h w 3"]:
        canvas.picture[:] = clear
        # a pattern that moves with the wind is seen where it was that much earlier
        near, far = -low * seconds, -high * seconds
        if clouds.sheet is not None:
            canvas.paint_sheet(clouds, seed, key, horizontal / np.pi + above, lost, near)
        else:
            canvas.paint_cirrus(brief, clouds, seed, sources, air, above, lost, far)
        if plan is not None:
            layer, start = plan
            moved = layer.copy()
            moved[-2:] += near
            march(canvas.rise[:, 0], canvas.turn, moved, start, lit.direction, light, above, under, marched)
            paint_kernel.heaps(
                canvas.upper, canvas.upper_rise, canvas.turn, marched, start_of(seed + 77), lost, air.haze_height_m
            )
        return np.maximum(canvas.picture @ matrix, 0.0)

    return at


def wind_m_s(brief: Brief) -> tuple[Float64[np.ndarray, "2"], Float64[np.ndarray, "2"]]:
    """Velocities (x, y) of low clouds and of high ones."""
    coming = np.radians(brief.place.wind_from_deg)
    towards = -np.array([np.sin(coming), np.cos(coming)])
    speed = brief.place.wind_m_s
    return towards * max(LOW_WIND * speed, _LEAST_LOW_M_S), towards * max(HIGH_WIND * speed, _LEAST_HIGH_M_S)
