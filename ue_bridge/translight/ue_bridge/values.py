"""Stage values as Unreal's Remote Control takes them: structs by their C++ names, centimetres, its rotators.

``core.frames`` knows the axes; what follows what is follow.py's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from translight.core.frames import unreal_from_stage_points

Value = Any
"""A number, a text, a truth value, or a struct: a mapping of field to number."""

_DECIMALS = 6


def vector(values: ArrayLike) -> dict[str, float]:
    """FVector of three numbers as they stand."""
    return _named(("X", "Y", "Z"), values)


def location(stage_m: ArrayLike) -> dict[str, float]:
    """FVector of a stage point in metres: Unreal's axes, centimetres."""
    return vector(unreal_from_stage_points(stage_m))


def rotator(pitch_deg: float, yaw_deg: float, roll_deg: float) -> dict[str, float]:
    """FRotator in degrees."""
    return _named(("Pitch", "Yaw", "Roll"), (pitch_deg, yaw_deg, roll_deg))


def heading(heading_deg: float) -> dict[str, float]:
    """FRotator of what is turned about the vertical, to the left as on the stage: Unreal's yaw grows to the right."""
    return rotator(0.0, -heading_deg, 0.0)


def light_along(towards_source: ArrayLike) -> dict[str, float]:
    """FRotator of a directional light whose source lies in this stage direction: it shines along its own X."""
    # 0 − v, for −v makes −0 of 0, and a yaw of −180 of 180
    x, y, z = (0.0 - unreal_from_stage_points(towards_source)).tolist()
    return rotator(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)), 0.0)


def colour(linear: ArrayLike) -> dict[str, float]:
    """FLinearColor, opaque."""
    return _named(("R", "G", "B", "A"), (*np.asarray(linear, dtype=np.float64).tolist(), 1.0))


def filmback(width_mm: float, height_mm: float) -> dict[str, float]:
    """FCameraFilmbackSettings: a CineCamera's sensor."""
    return _named(("SensorWidth", "SensorHeight"), (width_mm, height_mm))


def scaled(value: Value, factor: float) -> Value:
    """A number, or every field of a struct, times ``factor``. Raises ValueError for texts and truth values."""
    if isinstance(value, Mapping):
        return {key: scaled(part, factor) for key, part in value.items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} has no size to multiply")
    return number(value * factor)


def number(value: float) -> float:
    """A number as it is sent: to a millionth, so that noise below that sends nothing; never −0."""
    return round(float(value), _DECIMALS) + 0.0


def _named(names: tuple[str, ...], values: ArrayLike) -> dict[str, float]:
    return {n: number(v) for n, v in zip(names, np.asarray(values, dtype=np.float64).tolist(), strict=True)}
