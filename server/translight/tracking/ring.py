"""The pose ring: the tracking process's poses in shared memory, for the live process; its counts, for everyone.

Layout (native 64-bit words unless said otherwise): a head of 4096 bytes, then ``SLOTS`` slots of ``SLOT_BYTES``.
Head: magic, version, number of the newest record (0: none), writer's pid; from ``_COUNTS_AT`` the counts: sequence,
length, checksum, then JSON. Slot: sequence, checksum, then one record (``_RECORD``). Record n lies in slot n mod
``SLOTS``; its slot's sequence is 2n − 1 while it is written and 2n when it is whole. A reader takes the newest number,
copies the record, and believes it only if the sequence was 2n before and after and the checksum is right, so a torn
record cannot be read on any memory model; a writer would have to lap the reader by 64 records to make it try again.
One process writes. Nobody waits for anybody.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from translight.core.errors import StreamError
from translight.core.pose import Pose
from translight.core.shared_memory import SharedMemory
from translight.tracking.motion import Motion
from translight.tracking.sample import LensSample, TrackingSample

SLOTS = 64
SLOT_BYTES = 512

_MAGIC = int.from_bytes(b"TLPOSES\0", "little")
_VERSION = 1
_HEAD_BYTES = 4096
_SIZE = _HEAD_BYTES + SLOTS * SLOT_BYTES
_MAGIC_WORD, _VERSION_WORD, _NEWEST_WORD, _PID_WORD = range(4)
_COUNTS_AT = 256
_COUNTS_BYTES = _HEAD_BYTES - _COUNTS_AT - 24
_TRIES = 8
_NO_TIME = -(1 << 63)
_TEXT_BYTES = 40
_CODE_BYTES = 16
# sequence, received, captured, motion's time; pose, motion's pose, velocity, acceleration; lens; camera, timecode
_RECORD = struct.Struct(f"=4q26d4d3q{_TEXT_BYTES}s{_CODE_BYTES}s")
_RECORD_AT = 16
assert _RECORD_AT + _RECORD.size <= SLOT_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """The newest sample and the motion that the filter made of it; fields of ``TrackingSample`` mean the same here."""

    stage_from_camera: Pose
    received_ns: int
    sequence: int
    motion: Motion
    camera: str
    captured_ns: int | None
    timecode: str | None
    lens: LensSample


class RingCounts(msgspec.Struct, frozen=True):
    """How tracking does, as the tracking process last told."""

    received: int = 0
    """Samples that came whole, those a newer one overtook included."""
    superseded: int = 0
    """Samples that a newer one overtook before they were read."""
    bad: int = 0
    """Datagrams that were dropped."""
    bad_by_cause: dict[str, int] = {}
    last_fault: str = ""
    """What was wrong with the last bad datagram."""
    rate_hz: float = 0.0
    """Samples a second, over the last second."""
    outliers: int = 0
    """Samples that the filter left out."""
    resets: int = 0
    """Times that the filter began anew."""
    told_ns: int = 0
    """When this was told, on ``core.clock``: the tracking process lives while it grows."""


class PoseRing:
    """A mapped ring, either end. The tracking process writes; others read."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self._bytes = memory.buffer
        self._words = memory.buffer.cast("q")
        self._last: Tracked | None = None
        self._last_number = 0

    @classmethod
    def create(cls, name: str) -> Self:
        """A new, empty ring; its creator removes the name. Raises StreamError when the memory is not to be had."""
        ring = cls(SharedMemory.create(name, _SIZE))
        ring._words[_VERSION_WORD] = _VERSION
        ring._words[_MAGIC_WORD] = _MAGIC
        return ring

    @classmethod
    def attach(cls, name: str) -> Self:
        """An existing ring. Raises StreamError when there is none, or when it is not one this version reads."""
        memory = SharedMemory.attach(name, _SIZE)
        if len(memory.buffer) < _SIZE:
            memory.close()
            raise StreamError(f"shared memory {name!r} is not a pose ring")
        magic, version = struct.unpack_from("=2q", memory.buffer)
        if magic != _MAGIC or version != _VERSION:
            memory.close()
            raise StreamError(
                f"shared memory {name!r} is not a pose ring"
                if magic != _MAGIC
                else f"pose ring {name!r} is version {version}, this reads version {_VERSION}"
            )
        return cls(memory)

    def write(self, sample: TrackingSample, motion: Motion) -> None:
        """Put a record in. One process, one thread."""
        number = self._words[_NEWEST_WORD] + 1
        at = _HEAD_BYTES + number % SLOTS * SLOT_BYTES
        data = _pack(sample, motion)
        word = at // 8
        self._words[word] = 2 * number - 1
        self._bytes[at + _RECORD_AT : at + _RECORD_AT + _RECORD.size] = data
        self._words[word + 1] = zlib.crc32(data)
        self._words[word] = 2 * number
        self._words[_NEWEST_WORD] = number

    def latest(self) -> Tracked | None:
        """The newest record, or None before the first. The same object again while there is no newer one."""
        for _ in range(_TRIES):
            number = self._words[_NEWEST_WORD]
            if number == self._last_number:
                break
            at = _HEAD_BYTES + number % SLOTS * SLOT_BYTES
            word = at // 8
            if self._words[word] != 2 * number:
                continue
            data = bytes(self._bytes[at + _RECORD_AT : at + _RECORD_AT + _RECORD.size])
            if self._words[word + 1] == zlib.crc32(data) and self._words[word] == 2 * number:
                self._last, self._last_number = _unpack(data), number
                break
        return self._last

    def tell(self, counts: RingCounts) -> None:
        """Put the counts into the head. One process, one thread."""
        data = msgspec.json.encode(counts)
        if len(data) > _COUNTS_BYTES:
            data = msgspec.json.encode(msgspec.structs.replace(counts, bad_by_cause={"all": counts.bad}, last_fault=""))
        word = _COUNTS_AT // 8
        sequence = self._words[word] | 1
        self._words[word] = sequence
        self._words[word + 1] = len(data)
        self._words[word + 2] = zlib.crc32(data)
        self._bytes[_COUNTS_AT + 24 : _COUNTS_AT + 24 + len(data)] = data
        self._words[word] = sequence + 1
        self._words[_PID_WORD] = os.getpid()

    def counts(self) -> RingCounts:
        """The counts last told; all zero before the first, or when none can be caught whole."""
        word = _COUNTS_AT // 8
        for _ in range(_TRIES):
            sequence, length, checksum = self._words[word], self._words[word + 1], self._words[word + 2]
            if sequence == 0 or not 0 <= length <= _COUNTS_BYTES:
                continue
            data = bytes(self._bytes[_COUNTS_AT + 24 : _COUNTS_AT + 24 + length])
            if sequence % 2 == 0 and self._words[word] == sequence and checksum == zlib.crc32(data):
                return msgspec.json.decode(data, type=RingCounts)
        return RingCounts()

    @property
    def writer_pid(self) -> int:
        """The process that last told counts; 0 before."""
        return self._words[_PID_WORD]

    def close(self) -> None:
        """Unmap; the creator removes the name."""
        self._words.release()
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _pack(sample: TrackingSample, motion: Motion) -> bytes:
    lens = sample.lens
    return _RECORD.pack(
        sample.sequence,
        sample.received_ns,
        _NO_TIME if sample.captured_ns is None else sample.captured_ns,
        motion.time_ns,
        *sample.stage_from_camera.wxyz.tolist(),
        *sample.stage_from_camera.position_m.tolist(),
        *motion.stage_from_camera.wxyz.tolist(),
        *motion.stage_from_camera.position_m.tolist(),
        *motion.velocity.tolist(),
        *motion.acceleration.tolist(),
        math.nan if lens.focal_length_mm is None else lens.focal_length_mm,
        math.nan if lens.focus_distance_m is None else lens.focus_distance_m,
        math.nan if lens.f_number is None else lens.f_number,
        math.nan if lens.entrance_pupil_offset_m is None else lens.entrance_pupil_offset_m,
        -1 if lens.zoom_raw is None else lens.zoom_raw,
        -1 if lens.focus_raw is None else lens.focus_raw,
        -1 if lens.iris_raw is None else lens.iris_raw,
        _text(sample.camera, _TEXT_BYTES),
        b"" if sample.timecode is None else _text(sample.timecode, _CODE_BYTES),
    )


def _unpack(data: bytes) -> Tracked:
    values = _RECORD.unpack(data)
    sequence, received_ns, captured_ns, time_ns = values[:4]
    numbers = np.array(values[4:30])
    focal, focus, f_number, pupil = (None if math.isnan(v) else v for v in values[30:34])
    zoom_raw, focus_raw, iris_raw = (None if v < 0 else v for v in values[34:37])
    code = values[38].rstrip(b"\0").decode()
    motion = Motion(time_ns, Pose(numbers[7:11], numbers[11:14]), numbers[14:20], numbers[20:26])
    return Tracked(
        stage_from_camera=Pose(numbers[0:4], numbers[4:7]),
        received_ns=received_ns,
        sequence=sequence,
        motion=motion,
        camera=values[37].rstrip(b"\0").decode(),
        captured_ns=None if captured_ns == _NO_TIME else captured_ns,
        timecode=code or None,
        lens=LensSample(focal, focus, f_number, pupil, zoom_raw, focus_raw, iris_raw),
    )


def _text(text: str, size: int) -> bytes:
    """At most ``size`` bytes of UTF-8, no letter cut in two."""
    data = text.encode("utf-8", "replace")
    return data if len(data) <= size else data[:size].decode("utf-8", "ignore").encode()
