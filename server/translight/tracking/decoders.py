"""One decoder a protocol: the parsers (freed, f4, osc, opentrackio) with what a source keeps between datagrams.

Which camera is followed, how many samples there were, halves and segments that wait, and when a sequence is late.
"""

from __future__ import annotations

import time
from typing import Literal

from translight.core.clock import now_ns
from translight.tracking import f4, freed, opentrackio, opentrackio_packet, osc_packet
from translight.tracking.datagram import NO_SENDER, Address, BadDatagram
from translight.tracking.opentrackio import Static
from translight.tracking.opentrackio_packet import Modulus, Reassembly
from translight.tracking.osc import OscReader, Reading, Whole
from translight.tracking.osc_map import OscMap
from translight.tracking.sample import TrackingSample

Clock = Literal["none", "utc", "tai"]
"""What a tracker's timestamps count: nothing that is trusted, UTC, or TAI as PTP has it."""

SILENCE_NS = 2_000_000_000
"""A source that was not told which camera to follow takes another one after the followed one was silent this long."""

_LATE_PERIODS = 3
_DEFAULT_PERIOD_NS = 1_000_000_000 // 24
_MAX_STREAMS = 16
_TAI_MINUS_UTC_NS = 37_000_000_000  # since 2017; there have been no leap seconds after that
_OLDEST_CAPTURE_NS = 1_000_000_000
_NEWEST_CAPTURE_NS = 5_000_000


class Follow:
    """The one camera whose samples count: the one asked for, or else the first that came."""

    def __init__(self, camera: str = "") -> None:
        self._asked = bool(camera)
        self.camera: str | None = camera or None
        """The camera that is followed, or None before the first sample."""
        self._seen_ns = 0
        self.samples = 0

    def accept(self, camera: str, received_ns: int) -> int:
        """The sample's number. Raises BadDatagram, cause ``wrong camera``, when it is another camera's."""
        if camera != self.camera:
            silent = received_ns - self._seen_ns > SILENCE_NS
            if self._asked or (self.camera is not None and not silent):
                raise BadDatagram("wrong camera", f"a sample of camera {camera[:40]!r}, this follows {self.camera!r}")
            self.camera = camera
        self._seen_ns = received_ns
        self.samples += 1
        return self.samples


