"""Takes played again: as a source with the recorded rhythm, as datagrams to a UDP port, or all at once."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from translight.core.clock import NS_PER_S, now_ns
from translight.core.errors import FormatError, ProtocolError, ShowError, StreamError
from translight.tracking.datagram import BadDatagram, Decoder
from translight.tracking.sample import TrackingSample
from translight.tracking.source import SourceCounts, SourceSpec, parse_source
from translight.tracking.take import Record, Take

_PAUSE_NS = NS_PER_S // 25
"""From the last record to the first one of the next round, when a take has only one record to tell its rhythm."""
_LOOK_S = 0.1


class ReplaySource:
    """A take as a source: its datagrams through its protocol's parser, when they are due. One thread reads."""

    def __init__(self, spec: SourceSpec) -> None:
        """Open the take. Raises FormatError."""
        assert spec.path is not None, "a replay has a take"
        self.counts = SourceCounts()
        self.last_fault = ""
        self.ended = False
        """Whether the take has run out; it never does when it loops."""
        self._take = Take(spec.path)
        self._wire = _recorded_source(self._take, spec.camera)
        if spec.sensor_mm is not None and self._wire.wire == "f4":  # an .f4 file has no URL that could say it
            self._wire = replace(self._wire, sensor_mm=spec.sensor_mm, image_width_px=spec.image_width_px)
        self._decoder = self._wire.decoder()
        self._due = due(self._take, spec.speed, loop=spec.loop)
        self._next: tuple[int, int, Record] | None = None
        self._begin_ns = -1
        self._round = 0

    def read(self, timeout_s: float) -> TrackingSample | None:
        """The next sample that is due, received now, or None when none is due within ``timeout_s``."""
        now = now_ns()
        deadline_ns = now + int(timeout_s * NS_PER_S)
        if self._begin_ns < 0:
            self._begin_ns = now
        while True:
            if self._next is None:
                self._next = next(self._due, None)
            if self._next is None:
                self.ended = True
            due_ns = deadline_ns if self._next is None else self._begin_ns + self._next[1]
            _sleep_until(min(due_ns, deadline_ns))
            if self._next is None or due_ns > deadline_ns:
                return None
            number, _, record = self._next
            self._next = None
            sample = self._decode(number, record)
            if sample is not None:
                return sample

    def close(self) -> None:
        """Close the take."""
        self._due = iter(())

    def _decode(self, number: int, record: Record) -> TrackingSample | None:
        if number != self._round:
            self._round = number
            self._decoder = self._wire.decoder()  # a new round is a tracker that began anew
        try:
            sample = self._decoder.decode(record.datagram, now_ns(), record.sender)
        except ProtocolError as error:
            cause = error.cause if isinstance(error, BadDatagram) else "other"
            self.counts.bad_by_cause[cause] = self.counts.bad_by_cause.get(cause, 0) + 1
            self.last_fault = f"{cause}: {error}"
            return None
        if sample is None:
            return None
        self.counts.samples += 1
        return replace(sample, sequence=self.counts.samples)


def samples(take: Take, camera: str = "") -> Iterator[TrackingSample]:
    """Every good sample of a take with the time it was received when it was recorded; bad datagrams are left out."""
    decoder: Decoder = _recorded_source(take, camera).decoder()
    for record in take.records():
        try:
            sample = decoder.decode(record.datagram, record.received_ns, record.sender)
        except ProtocolError:
            continue
        if sample is not None:
            yield sample


def send(
    take: Take,
    target: tuple[str, int],
    *,
    speed: float = 1.0,
    loop: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Send a take's datagrams to a UDP address in their rhythm; how many were sent. Raises StreamError."""
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        begin_ns = now_ns()
        for _, due_ns, record in due(take, speed, loop=loop):
            while not stopped() and now_ns() < begin_ns + due_ns:
                _sleep_until(min(begin_ns + due_ns, now_ns() + int(_LOOK_S * NS_PER_S)))
            if stopped():
                break
            try:
                sock.sendto(record.datagram, target)
            except OSError as error:
                raise StreamError(f"cannot send to {target[0]}:{target[1]}: {error.strerror}") from error
            sent += 1
    return sent


def due(take: Take, speed: float = 1.0, *, loop: bool = False) -> Iterator[tuple[int, int, Record]]:
    """(round, ns after the beginning, record) of every record; rounds follow one another without a gap."""
    offset_ns = 0
    for number in itertools.count():
        first_ns = last_ns = -1
        count = 0
        for record in take.records():
            first_ns = record.received_ns if count == 0 else first_ns
            last_ns = max(record.received_ns, last_ns)
            yield number, offset_ns + int((record.received_ns - first_ns) / speed), record
            count += 1
        if count == 0:
            raise FormatError(f"{take.path}: the take holds no datagrams")
        if not loop:
            return
        period_ns = (last_ns - first_ns) // (count - 1) if count > 1 else _PAUSE_NS
        offset_ns += int((last_ns - first_ns + max(period_ns, 1_000_000)) / speed)


def _recorded_source(take: Take, camera: str) -> SourceSpec:
    try:
        spec = parse_source(take.info.source)
    except ShowError as error:
        raise FormatError(f"{take.path} was recorded from a source that this does not read: {error}") from None
    if spec.wire is None:
        raise FormatError(f"{take.path} was recorded from {take.info.source}, which has no protocol")
    return replace(spec, camera=camera or spec.camera)


def _sleep_until(time_ns: int) -> None:
    left_ns = time_ns - now_ns()
    if left_ns > 0:
        time.sleep(left_ns / NS_PER_S)
