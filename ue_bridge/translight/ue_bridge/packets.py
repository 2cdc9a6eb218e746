"""A tracked camera as the datagrams that Unreal's Live Link sources read; live_link.py says which, sender.py when.

The axes are the wires' own, and both sources turn them into Unreal's: FreeD's location is (Y, X, Z) / 10 and its
rotator (tilt, pan, roll), OpenTrackIO's (Y, X, Z) · 100 and (tilt, −pan, roll); ``core.frames.unreal_from_camera`` is
where the camera then stands. Unreal moves an OpenTrackIO camera forward by its entrance pupil offset; of FreeD it
knows none, so there the pose that is sent is the pupil's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import msgspec
import numpy as np

from translight.core.clock import NS_PER_S
from translight.core.pose import Pose
from translight.core.timecode import Timecode
from translight.tracking import freed, opentrackio, opentrackio_packet
from translight.tracking.opentrackio import Rational, Static
from translight.tracking.sample import LensSample, TrackingSample
from translight.ue_bridge.live_link import LiveLinkSpec

STATIC_PERIOD_S = 2.0
"""How often OpenTrackIO's static block comes, as its transport recommendations have it."""
TAI_MINUS_UTC_NS = 37 * NS_PER_S
"""Since 2017."""
_DAY_NS = 86_400 * NS_PER_S
_UNTURNED = np.array((1.0, 0.0, 0.0, 0.0))
_MAX_24 = 0xFFFFFF

Builder = Callable[[TrackingSample], list[bytes]]
"""A sample's datagrams, in order."""


@dataclass(frozen=True, slots=True)
class FilmBack:
    """What the show knows of the camera: the sensor's size, and the focal length where the tracker gives none."""

    label: str
    width_mm: float
    height_mm: float
    focal_length_mm: float
    tracked_lens: bool = True
    """Whether the tracker's focal length counts."""
    rate: Fraction = Fraction(24)
    """Frames a second, for timecode."""

    def lens(self, told: LensSample) -> LensSample:
        """The lens with a focal length; without the tracker's pupil where its lens does not count."""
        if self.tracked_lens and told.focal_length_mm is not None:
            return told
        pupil_m = told.entrance_pupil_offset_m if self.tracked_lens else None
        return replace(told, focal_length_mm=self.focal_length_mm, entrance_pupil_offset_m=pupil_m)


def builder(spec: LiveLinkSpec, film_back: FilmBack, utc_from_clock_ns: int = 0) -> Builder:
    """What turns samples into the datagrams of ``spec``; ``utc_from_clock_ns`` is UTC less ``core.clock``."""
    if spec.wire == "freed":
        return lambda sample: [freed_packet(spec, replace(sample, lens=film_back.lens(sample.lens)))]
    return OpenTrackIOBuilder(spec, film_back, utc_from_clock_ns)


def freed_packet(spec: LiveLinkSpec, sample: TrackingSample) -> bytes:
    """A D1 packet; what its 24 bits cannot hold is held at their end, for a sender does not stop for one value."""
    lens, preset = sample.lens, freed.PRESETS[spec.preset]
    pose = sample.stage_from_camera
    if lens.entrance_pupil_offset_m:
        pose = pose @ Pose(_UNTURNED, np.array((0.0, 0.0, lens.entrance_pupil_offset_m)))
    packet = freed.from_sample(replace(sample, stage_from_camera=pose), spec.camera)
    x, y, z = (_held(value, 131_071.9) for value in (packet.x_mm, packet.y_mm, packet.z_mm))
    return freed.build(
        replace(
            packet,
            x_mm=x,
            y_mm=y,
            z_mm=z,
            zoom=_zoom(lens, preset, spec),
            focus=_focus(lens, preset, spec),
            spare=_spare(lens, preset),
        )
    )


