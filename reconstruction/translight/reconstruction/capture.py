"""What a photographer brings home: stills, and what their files say of camera, place and light; no pose is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GeoPosition:
    """Where a still was taken: WGS 84 degrees, and metres above the ellipsoid or sea as the camera wrote them."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of a capture. Sizes are those of the picture as it is shown, its EXIF orientation applied.

    ``camera`` is equal for stills of one camera body, lens setting and size; ``focal_px`` is the focal length in pixels
    that EXIF gives, None where it does not. ``exposure_ev`` is the exposure value at ISO 100, log2(N²/t) −
    log2(ISO/100). ``taken_s`` counts seconds on the camera's clock, for order. ``mask`` is grey, of the same size: 0 is
    not looked at.
    """

    name: str
    file: Path
    width_px: int
    height_px: int
    camera: str
    focal_px: float | None = None
    geo: GeoPosition | None = None
    exposure_ev: float | None = None
    taken_s: float | None = None
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Stills of one place; ``sequential`` where each follows the one before it (a video, a burst along a path).

    Names are unique, and are what reports and errors call a still.
    """

    source: Path
    stills: tuple[Still, ...]
    sequential: bool = False
