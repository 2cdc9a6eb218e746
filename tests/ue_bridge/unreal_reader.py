"""What Unreal makes of our datagrams, from its documentation and the published behaviour of its Live Link sources.

Nothing here is Translight's: fields are cut out by hand and axes come from the documented FRotationMatrix, so that an
error in ours cannot hide in both. Location cm, rotator (pitch, yaw, roll) in degrees.
"""

import json
import struct
from dataclasses import dataclass

import numpy as np


@dataclass
class UnrealCamera:
    location_cm: np.ndarray
    rotator_deg: tuple[float, float, float]
    subject: str = ""
    focal_length: float | None = None
    focus: float | None = None
    iris: float | None = None

    def axes(self) -> np.ndarray:
        return rotator_axes(*self.rotator_deg)


def rotator_axes(pitch_deg: float, yaw_deg: float, roll_deg: float) -> np.ndarray:
    """Rows: the actor's forward, right and up in the world, as FRotationMatrix is documented to be."""
    sp, sy, sr = np.sin(np.radians([pitch_deg, yaw_deg, roll_deg]))
    cp, cy, cr = np.cos(np.radians([pitch_deg, yaw_deg, roll_deg]))
    return np.array(
        [
            [cp * cy, cp * sy, sp],
            [sr * sp * cy - cr * sy, sr * sp * sy + cr * cy, -sr * cp],
            [-(cr * sp * cy + sr * sy), cy * sr - cr * sp * sy, cr * cp],
        ]
    )


def read_freed(datagram: bytes, zoom: tuple[int, int], focus: tuple[int, int]) -> UnrealCamera:
    """Live Link FreeD: X and Y swapped, 1/640 cm, encoders as a fraction of their range; one step high below zero."""
    assert datagram[0] == 0xD1
    assert len(datagram) == 29
    checksum = 0x40
    for byte in datagram[:28]:
        checksum = (checksum - byte) & 0xFF
    assert checksum == datagram[28]

    def signed(at: int) -> int:
        high, low = struct.unpack_from(">BH", datagram, at)
        value = high << 16 | low
        return value - 0x00FFFFFF if value & 0x800000 else value

    def fraction(at: int, ends: tuple[int, int]) -> float:
        high, low = struct.unpack_from(">BH", datagram, at)
        return ((high << 16 | low) - ends[0]) / (ends[1] - ends[0])

    pan, tilt, roll = (signed(at) / 32768.0 for at in (2, 5, 8))
    x, y, z = (signed(at) / 64.0 / 10.0 for at in (11, 14, 17))
    return UnrealCamera(
        np.array([y, x, z]),
        (tilt, pan, roll),
        f"Camera {datagram[1]}",
        fraction(20, zoom),
        fraction(23, focus),
        struct.unpack_from(">H", datagram, 26)[0],
    )


def read_opentrackio(datagram: bytes) -> tuple[UnrealCamera, dict]:
    """Live Link OpenTrackIO: one JSON packet, its transforms and then the entrance pupil, forward."""
    magic, _, encoding, _, offset, length, checksum = struct.unpack_from(">4sBBHIHH", datagram)
    assert (magic, encoding, offset) == (b"OTrk", 1, 0)
    assert length & 0x8000
    payload = datagram[16:]
    assert length & 0x7FFF == len(payload)
    one = two = 0
    for byte in datagram[:14] + payload:
        one = (one + byte) % 256
        two = (two + one) % 256
    assert checksum == two << 8 | one
    sample = json.loads(payload)
    location, axes = np.zeros(3), np.eye(3)
    rotator = (0.0, 0.0, 0.0)
    for step in sample["transforms"]:
        t, r = step["translation"], step.get("rotation", {})
        location = location + np.array([t.get("y", 0), t.get("x", 0), t.get("z", 0)]) * 100.0 @ axes
        rotator = (r.get("tilt", 0.0), -r.get("pan", 0.0), r.get("roll", 0.0))
        axes = rotator_axes(*rotator) @ axes
    lens = sample.get("lens", {})
    location = location + np.array([lens.get("entrancePupilOffset", 0.0) * 100.0, 0.0, 0.0]) @ axes
    camera = UnrealCamera(
        location,
        rotator,
        focal_length=lens.get("pinholeFocalLength"),
        focus=lens.get("focusDistance", 0.0) * 100.0,
        iris=lens.get("fStop"),
    )
    return camera, sample
