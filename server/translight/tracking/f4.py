"""Mo-Sys F4: a list of five-byte axes, as StarTracker sends them over UDP and writes them to ``.f4`` files.

Layout and axis ids: the BSD-3 reader ``camdkit/mosys/f4.py`` of SMPTE's ris-osvp-metadata-camdkit. Units and signs are
checked against that repository's capture of a real tracker: as OpenTrackIO's angles (pan + left, tilt + up, roll +
right down) in 1/1000 degree and X right, Y forward, height up in 1/100 mm, its 60 s of panning and tilting turn about
one fixed point 0.22 m under the sensor, on a head 1.02 m above the floor, to 0.4 mm rms; every other choice of signs
is 2 to 16 times worse, and metres in place of 1/100 mm would put that point 22 m away. ``FX`` and ``FY``
are pixels of a 1920-pixel picture there (64.6° across at the wide end), not the degrees that camdkit takes them for.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from translight.core.pose import Pose
from translight.tracking.angles import camera_pose, pan_tilt_roll
from translight.tracking.datagram import BadDatagram
from translight.tracking.sample import LensSample

PAN, TILT, FOCUS, ZOOM, X, Y, HEIGHT, IRIS, ROLL = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0D, 0x13
ENTRANCE_PUPIL, K1, K2, FX, CX, CY, FOCUS_DISTANCE, FY, APERTURE = 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x57, 0x58, 0x60
TIMECODE, TRACKING_STATUS = 0xF8, 0xF9

STATUS = (
    "Undefined", "Tracking", "Optical Good", "Optical Acceptable", "Optical Unreliable", "Optical Unstable",
    "Optical Lost", "Lost Too Few Stars", "Location Searching", "Busy or Waiting", "Busy Loading Map", "No Map Loaded",
    "Test Signal", "Mechanical Encoders Only", "I/O Error", "Internal Error",
)  # fmt: skip
LOST = frozenset({6, 7, 8, 9, 10, 11, 14, 15})
"""Status codes whose pose means nothing."""

_COMMAND = 0xF4
_AXIS_BYTES = 5
_FRAME_BYTES = 5
_ANGLE = 1000.0
_POSITION = 100_000.0
_RATES = {0: 24, 1: 25, 2: 30}
_FLOAT = struct.Struct(">f")
_POSE_AXES = (PAN, TILT, ROLL, X, Y, HEIGHT)


@dataclass(frozen=True, slots=True)
class F4:
    """One packet: ``axes`` maps an axis id to its four bytes (status, then 24 bits of data; or a float)."""

    camera: int
    status: int
    """Low four bits count frames, bit 4 says that the tracker records, bit 5 that it is locked to sync."""
    axes: dict[int, bytes] = field(default_factory=dict)

    @property
    def frame(self) -> int:
        """The frame counter, 0 to 15."""
        return self.status & 0x0F

    @property
    def tracking_status(self) -> int | None:
        """Index into ``STATUS``, or None when the packet does not say."""
        block = self.axes.get(TRACKING_STATUS)
        return None if block is None else block[2] >> 4


def parse(datagram: bytes) -> F4:
    """Read one packet. Raises BadDatagram on a wrong length, command or checksum."""
    size = packet_size(datagram)
    if len(datagram) != size:
        count = datagram[2]
        raise BadDatagram("length", f"an F4 packet of {count} axes is {size} bytes, got {len(datagram)}")
    if sum(datagram) & 0xFF != 0x40:
        right = (0x40 - sum(datagram[:-1])) & 0xFF
        raise BadDatagram("checksum", f"F4 checksum is {datagram[-1]:02x}, the bytes before it ask for {right:02x}")
    axes = {datagram[at]: datagram[at + 1 : at + _AXIS_BYTES] for at in range(4, size - 1, _AXIS_BYTES)}
    return F4(datagram[1], datagram[3], axes)


def build(packet: F4) -> bytes:
    """The packet's bytes. Raises ValueError on what cannot fit."""
    if not 1 <= len(packet.axes) <= 255:
        raise ValueError(f"an F4 packet has 1 to 255 axes, got {len(packet.axes)}")
    body = bytearray((_COMMAND, packet.camera, len(packet.axes), packet.status))
    for axis, block in packet.axes.items():
        if len(block) != _AXIS_BYTES - 1:
            raise ValueError(f"F4 axis {axis:#04x} has 4 bytes, got {len(block)}")
        body.append(axis)
        body += block
    body.append((0x40 - sum(body)) & 0xFF)
    return bytes(body)