class FreeDDecoder:
    """FreeD D1; a camera is its id."""

    def __init__(self, preset: freed.Preset, camera: str = "") -> None:
        self._preset = preset
        self._follow = Follow(camera)

    def decode(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> TrackingSample:  # noqa: ARG002
        """See ``Decoder``; every good packet is a sample."""
        packet = freed.parse(datagram)
        camera = str(packet.camera)
        sequence = self._follow.accept(camera, received_ns)
        lens = freed.lens(packet, self._preset)
        return TrackingSample(freed.pose(packet), received_ns, sequence, camera, lens=lens)


class F4Decoder:
    """Mo-Sys F4; a camera is its id."""

    def __init__(self, camera: str = "", *, sensor_width_mm: float | None = None, image_width_px: int = 1920) -> None:
        self._follow = Follow(camera)
        self._sensor_width_mm = sensor_width_mm
        self._image_width_px = image_width_px

    def decode(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> TrackingSample:  # noqa: ARG002
        """See ``Decoder``; every good packet is a sample."""
        packet = f4.parse(datagram)
        pose = f4.pose(packet)
        camera = str(packet.camera)
        sequence = self._follow.accept(camera, received_ns)
        lens = f4.lens(packet, sensor_width_mm=self._sensor_width_mm, image_width_px=self._image_width_px)
        code = f4.timecode(packet)
        return TrackingSample(
            pose, received_ns, sequence, camera, timecode=None if code is None else code[0], lens=lens
        )


class OscDecoder:
    """OSC by a map; a camera is the name in the address or among the arguments."""

    def __init__(self, osc_map: OscMap, camera: str = "") -> None:
        self._reader = OscReader(osc_map)
        self._follow = Follow(camera)

    def decode(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> TrackingSample | None:  # noqa: ARG002
        """See ``Decoder``; of several samples in one bundle the last counts."""
        readings = self._read(datagram)
        whole: Whole | None = None
        for reading in readings:
            whole = self._reader.add(reading) or whole
        if whole is None:
            return None
        sequence = self._follow.accept(whole.camera, received_ns)
        return TrackingSample(whole.pose, received_ns, sequence, whole.camera, timecode=whole.timecode, lens=whole.lens)

    def _read(self, datagram: bytes) -> list[Reading]:
        """All that the packet says, other cameras' poses left out when there are the followed one's.

        A message that is not the map's makes the packet bad only when there is no other in it.
        """
        readings: list[Reading] = []
        fault: BadDatagram | None = None
        ignored = False
        for message in osc_packet.parse(datagram):
            try:
                reading = self._reader.read(message)
            except BadDatagram as error:
                if error.cause != "unknown address":
                    raise
                fault = error
                continue
            if reading is None:
                ignored = True
            else:
                readings.append(reading)
        if not readings and fault is not None and not ignored:
            raise fault
        return self._mine(readings)

    def _mine(self, readings: list[Reading]) -> list[Reading]:
        if len(readings) < 2 or self._follow.camera is None:
            return readings
        mine = [r for r in readings if r.camera == self._follow.camera or (r.turn is None and r.position_m is None)]
        return mine if any(r.camera == self._follow.camera for r in mine) else readings


class OpenTrackIODecoder:
    """OpenTrackIO; a camera is its source number, or its source id when it has none."""

    def __init__(self, camera: str = "", *, clock: Clock = "none", fletcher: Modulus = 256) -> None:
        self._follow = Follow(camera)
        self._clock = clock
        self._fletcher: Modulus = fletcher
        self._reassembly = Reassembly()
        self._last: dict[tuple[Address, str], tuple[int, int, int]] = {}
        self.static: Static | None = None
        """The followed camera's last static block."""

    @property
    def incomplete(self) -> int:
        """Samples dropped because a segment of theirs did not come."""
        return self._reassembly.incomplete

    def decode(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> TrackingSample | None:
        """See ``Decoder``; a sample that repeats or comes late is bad."""
        segment = opentrackio_packet.parse(datagram, modulus=self._fletcher)
        payload = self._reassembly.add(segment, sender)
        if payload is None:
            return None
        sample = opentrackio.parse(payload, segment.encoding)
        pose = opentrackio.pose(sample)
        number = sample.source_number
        camera = str(number) if number is not None else (sample.source_id or "")
        self._check_order(sender, camera, segment.sequence, received_ns, opentrackio.period_ns(sample))
        if pose is None:
            if sample.static is not None and self._follow.camera in (None, camera):
                self.static = sample.static
            return None
        sequence = self._follow.accept(camera, received_ns)
        self.static = sample.static or self.static
        return TrackingSample(
            pose,
            received_ns,
            sequence,
            camera,
            captured_ns=_captured_ns(opentrackio.sample_time_ns(sample), self._clock, received_ns),
            timecode=opentrackio.timecode(sample),
            lens=opentrackio.lens(sample),
        )

    def _check_order(
        self, sender: Address, camera: str, sequence: int, received_ns: int, period_ns: int | None
    ) -> None:
        """A sequence number that is not newer is late for three sample periods; after that the tracker began anew."""
        key = (sender, camera)
        last = self._last.get(key)
        if last is not None:
            last_sequence, last_ns, last_period_ns = last
            newer = 0 < (sequence - last_sequence) & 0xFFFF < 0x8000
            if not newer and received_ns - last_ns < _LATE_PERIODS * last_period_ns:
                what = "repeated" if sequence == last_sequence else "late"
                raise BadDatagram(what, f"OpenTrackIO sample {sequence} came after {last_sequence}")
        elif len(self._last) >= _MAX_STREAMS:
            del self._last[next(iter(self._last))]
        self._last[key] = (sequence, received_ns, period_ns or _DEFAULT_PERIOD_NS)


def _captured_ns(stamp_ns: int | None, clock: Clock, received_ns: int) -> int | None:
    """A tracker's timestamp on ``core.clock``; None when it is not to be believed: in the future, or a second old."""
    if stamp_ns is None or clock == "none":
        return None
    utc_ns = stamp_ns - _TAI_MINUS_UTC_NS if clock == "tai" else stamp_ns
    captured_ns = utc_ns - (time.time_ns() - now_ns())
    if not -_NEWEST_CAPTURE_NS <= received_ns - captured_ns <= _OLDEST_CAPTURE_NS:
        return None
    return captured_ns
