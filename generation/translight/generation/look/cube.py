"""``.cube`` files: read strictly and written; lattice.py looks colours up in them.

Adobe, "Cube LUT Specification" 1.0 (2013): one table of 1D_SIZE (2 to 65536) or 3D_SIZE³ (2 to 256) lines of three
numbers, red changing fastest; TITLE, DOMAIN_MIN, DOMAIN_MAX and comments before it. Read as well, for Resolve writes
them in their place: LUT_1D_INPUT_RANGE and LUT_3D_INPUT_RANGE with two numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from translight.core.errors import FormatError
from translight.core.files import read_limited, write_whole

MAX_BYTES = 512 << 20
"""Security: the largest file that is read; 256³ lines of 30 bytes are 500 MB."""
MAX_LINE_BYTES = 250
"""Of the specification."""

_SIZES = {"LUT_1D_SIZE": (2, 65536), "LUT_3D_SIZE": (2, 256)}
_RANGES = ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE")
_MAX_VALUE = 1e9
"""Far above any code, and its light is still a float32."""
_LEAST_DOMAIN = 1e-5
"""Narrower, float32 codes do not tell its ends apart."""
_SHORTEST_LINE = len("0 0 0\n")
_Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """A table: (n 3) of one variable for each channel, or (n n n 3) indexed blue, green, red, of all three."""

    table: Float32[np.ndarray, "*n 3"]
    title: str = ""
    domain_min: _Triple = (0.0, 0.0, 0.0)
    domain_max: _Triple = (1.0, 1.0, 1.0)

    @property
    def size(self) -> int:
        """Entries along each axis."""
        return self.table.shape[0]


def read_cube(path: Path) -> Cube:
    """Read a file. Raises FormatError with the line's number."""
    return parse_cube(read_limited(path, MAX_BYTES), str(path))


def parse_cube(data: bytes, source: str) -> Cube:
    """The same of a file's bytes; ``source`` begins each error."""
    title, size, kind = "", 0, ""
    domain = {"DOMAIN_MIN": (0.0, 0.0, 0.0), "DOMAIN_MAX": (1.0, 1.0, 1.0)}
    seen: set[str] = set()
    table, filled = np.empty((0, 3), np.float32), 0
    for number, line in _lines(data, source):
        at = f"{source}: line {number}"
        word, *rest = line.split()
        if word[0] not in "+-.0123456789":
            if filled:
                raise FormatError(f"{at}: {_told(word)} after the table has begun")
            if word in seen:
                raise FormatError(f"{at}: {word} a second time")
            seen.add(word)
            if word == "TITLE":
                title = _title(line, at)
            elif word in _SIZES:
                if kind:
                    raise FormatError(f"{at}: {word} beside {kind}: one table is wanted")
                kind, size = word, _size(word, rest, at)
                entries = size if word == "LUT_1D_SIZE" else size**3
                if len(data) < entries * _SHORTEST_LINE:  # security: memory is taken for what can be there
                    raise FormatError(f"{at}: {entries} lines are wanted, {len(data)} bytes cannot hold them")
                table = np.empty((entries, 3), np.float32)
            elif word in domain:
                domain[word] = _three(rest, at)
            elif word in _RANGES:
                low, high = _numbers(rest, 2, at)
                domain = {"DOMAIN_MIN": (low,) * 3, "DOMAIN_MAX": (high,) * 3}
            else:
                raise FormatError(f"{at}: {_told(word)} is no keyword of a .cube file")
            continue
        if not kind:
            raise FormatError(f"{at}: numbers before LUT_1D_SIZE or LUT_3D_SIZE")
        if filled == len(table):
            raise FormatError(f"{at}: more than the {len(table)} lines that {kind} {size} asks for")
        table[filled] = _three([word, *rest], at)
        filled += 1
    if not kind:
        raise FormatError(f"{source}: neither LUT_1D_SIZE nor LUT_3D_SIZE: not a .cube file")
    if filled < len(table):
        raise FormatError(f"{source}: ends after {filled} of the {len(table)} lines that {kind} {size} asks for")
    low_corner, high_corner = domain["DOMAIN_MIN"], domain["DOMAIN_MAX"]
    if any(low >= high for low, high in zip(low_corner, high_corner, strict=True)):
        raise FormatError(f"{source}: DOMAIN_MIN must lie below DOMAIN_MAX, got {low_corner} and {high_corner}")
    if any(
        np.float32(high) - np.float32(low) < _LEAST_DOMAIN for low, high in zip(low_corner, high_corner, strict=True)
    ):
        raise FormatError(f"{source}: the domain is less than {_LEAST_DOMAIN:g} wide")
    shape = (size, 3) if kind == "LUT_1D_SIZE" else (size, size, size, 3)
    return Cube(table.reshape(shape), title, low_corner, high_corner)


def cube_text(cube: Cube) -> str:
    """A file's text, its numbers with seven digits behind the point."""
    kind = "LUT_1D_SIZE" if cube.table.ndim == 2 else "LUT_3D_SIZE"
    head = [f'TITLE "{_printable(cube.title)}"'] if cube.title else []
    head += [f"{kind} {cube.size}"]
    head += [f"DOMAIN_MIN {_plain(cube.domain_min)}", f"DOMAIN_MAX {_plain(cube.domain_max)}"]
    body = ["%.7f %.7f %.7f" % (r, g, b) for r, g, b in cube.table.reshape(-1, 3).tolist()]  # noqa: UP031 - faster
    return "\n".join([*head, *body, ""])


def write_cube(path: Path, cube: Cube) -> None:
    """Write a file whole. Raises FormatError when it cannot be."""
    write_whole(path, cube_text(cube))


def _lines(data: bytes, source: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers; without copying the file."""
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        if end - start > MAX_LINE_BYTES:
            raise FormatError(f"{source}: line {number} has {end - start} bytes, {MAX_LINE_BYTES} are allowed")
        raw, start = data[start:end], end + 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        line = raw.decode("latin-1").strip()  # of all that split() takes for space, or nothing would be left of it
        if line and not line.startswith("#"):
            yield number, line


def _title(line: str, at: str) -> str:
    text = line[len("TITLE") :].strip()
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise FormatError(f"{at}: TITLE wants a text in quotation marks, got {_told(text or 'nothing')}")
    return text[1:-1]


def _size(word: str, rest: list[str], at: str) -> int:
    low, high = _SIZES[word]
    if len(rest) != 1 or not rest[0].isascii() or not rest[0].isdigit() or not low <= int(rest[0][:9]) <= high:
        raise FormatError(f"{at}: {word} must be a whole number from {low} to {high}, got {_told(' '.join(rest))}")
    return int(rest[0])


def _three(rest: list[str], at: str) -> _Triple:
    r, g, b = _numbers(rest, 3, at)
    return r, g, b


def _numbers(words: list[str], count: int, at: str) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(value) and abs(value) < _MAX_VALUE for value in values):
        raise FormatError(f"{at}: {count} numbers are wanted, got {_told(' '.join(words))}")
    return values


def _told(text: str) -> str:
    """What was found, short and printable."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _printable(title: str) -> str:
    """A title as the file can hold it."""
    plain = "".join(c if c.isascii() and c.isprintable() and c != '"' else "'" for c in title)
    return plain[:200]


def _plain(values: _Triple) -> str:
    return " ".join(f"{value:.9g}" for value in values)
