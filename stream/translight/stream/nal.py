"""NAL units of H.264 (ITU-T H.264, clause 7.3, Annex B) and HEVC (H.265), and the frame header within an SEI message.

The header (header.py) travels as a user_data_unregistered SEI message (H.264 D.1.7, H.265 D.2.7) under our own UUID,
just before the first slice of its access unit; decoders that do not know it pass over it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from translight.core.errors import ProtocolError
from translight.stream.header import HEADER_BYTES, FrameHeader, pack, unpack


class VideoCodec(StrEnum):
    """A codec whose access units are made of NAL units."""

    H264 = "h264"
    HEVC = "hevc"


HEADER_UUID = uuid.UUID("7c1d4e2a-5b0f-5e7a-9d51-544c46520001").bytes
"""Names our user data."""
_START = b"\0\0\0\1"
_USER_DATA_UNREGISTERED = 5
_H264_SEI, _HEVC_PREFIX_SEI = 6, 39
_H264_SLICES, _H264_IDR = range(1, 6), 5
_HEVC_SLICES, _HEVC_IRAP = range(32), range(16, 24)
_H264_PARAMETERS, _HEVC_PARAMETERS = (7, 8), (32, 33, 34)
_SLICES = {VideoCodec.H264: _H264_SLICES, VideoCodec.HEVC: _HEVC_SLICES}
_PARAMETERS = {VideoCodec.H264: _H264_PARAMETERS, VideoCodec.HEVC: _HEVC_PARAMETERS}
_START_CODE = re.compile(b"\0\0\1")
# Within a NAL unit no 00 00 is followed by 00, 01 or 02; an 03 stands between (H.264 7.4.1.1).
_UNSAFE = re.compile(b"\0\0(?=[\0\1\2\3])")
_ESCAPED = re.compile(b"\0\0\3")


def nal_type(nal: bytes | memoryview, codec: VideoCodec) -> int:
    """nal_unit_type of a NAL unit, which must not be empty."""
    return nal[0] & 0x1F if codec is VideoCodec.H264 else nal[0] >> 1 & 0x3F


def split(access_unit: bytes) -> list[memoryview]:
    """The NAL units of an Annex B byte stream, without start codes and the zero bytes around them."""
    marks = [match.start() for match in _START_CODE.finditer(access_unit)]
    view = memoryview(access_unit)
    units = []
    for mark, end in pairwise([*marks, len(access_unit)]):
        while end > mark + 3 and access_unit[end - 1] == 0:  # a NAL unit never ends in zero: these are of the framing
            end -= 1
        if end > mark + 3:
            units.append(view[mark + 3 : end])
    return units


def join(nals: Iterable[bytes | memoryview]) -> bytes:
    """NAL units as an Annex B byte stream."""
    return b"".join(part for nal in nals for part in (_START, nal))


def escape(payload: bytes) -> bytes:
    """A NAL unit's payload with emulation prevention bytes."""
    return _UNSAFE.sub(b"\0\0\3", payload)


def unescape(payload: bytes) -> bytes:
    """The inverse of ``escape``."""
    return _ESCAPED.sub(b"\0\0", payload)


def is_key(nals: Sequence[bytes | memoryview], codec: VideoCodec) -> bool:
    """Whether decoding can begin here: an IDR picture, or an IRAP picture of HEVC."""
    keys: Iterable[int] = (_H264_IDR,) if codec is VideoCodec.H264 else _HEVC_IRAP
    return any(nal_type(nal, codec) in keys for nal in nals)


def is_slice(nal: bytes | memoryview, codec: VideoCodec) -> bool:
    """Whether a NAL unit carries picture data."""
    return nal_type(nal, codec) in _SLICES[codec]


def parameter_sets(nals: Iterable[bytes | memoryview], codec: VideoCodec) -> list[bytes]:
    """VPS (HEVC), SPS and PPS, in the order they came."""
    return [bytes(nal) for nal in nals if nal_type(nal, codec) in _PARAMETERS[codec]]


def header_sei(header: FrameHeader, codec: VideoCodec) -> bytes:
    """The SEI NAL unit that carries a frame header."""
    payload = HEADER_UUID + pack(header)
    size = b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255])
    start = bytes([_H264_SEI]) if codec is VideoCodec.H264 else bytes([_HEVC_PREFIX_SEI << 1, 1])
    return start + escape(bytes([_USER_DATA_UNREGISTERED]) + size + payload + b"\x80")


def with_header(nals: Sequence[bytes | memoryview], header: FrameHeader, codec: VideoCodec) -> list[bytes | memoryview]:
    """An access unit's NAL units with the header's SEI before the first slice."""
    first = next((n for n, nal in enumerate(nals) if is_slice(nal, codec)), len(nals))
    return [*nals[:first], header_sei(header, codec), *nals[first:]]


def read_header(nals: Iterable[bytes | memoryview], codec: VideoCodec) -> FrameHeader | None:
    """The frame header of an access unit, or None where there is none. Raises ProtocolError on one that is broken."""
    wanted = _H264_SEI if codec is VideoCodec.H264 else _HEVC_PREFIX_SEI
    for nal in nals:
        if nal_type(nal, codec) == wanted:
            payload = unescape(bytes(nal[1 if codec is VideoCodec.H264 else 2 :]))
            for kind, data in _messages(payload):
                if kind == _USER_DATA_UNREGISTERED and data[:16] == HEADER_UUID:
                    if len(data) != 16 + HEADER_BYTES:
                        raise ProtocolError(f"our SEI message holds {16 + HEADER_BYTES} bytes, this one {len(data)}")
                    return unpack(data[16:])
    return None


def _messages(payload: bytes) -> Iterable[tuple[int, bytes]]:
    """The SEI messages of a NAL unit's payload: type and data; what is cut off ends them (H.264 7.3.2.3.1)."""
    at = 0
    while at + 2 < len(payload):
        values = []
        for _ in range(2):
            value = 0
            while at < len(payload) and payload[at] == 0xFF:
                value += 255
                at += 1
            if at >= len(payload):
                return
            values.append(value + payload[at])
            at += 1
        kind, size = values
        if at + size > len(payload):
            return
        yield kind, payload[at : at + size]
        at += size
