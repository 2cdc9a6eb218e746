"""OpenTrackIO 1.0.1 samples: the JSON or CBOR payload, typed, and the camera pose and lens it tells.

SMPTE RIS-OSVP OpenTrackIO and OpenLensIO 1.0.1. Every field is optional, unknown fields are ignored. Translations are
metres in the stage's own axes, rotations degrees: pan (+ left), tilt (+ up), roll (+ right down), intrinsic ZXY.
"""

from __future__ import annotations

import math
from typing import Any

import cbor2
import msgspec

from translight.core.clock import NS_PER_S
from translight.core.pose import Pose
from translight.tracking.angles import Wxyz, camera_pose, multiply, pan_tilt_roll, pan_tilt_roll_deg, rotate
from translight.tracking.datagram import BadDatagram
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.sample import LensSample, TrackingSample

MAX_TRANSFORMS = 64
"""Security: what one sample can make the receiver compose."""
_MAX_DEPTH = 32


class _Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Fields are named as in the schema, camelCase on the wire; those that it requires are never left out."""


class Vector3(_Part, frozen=True, omit_defaults=False):
    """Metres, or a scale."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class Rotator3(_Part, frozen=True, omit_defaults=False):
    """Degrees."""

    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0


class Transform(_Part, frozen=True):
    """One step of the chain from the stage to the sensor."""

    translation: Vector3 = Vector3()
    rotation: Rotator3 = Rotator3()
    scale: Vector3 | None = None
    id: str | None = None


class Rational(_Part, frozen=True, omit_defaults=False):
    """A rate."""

    num: int
    denom: int = 1


class Timestamp(_Part, frozen=True, omit_defaults=False):
    """Time since the PTP epoch, 1 January 1970 TAI."""

    seconds: int
    nanoseconds: int = 0


class Timecode(_Part, frozen=True):
    """SMPTE timecode."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    frame_rate: Rational | None = None
    sub_frame: int | None = None
    drop_frame: bool | None = None


class Synchronization(_Part, frozen=True):
    """What the tracker's clock follows: ``genlock``, ``videoIn``, ``ptp`` or ``ntp``."""

    source: str | None = None
    locked: bool | None = None
    present: bool | None = None


class Timing(_Part, frozen=True):
    """When the sample was taken."""

    mode: str | None = None
    sample_rate: Rational | None = None
    sample_timestamp: Timestamp | None = None
    sequence_number: int | None = None
    synchronization: Synchronization | None = None
    timecode: Timecode | None = None


class Encoders(_Part, frozen=True):
    """Focus, iris and zoom: 0 to 1 under ``encoders``, raw counts under ``rawEncoders``."""

    focus: float | None = None
    iris: float | None = None
    zoom: float | None = None


class Distortion(_Part, frozen=True):
    """OpenLensIO coefficients: radial k1… alternate between numerator and denominator, in powers of mm."""

    radial: list[float]
    tangential: list[float] | None = None
    model: str | None = None
    overscan: float | None = None


class Offset(_Part, frozen=True, omit_defaults=False):
    """Millimetres on the sensor."""

    x: float = 0.0
    y: float = 0.0


class Lens(_Part, frozen=True):
    """The lens now. Focal length and offsets are mm; focus distance and entrance pupil offset are m."""

    pinhole_focal_length: float | None = None
    focus_distance: float | None = None
    f_stop: float | None = None
    t_stop: float | None = None
    entrance_pupil_offset: float | None = None
    encoders: Encoders | None = None
    raw_encoders: Encoders | None = None
    distortion: list[Distortion] | None = None
    distortion_offset: Offset | None = None
    projection_offset: Offset | None = None


class Size(_Part, frozen=True, omit_defaults=False):
    """Of the sensor's active area: mm, or pixels."""

    width: float
    height: float


class StaticCamera(_Part, frozen=True):
    """The film camera."""

    label: str | None = None
    make: str | None = None
    model: str | None = None
    active_sensor_physical_dimensions: Size | None = None
    active_sensor_resolution: Size | None = None
    capture_frame_rate: Rational | None = None
    anamorphic_squeeze: Rational | None = None


class StaticDevice(_Part, frozen=True):
    """A lens or a tracker."""

    make: str | None = None
    model: str | None = None
    serial_number: str | None = None


class Static(_Part, frozen=True):
    """What does not change from sample to sample; it comes about every two seconds and holds until then."""

    camera: StaticCamera | None = None
    lens: StaticDevice | None = None
    tracker: StaticDevice | None = None


class Tracker(_Part, frozen=True):
    """The tracker's state, in its own words."""

    recording: bool | None = None
    slate: str | None = None
    status: str | None = None
    notes: str | None = None


class Protocol(_Part, frozen=True):
    """Name and version; versions before 1.0 gave it as text."""

    name: str
    version: list[int] | str


class Sample(_Part, frozen=True):
    """One OpenTrackIO sample, as far as Translight reads it."""

    protocol: Protocol | None = None
    sample_id: str | None = None
    source_id: str | None = None
    source_number: int | None = None
    timing: Timing | None = None
    tracker: Tracker | None = None
    lens: Lens | None = None
    transforms: list[Transform] | None = None
    static: Static | None = None


VERSION = Protocol("OpenTrackIO", [1, 0, 1])
_JSON = msgspec.json.Decoder(Sample)


