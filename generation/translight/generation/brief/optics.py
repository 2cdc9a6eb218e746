"""The film camera's optics as far as a brief tells them: sensors by name, angles of view, depth of field.

Thin lens, and T-stop for f-number: real lenses lose a fifth to a third of a stop, which makes the depth of field given
here a little too shallow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from translight.generation.brief.brief import Lens

SENSORS_MM = {
    "full frame": (36.0, 24.0),
    "super 35": (24.89, 18.66),
    "aps-c": (23.6, 15.7),
    "micro four thirds": (17.3, 13.0),
    "arri alexa 35": (27.99, 19.22),
    "arri alexa mini lf": (36.70, 25.54),
    "arri alexa 65": (54.12, 25.58),
    "sony venice 2": (35.9, 24.0),
    "red v-raptor": (40.96, 21.60),
    "blackmagic ursa 12k": (27.03, 14.25),
}
"""Width and height of the whole light-sensitive area (open gate), as the makers' data sheets give them."""

_BLUR_SHARE = 1500.0
"""A spot under a 1500th of the picture's diagonal passes for sharp (the usual circle of confusion)."""
_FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)


@dataclass(frozen=True, slots=True)
class DepthOfField:
    """What is sharp with the lens focused at ``focus_m``."""

    focus_m: float
    near_m: float
    far_m: float
    """Infinite from the hyperfocal distance on."""
    hyperfocal_m: float
    far_blur: float
    """Diameter of the spot that a point at infinity makes, as a share of the picture's height."""


def picture_mm(lens: Lens) -> tuple[float, float]:
    """Width and height of the largest area of the aspect on the sensor; an anamorphic's is desqueezed."""
    width, height = lens.sensor_mm[0] * lens.squeeze, lens.sensor_mm[1]
    return (height * lens.aspect, height) if height * lens.aspect <= width else (width, width / lens.aspect)


def field_of_view_deg(lens: Lens) -> tuple[float, float]:
    """Horizontal and vertical angle of view."""
    width, height = (2 * math.degrees(math.atan(side / 2 / lens.focal_length_mm)) for side in picture_mm(lens))
    return width, height


def full_frame_mm(lens: Lens) -> float:
    """The focal length with the same diagonal angle of view on 36 x 24 mm."""
    return lens.focal_length_mm * _FULL_FRAME_DIAGONAL_MM / math.hypot(*picture_mm(lens))


def depth_of_field(lens: Lens, focus_m: float) -> DepthOfField:
    """Near and far limit with the thin lens (Kingslake, "Optics in Photography", 1992)."""
    focal, focus = lens.focal_length_mm, max(focus_m * 1000, 2 * lens.focal_length_mm)
    width, height = picture_mm(lens)
    confusion = math.hypot(width, height) / _BLUR_SHARE
    hyperfocal = focal * focal / (lens.t_stop * confusion) + focal
    near = focus * (hyperfocal - focal) / (hyperfocal + focus - 2 * focal)
    far = focus * (hyperfocal - focal) / (hyperfocal - focus) if focus < hyperfocal else math.inf
    blur = focal * focal / (lens.t_stop * (focus - focal))
    return DepthOfField(focus / 1000, near / 1000, far / 1000, hyperfocal / 1000, blur / height)
