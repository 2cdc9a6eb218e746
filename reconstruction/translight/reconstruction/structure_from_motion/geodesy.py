"""GPS positions in metres around the capture: WGS 84's ellipsoid to a local east, north, up frame; ``scale.py``."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.reconstruction.capture import Capture

_A_M = 6378137.0
_E2 = 6.69437999014e-3
"""WGS 84: semi-major axis, and first eccentricity squared (NIMA TR8350.2)."""


def local_positions_m(capture: Capture) -> Float64[np.ndarray, "n 3"]:
    """Each still's east, north and up in metres from the median position; NaN where it has no GPS.

    Heights stay relative to whatever the camera counts from: only differences matter here.
    """
    geo = [still.geo for still in capture.stills]
    known = np.array([g is not None for g in geo])
    degrees = np.array([[np.nan] * 3 if g is None else [g.latitude_deg, g.longitude_deg, g.altitude_m] for g in geo])
    found = np.full((len(geo), 3), np.nan)
    if known.any():
        centre = np.median(degrees[known], axis=0)
        found[known] = east_north_up_m(degrees[known], centre)
    return found


def east_north_up_m(
    degrees: Float64[np.ndarray, "n 3"], origin: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "n 3"]:
    """Latitude, longitude (degrees) and height (m) as metres east, north and up of ``origin``.

    Through earth-centred coordinates: Hofmann-Wellenhof, Lichtenegger and Collins, GPS Theory and Practice, 10.2.
    """
    lat, lon = np.radians(origin[0]), np.radians(origin[1])
    turn = np.array(
        [
            [-np.sin(lon), np.cos(lon), 0.0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )
    return (_earth_centred_m(degrees) - _earth_centred_m(origin[None])) @ turn.T


def _earth_centred_m(degrees: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    lat, lon, height = np.radians(degrees[:, 0]), np.radians(degrees[:, 1]), degrees[:, 2]
    normal = _A_M / np.sqrt(1.0 - _E2 * np.sin(lat) ** 2)
    return np.stack(
        [
            (normal + height) * np.cos(lat) * np.cos(lon),
            (normal + height) * np.cos(lat) * np.sin(lon),
            (normal * (1.0 - _E2) + height) * np.sin(lat),
        ],
        axis=1,
    )
