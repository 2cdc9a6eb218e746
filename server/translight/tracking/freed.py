"""FreeD type D1: 29 bytes of pose, zoom and focus, as camera heads and trackers send them over UDP.

The layout is the one of Vinten's Free-d manual that Unreal's Live Link FreeD source reads too: big-endian 24-bit two's
complement, angles in 1/32768 degree, positions in 1/64 mm, and a checksum that brings the sum of all bytes to 0x40.
Axes are the stage's (X right, Y forward, Z up); pan is positive to the right, tilt up, roll right side down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from translight.core.pose import Pose
from translight.tracking.angles import camera_pose, pan_tilt_roll, pan_tilt_roll_deg
from translight.tracking.datagram import BadDatagram
from translight.tracking.sample import LensSample, TrackingSample

LENGTH = 29
_TYPE = 0xD1
_ANGLE = 32768.0
_POSITION = 64.0
_FIELDS = ("pan_deg", "tilt_deg", "roll_deg", "x_mm", "y_mm", "z_mm")

Spare = Literal["none", "iris", "sony", "quality"]
LensUnits = Literal["raw", "millimetres"]


@dataclass(frozen=True, slots=True)
class FreeD:
    """One D1 packet. Zoom and focus are 24 bits, the spare 16; what they mean is the vendor's: see ``Preset``."""

    camera: int
    pan_deg: float
    tilt_deg: float
    roll_deg: float
    x_mm: float
    y_mm: float
    z_mm: float
    zoom: int
    focus: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    """What a vendor puts into zoom, focus and spare, and the UDP port its devices send to."""

    name: str
    port: int
    zoom: tuple[int, int]
    """Raw values at the ends of the zoom's travel."""
    focus: tuple[int, int]
    spare: Spare = "none"
    units: LensUnits = "raw"
    """``millimetres``: zoom is focal length in mm × 100 and focus is focus distance in mm × 10 (Z-CAM)."""

    def zoom_fraction(self, raw: int) -> float:
        """Zoom travel, 0 at one end and 1 at the other, held within."""
        return _fraction(raw, self.zoom)

    def focus_fraction(self, raw: int) -> float:
        """Focus travel, 0 at one end and 1 at the other, held within."""
        return _fraction(raw, self.focus)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("generic", 40000, (0, 0x10000), (0, 0x10000)),
        Preset("panasonic", 1111, (0x555, 0xFFF), (0x555, 0xFFF), "iris"),
        Preset("sony", 52380, (0, 0x7AC0), (0x1000, 0xF000), "sony"),
        Preset("mo-sys", 8001, (0, 0xFFFF), (0, 0xFFFF), "quality"),
        Preset("stype", 6301, (0, 0xFFFFFF), (0, 0xFFFFFF)),
        Preset("ncam", 6301, (0, 0xFFFFFF), (0, 0xFFFFFF)),
        Preset("z-cam", 40000, (0, 0xFFFFFF), (0, 0xFFFFFF), "none", "millimetres"),
    )
}


def parse(datagram: bytes) -> FreeD:
    """Read one packet. Raises BadDatagram on a wrong length, type or checksum."""
    if len(datagram) != LENGTH:
        raise BadDatagram("length", f"FreeD D1 is {LENGTH} bytes, got {len(datagram)}")
    if datagram[0] != _TYPE:
        raise BadDatagram("type", f"a FreeD packet of type D1 begins with d1, got {datagram[0]:02x}")
    if sum(datagram) & 0xFF != 0x40:
        right = (0x40 - sum(datagram[:28])) & 0xFF
        raise BadDatagram("checksum", f"FreeD checksum is {datagram[28]:02x}, the bytes before it ask for {right:02x}")
    return FreeD(
        datagram[1],
        _signed(datagram, 2) / _ANGLE,
        _signed(datagram, 5) / _ANGLE,
        _signed(datagram, 8) / _ANGLE,
        _signed(datagram, 11) / _POSITION,
        _signed(datagram, 14) / _POSITION,
        _signed(datagram, 17) / _POSITION,
        int.from_bytes(datagram[20:23], "big"),
        int.from_bytes(datagram[23:26], "big"),
        int.from_bytes(datagram[26:28], "big"),
    )


def build(packet: FreeD) -> bytes:
    """The packet's 29 bytes, angles and positions rounded to the nearest step. Raises ValueError on what cannot fit."""
    body = bytearray((_TYPE, _unsigned("camera", packet.camera, 1)[0]))
    for name in _FIELDS:
        value = getattr(packet, name)
        steps = round(value * (_ANGLE if name.endswith("deg") else _POSITION)) if math.isfinite(value) else 1 << 24
        if not -(1 << 23) <= steps < 1 << 23:
            raise ValueError(f"FreeD cannot hold {name} = {value}: its 24 bits end at {_limit(name)}")
        body += (steps & 0xFFFFFF).to_bytes(3, "big")
    body += _unsigned("zoom", packet.zoom, 3) + _unsigned("focus", packet.focus, 3)
    body += _unsigned("spare", packet.spare, 2)
    body.append((0x40 - sum(body)) & 0xFF)
    return bytes(body)


def pose(packet: FreeD) -> Pose:
    """``stage_from_camera``: FreeD's axes are the stage's, its pan is turned the other way round."""
    turn = pan_tilt_roll(-packet.pan_deg, packet.tilt_deg, packet.roll_deg)
    return camera_pose(turn, (packet.x_mm / 1000.0, packet.y_mm / 1000.0, packet.z_mm / 1000.0))


def lens(packet: FreeD, preset: Preset) -> LensSample:
    """Zoom, focus and spare as the vendor means them."""
    zoom_mm = packet.zoom / 100.0 if preset.units == "millimetres" else None
    focus_m = packet.focus / 10_000.0 if preset.units == "millimetres" else None
    f_number = (packet.spare & 0xFFF) / 100.0 if preset.spare == "sony" else None
    return LensSample(
        focal_length_mm=zoom_mm or None,
        focus_distance_m=focus_m or None,
        f_number=f_number or None,
        zoom_raw=packet.zoom,
        focus_raw=packet.focus,
        iris_raw=packet.spare if preset.spare == "iris" else None,
    )


def from_sample(sample: TrackingSample, camera: int = 1) -> FreeD:
    """The packet that tells a sample's pose and raw lens values; what FreeD cannot tell is left out."""
    pan, tilt, roll = pan_tilt_roll_deg(sample.stage_from_camera)
    x, y, z = sample.stage_from_camera.position_m.tolist()
    zoom, focus = sample.lens.zoom_raw or 0, sample.lens.focus_raw or 0
    return FreeD(camera, -pan, tilt, roll, x * 1000.0, y * 1000.0, z * 1000.0, zoom, focus)


def _signed(datagram: bytes, offset: int) -> int:
    return int.from_bytes(datagram[offset : offset + 3], "big", signed=True)


def _unsigned(name: str, value: int, size: int) -> bytes:
    if not 0 <= value < 1 << 8 * size:
        raise ValueError(f"FreeD cannot hold {name} = {value}: it has {8 * size} bits")
    return value.to_bytes(size, "big")


def _limit(name: str) -> str:
    return "±256 degrees" if name.endswith("deg") else "±131072 mm"


def _fraction(raw: int, ends: tuple[int, int]) -> float:
    return min(max((raw - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
