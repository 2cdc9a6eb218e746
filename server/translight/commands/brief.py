"""``translight brief``: begin one, check it, and see what it means to a model; docs/generation/brief.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

_PICTURES = (".jpg", ".jpeg", ".png")
_SUFFIX = ".toml"


@dataclass(frozen=True)
class BriefShow:
    """Print what a brief means to a model, each value with the key that it came from, and draw it."""

    brief: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.toml")]
    """The brief."""
    json: bool = False
    """Print one JSON object and nothing else."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="PICTURE.jpg")] = None
    """Draw it on one sheet: plans, control panoramas, references; .jpg or .png."""

    def run(self) -> int:
        """Read, translate, draw, print."""
        from translight.core.errors import GenerationError
        from translight.generation.brief.listing import lines_of, values_of
        from translight.generation.brief.read import read_brief
        from translight.generation.brief.translate import translate

        if self.output is not None and self.output.suffix.lower() not in _PICTURES:
            raise GenerationError(f"{self.output}: a sheet is written as .jpg or .png")
        if self.output is not None and not self.output.parent.is_dir():
            raise GenerationError(f"{self.output}: no such folder: {self.output.parent}")
        brief = read_brief(self.brief)
        parameters = translate(brief)
        if self.output is not None:
            from translight.core.image import save_image
            from translight.generation.brief.sheet import sheet

            save_image(self.output, sheet(brief, parameters))
        print(json.dumps(values_of(parameters)) if self.json else "\n".join(lines_of(brief, parameters)))
        return 0


@dataclass(frozen=True)
class BriefCheck:
    """Check a brief and say what it asks for."""

    brief: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.toml")]
    """The brief."""

    def run(self) -> int:
        """Print a line; a mistake is the error's one line and exit status 1."""
        from translight.generation.brief.read import read_brief
        from translight.generation.brief.translate import family_of

        brief = read_brief(self.brief)
        family = family_of(brief)
        known = family if family is not None else "no scene family, so procedural cannot draw it"
        blocks = f"{len(brief.blocking)} block{'' if len(brief.blocking) == 1 else 's'}"
        print(f"{self.brief}: good; {known}, {blocks}, {brief.candidates} candidates")
        return 0


@dataclass(frozen=True)
class BriefNew:
    """Write a brief to begin from, with a comment at every key."""

    brief: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="NAME.toml")]
    """The file to write; its name is the brief's."""
    family: Literal["dunes", "ocean", "forest", "peaks", "city", "hall", "space"] = "dunes"
    """The scene family that it starts from."""
    force: bool = False
    """Replace the file when it exists."""

    def run(self) -> int:
        """Write it whole or not at all."""
        from translight.core.errors import GenerationError
        from translight.core.files import write_whole
        from translight.generation.brief.read import parse_brief
        from translight.generation.brief.starter import starter_text

        if self.brief.suffix.lower() != _SUFFIX:
            raise GenerationError(f"{self.brief}: a brief is a {_SUFFIX} file")
        if self.brief.exists() and not self.force:
            raise GenerationError(f"{self.brief}: exists; --force replaces it")
        text = starter_text(self.brief.stem, self.family)
        parse_brief(text.encode("utf-8", "surrogateescape"), str(self.brief), self.brief.parent)
        write_whole(self.brief, text)
        print(f"{self.brief}: a brief of family {self.family}; translight brief show {self.brief} tells what it means")
        return 0
