"""What a run is asked for, and what must stay the same for a later one to go on in its folder; generate.py runs it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from translight.core.errors import GenerationError
from translight.core.files import write_whole
from translight.environment.typed_json import read_json
from translight.generation.review.measures.measure import Wall

FILE_NAME = "run.json"
SCHEMA_VERSION = 1
_WALL = Wall()


@dataclass(frozen=True, slots=True)
class Job:
    """``translight generate BRIEF -o FOLDER``."""

    brief: Path
    folder: Path
    engine: str = "procedural"
    source: Path | None = None
    """A model's folder, or the file to import."""
    height_px: int = 1024
    """Of panoramas."""
    fresh: bool = False
    """Begin anew: what an earlier run made in the folder is removed, but for its ledger."""
    by: str = ""
    """Whose name the ledger gets; without one no ledger is written."""
    wall: Wall = _WALL
    """What the candidates' measures are taken for."""

    def __post_init__(self) -> None:
        if self.height_px % 64 or not 128 <= self.height_px <= 8192:
            raise GenerationError(f"--height must be a multiple of 64 from 128 to 8192, got {self.height_px}")
        self.wall.check()


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``run.json``: which brief, by its bytes, and which options the folder's candidates are made with."""

    schema_version: int
    brief_sha256: str
    engine: str
    source: str | None
    height_px: int


def identity(job: Job) -> Identity:
    """Of a job. Raises GenerationError when the brief cannot be read."""
    try:
        data = job.brief.read_bytes()
    except OSError as error:
        raise GenerationError(f"{job.brief}: cannot be read ({error.strerror})") from error
    source = None if job.source is None else str(job.source.absolute())
    return Identity(SCHEMA_VERSION, hashlib.sha256(data).hexdigest(), job.engine, source, job.height_px)


def read_identity(folder: Path) -> Identity | None:
    """Of the run that a folder holds; None when it holds none. Raises FormatError on a damaged one."""
    return read_json(folder / FILE_NAME, Identity) if (folder / FILE_NAME).is_file() else None


def write_identity(folder: Path, run: Identity) -> None:
    """Into the folder. Raises FormatError when it cannot be written."""
    write_whole(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")


def differences(then: Identity, now: Identity) -> list[str]:
    """In words, what keeps the second run from going on where the first was; empty when nothing does."""
    found = []
    if then.schema_version != now.schema_version:
        found.append(f"its run.json is of version {then.schema_version}, {now.schema_version} is written")
    if then.brief_sha256 != now.brief_sha256:
        found.append("the brief has changed")
    for option, before, after in (
        ("engine", then.engine, now.engine),
        ("source", then.source, now.source),
        ("height", then.height_px, now.height_px),
    ):
        if before != after:
            found.append(f"--{option} was {'not given' if before is None else before}, is {after or 'not given'}")
    return found
