"""``translight library``: environments that were made, found again by words; docs/generation/review.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from translight.core.errors import GenerationError

Library = Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
_WORDS_ONLY = 'by words alone: pip install "translight[library]" finds by meaning too'


@dataclass(frozen=True)
class Add:
    """Put environments into the library, or bring what it knows of them up to date. They stay where they are."""

    environments: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME.tlenv")]
    """Environment packages."""
    tags: str = ""
    """Words to find them by, with commas between: harbour,night."""
    library: Library = Path("library")
    """The library's folder; library.json in it is the whole of it."""

    def run(self) -> int:
        """Read every package, then write the library once."""
        from translight.generation.library.index import changing, embedded, entry_of, moved_from, with_tags
        from translight.generation.library.search import model_name, open_reader

        if not self.environments:
            raise GenerationError("which environments? translight library add NAME.tlenv")
        tags = [tag.strip() for tag in self.tags.split(",") if tag.strip()]
        for path in self.environments:
            if not path.exists():
                raise GenerationError(f"{path}: no such environment")
        found = {entry.path: entry for entry in (entry_of(path, self.library, tags) for path in self.environments)}
        reader = open_reader()
        with changing(self.library) as entries:
            for key, entry in found.items():
                if key not in entries and (moved := moved_from(entry, entries.values(), self.library)) is not None:
                    entries[key] = entries.pop(moved)
                    print(printable(f"{entry.name} was at {moved} before"))
                entry = with_tags(entry, entries[key].tags if key in entries else ())
                if reader is not None:
                    entry = embedded(entry, reader.vectors([entry.words()])[0], model_name())
                entries[key] = entry
        print(f"{len(found)} added to {self.library}, {len(entries)} in it")
        if reader is None:
            print(_WORDS_ONLY, file=sys.stderr)
        return 0


@dataclass(frozen=True)
class LibraryList:
    """List the library's environments with their tags, and which are gone or changed."""

    library: Library = Path("library")
    """The library's folder."""
    json: bool = False
    """Print one JSON object on standard output."""

    def run(self) -> int:
        """Print."""
        from translight.generation.library.index import read_index, state_of

        entries = read_index(existing(self.library)).entries
        if self.json:
            rows = [
                {"name": e.name, "path": e.path, "tags": e.tags, "state": state_of(e, self.library)} for e in entries
            ]
            print(json.dumps({"environments": rows}))
            return 0
        for entry in entries:
            state = state_of(entry, self.library)
            print(printable("  ".join(part for part in (entry.name, entry.path, ", ".join(entry.tags), state) if part)))
        print(f"{len(entries)} environment{'' if len(entries) == 1 else 's'}")
        return 0


@dataclass(frozen=True)
class Search:
    """Find environments: by tags and words, and by meaning where the extra "library" is installed."""

    words: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WORDS")]
    """What is looked for: "foggy harbour"."""
    library: Library = Path("library")
    """The library's folder."""
    top: Annotated[int, tyro.conf.arg(metavar="N")] = 5
    """How many to show at most."""
    json: bool = False
    """Print one JSON object on standard output."""

    def run(self) -> int:
        """Search; the best first."""
        from translight.generation.library.index import read_index, state_of
        from translight.generation.library.search import open_reader, search
        from translight.generation.review.decisions import is_text

        if not self.words.strip() or len(self.words) > 1000 or not is_text(self.words):
            raise GenerationError('what shall be found? translight library search "foggy harbour"')
        if not 1 <= self.top <= 1000:
            raise GenerationError(f"--top must be from 1 to 1000, got {self.top}")
        entries = read_index(existing(self.library)).entries
        reader = open_reader() if entries else None
        hits = search(entries, self.words, reader)[: self.top]
        if entries and reader is None:
            print(_WORDS_ONLY, file=sys.stderr)
        if self.json:
            rows = [
                {
                    "name": hit.entry.name,
                    "path": str(self.library / hit.entry.path),
                    "score": round(hit.score, 4),
                    "words": round(hit.words, 4),
                    "meaning": None if hit.meaning is None else round(hit.meaning, 4),
                    "tags": hit.entry.tags,
                    "state": state_of(hit.entry, self.library),
                }
                for hit in hits
            ]
            print(json.dumps({"found": rows}))
            return 0
        for hit in hits:
            state = state_of(hit.entry, self.library)
            print(printable(f"{hit.score:.2f}  {hit.entry.name}  {self.library / hit.entry.path}  {state}".rstrip()))
            print(f"      {printable(hit.entry.words())[:110]}")
        if not hits:
            print(f"nothing found in {len(entries)} environments")
        return 0


@dataclass(frozen=True)
class Remove:
    """Take environments out of the library. Their files are not touched."""

    environments: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME.tlenv")]
    """Environment packages, or their names in the library."""
    library: Library = Path("library")
    """The library's folder."""

    def run(self) -> int:
        """Remove all of them or none."""
        from translight.generation.library.index import changing, path_in

        existing(self.library)
        with changing(self.library) as entries:
            gone = dict.fromkeys(self.environments)
            for path in gone:
                named = [key for key, entry in entries.items() if entry.name == str(path)]
                key = path_in(path, self.library)
                if key not in entries and len(named) != 1:
                    how_many = "several environments of that name: give its path" if named else "not in the library"
                    raise GenerationError(f"{path}: {how_many}")
                del entries[key if key in entries else named[0]]
        print(f"{len(gone)} removed from {self.library}, {len(entries)} in it")
        return 0


def existing(folder: Path) -> Path:
    """The folder. Raises GenerationError where it holds no library."""
    if not (folder / "library.json").is_file():
        raise GenerationError(f"{folder}: holds no library: translight library add NAME.tlenv begins one")
    return folder


def printable(text: str) -> str:
    """A line without what a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in text)
