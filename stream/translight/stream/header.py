"""The frame header, 256 bytes little-endian, that precedes every picture; the layout is in docs/stream_header.md."""

from __future__ import annotations

import math
import struct
import uuid
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat

MAGIC = b"TLFR"
VERSION = 1
HEADER_BYTES = 256
NO_TIME = -1
"""A time that is not known, in a field of nanoseconds."""

FLAG_TRACKING_LOST = 1
"""The tracker is silent: the pose is the last one, held."""
FLAG_PREDICTED = 2
"""The pose was predicted to the presentation time."""

DEPTH_LOG = "depth-log"
"""The encoding of depth in whole codes: logarithmic between ``near_m`` and ``far_m`` (colour/depth_curve.py)."""

_CHECK_STRIDE = 509
_LAYOUT = struct.Struct("<4sHHIIIIIIQQIIQqqqqqqqqQQ7dI4x2d")
_SENT, _SENT_OFFSET = struct.Struct("<q"), 112
_CHECK, _CHECK_OFFSET = struct.Struct("<Q"), 128
_FORMAT_CODES = {PixelFormat.RGBA8: 1, PixelFormat.RGB10A2: 2, PixelFormat.RGBA16F: 3}
_FORMATS = {code: name for name, code in _FORMAT_CODES.items()}
_ENCODING_CODES = {"srgb": 1, "gamma2.4": 2, "pq": 3, "linear": 4, DEPTH_LOG: 5}
_ENCODINGS = {code: name for name, code in _ENCODING_CODES.items()}
CARRIES = ("wall", "camera", "depth")
"""What a picture is of, in the order of the numbers on the wire: the walls' canvas, the film camera's view, its depth.
"""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When a frame passed each stage, in ns of the sender's monotonic clock (``core.clock``); NO_TIME if unknown."""

    captured_ns: int = NO_TIME
    """The tracker measured the pose."""
    received_ns: int = NO_TIME
    """The pose's datagram left the socket."""
    pose_taken_ns: int = NO_TIME
    """The live loop took the pose."""
    render_begin_ns: int = NO_TIME
    render_end_ns: int = NO_TIME
    composite_end_ns: int = NO_TIME
    sent_ns: int = NO_TIME
    """The finished picture was handed to the transport."""
    presentation_ns: int = NO_TIME
    """The frame's place on the frame clock, which the pose was predicted for."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a picture is, which frame it is, and when it passed each stage."""

    frame: int
    width_px: int
    height_px: int
    format: PixelFormat
    encoding: str = "srgb"
    rate: Fraction = Fraction(60)
    flags: int = 0
    pose_sequence: int = 0
    times: FrameTimes = FrameTimes()
    clock_id: int = 0
    """Names the clock: times of two headers compare only when it is the same (see ``clock_id``)."""
    check: int = 0
    """``picture_check`` of the picture: a receiver that computes another one has a torn or broken picture."""
    wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """``stage_from_camera`` that the frame was rendered for."""
    carries: str = "wall"
    """One of CARRIES."""
    near_m: float = 0.0
    far_m: float = 0.0
    """The curve's ends where the encoding is DEPTH_LOG, else 0."""

    @property
    def payload_bytes(self) -> int:
        """Bytes of the picture that follows."""
        return self.format.nbytes(self.width_px, self.height_px)


def pack(header: FrameHeader) -> bytes:
    """The header's 256 bytes."""
    t = header.times
    head = _LAYOUT.pack(
        MAGIC,
        VERSION,
        HEADER_BYTES,
        header.flags,
        _FORMAT_CODES[header.format],
        header.width_px,
        header.height_px,
        header.format.pixel_bytes * header.width_px,
        _ENCODING_CODES[header.encoding],
        header.frame,
        header.payload_bytes,
        header.rate.numerator,
        header.rate.denominator,
        header.pose_sequence,
        t.captured_ns,
        t.received_ns,
        t.pose_taken_ns,
        t.render_begin_ns,
        t.render_end_ns,
        t.composite_end_ns,
        t.sent_ns,
        t.presentation_ns,
        header.check,
        header.clock_id,
        *header.wxyz,
        *header.position_m,
        CARRIES.index(header.carries),
        header.near_m,
        header.far_m,
    )
    return head.ljust(HEADER_BYTES, b"\0")


def pack_sent(header: FrameHeader, check: int, sent_ns: int) -> bytes:
    """The header's 256 bytes with another ``check`` and time of sending, sooner than by making such a header."""
    data = bytearray(pack(header))
    _SENT.pack_into(data, _SENT_OFFSET, sent_ns)
    _CHECK.pack_into(data, _CHECK_OFFSET, check)
    return bytes(data)


