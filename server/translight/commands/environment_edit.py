"""What every ``translight environment`` command does: take a source, check the output, write a package and say so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from translight.core.errors import ShowError

if TYPE_CHECKING:
    from translight.core.progress import Progress
    from translight.environment.environment import Environment
    from translight.reconstruction.edit.source import Source
    from translight.render.contract import Renderer

Triple = tuple[float, float, float]
Point = Annotated[Triple | None, tyro.conf.arg(metavar="X Y Z")]
_MOST_VIEWS = 1000
_LEAST_WIDTH_PX, _MOST_WIDTH_PX = 16, 8192


@dataclass(frozen=True)
class Edit:
    """The arguments that all edits share."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """A .tlenv package, or a splat file of any format that is read."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NEW.tlenv")]
    """The package to write; the source itself only with --force."""
    force: bool = False
    """Replace the output when it exists."""
    zip: bool = False
    """Write the package as one zip file instead of a folder."""


@dataclass(frozen=True)
class View:
    """A choice of views, for commands that judge pictures."""

    views: int = 24
    """How many views to judge from: of the package's own cameras evenly, or all around where it has none."""
    width: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 400
    """Width of the pictures that are judged, in pixels."""


@contextmanager
def reading(path: Path) -> Iterator[Source]:
    """The source opened, with a bar while it is read."""
    from translight.reconstruction.edit.source import opened

    with ExitStack() as stack:
        with progress_bar() as told:
            source = stack.enter_context(opened(path, lambda share: told(f"reading {path.name}", share)))
        yield source  # the bar is gone: what follows has its own


def write_edit(edit: Edit, source: Source, environment: Environment, step: str, said: str, **facts: Any) -> None:
    """Write the package with its step in the report and its picture renewed, then say in one line what was done."""
    from translight.reconstruction.edit.pictures import thumbnail
    from translight.reconstruction.edit.source import write
    from translight.render.scene import scene_of

    before, after = len(source.environment.splats), len(environment.splats)
    report = source.report.with_step(step, source=source.path.name, splats_before=before, splats_after=after, **facts)
    with renderer() as drawing:
        picture = thumbnail(drawing, scene_of(environment))
    write(source, environment, report, edit.output, thumbnail=picture, zipped=edit.zip)
    print(f"{edit.output}: {said}, {counted(before, after)}")
    if source.signed:
        print(f"{edit.output}: not kept: the provenance signature, which an edit makes void", file=sys.stderr)


def counted(before: int, after: int) -> str:
    """Splats before and after, in words."""
    if before == after:
        return f"{after:,} splats as before"
    share = f" ({after / before:.1%})" if after < before else ""
    return f"{before:,} → {after:,} splats{share}"


@contextmanager
def renderer() -> Iterator[Renderer]:
    """The fastest renderer that works here; what it compiles is told on a terminal."""
    from translight.render.backends import open_renderer

    def say(what: str) -> None:
        if sys.stderr.isatty():
            print(f"preparing: {what}", file=sys.stderr)

    with open_renderer(progress=say) as drawing:
        yield drawing


def finite(flag: str, *values: float) -> None:
    """Raise ShowError on a value that is no number."""
    import math

    if not all(math.isfinite(value) for value in values):
        raise ShowError(f"{flag}: wants finite numbers, got {' '.join(f'{value:g}' for value in values)}")


def check_picture(path: Path | None) -> None:
    """Raise ShowError unless a picture can be written there."""
    if path is None:
        return
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ShowError(f"--picture: a picture is a .png or .jpg, got {path.name!r}")
    if not path.absolute().parent.is_dir():
        raise ShowError(f"--picture: there is no folder {path.absolute().parent}")


def check_views(choice: View, fewest: int = 1) -> None:
    """Raise ShowError on fewer views than are needed, or pictures of no size."""
    if not fewest <= choice.views <= _MOST_VIEWS:
        raise ShowError(f"--views: {fewest} to {_MOST_VIEWS}, got {choice.views}")
    if not _LEAST_WIDTH_PX <= choice.width <= _MOST_WIDTH_PX:
        raise ShowError(f"--width: {_LEAST_WIDTH_PX} to {_MOST_WIDTH_PX} pixels, got {choice.width}")


@contextmanager
def as_show_error(flag: str) -> Iterator[None]:
    """A ValueError of the block, which a user's number caused, as one line that names the option."""
    try:
        yield
    except ValueError as error:
        raise ShowError(f"{flag}: {error}") from error


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error while the block runs, when that is a terminal; what it is told of names it."""
    from translight.core.progress import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
