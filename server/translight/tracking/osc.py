"""Camera poses from OSC messages by an ``OscMap``, joining what comes in several messages; packets: osc_packet.py."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from translight.core.pose import Pose
from translight.tracking.angles import (
    Vector,
    Wxyz,
    about,
    camera_pose,
    check_position,
    multiply,
    pan_tilt_roll,
)
from translight.tracking.datagram import BadDatagram
from translight.tracking.osc_map import LENS, UNITS_M, OscMap, OscMessageMap, pattern_of
from translight.tracking.osc_packet import Argument, Message
from translight.tracking.sample import LensSample

MAX_CAMERAS = 64
"""Security: names that are kept waiting for their other half; the one that came first is forgotten."""
_MAX_ADDRESSES = 256

Values = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says, in stage axes."""

    camera: str
    position_m: Vector | None = None
    turn: Wxyz | None = None
    lens: Values | None = None
    timecode: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A camera whose position and rotation have both come."""

    camera: str
    pose: Pose
    lens: LensSample
    timecode: str | None


@dataclass(slots=True)
class _Camera:
    """What is known of one camera between messages."""

    position_m: Vector | None = None
    turn: Wxyz | None = None
    lens: Values | None = None


class OscReader:
    """Reads messages by a map; keeps half poses until their other half comes, and the last word on each lens."""

    def __init__(self, osc_map: OscMap) -> None:
        self.map = osc_map
        self._patterns = [(pattern_of(m.address), m) for m in osc_map.messages]
        self._ignored = [re.compile(re.escape(p).replace(r"\*", ".*")) for p in osc_map.ignored]
        self._matrix = osc_map.matrix()
        self._hand = osc_map.hand()
        self._degrees = 1.0 if osc_map.angle == "deg" else 180.0 / math.pi
        self._known: dict[str, tuple[str, OscMessageMap] | bool] = {}
        self._cameras: dict[str, _Camera] = {}
        self._shared_lens: Values = {}

    def read(self, message: Message) -> Reading | None:
        """The message's meaning, or None when it is one to ignore. Raises BadDatagram; changes nothing."""
        found = self._find(message.address)
        if found is True:
            return None
        if found is False:
            raise BadDatagram("unknown address", f"OSC address {message.address[:80]!r} is not one of {self.map.name}")
        camera, spec = found
        if len(message.arguments) != len(spec.arguments):
            wanted, got = len(spec.arguments), len(message.arguments)
            raise BadDatagram("arguments", f"{spec.address} has {wanted} arguments, got {got}")
        values: Values = {}
        for word, argument in zip(spec.arguments, message.arguments, strict=True):
            _take(spec, word, argument, values)
        timecode = values.get("timecode")
        return Reading(
            str(values.get("name", camera)),
            self._position(values) if "x" in values else None,
            self._turn(values),
            {word: value for word, value in values.items() if word in _LENS_WORDS},
            None if timecode is None else str(timecode),
        )

    def add(self, reading: Reading) -> Whole | None:
        """Put a reading to what is known of its camera; a whole pose when this completes one."""
        if reading.position_m is None and reading.turn is None:
            self._shared_lens |= reading.lens or {}
            return None
        camera = self._cameras.get(reading.camera)
        if camera is None:
            if len(self._cameras) >= MAX_CAMERAS:
                del self._cameras[next(iter(self._cameras))]
            camera = self._cameras[reading.camera] = _Camera()
        if reading.lens:
            camera.lens = {**(camera.lens or {}), **reading.lens}
        position, turn = reading.position_m or camera.position_m, reading.turn or camera.turn
        if position is None or turn is None:
            camera.position_m, camera.turn = position, turn
            return None
        camera.position_m = camera.turn = None
        lens = _lens_sample({**(camera.lens or {}), **self._shared_lens}, self.map)
        return Whole(reading.camera, camera_pose(turn, position), lens, reading.timecode)

    def _find(self, address: str) -> tuple[str, OscMessageMap] | bool:
        """The camera and message of an address; True: to be ignored; False: unknown."""
        found = self._known.get(address)
        if found is None:
            if len(self._known) >= _MAX_ADDRESSES:
                self._known.clear()
            found = self._known[address] = self._look_up(address)
        return found

    def _look_up(self, address: str) -> tuple[str, OscMessageMap] | bool:
        for pattern, message in self._patterns:
            match = pattern.fullmatch(address)
            if match is not None:
                return match.groupdict().get("name", ""), message
        return any(pattern.fullmatch(address) for pattern in self._ignored)

    def _position(self, values: Values) -> Vector:
        unit = UNITS_M[self.map.unit]
        position = (_number(values, "x") * unit, _number(values, "y") * unit, _number(values, "z") * unit)
        check_position(position)
        return self._to_stage(position)

    def _to_stage(self, v: Vector) -> Vector:
        x, y, z = v
        a, b, c = self._matrix
        return (
            a[0] * x + a[1] * y + a[2] * z,
            b[0] * x + b[1] * y + b[2] * z,
            c[0] * x + c[1] * y + c[2] * z,
        )

    def _turn(self, values: Values) -> Wxyz | None:
        if "pan" in values:
            return pan_tilt_roll(*(_number(values, word) * self._degrees for word in ("pan", "tilt", "roll")))
        if "qw" in values:
            q = (_number(values, "qw"), _number(values, "qx"), _number(values, "qy"), _number(values, "qz"))
            if not 0.25 < math.hypot(*q) < 4.0:
                raise BadDatagram("quaternion", f"an OSC quaternion has length 1, got {math.hypot(*q):.3g}")
        elif "rx" in values:
            q = euler(self.map.order, {axis: _number(values, f"r{axis}") * self._degrees for axis in "xyz"})
        elif "triad_z" in values:
            q = _triad(_number(values, "triad_z"), _number(values, "triad_y"), _number(values, "triad_x"))
        else:
            return None
        # A turn's axis is an axial vector: in a left-handed frame it is mirrored once more.
        x, y, z = self._to_stage((q[1], q[2], q[3]))
        return q[0], x * self._hand, y * self._hand, z * self._hand


