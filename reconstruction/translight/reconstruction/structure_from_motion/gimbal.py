"""Up as a drone's gimbal wrote it into a photograph's XMP; phones and still cameras write nothing of the kind."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from translight.core.frames import camera_from_pan_tilt_roll

_MAX_XMP_BYTES = 1 << 20
_NUMBER = r"[\"'>]\s*([+-]?\d+(?:\.\d+)?)\s*[\"'<]"


def up_in_camera(file: Path) -> Float64[np.ndarray, "3"] | None:
    """The direction up in the camera's frame (x right, y down, z forward) by DJI's gimbal angles, None without.

    ``drone-dji:GimbalPitchDegree`` is 0 at the horizon and −90 straight down, ``GimbalRollDegree`` turns about the
    view (DJI's XMP as ExifTool lists it, tag group XMP-drone-dji); written as attributes or as elements.
    """
    from PIL import Image

    try:
        with Image.open(file) as picture:
            xmp = picture.info.get("xmp", b"")
    except (OSError, ValueError, SyntaxError):
        return None
    text = xmp[:_MAX_XMP_BYTES].decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp)[:_MAX_XMP_BYTES]
    pitch_deg, roll_deg = _angle_deg(text, "Pitch"), _angle_deg(text, "Roll")
    if pitch_deg is None:
        return None
    return up_of_angles(math.radians(pitch_deg), math.radians(roll_deg or 0.0))


def up_of_angles(tilt_rad: float, roll_rad: float) -> Float64[np.ndarray, "3"]:
    """Up in the frame of a camera tilted up by one angle and leaning to its right by the other."""
    return camera_from_pan_tilt_roll(0.0, tilt_rad, roll_rad, (0.0, 0.0, 0.0)).rotation()[2]


def _angle_deg(xmp: str, name: str) -> float | None:
    found = re.search(rf"drone-dji:Gimbal{name}Degree\s*=?\s*{_NUMBER}", xmp)
    return None if found is None else float(found.group(1))
