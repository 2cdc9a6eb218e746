"""A library on disk: ``library.json`` in a folder of its own, environments stay where they are; search.py reads it."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Float32

from translight.core.errors import FormatError, GenerationError
from translight.core.file_lock import locked
from translight.core.files import sha256_of, write_whole
from translight.environment.typed_json import read_json
from translight.generation.library.text import measured_file, text_of

FILE_NAME = "library.json"
SCHEMA_VERSION = 1
MAX_ENTRIES = 100_000
"""Security: more are not read."""
MAX_TAGS = 50

_WAIT_S = 10.0
_TAG = re.compile(r"[^\W_][\w ./-]{0,59}")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An environment. ``path`` is relative to the library's folder where it lies below it, else whole."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    sha256: str
    """Of the zipped package, or of a folder's environment.json."""
    tags: tuple[str, ...]
    text: str
    embedding: str | None = None
    """Its text by the model that ``embedded_by`` names: float16, little-endian, in base64."""
    embedded_by: str | None = None

    def vector(self) -> Float32[np.ndarray, "n"] | None:
        """The embedding. Raises FormatError where it is no such text."""
        if self.embedding is None:
            return None
        try:
            found = np.frombuffer(base64.b64decode(self.embedding, validate=True), "<f2").astype(np.float32)
            if not np.isfinite(found).all():
                raise ValueError("not numbers")
        except ValueError as error:
            raise FormatError(f"{FILE_NAME}: {self.name}: its embedding is damaged; add it again") from error
        return found

    def words(self) -> str:
        """All that is searched."""
        return ". ".join([*self.tags, self.text])


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``library.json``."""

    schema_version: int
    entries: tuple[Entry, ...] = ()


def read_index(folder: Path) -> Index:
    """A library; an empty one where there is no file. Raises FormatError on a damaged or later one."""
    file = folder / FILE_NAME
    if not file.exists():
        return Index(SCHEMA_VERSION)
    found = read_json(file, Index)
    if found.schema_version != SCHEMA_VERSION:
        raise FormatError(f"{file}: schema version {found.schema_version}, {SCHEMA_VERSION} is read")
    if len(found.entries) > MAX_ENTRIES:
        raise FormatError(f"{file}: {len(found.entries)} entries, the limit is {MAX_ENTRIES}")
    return found


@contextmanager
def changing(folder: Path) -> Iterator[dict[str, Entry]]:
    """Entries by path, to be changed; written whole when the block ends well.

    Raises GenerationError while another changes them for longer than some seconds, FormatError when they cannot be
    read or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"{folder}: cannot be written ({error.strerror})") from error
    with locked(folder / "library.lock", wait_s=_WAIT_S) as have:
        if not have:
            raise GenerationError(f"{folder / FILE_NAME}: another is writing to it; try again")
        entries = {entry.path: entry for entry in read_index(folder).entries}
        yield entries
        made = Index(SCHEMA_VERSION, tuple(entries[path] for path in sorted(entries)))
        write_whole(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


def entry_of(package: Path, folder: Path, tags: Sequence[str]) -> Entry:
    """An entry for a package. Raises FormatError where it is none, GenerationError on a tag that cannot be."""
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise GenerationError(f"--tags {tag!r}: a tag is a word or a few, up to 60 characters")
    name, text = text_of(package)
    sha256 = sha256_of(measured_file(package))
    return Entry(name, path_in(package, folder), sha256, tuple(dict.fromkeys(tags)), text)


def with_tags(entry: Entry, before: Sequence[str]) -> Entry:
    """The entry with the tags that the library had for it, its own after them. Raises GenerationError on too many."""
    tags = tuple(dict.fromkeys((*before, *entry.tags)))
    if len(tags) > MAX_TAGS:
        raise GenerationError(f"--tags: at most {MAX_TAGS} for each environment, got {len(tags)}")
    return msgspec.structs.replace(entry, tags=tags)


def moved_from(entry: Entry, known: Iterable[Entry], folder: Path) -> str | None:
    """The path of the one entry whose package is this, to the byte, and is not there any more; None where none is."""
    gone = [one.path for one in known if one.sha256 == entry.sha256 and not (folder / one.path).exists()]
    return gone[0] if len(gone) == 1 else None


def embedded(entry: Entry, vector: Float32[np.ndarray, "n"], model: str) -> Entry:
    """The entry with its embedding."""
    packed = base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")
    return msgspec.structs.replace(entry, embedding=packed, embedded_by=model)


def path_in(package: Path, folder: Path) -> str:
    """How the library writes a path."""
    whole, base = Path(os.path.abspath(package)), Path(os.path.abspath(folder))
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()


def state_of(entry: Entry, folder: Path) -> str:
    """Empty where the environment is there as it was added; else what is wrong, in words."""
    file = measured_file(folder / entry.path)
    try:
        if not file.is_file():
            return "not there any more"
        return "" if sha256_of(file) == entry.sha256 else "changed since it was added: add it again"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
