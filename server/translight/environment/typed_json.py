"""JSON files from elsewhere, checked against msgspec types, with errors that name the key."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from translight.core.errors import FormatError
from translight.core.files import read_limited
from translight.splats.limits import brief

MAX_BYTES = 256 << 20
"""Security: the largest file that is parsed."""

T = TypeVar("T")


def read_json(path: Path, kind: type[T]) -> T:
    """A file as a msgspec type. Raises FormatError that begins with the path."""
    return parse_json(read_limited(path, MAX_BYTES), kind, str(path))


def parse_json(data: bytes, kind: type[T], what: str) -> T:
    """JSON as a msgspec type. Raises FormatError that begins with ``what`` and names the key."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at `$")
        key = at.removesuffix("`").removeprefix(".")
        raise FormatError(f"{what}: {key}: {brief(said)}" if key else f"{what}: {brief(said)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{what}: not JSON: {brief(error)}") from error
