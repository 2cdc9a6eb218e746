"""What a still's EXIF says of camera, lens, light, place and time (CIPA DC-008, "Exif 3.0"), for ``read_capture``.

Focal lengths in pixels are first guesses, good to some percent: poses refine them.
"""

from __future__ import annotations

import calendar
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAKE, _MODEL, _DATE_TIME = 0x010F, 0x0110, 0x0132
_EXPOSURE_TIME, _F_NUMBER, _ISO = 0x829A, 0x829D, 0x8827
_ORIGINAL_TIME, _ORIGINAL_SUBSECONDS = 0x9003, 0x9291
_SHUTTER_APEX, _APERTURE_APEX = 0x9201, 0x9202
_FOCAL_MM, _FOCAL_35MM = 0x920A, 0xA405
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_PLANE_X, _PLANE_UNIT = 0xA20E, 0xA210
_SERIAL, _LENS = 0xA431, 0xA434
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = range(1, 7)
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_DIAGONAL_35MM = math.hypot(36.0, 24.0)
_WIDEST_SENSOR = 1.55
"""Sensors are 4:3 or 3:2; what is wider was cut from one, above and below."""
_CUT_DIAGONAL = 1.25
"""The diagonal of a 4:3 sensor over its width: of phones and drones, which cut pictures to 16:9."""
_AGREEING = 1.35
"""Two focal lengths of one picture that differ by more are not both true."""


@dataclass(frozen=True, slots=True)
class Exif:
    """What was found; None where the file does not say, or says what cannot be.

    ``focal_px`` is for the picture as it is shown. ``altitude_m`` is None where only latitude and longitude are known.
    """

    camera: str = ""
    focal_px: float | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_m: float | None = None
    exposure_ev: float | None = None
    taken_s: float | None = None


def read_exif(main: Mapping[int, Any], exif: Mapping[int, Any], gps: Mapping[int, Any], size: tuple[int, int]) -> Exif:
    """From the three directories of a file, and the shown picture's (width, height) in pixels. Never raises."""
    focal_mm = _positive(exif.get(_FOCAL_MM))
    names = [_text(main.get(_MAKE)), _text(main.get(_MODEL))]
    if names[0] and names[1].lower().startswith(names[0].lower()):
        names = names[1:]
    lens = [_text(exif.get(_LENS)), f"{focal_mm:.4g} mm" if focal_mm else "", _numbered(exif)]
    latitude, longitude = (
        _angle(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "S", 90.0),
        _angle(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "W", 180.0),
    )
    placed = latitude is not None and longitude is not None and (latitude, longitude) != (0.0, 0.0)  # no fix yet
    return Exif(
        camera=" ".join(word for word in (*names, *lens) if word),
        focal_px=_focal_px(exif, focal_mm, size),
        latitude_deg=latitude if placed else None,
        longitude_deg=longitude if placed else None,
        altitude_m=_altitude(gps) if placed else None,
        exposure_ev=_exposure(exif),
        taken_s=_time(main, exif),
    )


def _focal_px(exif: Mapping[int, Any], focal_mm: float | None, size: tuple[int, int]) -> float | None:
    """By the sensor's resolution where that agrees with the 35 mm equivalent, else by whichever is there."""
    by_plane, by_35mm = _by_plane(exif, focal_mm, size), _by_35mm(exif, size)
    if by_plane and by_35mm and not 1 / _AGREEING < by_plane / by_35mm < _AGREEING:
        return by_35mm
    return by_plane or by_35mm


def _by_35mm(exif: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """The equivalent is one of diagonals: CIPA DCG-001 §3, "same diagonal angle of view"."""
    equivalent_mm = _positive(exif.get(_FOCAL_35MM))
    if equivalent_mm is None:
        return None
    long, short = max(size), min(size)
    diagonal = _CUT_DIAGONAL * long if long > _WIDEST_SENSOR * short else math.hypot(long, short)
    return equivalent_mm / _DIAGONAL_35MM * diagonal


def _by_plane(exif: Mapping[int, Any], focal_mm: float | None, size: tuple[int, int]) -> float | None:
    per_unit, unit_mm = _positive(exif.get(_PLANE_X)), _UNIT_MM.get(exif.get(_PLANE_UNIT, 2))
    taken = [_positive(exif.get(tag)) for tag in (_PIXEL_X, _PIXEL_Y)]
    if focal_mm is None or per_unit is None or unit_mm is None or taken[0] is None or taken[1] is None:
        return None
    return focal_mm * per_unit / unit_mm * max(size) / max(taken[0], taken[1])


def _exposure(exif: Mapping[int, Any]) -> float | None:
    """EV at ISO 100: log2(N²/t) − log2(ISO/100); aperture and time also as APEX values."""
    iso = exif.get(_ISO)
    iso = _positive(iso[0] if isinstance(iso, tuple) and iso else iso)
    f_number, seconds = _positive(exif.get(_F_NUMBER)), _positive(exif.get(_EXPOSURE_TIME))
    aperture = 2 * math.log2(f_number) if f_number else _number(exif.get(_APERTURE_APEX))
    speed = -math.log2(seconds) if seconds else _number(exif.get(_SHUTTER_APEX))
    if iso is None or aperture is None or speed is None:
        return None
    return aperture + speed - math.log2(iso / 100)


def _time(main: Mapping[int, Any], exif: Mapping[int, Any]) -> float | None:
    text = _text(exif.get(_ORIGINAL_TIME)) or _text(main.get(_DATE_TIME))
    try:
        whole = calendar.timegm(time.strptime(text[:19], "%Y:%m:%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return None
    fraction = _text(exif.get(_ORIGINAL_SUBSECONDS))
    return whole + (float(f"0.{fraction}") if fraction.isascii() and fraction.isdigit() else 0.0)


def _angle(value: Any, reference: Any, negative: str, most: float) -> float | None:
    """Degrees, minutes and seconds as one signed angle."""
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    if parts[0] is None:
        return None
    degrees = parts[0] + (parts[1] or 0.0) / 60 + (parts[2] or 0.0) / 3600
    if not 0 <= degrees <= most:
        return None
    return -degrees if _text(reference).upper() == negative else degrees


def _altitude(gps: Mapping[int, Any]) -> float | None:
    value = _number(gps.get(_ALTITUDE))
    if value is None:
        return None
    below = gps.get(_ALTITUDE_REF) in (b"\x01", 1)
    return -value if below else value


def _numbered(exif: Mapping[int, Any]) -> str:
    serial = _text(exif.get(_SERIAL))
    return f"no. {serial}" if serial else ""


def _text(value: Any) -> str:
    """A tag's text, printable, without the NULs that some cameras pad it with."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return "".join(c for c in value if c.isprintable()).strip()[:80] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """A finite number, of whatever kind Pillow gives for it; a fraction by zero is none."""
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        return None
    try:
        number = float(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None
