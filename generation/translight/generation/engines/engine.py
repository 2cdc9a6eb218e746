"""The contract of an engine, and the table of engines; contract tests run against every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.generation.brief.brief import Brief
from translight.generation.brief.parameters import Parameters
from translight.generation.candidate import Candidate, Model


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of an engine beside the brief."""

    brief: Brief
    parameters: Parameters
    """translate(brief): what the engine goes by; a person may have changed it."""
    height_px: int = 1024
    """Of the panorama, which is twice as wide."""


class Engine(Protocol):
    """Makes candidates. ``open`` of its module makes one, and raises before any long work where it cannot run."""

    name: str

    def models(self) -> tuple[Model, ...]:
        """The models that will take part, with their licences."""
        ...

    def seeds(self, order: Order, /) -> tuple[int, ...]:
        """Those that the engine has candidates for: the order's own, except where it only takes what there is."""
        ...

    def candidates(self, order: Order, progress: Progress) -> Iterator[Candidate]:
        """One candidate for each of the order's seeds that it has, in that order; equal orders give equal candidates.

        Raises GenerationError, in one line, on what cannot be made; nothing is kept between candidates.
        """
        ...


ENGINES = {
    "procedural": "translight.generation.procedural.engine",
    "diffusers": "translight.generation.diffusion.engine",
    "import": "translight.generation.engines.imported",
}
"""Name → module with ``open(source: Path | None) -> Engine``: a model's folder, or the file to import."""


def open_engine(name: str, source: Path | None = None) -> Engine:
    """The engine of that name. Raises GenerationError for an unknown one, MissingExtra where a library is missing."""
    if name not in ENGINES:
        raise GenerationError(f"no engine {name!r}: {', '.join(ENGINES)} exist")
    engine: Engine = import_module(ENGINES[name]).open(source)
    return engine