def unpack(data: bytes | memoryview) -> FrameHeader:
    """A header from its bytes (at least 256; more are ignored). Raises ProtocolError."""
    if len(data) < HEADER_BYTES:
        raise ProtocolError(f"a frame header is {HEADER_BYTES} bytes, got {len(data)}")
    (magic, version, size, flags, number, width, height, stride, encoding_code, frame, payload, numerator,
     denominator, pose_sequence, captured, received, taken, begin, end, composed, sent, presented, check,
     clock, *pose, carried, near_m, far_m) = _LAYOUT.unpack_from(data)  # fmt: skip
    if magic != MAGIC:
        raise ProtocolError(f"a frame header begins with {MAGIC!r}, got {bytes(magic)!r}")
    if version != VERSION:
        raise ProtocolError(f"this reads frame header version {VERSION}, the sender speaks version {version}")
    if size != HEADER_BYTES:
        raise ProtocolError(f"a version {VERSION} frame header says {HEADER_BYTES} bytes, this one says {size}")
    pixel_format = format_of(number)
    if encoding_code not in _ENCODINGS:
        raise ProtocolError(f"encoding {encoding_code} is none of {sorted(_ENCODINGS)}")
    if carried >= len(CARRIES):
        raise ProtocolError(f"what a picture carries is 0 to {len(CARRIES) - 1}, got {carried}")
    check_curve(_ENCODINGS[encoding_code], near_m, far_m)
    if numerator == 0 or denominator == 0:
        raise ProtocolError(f"frame rate {numerator}/{denominator} is not a rate")
    pixel = pixel_format.pixel_bytes
    if stride != pixel * width or payload != stride * height or payload == 0:
        raise ProtocolError(f"{width}x{height} pixels of {pixel} bytes do not make {payload} bytes in rows of {stride}")
    return FrameHeader(
        frame=frame,
        width_px=width,
        height_px=height,
        format=pixel_format,
        encoding=_ENCODINGS[encoding_code],
        rate=Fraction(numerator, denominator),
        flags=flags,
        pose_sequence=pose_sequence,
        times=FrameTimes(captured, received, taken, begin, end, composed, sent, presented),
        clock_id=clock,
        check=check,
        wxyz=tuple(pose[:4]),
        position_m=tuple(pose[4:]),
        carries=CARRIES[carried],
        near_m=near_m,
        far_m=far_m,
    )


def check_curve(encoding: str, near_m: float, far_m: float) -> None:
    """Raise ProtocolError unless the ends of depth's curve are ones, or 0 for other encodings."""
    if encoding == DEPTH_LOG:
        if not 0 < near_m < far_m < math.inf:
            raise ProtocolError(f"depth runs from a near end above 0 to a farther one, got {near_m:g} to {far_m:g} m")
    elif near_m != 0 or far_m != 0:
        raise ProtocolError(f"only depth has a near and a far end, got {near_m:g} to {far_m:g} m of {encoding}")


def format_code(pixel_format: PixelFormat) -> int:
    """A pixel format's number on the wire."""
    return _FORMAT_CODES[pixel_format]


def format_of(code: int) -> PixelFormat:
    """The pixel format of a number on the wire. Raises ProtocolError."""
    if code not in _FORMATS:
        raise ProtocolError(f"pixel format {code} is none of {sorted(_FORMATS)}")
    return _FORMATS[code]


def picture_check(picture: NDArray[np.uint8]) -> int:
    """A number (64 bits) that a mix of two pictures almost never shares with either, from one word in 509.

    Σ (2k + 1) · word(509 k) modulo 2⁶⁴ over the picture's bytes as little-endian 64-bit words, a shorter rest left out.
    """
    return RunningCheck(picture).value()


class RunningCheck:
    """``picture_check`` of a picture that comes from the top down: what is there is summed while it is still cached."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        self._words = picture[: picture.nbytes // 8 * 8].view("<u8")[::_CHECK_STRIDE]
        self._weights = np.arange(1, 2 * len(self._words), 2, dtype=np.uint64)
        self.restart()

    def restart(self) -> None:
        """Nothing of the picture is there."""
        self._taken = 0
        self._sum = 0

    def advance(self, end_byte: int) -> None:
        """All bytes before ``end_byte`` are there."""
        # Word 509 k is whole with its eighth byte
        end = min(max((end_byte // 8 - 1) // _CHECK_STRIDE + 1, 0), len(self._words))
        if end > self._taken:
            part = slice(self._taken, end)
            self._sum += int(np.dot(self._words[part], self._weights[part]))
            self._taken = end

    def value(self) -> int:
        """The check, with what had not been summed yet."""
        self.advance(8 * _CHECK_STRIDE * len(self._words) + 8)
        return self._sum & (2**64 - 1)


def clock_id() -> int:
    """A number that is the same for every process since this machine booted, and differs elsewhere."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        text = boot.read_text().strip()
    except OSError:
        return uuid.getnode()
    return uuid.UUID(text).int & (2**64 - 1)
