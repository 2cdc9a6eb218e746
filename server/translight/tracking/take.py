"""Take files (``.tlt``): recorded tracking datagrams as they came, so that a replay goes through the same parser.

Little-endian. Magic ``89 54 4c 54 0d 0a 1a 0a``, version (u16), zero (u16), length of the description (u32), the
description as JSON (``TakeInfo``), its CRC-32 (u32). Then records of 24 bytes and a datagram: CRC-32 of the rest of
the record (u32), the datagram's length (u32), time received in ns of the recording machine's monotonic clock (i64),
the sender's IPv4 address (4 bytes) and port (u16), and kind (u16): 0 a datagram, 1 the end, written when a take is
closed, whose time is the number of datagrams. A file without an end was cut off by a crash and reads up to there.

Mo-Sys ``.f4`` files open as takes too: packets without times, one every frame of their own timecode rate.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from translight.core.clock import NS_PER_S, now_ns
from translight.core.errors import FormatError, ProtocolError
from translight.tracking import f4
from translight.tracking.datagram import NO_SENDER, Address

VERSION = 1
MAGIC = b"\x89TLT\r\n\x1a\n"
_HEAD = struct.Struct("<8sHHI")
_RECORD = struct.Struct("<IIq4sHH")
_CRC = struct.Struct("<I")
_DATAGRAM, _END = 0, 1
_MAX_DATAGRAM = 65535
_MAX_INFO = 1 << 20

_log = logging.getLogger(__name__)


class TakeInfo(msgspec.Struct, frozen=True):
    """What a take is of."""

    source: str
    """The URL that it was recorded from; its protocol reads the datagrams."""
    started_utc: str = ""
    started_ns: int = 0
    """``core.clock`` at the same moment."""


@dataclass(frozen=True, slots=True)
class Record:
    """A datagram, when it came, and from where."""

    received_ns: int
    datagram: bytes
    sender: Address = NO_SENDER


class TakeWriter:
    """A new take. Every record reaches the operating system at once, so a crash loses none that were written.

    ``write`` fits ``UdpSource``'s tap. A disk that fails ends the recording, never the tracking: see ``failure``.
    """

    def __init__(self, path: Path, source: str) -> None:
        """Begin the file. Raises FormatError when it exists already or cannot be made."""
        info = TakeInfo(source, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), now_ns())
        data = msgspec.json.encode(info)
        self.count = 0
        self.failure = ""
        """Why the recording ended before it was closed; empty when it did not."""
        self._path = path
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise FormatError(f"{path} exists: a take is never written over") from None
        except OSError as error:
            raise FormatError(f"{path}: {error.strerror}") from error
        self._put(_HEAD.pack(MAGIC, VERSION, 0, len(data)) + data + _CRC.pack(zlib.crc32(data)))

    def write(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> None:
        """Put a datagram in."""
        if self._put(_record(_DATAGRAM, datagram, received_ns, sender)):
            self.count += 1

    def close(self) -> None:
        """End the take and bring it to the disk."""
        if self._file.closed:
            return
        self._put(_record(_END, b"", self.count, NO_SENDER))
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self._fail(error)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _put(self, data: bytes) -> bool:
        if self.failure:
            return False
        try:
            written = self._file.write(data)
        except OSError as error:
            self._fail(error)
            return False
        if written != len(data):
            self.failure = f"{self._path}: the disk is full"
            _log.error("recording ended: %s", self.failure)
            return False
        return True

    def _fail(self, error: OSError) -> None:
        self.failure = f"{self._path}: {error.strerror}"
        _log.error("recording ended: %s", self.failure)


class Take:
    """A take on disk, read record by record, as often as wanted."""

    def __init__(self, path: Path) -> None:
        """Open a ``.tlt`` or ``.f4`` file. Raises FormatError."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._f4 = file.read(8)[:1] == b"\xf4"
                file.seek(0)
                self.info = _f4_info() if self._f4 else _read_info(path, file)
                self._records_at = file.tell()
        except OSError as error:
            raise FormatError(f"{path}: {error.strerror}") from error
        self.complete = self._f4
        """Whether the end was found; known after ``records`` has run out."""

    def records(self) -> Iterator[Record]:
        """The records in order. Raises FormatError at one that is damaged; stops where a crash cut the file off."""
        if self._f4:
            yield from _f4_records(self.path)
            return
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(self._records_at)
            count = 0
            while True:
                at = file.tell()
                found = _read_record(file, size)
                if found is None:
                    self.complete = False
                    return
                kind, record = found
                if kind == _END:
                    self.complete = True
                    if record.received_ns != count:
                        raise FormatError(
                            f"{self.path}: the end says {record.received_ns} datagrams, {count} were read"
                        )
                    return
                if kind != _DATAGRAM:
                    raise FormatError(f"{self.path}: the record at byte {at} is damaged, after {count} good ones")
                count += 1
                yield record


def _record(kind: int, datagram: bytes, received_ns: int, sender: Address) -> bytes:
    try:
        host = socket.inet_aton(sender[0])
    except OSError:
        host = bytes(4)
    rest = _RECORD.pack(0, len(datagram), received_ns, host, sender[1], kind)[4:] + datagram
    return _CRC.pack(zlib.crc32(rest)) + rest


def _read_record(file: BinaryIO, size: int) -> tuple[int, Record] | None:
    """(kind, record), kind −1 when it is damaged; None at the end of what a crash left."""
    head = file.read(_RECORD.size)
    if len(head) < _RECORD.size:
        return None
    checksum, length, received_ns, host, port, kind = _RECORD.unpack(head)
    if length > _MAX_DATAGRAM:
        return -1, Record(0, b"")
    datagram = file.read(length)
    if len(datagram) < length:
        return None
    if checksum != zlib.crc32(head[4:] + datagram):
        # Some file systems leave zeros where the last write did not reach the disk.
        zeros = not any(head) and not any(file.read(size - file.tell()))
        return None if zeros else (-1, Record(0, b""))
    sender = NO_SENDER if host == bytes(4) else (socket.inet_ntoa(host), port)
    return kind, Record(received_ns, datagram, sender)


def _read_info(path: Path, file: BinaryIO) -> TakeInfo:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or head[:8] != MAGIC:
        raise FormatError(f"{path} is no take: a .tlt begins with {MAGIC!r}, an .f4 with byte f4")
    _, version, _, length = _HEAD.unpack(head)
    if version != VERSION:
        raise FormatError(f"{path} is a take of version {version}, this reads version {VERSION}")
    data = file.read(length + 4) if length <= _MAX_INFO else b""
    if len(data) != length + 4 or _CRC.unpack(data[-4:])[0] != zlib.crc32(data[:-4]):
        raise FormatError(f"{path}: the take's description is damaged")
    try:
        return msgspec.json.decode(data[:-4], type=TakeInfo)
    except msgspec.DecodeError as error:
        raise FormatError(f"{path}: the take's description: {error}") from None


def _f4_info() -> TakeInfo:
    return TakeInfo("f4://:8001")


def _f4_records(path: Path) -> Iterator[Record]:
    """One packet every frame of the rate that the packets' timecode says, 25 where they say none."""
    data = path.read_bytes()
    time_ns = 0
    try:
        for packet in f4.split(data):
            code = f4.timecode(f4.parse(packet))
            yield Record(time_ns, packet)
            time_ns += NS_PER_S // (25 if code is None else code[1])
    except ProtocolError as error:
        raise FormatError(f"{path}: {error}") from None
