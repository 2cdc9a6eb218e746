"""``translight provenance report``: every generated asset of a show with its chain of title, as HTML and PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from translight.server.places import EnvironmentPlace

_MOST_SAID = 5


@dataclass(frozen=True)
class Report:
    """Write the production's report: what each asset is made of, who decided, and whether its signature is proved.

    Exit status 0: it has all; 1: something that it lists is missing or damaged, which it says, or none was written.
    """

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SHOW|ENVIRONMENT|RUN")]
    """Show files, whose environments are listed; environments; runs' folders, whose candidates and ledgers are."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="REPORT.html")]
    """One file that needs no other."""
    pdf: Annotated[Path | None, tyro.conf.arg(metavar="REPORT.pdf")] = None
    """The same as PDF."""
    trust: Annotated[Path | None, tyro.conf.arg(metavar="NAME.root.pem")] = None
    """The production's root: without one no signature is proved."""
    name: str = "Production report"
    """Its heading."""
    force: bool = False
    """Replace reports that exist."""

    def run(self) -> int:
        """Gather and write; each file appears whole or not at all."""
        import sys
        from datetime import UTC, datetime
        from importlib import import_module
        from importlib.util import find_spec

        from translight.commands.provenance import part
        from translight.core.errors import GenerationError, MissingExtra
        from translight.core.files import write_whole

        for file, suffix in ((self.output, ".html"), (self.pdf, ".pdf")):
            if file is not None and file.suffix.lower() != suffix:
                raise GenerationError(f"{file}: its name must end in {suffix}")
            if file is not None and file.exists() and not self.force:
                raise GenerationError(f"{file}: exists; --force replaces it")
        if self.pdf is not None and find_spec("reportlab") is None:
            raise MissingExtra("reportlab", "provenance")
        if not self.sources:
            raise GenerationError("name show files, environments or runs' folders")
        assets = dict(_assets(self.sources))
        listed = part("title").titles(list(assets), self.trust, shown={path for path, shown in assets.items() if shown})
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        write_whole(self.output, part("report_html").html(self.name, now, listed))
        written = [self.output]
        if self.pdf is not None:
            made = import_module("translight.generation.provenance.report_pdf").pdf(self.name, now, listed)
            write_whole(self.pdf, made)
            written.append(self.pdf)
        print(f"{' and '.join(str(file) for file in written)}: {len(listed)} assets")
        gaps = part("rows").gaps(listed)
        if gaps:
            more = f"; and {len(gaps) - _MOST_SAID} more" if len(gaps) > _MOST_SAID else ""
            said = "; ".join(gaps[:_MOST_SAID])
            print(f"translight: {self.output}: not complete, as it says: {said}{more}", file=sys.stderr)
        return 1 if gaps else 0


def _assets(sources: tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """What the sources name, each once, and whether a show does; its built-in environment was not generated for it."""
    from translight.server.places import BUILT_IN
    from translight.server.show import load_show

    seen: set[Path] = set()
    for source in sources:
        found = [(source, False)]
        if source.suffix.lower() == ".toml" and source.is_file():
            show = load_show(source)
            places = [show.environment, *(cue.environment for cue in show.cues)]
            names = [name for place in places for name in _paths(place) if name != BUILT_IN]
            found = [(source.parent / name, True) for name in names]
        for path, shown in found:
            if path.absolute() not in seen:
                seen.add(path.absolute())
                yield path, shown


def _paths(place: EnvironmentPlace) -> Iterator[str]:
    yield place.path
    for layer in place.layers:
        yield from _paths(layer)
