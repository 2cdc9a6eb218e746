"""Read a brief's TOML file: everything checked, every error one line that begins with the file; write.py writes it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Brief
from translight.generation.brief.check import check_together
from translight.generation.brief.optics import SENSORS_MM
from translight.generation.brief.schema import brief_of, shown

MAX_BYTES = 1 << 18
"""Security: a brief is words and numbers; whatever is larger is none."""


def read_brief(path: Path) -> Brief:
    """The brief in a file; paths in it are relative to its folder. Raises GenerationError."""
    path = Path(path)
    try:
        if path.is_dir():
            raise GenerationError(f"{path}: is a folder; a brief is a .toml file")
        if not path.is_file():  # nor a pipe or device, which may never end
            raise GenerationError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise GenerationError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > MAX_BYTES:
        raise GenerationError(f"{path}: a brief is at most {MAX_BYTES} bytes, this file is larger")
    return parse_brief(data, str(path), path.parent)


def parse_brief(data: bytes, source: str, folder: Path) -> Brief:
    """The brief in a TOML text (UTF-8); ``source`` begins every error, ``folder`` is what paths are relative to.

    ``lens.sensor`` may name a sensor of optics.py in place of ``lens.sensor_mm``. Raises GenerationError.
    """
    values = _tables(data, source)
    _name_sensor(values, source)
    brief = brief_of(values, source, lambda text: Path(os.path.abspath(folder / text)))
    check_together(brief, source)
    return brief


def _tables(data: bytes, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise GenerationError(f"{source}: not a text: byte {error.start} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise GenerationError(f"{source}: not TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
        raise GenerationError(f"{source}: not a brief: a number too long or lists too deep") from error


def _name_sensor(values: dict[str, Any], source: str) -> None:
    """Put the millimetres of a sensor named by lens.sensor in the place of its name."""
    lens = values.get("lens")
    if not isinstance(lens, dict) or "sensor" not in lens:
        return
    name = lens.pop("sensor")
    if "sensor_mm" in lens:
        raise GenerationError(f"{source}: lens.sensor and lens.sensor_mm are both given; give one of them")
    if not isinstance(name, str) or name.lower() not in SENSORS_MM:
        known = ", ".join(SENSORS_MM)
        raise GenerationError(f"{source}: lens.sensor must be one of {known}, got {shown(name)}")
    lens["sensor_mm"] = list(SENSORS_MM[name.lower()])
