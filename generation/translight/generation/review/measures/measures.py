"""All measures of a candidate, and ``measures.json`` beside its pictures; run/generate.py and reviews write it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import msgspec

from translight.core.errors import FormatError, MissingExtra
from translight.core.files import sha256_of, write_whole
from translight.core.progress import Progress
from translight.environment.typed_json import read_json
from translight.generation.brief.brief import Brief
from translight.generation.candidate import Candidate, Model
from translight.generation.review.measures.blocking import blocking
from translight.generation.review.measures.coherence import coherence
from translight.generation.review.measures.horizon import horizon
from translight.generation.review.measures.light import clipping, stops
from translight.generation.review.measures.measure import Measure, Wall, panorama_of, unknown
from translight.generation.review.measures.moire import moire
from translight.generation.review.measures.seam import seam
from translight.generation.review.measures.sharpness import sharpness
from translight.generation.run.store import FILE_NAME as CANDIDATE

FILE_NAME = "measures.json"
SCHEMA_VERSION = 1


class Prompter(Protocol):
    """prompt.py's Clip."""

    model: Model

    def measure(self, candidate: Candidate, brief: Brief, /) -> Measure:
        """How well a candidate agrees with a brief."""
        ...


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``measures.json``. ``candidate_sha256`` is of the candidate.json that was measured."""

    schema_version: int
    candidate_sha256: str
    wall: Wall
    measures: tuple[Measure, ...]
    clip: Model | None = None

    def worst(self) -> str:
        """Of all verdicts: "bad" before "look" before "good"."""
        found = {measure.verdict for measure in self.measures}
        return next((verdict for verdict in ("bad", "look", "good") if verdict in found), "none")


def open_clip(folder: Path, brief: Brief, progress: Progress) -> Prompter:
    """The CLIP model of a folder. Raises GenerationError where it holds none, MissingExtra."""
    for library in ("torch", "transformers"):
        if find_spec(library) is None:
            raise MissingExtra(library, "generate")
    clip: Prompter = import_module("translight.generation.review.measures.prompt").Clip(folder, brief, progress)
    return clip


def measure_all(candidate: Candidate, brief: Brief, wall: Wall, clip: Prompter | None = None) -> tuple[Measure, ...]:
    """Every measure of a candidate, those that cannot be taken too, in the order of the docs."""
    whole, placed = panorama_of(candidate), wall.placed(brief)
    return (
        horizon(whole),
        seam(whole),
        clipping(candidate),
        stops(candidate, brief),
        sharpness(whole, placed),
        moire(whole, brief, placed),
        coherence(candidate),
        blocking(whole, brief),
        clip.measure(candidate, brief)
        if clip is not None
        else unknown("prompt", "cosine", "no CLIP model: translight review measure --clip FOLDER"),
    )


def save_measures(
    folder: Path, candidate: Candidate, brief: Brief, wall: Wall, clip: Prompter | None = None
) -> Measured:
    """Measure a candidate and write the file into its folder. Raises FormatError when it cannot be written."""
    try:
        digest = sha256_of(folder / CANDIDATE)
    except OSError as error:
        raise FormatError(f"{folder / CANDIDATE}: cannot be read ({error.strerror})") from error
    taken = measure_all(candidate, brief, wall, clip)
    measured = Measured(SCHEMA_VERSION, digest, wall, taken, None if clip is None else clip.model)
    write_whole(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(measured), indent=2) + b"\n")
    return measured


def read_measures(folder: Path) -> Measured | None:
    """Those of a candidate's folder; None where there are none, or they are of another candidate.json.

    Raises FormatError on a damaged file.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    found = read_json(file, Measured)
    if found.schema_version != SCHEMA_VERSION:
        raise FormatError(f"{file}: schema version {found.schema_version}, {SCHEMA_VERSION} is read")
    return found if found.candidate_sha256 == sha256_of(folder / CANDIDATE) else None
