"""Open Sound Control 1.0 packets: messages and bundles to and from bytes; what the messages mean is osc_map.py's.

"The Open Sound Control 1.0 Specification" (Wright, 2002). python-osc parses the same and is the oracle in the tests,
but a bundle element of negative size makes its parser loop for ever (1.10), which one datagram from anywhere could do
to a show; so this one is strict about every length, and several times faster.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from translight.tracking.datagram import BadDatagram

Argument = int | float | str | bytes | bool | None

# security: what one datagram can make the receiver do
MAX_DEPTH = 4
MAX_MESSAGES = 256
MAX_ARGUMENTS = 256

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD = 16
_NUMBERS = {"f": "f", "i": "i", "d": "d", "h": "q"}
_CONSTANTS: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": float("inf")}
_INT = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Arguments inside array brackets are listed flat; an impulse (``I``) is inf, a colour an int."""

    address: str
    arguments: tuple[Argument, ...]


def parse(datagram: bytes) -> list[Message]:
    """The messages of a packet, those of nested bundles in order; time tags are not waited for. Raises BadDatagram."""
    messages: list[Message] = []
    _parse_element(datagram, 0, messages)
    return messages


def build(address: str, *arguments: Argument) -> bytes:
    """A message: ints as ``i`` (``h`` when they need 64 bits), floats as ``f``, str ``s``, bytes ``b``."""
    if not address.startswith("/"):
        raise ValueError(f"an OSC address begins with /, got {address!r}")
    tags, body = ",", b""
    for argument in arguments:
        tag, data = _build_argument(argument)
        tags += tag
        body += data
    return _string(address) + _string(tags) + body


def build_bundle(*elements: bytes) -> bytes:
    """A bundle of messages or bundles, to be acted on immediately."""
    head = _BUNDLE + b"\0\0\0\0\0\0\0\1"
    return head + b"".join(_INT.pack(len(element)) + element for element in elements)


def _parse_element(data: bytes, depth: int, messages: list[Message]) -> None:
    if data[:1] == b"/":
        if len(messages) >= MAX_MESSAGES:
            raise BadDatagram("too large", f"an OSC packet has at most {MAX_MESSAGES} messages")
        messages.append(_parse_message(data))
        return
    if data[:8] != _BUNDLE:
        raise BadDatagram("type", f"an OSC packet begins with / or #bundle, got {data[:8]!r}")
    if len(data) < _BUNDLE_HEAD:
        raise BadDatagram("length", f"an OSC bundle has a time tag of 8 bytes, got {len(data) - 8}")
    if depth >= MAX_DEPTH:
        raise BadDatagram("too large", f"OSC bundles are nested at most {MAX_DEPTH} deep")
    at = _BUNDLE_HEAD
    while at < len(data):
        if at + 4 > len(data):
            raise BadDatagram("length", f"an OSC bundle ends within an element's size at byte {at}")
        size = _INT.unpack_from(data, at)[0]
        at += 4
        if not 0 < size <= len(data) - at:
            raise BadDatagram("length", f"an OSC bundle element of {size} bytes does not fit into {len(data) - at}")
        _parse_element(data[at : at + size], depth + 1, messages)
        at += size


def _parse_message(data: bytes) -> Message:
    address, at = _read_string(data, 0)
    if at == len(data):
        return Message(address, ())  # senders older than OSC 1.0 leave the type tags out
    tags, at = _read_string(data, at)
    if tags[:1] != ",":
        raise BadDatagram("type", f"OSC type tags begin with a comma, got {tags[:16]!r}")
    if len(tags) > MAX_ARGUMENTS:
        raise BadDatagram("too large", f"an OSC message has at most {MAX_ARGUMENTS} arguments, got {len(tags) - 1}")
    numbers = _all_numbers(tags)
    if numbers is not None:
        if at + numbers.size != len(data):
            raise _wrong_length(address, tags, len(data) - at)
        return Message(address, numbers.unpack_from(data, at))
    arguments: list[Argument] = []
    depth = 0
    for tag in tags[1:]:
        if tag in "[]":
            depth += 1 if tag == "[" else -1
            if depth < 0:
                break
            continue
        value, at = _read_argument(data, at, tag, address, tags)
        arguments.append(value)
    if depth != 0:
        raise BadDatagram("type", f"OSC type tags {tags!r} of {address} open and close different arrays")
    if at != len(data):
        raise _wrong_length(address, tags, len(data) - at)
    return Message(address, tuple(arguments))


@lru_cache(maxsize=64)
def _all_numbers(tags: str) -> struct.Struct | None:
    """One layout for a message of plain numbers (in an array or not), which nearly every tracker sends."""
    plain = tags[1:]
    if plain[:1] == "[" and plain[-1:] == "]":
        plain = plain[1:-1]
    if not all(tag in _NUMBERS for tag in plain):
        return None
    return struct.Struct(">" + "".join(_NUMBERS[tag] for tag in plain))


def _read_argument(data: bytes, at: int, tag: str, address: str, tags: str) -> tuple[Argument, int]:
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag in "sS":
        return _read_string(data, at)
    if tag == "b":
        if at + 4 > len(data):
            raise _wrong_length(address, tags, len(data) - at)
        size = _INT.unpack_from(data, at)[0]
        end = at + 4 + size + -size % 4
        if size < 0 or end > len(data):
            raise BadDatagram("length", f"an OSC blob of {size} bytes does not fit into {len(data) - at - 4}")
        return data[at + 4 : at + 4 + size], end
    layout = {"f": ">f", "i": ">i", "d": ">d", "h": ">q", "t": ">Q", "r": ">I", "m": ">I", "c": ">I"}.get(tag)
    if layout is None:
        raise BadDatagram("type", f"OSC type tag {tag!r} of {address} is none that is known")
    end = at + struct.calcsize(layout)
    if end > len(data):
        raise _wrong_length(address, tags, len(data) - at)
    value: int | float = struct.unpack_from(layout, data, at)[0]
    return value, end


def _read_string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    after = end + 4 - (end - at) % 4
    if end < 0 or after > len(data):
        raise BadDatagram("length", f"an OSC string at byte {at} does not end within the packet")
    try:
        return data[at:end].decode(), after
    except UnicodeDecodeError:
        raise BadDatagram("type", f"an OSC string at byte {at} is not UTF-8") from None


def _wrong_length(address: str, tags: str, found: int) -> BadDatagram:
    return BadDatagram("length", f"the OSC arguments {tags!r} of {address} do not take the {found} bytes that follow")


def _string(text: str) -> bytes:
    data = text.encode()
    if b"\0" in data:
        raise ValueError(f"an OSC string holds no zero byte, got {text!r}")
    return data + bytes(4 - len(data) % 4)


def _build_argument(argument: Argument) -> tuple[str, bytes]:
    if isinstance(argument, bool):
        return ("T" if argument else "F"), b""
    if isinstance(argument, int):
        small = -(1 << 31) <= argument < 1 << 31
        return ("i", _INT.pack(argument)) if small else ("h", struct.pack(">q", argument))
    if isinstance(argument, float):
        return "f", struct.pack(">f", argument)
    if isinstance(argument, str):
        return "s", _string(argument)
    if argument is None:
        return "N", b""
    return "b", _INT.pack(len(argument)) + argument + bytes(-len(argument) % 4)
