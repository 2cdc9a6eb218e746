"""The air of a brief: haze and fog by the visibility that it asks for, as scene.py's Air; skies.py uses the same haze.

Extinction at the floor follows Koschmieder's law: contrast falls to 2 % where the optical depth is 3.912.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.environment.atmosphere import Atmosphere
from translight.generation.brief.brief import Brief
from translight.generation.procedural.scene import Air

KOSCHMIEDER = 3.912
WAVELENGTHS_UM = np.array([0.65, 0.55, 0.445])
"""That red, green and blue of Rec.709 stand for."""
CLEAN_AIR_PER_M = 13.558e-6 * (0.55 / WAVELENGTHS_UM) ** 4
"""What clean air scatters at sea level, at these wavelengths; environment/atmosphere.py's is at its own."""
OZONE_PER_M = np.array([1.6e-6, 1.6e-6, 0.15e-6])
"""What ozone absorbs in the middle of its layer: Chappuis' band lies over red and green."""
_ABSORBED = 0.05
_LEAST_HAZE_PER_M = 2e-6
_HAZE_HEIGHT_M, _DEEPEST_HAZE = 1200.0, 0.7
"""Scale height of haze, and the optical depth overhead that it does not pass: thick haze lies low."""
_MOST_VISIBLE_KM = {"fog": 0.35, "rain": 8.0, "snow": 3.0}
"""Visibility that such weather does not pass."""


def visibility_km(brief: Brief) -> float:
    """Visibility that the brief's weather allows: fog, rain and snow have less than a clear day."""
    return min(brief.place.visibility_km, _MOST_VISIBLE_KM.get(brief.place.weather, np.inf))


def haze_per_m(visible_km: float) -> Float64[np.ndarray, "3"]:
    """Extinction of haze alone (without Rayleigh's) at the floor, by Ångström's law: the thicker, the greyer."""
    green = max(KOSCHMIEDER / (visible_km * 1000.0) - CLEAN_AIR_PER_M[1], _LEAST_HAZE_PER_M)
    exponent = 1.3 * np.clip(visible_km / 20.0, 0.1, 1.0)
    return green * (WAVELENGTHS_UM / 0.55) ** -exponent


def haze_height_m(haze: Float64[np.ndarray, "3"]) -> float:
    """Height over which haze falls to 1/e."""
    return float(min(_HAZE_HEIGHT_M, _DEEPEST_HAZE / haze[1]))


def atmosphere(brief: Brief) -> Atmosphere:
    """The whole air over the stage: haze as air_for has it, clean air and ozone."""
    total = haze_per_m(15.0 if brief.place.weather == "fog" else visibility_km(brief))
    return Atmosphere(
        haze_per_m=_triple(total / (1 + _ABSORBED)),
        absorbed=_ABSORBED,
        haze_height_m=haze_height_m(total),
        rayleigh_per_m=_triple(CLEAN_AIR_PER_M),
        ozone_per_m=_triple(OZONE_PER_M),
    )


def air_for(brief: Brief) -> Air:
    """Haze of the brief's visibility with the clean air's own scattering; in fog most of it is ground fog, grey."""
    visible = visibility_km(brief)
    if brief.place.weather == "fog":
        fog = KOSCHMIEDER / (visible * 1000.0)
        thin = haze_per_m(20.0)
        total = thin + CLEAN_AIR_PER_M
        return Air(
            haze_per_m=_triple(total),
            haze_height_m=haze_height_m(thin),
            fog_per_m=fog,
            fog_height_m=60.0,
            fog_top_m=120.0,
            forward=0.8,
            albedo=(0.99, 0.99, 0.99),
        )
    haze = haze_per_m(visible)
    return Air(haze_per_m=_triple(haze + CLEAN_AIR_PER_M), haze_height_m=haze_height_m(haze))


def _triple(values: Float64[np.ndarray, "3"]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
