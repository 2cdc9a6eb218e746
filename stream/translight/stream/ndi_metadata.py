"""The frame header as NDI video metadata: one XML element a frame, in attributes; ndi.py sends and reads it.

NDI allows any well-formed XML as a frame's metadata (NDI SDK, "Metadata"). The element is documented in
docs/streams/ndi.md.
"""

from __future__ import annotations

import re
from dataclasses import fields
from fractions import Fraction
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import quoteattr

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream.header import CARRIES, DEPTH_LOG, FrameHeader, FrameTimes, check_curve

VERSION = 1
MAX_BYTES = 4096
"""Security: longer metadata is not parsed."""
ELEMENT = "translight_frame"

_ENCODINGS = ("srgb", "gamma2.4", "pq", DEPTH_LOG)
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_TIMES = tuple(field.name for field in fields(FrameTimes))


def to_xml(header: FrameHeader) -> bytes:
    """The header's element, UTF-8. Picture check and size are left out: NDI's codec changes pixels and tells sizes."""
    attributes = {
        "version": str(VERSION),
        "frame": str(header.frame),
        "format": header.format.value,
        "encoding": header.encoding,
        "rate": f"{header.rate.numerator}/{header.rate.denominator}",
        "flags": str(header.flags),
        "pose_sequence": str(header.pose_sequence),
        **{name: str(getattr(header.times, name)) for name in _TIMES},
        "clock_id": str(header.clock_id),
        "wxyz": " ".join(map(repr, header.wxyz)),
        "position_m": " ".join(map(repr, header.position_m)),
    }
    if header.carries != CARRIES[0]:
        attributes["carries"] = header.carries
    if header.encoding == DEPTH_LOG:
        attributes["near_far_m"] = f"{header.near_m!r} {header.far_m!r}"
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{ELEMENT} {written}/>".encode()


def from_xml(data: bytes, width_px: int, height_px: int) -> FrameHeader:
    """A header from a frame's metadata and the picture's size. Raises ProtocolError.

    Elements of others around or beside ours are passed over; entities and document types are refused.
    """
    attributes = _attributes(data)
    if attributes.get("version") != str(VERSION):
        raise ProtocolError(f"this reads frame metadata version {VERSION}, got {attributes.get('version')!r}")
    pixel_format, encoding = attributes.get("format", ""), attributes.get("encoding", "")
    if pixel_format not in list(PixelFormat):
        raise ProtocolError(f"format {pixel_format[:20]!r} is none of {', '.join(PixelFormat)}")
    if encoding not in _ENCODINGS:
        raise ProtocolError(f"encoding {encoding[:20]!r} is none of {', '.join(_ENCODINGS)}")
    carries = attributes.get("carries", CARRIES[0])
    if carries not in CARRIES:
        raise ProtocolError(f"carries {carries[:20]!r} is none of {', '.join(CARRIES)}")
    near_m, far_m = _floats("near_far_m", attributes, 2) if encoding == DEPTH_LOG else (0.0, 0.0)
    check_curve(encoding, near_m, far_m)
    numerator, _, denominator = attributes.get("rate", "").partition("/")
    rate = _integer("rate", numerator, 1, 2**31), _integer("rate", denominator, 1, 2**31)
    times = [_integer(name, attributes.get(name, ""), -(2**63), 2**63 - 1) for name in _TIMES]
    w, x, y, z = _floats("wxyz", attributes, 4)
    px, py, pz = _floats("position_m", attributes, 3)
    return FrameHeader(
        frame=_integer("frame", attributes.get("frame", ""), 0, 2**64 - 1),
        width_px=width_px,
        height_px=height_px,
        format=PixelFormat(pixel_format),
        encoding=encoding,
        rate=Fraction(*rate),
        flags=_integer("flags", attributes.get("flags", ""), 0, 2**32 - 1),
        pose_sequence=_integer("pose_sequence", attributes.get("pose_sequence", ""), 0, 2**64 - 1),
        times=FrameTimes(*times),
        clock_id=_integer("clock_id", attributes.get("clock_id", ""), 0, 2**64 - 1),
        wxyz=(w, x, y, z),
        position_m=(px, py, pz),
        carries=carries,
        near_m=near_m,
        far_m=far_m,
    )


def _attributes(data: bytes) -> dict[str, str]:
    """The attributes of the first element of ours."""
    if len(data) > MAX_BYTES:
        raise ProtocolError(f"frame metadata is at most {MAX_BYTES} bytes, got {len(data)}")
    found: list[dict[str, str]] = []

    def refuse(*_: object) -> None:
        raise ProtocolError("frame metadata has no document type and no entities")

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == ELEMENT and not found:
            found.append(attributes)

    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begin
    try:
        # Others put several elements side by side, which only a root around them makes well-formed.
        parser.Parse(b"<frame>", False)
        parser.Parse(data, False)
        parser.Parse(b"</frame>", True)
    except (ExpatError, ValueError) as error:
        raise ProtocolError(f"frame metadata is not XML: {error}") from error
    if not found:
        raise ProtocolError(f"frame metadata holds no <{ELEMENT}>")
    return found[0]


def _integer(name: str, text: str, low: int, high: int) -> int:
    value = int(text) if _INTEGER.fullmatch(text) else None
    if value is None or not low <= value <= high:
        raise ProtocolError(f"{name} is a whole number from {low} to {high}, got {text[:40]!r}")
    return value


def _floats(name: str, attributes: dict[str, str], count: int) -> list[float]:
    text = attributes.get(name, "")
    try:
        values = [float(part) for part in text.split()]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) < 1e9 for value in values):
        raise ProtocolError(f"{name} is {count} numbers, got {text[:40]!r}")
    return values