class OpenTrackIOBuilder:
    """OpenTrackIO samples, the static block every two seconds, with timecode of the day where the tracker has none."""

    def __init__(self, spec: LiveLinkSpec, film_back: FilmBack, utc_from_clock_ns: int) -> None:
        self._spec = spec
        self._film_back = film_back
        self._utc_from_clock_ns = utc_from_clock_ns
        self._static = Static(
            camera=opentrackio.StaticCamera(
                label=film_back.label,
                active_sensor_physical_dimensions=opentrackio.Size(film_back.width_mm, film_back.height_mm),
                capture_frame_rate=Rational(film_back.rate.numerator, film_back.rate.denominator),
            ),
            tracker=opentrackio.StaticDevice(make="Translight", model=spec.pose),
        )
        rate = Fraction(spec.rate_hz).limit_denominator(1001)
        self._sample_rate = Rational(rate.numerator, rate.denominator)
        self._static_ns: int | None = None
        self._sequence = 0

    def __call__(self, sample: TrackingSample) -> list[bytes]:
        """One sample's packets."""
        time_ns = sample.received_ns if sample.captured_ns is None else sample.captured_ns
        static = None
        if self._static_ns is None or sample.received_ns - self._static_ns >= STATIC_PERIOD_S * NS_PER_S:
            static, self._static_ns = self._static, sample.received_ns
        utc_ns = time_ns + self._utc_from_clock_ns
        sample = replace(sample, sequence=self._sequence, lens=self._film_back.lens(sample.lens))
        told = opentrackio.from_sample(
            sample, source_number=self._spec.camera, time_ns=utc_ns + TAI_MINUS_UTC_NS, static=static
        )
        assert told.timing is not None
        timing = msgspec.structs.replace(
            told.timing,
            mode="internal",
            sample_rate=self._sample_rate,
            timecode=_timecode(sample.timecode, utc_ns, self._film_back.rate),
        )
        payload = opentrackio.build(msgspec.structs.replace(told, timing=timing), self._spec.encoding)
        packets = opentrackio_packet.build(payload, self._spec.encoding, self._sequence)
        self._sequence = (self._sequence + 1) & 0xFFFF
        return packets


def _zoom(lens: LensSample, preset: freed.Preset, spec: LiveLinkSpec) -> int:
    if preset.units == "millimetres":
        return _bits(round((lens.focal_length_mm or 0.0) * 100.0))
    if spec.zoom_mm is not None and lens.focal_length_mm is not None:
        return _travel(lens.focal_length_mm, spec.zoom_mm, preset.zoom)
    return _bits(lens.zoom_raw or 0)


def _focus(lens: LensSample, preset: freed.Preset, spec: LiveLinkSpec) -> int:
    if preset.units == "millimetres":
        return _bits(round((lens.focus_distance_m or 0.0) * 10_000.0))
    if spec.focus_m is not None and lens.focus_distance_m is not None:
        return _travel(lens.focus_distance_m, spec.focus_m, preset.focus)
    return _bits(lens.focus_raw or 0)


def _spare(lens: LensSample, preset: freed.Preset) -> int:
    """Sony: F × 100 in the low 12 bits. Panasonic: the iris encoder. Mo-Sys: tracking quality, 1 being good."""
    if preset.spare == "sony":
        return min(round((lens.f_number or 0.0) * 100.0), 0xFFF)
    if preset.spare == "iris":
        return min(max(lens.iris_raw or 0, 0), 0xFFFF)
    return 1 if preset.spare == "quality" else 0


def _travel(value: float, ends: tuple[float, float], raw: tuple[int, int]) -> int:
    fraction = min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
    return raw[0] + round((raw[1] - raw[0]) * fraction)


def _bits(value: int) -> int:
    return min(max(value, 0), _MAX_24)


def _held(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


def _timecode(told: str | None, utc_ns: int, rate: Fraction) -> opentrackio.Timecode:
    """The tracker's label where it is one at this rate, else the time of day (UTC) in frames of the show's rate."""
    label = None
    if told is not None:
        try:
            label = Timecode.parse(told, rate)
        except ValueError:
            label = None
    if label is None:
        label = Timecode.from_frame(int(utc_ns % _DAY_NS * rate // NS_PER_S), rate)
    return opentrackio.Timecode(
        label.hours,
        label.minutes,
        label.seconds,
        label.frames,
        frame_rate=Rational(rate.numerator, rate.denominator),
        drop_frame=True if label.drop else None,
    )
