"""``translight reconstruct inspect``: look at photographs before any long work, and say what will likely fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from translight.commands.capture_screen import Seen
    from translight.core.progress import Progress
    from translight.reconstruction.capture import Capture
    from translight.reconstruction.dataset import Dataset

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Inspect:
    """Say before any long work what will likely fail: blur, exposure, too few, twins, mixed cameras, no overlap.

    Exit status 0 when nothing will fail for certain, 1 otherwise.
    """

    photos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")]
    """Folder of photographs, video, or anything else that reconstruct takes."""
    json: bool = False
    """Print one JSON object and nothing else."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE.jpg")] = None
    """Write a contact sheet: every picture with its verdict, by colour and word."""
    skip_overlap: bool = False
    """Do not compare pictures with one another, which takes most of the time and needs pycolmap."""
    skip_damaged: bool = False
    """Leave damaged pictures out, as reconstruct would with the same option."""
    frames: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Of a video: how many frames to choose (as many as the motion asks for if not given)."""
    work: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Keep what was found here, a video's frames too; a second call then takes less long."""

    def run(self) -> int:
        """Check what was asked for, look, and tell."""
        from tempfile import TemporaryDirectory

        from translight.commands.capture_screen import lines_of, show_table, title, values_of
        from translight.core.errors import ShowError
        from translight.core.image import save_image
        from translight.reconstruction.inspection import will_fail
        from translight.reconstruction.inspection_sheet import contact_sheet

        if self.picture is not None and self.picture.suffix.lower() not in _PICTURE_SUFFIXES:
            raise ShowError(f"{self.picture}: a contact sheet is written as .jpg or .png")
        if self.picture is not None and not self.picture.parent.is_dir():
            raise ShowError(f"{self.picture}: no such folder: {self.picture.parent}")
        if self.frames is not None and self.frames < 1:
            raise ShowError(f"--frames {self.frames}: one or more are chosen")

        with ExitStack() as stack:
            work = self.work or Path(stack.enter_context(TemporaryDirectory(prefix="translight-inspect-")))
            seen = _see(self, work, stack.enter_context(_progress()))
        if self.picture is not None:
            save_image(self.picture, contact_sheet(title(seen), seen.looks, seen.findings, tuple(seen.damaged)))
        if self.json:
            print(json.dumps(values_of(seen)))
        elif sys.stdout.isatty():
            show_table(seen)
        else:
            print("\n".join(lines_of(seen)))
        return 1 if will_fail(seen.findings) else 0


def _see(command: Inspect, work: Path, progress: Progress) -> Seen:
    from translight.commands.capture_screen import Seen
    from translight.core.errors import MissingExtra
    from translight.reconstruction.capture import Capture
    from translight.reconstruction.inspection import Finding, Severity, inspect_capture
    from translight.reconstruction.look import look_at

    damaged: Mapping[str, str] = {}
    read = _read(command, work, progress)
    if isinstance(read, tuple):
        read, damaged = read
    known = not isinstance(read, Capture)
    capture = read if isinstance(read, Capture) else _of_dataset(command.photos, read)
    looks = look_at(capture.stills, progress)
    shared, extra = None, []
    if not known and not command.skip_overlap and len(capture.stills) > 1:
        from translight.reconstruction.structure_from_motion.overlap import overlap

        try:
            shared = overlap(capture, work, progress)
        except MissingExtra as error:
            why = "pictures without overlap cannot become one scene"
            extra = [Finding(Severity.NOTE, "unseen", f"overlap was not looked at: {error}", why, "install it")]
    findings = inspect_capture(
        capture,
        looks,
        overlap=shared,
        damaged=damaged,
        skip_damaged=command.skip_damaged,
        cameras_known=known,
    )
    return Seen(command.photos, capture, looks, (*findings, *extra), damaged, shared)


def _read(command: Inspect, work: Path, progress: Progress) -> Capture | Dataset | tuple[Capture, Mapping[str, str]]:
    """A folder of photographs with what is damaged in it; whatever else reconstruct takes as it takes it."""
    from translight.reconstruction.open_input import is_photographs, open_input
    from translight.reconstruction.read_capture import scan

    if is_photographs(command.photos):
        found = scan(command.photos, progress)
        return found.capture, found.damaged
    return open_input(command.photos, work, frames=command.frames, progress=progress)


def _of_dataset(photos: Path, dataset: Dataset) -> Capture:
    from translight.reconstruction.capture import Capture, Still

    return Capture(
        photos,
        tuple(
            Still(
                image.name,
                image.file,
                image.camera.width_px,
                image.camera.height_px,
                f"known camera {image.camera.width_px}x{image.camera.height_px}",
                image.camera.fx,
            )
            for image in dataset.images
        ),
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each kind of work on standard error, when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _what, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0)
            bars.update(tasks[what], completed=share)

        yield tell