def euler(order: str, angles_deg: dict[str, float]) -> Wxyz:
    """The turn by intrinsic angles in ``order``, each about one of the axes x, y, z."""
    first, second, third = (about("xyz".index(axis), math.radians(angles_deg[axis])) for axis in order)
    return multiply(multiply(first, second), third)


_LENS_WORDS = frozenset(LENS)


def _take(spec: OscMessageMap, word: str, argument: Argument, values: Values) -> None:
    meaning = word.removeprefix("-")
    if meaning == "skip":
        return
    if meaning in ("name", "timecode"):
        if not isinstance(argument, str | int):
            raise BadDatagram("arguments", f"{spec.address}: {meaning} is a text, got {argument!r}")
        values[meaning] = str(argument)
        return
    if isinstance(argument, bool) or not isinstance(argument, int | float):
        raise BadDatagram("arguments", f"{spec.address}: {meaning} is a number, got {argument!r}")
    if not math.isfinite(argument):
        raise BadDatagram("not finite", f"{spec.address}: {meaning} is {argument}")
    values[meaning] = -float(argument) if word.startswith("-") else float(argument)


def _number(values: Values, word: str) -> float:
    value = values[word]
    assert isinstance(value, float)
    return value


def _triad(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Wxyz:
    """The turn behind triad_openvr's three angles.

    Of the matrix m they are yaw = atan2(m10, m00), pitch = atan2(m20, m00) and roll = atan2(m21, m22). The first and
    last are those of intrinsic zyx; the second is not, but the true one follows: tan = −tan(pitch) · cos(yaw).
    """
    true_pitch = math.atan(-math.tan(math.radians(pitch_deg)) * math.cos(math.radians(yaw_deg)))
    return euler("zyx", {"z": yaw_deg, "y": math.degrees(true_pitch), "x": roll_deg})


def _lens_sample(values: Values, osc_map: OscMap) -> LensSample:
    def positive(word: str, scale: float = 1.0) -> float | None:
        value = values.get(word)
        return value * scale if isinstance(value, float) and value > 0 else None

    def raw(word: str) -> int | None:
        value = values.get(word)
        return int(value) if isinstance(value, float) and 0 <= value < 1 << 32 else None

    return LensSample(
        focal_length_mm=positive("focal_length_mm")
        or _focal_length_mm(positive("fov_vertical_deg"), osc_map.sensor_height_mm)
        or _focal_length_mm(positive("fov_horizontal_deg"), osc_map.sensor_width_mm),
        focus_distance_m=positive("focus_distance_m") or positive("focus_distance_cm", 0.01),
        f_number=positive("f_number"),
        zoom_raw=raw("zoom_raw"),
        focus_raw=raw("focus_raw"),
        iris_raw=raw("iris_raw"),
    )


def _focal_length_mm(fov_deg: float | None, size_mm: float | None) -> float | None:
    if fov_deg is None or size_mm is None or fov_deg >= 180.0:
        return None
    return 0.5 * size_mm / math.tan(math.radians(0.5 * fov_deg))
