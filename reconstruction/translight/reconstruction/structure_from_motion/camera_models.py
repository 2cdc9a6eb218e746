"""COLMAP's camera models as a pinhole and OpenCV's distortion coefficients (colmap/src/colmap/sensor/models.h)."""

from __future__ import annotations

from collections.abc import Sequence

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.reconstruction.structure_from_motion.model import ModelCamera

_FOCALS = {"SIMPLE_PINHOLE": 1, "PINHOLE": 2, "SIMPLE_RADIAL": 1, "RADIAL": 1, "OPENCV": 2, "FULL_OPENCV": 2}
"""How many focal lengths a model's parameters begin with; the principal point follows, then its coefficients."""
_COEFFICIENTS = {"SIMPLE_PINHOLE": 0, "PINHOLE": 0, "SIMPLE_RADIAL": 1, "RADIAL": 2, "OPENCV": 4, "FULL_OPENCV": 8}
"""In OpenCV's order k1 k2 p1 p2 k3 k4 k5 k6, as far as a model has them."""


def opencv_camera(model: str, width_px: int, height_px: int, parameters: Sequence[float]) -> ModelCamera:
    """The camera in our terms. COLMAP's pixel centres lie at +0.5, as ours do.

    Raises FormatError on models that those coefficients cannot hold (fisheye, field of view, thin prism).
    """
    if model not in _FOCALS:
        held = ", ".join(_FOCALS)
        raise FormatError(f"COLMAP's camera model {model} is not held by OpenCV's coefficients; undistort to {held}")
    focals, count = _FOCALS[model], _COEFFICIENTS[model]
    if len(parameters) != focals + 2 + count:
        raise FormatError(f"camera model {model} has {focals + 2 + count} parameters, got {len(parameters)}")
    fx, fy = parameters[0], parameters[focals - 1]
    cx, cy, *coefficients = parameters[focals:]
    distortion = tuple(coefficients) + (0.0,) * (4 - len(coefficients)) if any(coefficients) else ()
    try:
        return ModelCamera(Camera(width_px, height_px, fx, fy, cx, cy), distortion)
    except ValueError as error:
        raise FormatError(f"camera model {model}: {error}") from error
