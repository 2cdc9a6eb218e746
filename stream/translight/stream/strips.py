"""The protocol of tcp:// (docs/streams/tcp.md): a frame in strips, its header last; tcp.py and tcp_sender.py do I/O.

Bytes in, values out: ``StripReader`` names the memory that the next bytes belong in, so that a socket writes them
straight into the picture, and is told how many came.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import ProtocolError
from translight.stream.contract import PictureSpec
from translight.stream.header import HEADER_BYTES, FrameHeader, RunningCheck, format_code, format_of, unpack

VERSION = 1
ASK_BYTES = 8
HELLO_BYTES = 64
HEAD_BYTES = 32
SOCKET_BYTES = 1 << 20
"""Asked for as a socket's buffer: holds the last strips, and is still in the processor's cache when it is read."""
MAX_PICTURE_BYTES = 1 << 29
"""Security: no larger picture is received (16384 by 4096 pixels of 8 bytes)."""

_ASK_MAGIC, _HELLO_MAGIC, _HEAD_MAGIC = b"TLSA", b"TLSH", b"TLSM"
_ASK = struct.Struct("<4sHH")
_HELLO = struct.Struct("<4sHHIIIIQQ")
_HEAD = struct.Struct("<4sIQIIQ")


class Kind(IntEnum):
    """What a message of the sender holds."""

    STRIP = 1
    """Rows of a picture, in order from the top; the first row begins a picture, and an unfinished one is given up."""
    FRAME = 2
    """The frame header of the picture, all of whose rows have come."""
    END = 3
    """The sender ends."""


_KINDS = [kind.value for kind in Kind]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a message's bytes. ``serial`` numbers the pictures of a sender from 1."""

    kind: Kind
    serial: int = 0
    first_row: int = 0
    rows: int = 0
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Hello:
    """What a sender says first: its pictures' size and layout, and a number that no other run of it has."""

    spec: PictureSpec
    session: int


ASK = _ASK.pack(_ASK_MAGIC, VERSION, ASK_BYTES)
"""A receiver's wish for one picture, newer than the last that it was sent."""


def check_ask(data: bytes) -> None:
    """Raises ProtocolError on what is no wish."""
    if len(data) != ASK_BYTES:
        raise ProtocolError(f"a wish is {ASK_BYTES} bytes, got {len(data)}")
    magic, version, size = _ASK.unpack(data)
    if magic != _ASK_MAGIC or size != ASK_BYTES:
        raise ProtocolError(f"a wish begins with {_ASK_MAGIC!r} and its {ASK_BYTES} bytes, got {data!r}")
    if version != VERSION:
        raise ProtocolError(f"this sends strips of version {VERSION}, the receiver speaks version {version}")


def pack_hello(hello: Hello) -> bytes:
    """The 64 bytes that answer a receiver's first wish."""
    spec = hello.spec
    row_bytes = spec.format.pixel_bytes * spec.width_px
    sizes = (spec.width_px, spec.height_px, row_bytes, spec.nbytes)
    return _HELLO.pack(
        _HELLO_MAGIC, VERSION, HELLO_BYTES, format_code(spec.format), *sizes, hello.session
    ).ljust(HELLO_BYTES, b"\0")  # fmt: skip


def unpack_hello(data: bytes | memoryview, max_picture_bytes: int = MAX_PICTURE_BYTES) -> Hello:
    """A sender's hello. Raises ProtocolError, also on pictures that are too large (security)."""
    magic, version, size, number, width, height, row_bytes, picture_bytes, session = _HELLO.unpack_from(data)
    if magic != _HELLO_MAGIC or size != HELLO_BYTES:
        raise ProtocolError(
            f"a hello begins with {_HELLO_MAGIC!r} and its {HELLO_BYTES} bytes, got {bytes(data[:8])!r}"
        )
    if version != VERSION:
        raise ProtocolError(f"this reads strips of version {VERSION}, the sender speaks version {version}")
    spec = PictureSpec(width, height, format_of(number))
    pixel = spec.format.pixel_bytes
    if row_bytes != pixel * width or picture_bytes != row_bytes * height or picture_bytes == 0:
        raise ProtocolError(
            f"{width}x{height} pixels of {pixel} bytes do not make {picture_bytes} bytes in rows of {row_bytes}"
        )
    if picture_bytes > max_picture_bytes:
        raise ProtocolError(f"pictures of {picture_bytes} bytes; at most {max_picture_bytes} are allowed")
    return Hello(spec, session)


def pack_head(head: Head) -> bytes:
    """A message's first 32 bytes."""
    return _HEAD.pack(_HEAD_MAGIC, head.kind, head.serial, head.first_row, head.rows, head.nbytes)