def parse(payload: bytes, encoding: Encoding) -> Sample:
    """Read a whole payload. Raises BadDatagram when it is not an OpenTrackIO sample."""
    if encoding is Encoding.JSON:
        try:
            return _JSON.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadDatagram("payload", f"OpenTrackIO JSON: {error}") from None
    try:
        tree: Any = cbor2.loads(payload, max_depth=_MAX_DEPTH, allow_indefinite=True)
        return msgspec.convert(tree, Sample)
    except msgspec.ValidationError as error:
        raise BadDatagram("payload", f"OpenTrackIO CBOR: {error}") from None
    except (
        Exception
    ) as error:  # CBOR's tags reach into regular expressions, decimals, dates, addresses and their errors
        raise BadDatagram("payload", f"OpenTrackIO CBOR: {type(error).__name__}: {error}") from None


def build(sample: Sample, encoding: Encoding) -> bytes:
    """The payload of a sample."""
    if encoding is Encoding.JSON:
        return msgspec.json.encode(sample)
    return cbor2.dumps(msgspec.to_builtins(sample))


def pose(sample: Sample) -> Pose | None:
    """``stage_from_camera`` of the sensor: the transforms composed first to last; None when the sample has none.

    A scale stretches the translations that follow it, and turns nothing. Raises BadDatagram on numbers that are not
    finite.
    """
    if not sample.transforms:
        return None
    if len(sample.transforms) > MAX_TRANSFORMS:
        raise BadDatagram("too large", f"an OpenTrackIO sample has at most {MAX_TRANSFORMS} transforms")
    turn: Wxyz = (1.0, 0.0, 0.0, 0.0)
    x = y = z = 0.0
    sx = sy = sz = 1.0
    for step in sample.transforms:
        t, r = step.translation, step.rotation
        dx, dy, dz = rotate(turn, (t.x * sx, t.y * sy, t.z * sz))
        x, y, z = x + dx, y + dy, z + dz
        turn = multiply(turn, pan_tilt_roll(*_finite("rotation", r.pan, r.tilt, r.roll)))
        if step.scale is not None:
            sx, sy, sz = sx * step.scale.x, sy * step.scale.y, sz * step.scale.z
    return camera_pose(turn, _finite("translation", x, y, z))


def lens(sample: Sample) -> LensSample:
    """The lens; what is absent, not finite or not positive where it must be is None."""
    part = sample.lens
    if part is None:
        return LensSample()
    raw = part.raw_encoders or Encoders()
    return LensSample(
        focal_length_mm=_positive(part.pinhole_focal_length),
        focus_distance_m=_positive(part.focus_distance),
        f_number=_positive(part.f_stop),
        entrance_pupil_offset_m=_real(part.entrance_pupil_offset),
        zoom_raw=_count(raw.zoom),
        focus_raw=_count(raw.focus),
        iris_raw=_count(raw.iris),
    )


def sample_time_ns(sample: Sample) -> int | None:
    """When the sample was measured, in ns since the epoch of the tracker's clock."""
    stamp = sample.timing.sample_timestamp if sample.timing is not None else None
    return None if stamp is None else stamp.seconds * NS_PER_S + stamp.nanoseconds


def timecode(sample: Sample) -> str | None:
    """``hh:mm:ss:ff``, or None."""
    t = sample.timing.timecode if sample.timing is not None else None
    return None if t is None else f"{t.hours:02}:{t.minutes:02}:{t.seconds:02}:{t.frames:02}"


def period_ns(sample: Sample) -> int | None:
    """The time from one sample to the next that the tracker claims, or None."""
    rate = sample.timing.sample_rate if sample.timing is not None else None
    if rate is None or rate.num <= 0 or rate.denom <= 0:
        return None
    return NS_PER_S * rate.denom // rate.num


def from_sample(
    sample: TrackingSample,
    *,
    source_number: int = 1,
    time_ns: int | None = None,
    static: Static | None = None,
) -> Sample:
    """The OpenTrackIO sample that tells a tracking sample; ``time_ns`` is since the epoch, for its timestamp."""
    pan, tilt, roll = pan_tilt_roll_deg(sample.stage_from_camera)
    x, y, z = sample.stage_from_camera.position_m.tolist()
    told = sample.lens
    raw = Encoders(told.focus_raw, told.iris_raw, told.zoom_raw)
    stamp = None if time_ns is None else Timestamp(time_ns // NS_PER_S, time_ns % NS_PER_S)
    return Sample(
        protocol=VERSION,
        source_number=source_number,
        timing=Timing(sample_timestamp=stamp, sequence_number=sample.sequence),
        lens=Lens(
            pinhole_focal_length=told.focal_length_mm,
            focus_distance=told.focus_distance_m,
            f_stop=told.f_number,
            entrance_pupil_offset=told.entrance_pupil_offset_m,
            raw_encoders=None if raw == Encoders() else raw,
        ),
        transforms=[Transform(Vector3(x, y, z), Rotator3(pan, tilt, roll), id="Camera")],
        static=static,
    )


def _finite(what: str, a: float, b: float, c: float) -> tuple[float, float, float]:
    if not math.isfinite(a + b + c):
        raise BadDatagram("not finite", f"OpenTrackIO {what} is not finite: {a}, {b}, {c}")
    return a, b, c


def _real(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value > 0 else None


def _count(value: float | None) -> int | None:
    return int(value) if value is not None and 0 <= value < 1 << 32 else None