def packet_size(data: bytes) -> int:
    """Bytes of the packet that begins ``data``. Raises BadDatagram when none does."""
    if len(data) < _FRAME_BYTES:
        raise BadDatagram("length", f"an F4 packet is at least {_FRAME_BYTES + _AXIS_BYTES} bytes, got {len(data)}")
    if data[0] != _COMMAND:
        raise BadDatagram("type", f"an F4 packet begins with f4, got {data[0]:02x}")
    if data[2] == 0:
        raise BadDatagram("length", "an F4 packet has at least one axis, got 0")
    return data[2] * _AXIS_BYTES + _FRAME_BYTES


def split(data: bytes) -> Iterator[bytes]:
    """The packets of an ``.f4`` file, which holds them one after another. Raises BadDatagram where none begins."""
    at = 0
    while at < len(data):
        try:
            size = packet_size(data[at : at + _FRAME_BYTES])
        except BadDatagram as error:
            raise BadDatagram(error.cause, f"at byte {at}: {error}") from None
        if at + size > len(data):
            raise BadDatagram("length", f"at byte {at}: the last F4 packet lacks {at + size - len(data)} bytes")
        yield data[at : at + size]
        at += size


def integer(value: int) -> bytes:
    """An axis block of a 24-bit two's complement number. Raises ValueError when it does not fit."""
    if not -(1 << 23) <= value < 1 << 23:
        raise ValueError(f"an F4 axis holds 24 bits, got {value}")
    return bytes(1) + (value & 0xFFFFFF).to_bytes(3, "big")


def real(value: float) -> bytes:
    """An axis block of a 32-bit float."""
    return _FLOAT.pack(value)


def pose(packet: F4) -> Pose:
    """``stage_from_camera``. Raises BadDatagram when an axis is missing or the tracker says that it is lost."""
    status = packet.tracking_status
    if status in LOST:
        raise BadDatagram("tracker lost", f"the F4 tracker says {STATUS[status]!r}")
    blocks = [packet.axes.get(axis) for axis in _POSE_AXES]
    if None in blocks:
        missing = _POSE_AXES[blocks.index(None)]
        raise BadDatagram("no pose", f"an F4 pose needs axes 1, 2, 19, 5, 6, 7; {missing} is missing")
    pan, tilt, roll, x, y, z = (int.from_bytes(block[1:], "big", signed=True) for block in blocks if block is not None)
    turn = pan_tilt_roll(pan / _ANGLE, tilt / _ANGLE, roll / _ANGLE)
    return camera_pose(turn, (x / _POSITION, y / _POSITION, z / _POSITION))


def lens(packet: F4, *, sensor_width_mm: float | None = None, image_width_px: int = 1920) -> LensSample:
    """The lens. Focal length needs the sensor's width, because the packet gives it in pixels of ``image_width_px``."""
    fx = _real(packet, FX)
    inverse_m = _real(packet, FOCUS_DISTANCE)
    return LensSample(
        focal_length_mm=fx * sensor_width_mm / image_width_px if fx and sensor_width_mm else None,
        focus_distance_m=1.0 / inverse_m if inverse_m and inverse_m > 1e-6 else None,
        f_number=_real(packet, APERTURE),
        entrance_pupil_offset_m=_real(packet, ENTRANCE_PUPIL),
        zoom_raw=_raw(packet, ZOOM),
        focus_raw=_raw(packet, FOCUS),
        iris_raw=_raw(packet, IRIS),
    )


def timecode(packet: F4) -> tuple[str, int] | None:
    """(``hh:mm:ss:ff``, frames per second), or None when the packet has none."""
    block = packet.axes.get(TIMECODE)
    if block is None or (block[0] >> 5) & 3 not in _RATES:
        return None
    bits = int.from_bytes(block[1:], "big")
    hours, minutes, seconds, frames = bits >> 18, (bits >> 12) & 0x3F, (bits >> 6) & 0x3F, bits & 0x3F
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return f"{hours:02}:{minutes:02}:{seconds:02}:{frames:02}", _RATES[(block[0] >> 5) & 3]


def _raw(packet: F4, axis: int) -> int | None:
    block = packet.axes.get(axis)
    return None if block is None else int.from_bytes(block[2:], "big")


def _real(packet: F4, axis: int) -> float | None:
    block = packet.axes.get(axis)
    if block is None:
        return None
    value: float = _FLOAT.unpack(block)[0]
    return value if math.isfinite(value) else None
