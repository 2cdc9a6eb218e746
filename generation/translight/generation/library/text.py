"""What an environment is about, in words, from its package's report: name, brief, prompt; search.py looks in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.environment.package import read_manifest
from translight.environment.report import Report

MAX_CHARS = 4000
KEYS = ("brief", "intent", "where", "family", "weather", "time_of_day", "prompt", "style", "note", "title", "place")
"""Of a report's steps: the values that are words about the place."""

_DEEPEST = 6


def text_of(path: Path) -> tuple[str, str]:
    """A package's name and its words, each once. Raises FormatError where it is none."""
    name = read_manifest(path).name
    found: dict[str, None] = {name.replace("_", " ").replace("-", " "): None}
    for step in Report.of(path).steps:
        for words in _words(step, 0):
            found[words] = None
    return name, ". ".join(found)[:MAX_CHARS]


def measured_file(path: Path) -> Path:
    """The file whose sha256 knows a package again: the zip, or a folder's manifest, which has those of its parts."""
    return path / MANIFEST if path.is_dir() else path


def _words(value: Any, depth: int) -> Iterator[str]:
    """Texts under the keys that hold words, however deep in a step."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str) and key in KEYS and inner.strip() and "\n" not in inner.strip():
                yield " ".join(inner.split())
            else:
                yield from _words(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner, depth + 1)
