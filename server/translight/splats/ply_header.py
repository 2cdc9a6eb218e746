"""The header of a PLY file (Turk, "The PLY Polygon File Format", 1994), for ``ply`` and ``compressed_ply``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translight.core.errors import FormatError
from translight.splats.limits import Limits, brief

MAGIC = b"ply"
_MAX_HEADER = 1 << 16
_MAX_NAME = 64
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True, slots=True)
class Element:
    """One table of the file: ``count`` rows of ``row``, beginning at byte ``offset``."""

    name: str
    count: int
    row: np.dtype[np.void]
    offset: int

    @property
    def end(self) -> int:
        """The byte after its last row."""
        return self.offset + self.count * self.row.itemsize


@dataclass(frozen=True, slots=True)
class Header:
    """Elements by name in file order, and the length that a file with this header has."""

    elements: dict[str, Element]
    length: int


def parse_header(start: bytes) -> Header:
    """Parse the header at the start of a PLY file (its first 64 KiB suffice). Raises FormatError."""
    lines, offset = _lines(start[:_MAX_HEADER])
    encoding = [words[1:] for words in lines if words[0] == "format"]
    if len(encoding) != 1 or len(encoding[0]) != 2:
        raise FormatError("PLY: the header needs one line 'format binary_little_endian 1.0'")
    if encoding[0][0] == "ascii":
        raise FormatError("PLY: ASCII encoding is not read; write the file as binary_little_endian")
    order = _BYTE_ORDERS.get(encoding[0][0])
    if order is None or encoding[0][1] != "1.0":
        raise FormatError(f"PLY: unknown encoding '{brief(' '.join(encoding[0]))}'; binary_little_endian 1.0 is read")

    elements: dict[str, Element] = {}
    for name, count, fields in _tables(lines, order):
        if name in elements:
            raise FormatError(f"PLY: element '{brief(name)}' is declared twice")
        elements[name] = Element(name, count, _row(name, fields), offset)
        offset = elements[name].end
    return Header(elements, offset)


def check_length(header: Header, length: int, limits: Limits, what: str) -> None:
    """Raise FormatError unless the file's ``length`` is what its header says and its splats are within limits."""
    vertices = header.elements.get("vertex")
    if vertices is None:
        raise FormatError(f"{what}: no element 'vertex'; it holds no splats")
    limits.check_count(vertices.count, what)
    if length != header.length:
        fault = "truncated" if length < header.length else "followed by bytes that are not its own"
        raise FormatError(f"{what}: {fault}: the header makes it {header.length:,} bytes, there are {length:,}")


def rows(data: bytes, element: Element) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The rows of an element as a structured array, not copied; ``check_length`` comes first."""
    return np.frombuffer(data, dtype=element.row, count=element.count, offset=element.offset)


def _lines(start: bytes) -> tuple[list[list[str]], int]:
    """The header's lines as words, without comments, and the header's length."""
    if start[:4] not in (b"ply\n", b"ply\r"):
        raise FormatError("PLY: the file does not begin with a line 'ply'")
    end = start.find(b"\nend_header")
    newline = start.find(b"\n", end + 1)
    if end < 0 or newline < 0:
        raise FormatError(f"PLY: no 'end_header' within the first {len(start):,} bytes")
    try:
        text = start[:newline].decode("ascii")
    except UnicodeDecodeError:
        text = start[:newline].decode("latin-1")  # comments come in any encoding; names below are compared exactly
    lines = [line.split() for line in text.replace("\r", "").split("\n")[1:]]
    if lines[-1] != ["end_header"]:
        raise FormatError("PLY: the line 'end_header' holds more than that")
    return [words for words in lines[:-1] if words and words[0] not in ("comment", "obj_info")], newline + 1


def _tables(lines: list[list[str]], order: str) -> list[tuple[str, int, list[tuple[str, str]]]]:
    tables: list[tuple[str, int, list[tuple[str, str]]]] = []
    for words in lines:
        match words:
            case ["format", *_]:
                pass
            case [_, *names] if any(len(name) > _MAX_NAME for name in names):
                raise FormatError(f"PLY: the header's line '{brief(' '.join(words))}' is not understood")
            case ["element", name, count] if count.isascii() and count.isdigit() and len(count) < 20:
                tables.append((name, int(count), []))
            case ["property", "list", *_]:
                raise FormatError("PLY: list properties are a mesh's; a splat PLY has none")
            case ["property", kind, name] if kind in _TYPES and tables:
                tables[-1][2].append((name, order + _TYPES[kind]))
            case _:
                raise FormatError(f"PLY: the header's line '{brief(' '.join(words))}' is not understood")
    return tables


def _row(element: str, fields: list[tuple[str, str]]) -> np.dtype[np.void]:
    names = [name for name, _ in fields]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"PLY: property '{brief(twice)}' of element '{brief(element)}' is declared twice")
    if not fields:
        raise FormatError(f"PLY: element '{brief(element)}' has no properties")
    return np.dtype(fields)
