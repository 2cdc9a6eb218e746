"""Write a brief as TOML: the way out of a brief built in Python; read.py reads it back to an equal one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from translight.core.files import write_whole
from translight.generation.brief.brief import Brief
from translight.generation.brief.check import check


def brief_text(brief: Brief, folder: Path | None = None) -> str:
    """The brief as TOML, without what stands at its default; files below ``folder`` are written relative to it."""
    return tomli_w.dumps(_changed(brief, Path(os.path.abspath(folder)) if folder is not None else None))


def write_brief(path: Path, brief: Brief) -> None:
    """Check a brief and write it, whole or not at all.

    Raises GenerationError on what is not allowed, FormatError when the file cannot be written.
    """
    check(brief)
    write_whole(path, brief_text(brief, Path(path).parent))


def _changed(value: msgspec.Struct, folder: Path | None) -> dict[str, Any]:
    """Fields that differ from their defaults; scalars go first, as TOML wants them before tables."""
    found = {}
    for field in msgspec.structs.fields(value):
        held = getattr(value, field.name)
        if field.required or held != field.default:
            found[field.name] = _value(held, folder)
    return dict(sorted(found.items(), key=lambda item: _is_table(item[1])))


def _value(value: Any, folder: Path | None) -> Any:
    if isinstance(value, msgspec.Struct):
        return _changed(value, folder)
    if isinstance(value, tuple | list):
        return [_value(one, folder) for one in value]
    if isinstance(value, Path):
        path = Path(os.path.abspath(value))
        return (path.relative_to(folder) if folder is not None and path.is_relative_to(folder) else path).as_posix()
    return value


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