def unpack_head(data: bytes | memoryview) -> Head:
    """A message's head; what it says of a picture is not checked yet. Raises ProtocolError."""
    magic, kind, serial, first_row, rows, nbytes = _HEAD.unpack_from(data)
    if magic != _HEAD_MAGIC:
        raise ProtocolError(f"a message begins with {_HEAD_MAGIC!r}, got {bytes(data[:4])!r}")
    if kind not in _KINDS:
        raise ProtocolError(f"message kind {kind} is none of {_KINDS}")
    return Head(Kind(kind), serial, first_row, rows, nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that came whole. ``sound`` says that it agrees with its header's check."""

    serial: int
    header: FrameHeader
    pixels: NDArray[np.generic]
    sound: bool


class StripReader:
    """Takes one connection's bytes apart, from the hello on.

    Loop: fill (a part of) ``wanted()``, say ``filled(count)``. Two rooms are made when the hello comes: the one that
    is being filled, and the one of the last whole picture, valid until the next one is whole.
    """

    def __init__(self, max_picture_bytes: int = MAX_PICTURE_BYTES) -> None:
        self.hello: Hello | None = None
        self.ended = False
        """Whether the sender said that it ends."""
        self._max_picture_bytes = max_picture_bytes
        self._small = memoryview(bytearray(max(HELLO_BYTES, HEAD_BYTES)))
        self._header = memoryview(bytearray(HEADER_BYTES))
        self._head: Head | None = None
        self._serial = 0
        self._rows = 0
        self._want = self._small[:HELLO_BYTES]
        self._at = 0

    @property
    def begun(self) -> bool:
        """Whether a message has come in part."""
        return self.hello is None or self._at > 0 or self._head is not None

    def wanted(self) -> memoryview:
        """Where the next bytes go; never empty."""
        return self._want[self._at :]

    def filled(self, count: int) -> Picture | None:
        """So many bytes came; a picture when they made one whole. Raises ProtocolError: the connection is of no use."""
        self._at += count
        if self._at < len(self._want):
            return None
        picture = None
        if self.hello is None:
            self._greet(unpack_hello(self._small[:HELLO_BYTES], self._max_picture_bytes))
        elif self._head is None:
            self._expect(self.hello.spec, unpack_head(self._small))
            return None
        elif self._head.kind is Kind.STRIP:
            self._rows += self._head.rows
            self._checks[0].advance(self._rows * self._row_bytes)
        else:
            picture = self._whole(self.hello.spec)
        self._head = None
        self._await(self._small[:HEAD_BYTES])
        return picture

    def _await(self, room: memoryview) -> None:
        self._want, self._at = room, 0

    def _greet(self, hello: Hello) -> None:
        self.hello = hello
        spec = hello.spec
        self._row_bytes = spec.format.pixel_bytes * spec.width_px
        rooms = [np.zeros(spec.nbytes, np.uint8) for _ in range(2)]
        # The first is being filled
        self._rooms = rooms
        self._views = [room.data for room in rooms]
        self._checks = [RunningCheck(room) for room in rooms]

    def _expect(self, spec: PictureSpec, head: Head) -> None:
        """What follows a head: nothing, rows, or a header."""
        if head.kind is Kind.END:
            if head.nbytes:
                raise ProtocolError(f"the end has no bytes, this one says {head.nbytes}")
            self.ended = True
            self._await(self._small[:HEAD_BYTES])
            return
        if head.kind is Kind.STRIP:
            self._begin_strip(spec, head)
        else:
            if head.serial != self._serial or self._rows != spec.height_px:
                raise ProtocolError(
                    f"picture {head.serial} is said to be whole; "
                    f"picture {self._serial} has {self._rows} rows of {spec.height_px}"
                )
            if head.nbytes != HEADER_BYTES:
                raise ProtocolError(f"a frame header is {HEADER_BYTES} bytes, this one says {head.nbytes}")
            self._await(self._header)
        self._head = head

    def _begin_strip(self, spec: PictureSpec, head: Head) -> None:
        if head.first_row == 0:
            self._serial, self._rows = head.serial, 0
            self._checks[0].restart()
        if head.serial != self._serial or head.first_row != self._rows:
            raise ProtocolError(
                f"a strip of picture {head.serial} from row {head.first_row}; "
                f"picture {self._serial} goes on at row {self._rows}"
            )
        if head.rows == 0 or head.first_row + head.rows > spec.height_px:
            raise ProtocolError(f"{head.rows} rows from row {head.first_row} are not in {spec.height_px}")
        if head.nbytes != head.rows * self._row_bytes:
            raise ProtocolError(f"{head.rows} rows of {self._row_bytes} bytes are not {head.nbytes} bytes")
        begin = head.first_row * self._row_bytes
        self._await(self._views[0][begin : begin + head.nbytes])

    def _whole(self, spec: PictureSpec) -> Picture:
        header = unpack(self._header)
        if PictureSpec(header.width_px, header.height_px, header.format) != spec:
            raise ProtocolError(
                f"a header of {header.width_px}x{header.height_px} {header.format} pixels; "
                f"the sender said {spec.width_px}x{spec.height_px} {spec.format}"
            )
        room, sound = self._rooms[0], self._checks[0].value() == header.check
        pixels = room.view(spec.format.dtype).reshape(spec.format.shape(spec.width_px, spec.height_px))
        picture = Picture(self._serial, header, pixels, sound)
        self._serial, self._rows = 0, 0
        if sound:
            for pair in (self._rooms, self._views, self._checks):
                pair.reverse()
        return picture
