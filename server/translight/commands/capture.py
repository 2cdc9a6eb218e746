"""``translight reconstruct inspect``: look at photographs before any long work, and say what will likely fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from rich.console import Console

    from translight.reconstruction.capture import Capture
    from translight.reconstruction.dataset import Dataset
    from translight.reconstruction.inspection import Finding
    from translight.reconstruction.look import Look
    from translight.reconstruction.progress import Progress
    from translight.reconstruction.structure_from_motion.view_graph import Overlap

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
_NAMED = 8


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

        from translight.core.errors import ShowError
        from translight.core.image import save_image

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
            from translight.reconstruction.inspection_sheet import contact_sheet

            sheet = contact_sheet(_title(seen), seen.looks, seen.findings, tuple(seen.damaged))
            save_image(self.picture, sheet)
        if self.json:
            print(json.dumps(_values(seen)))
        elif sys.stdout.isatty():
            _table(seen)
        else:
            print("\n".join(_lines(seen)))
        return 1 if _fails(seen) else 0


@dataclass(frozen=True)
class _Seen:
    """Everything that is told."""

    photos: Path
    capture: Capture
    looks: Mapping[str, Look]
    findings: Sequence[Finding]
    damaged: Mapping[str, str]
    overlap: Overlap | None


def _see(command: Inspect, work: Path, progress: Progress) -> _Seen:
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
    return _Seen(command.photos, capture, looks, (*findings, *extra), damaged, shared)


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


def _fails(seen: _Seen) -> bool:
    from translight.reconstruction.inspection import will_fail

    return will_fail(seen.findings)


def _title(seen: _Seen) -> str:
    stills = seen.capture.stills
    cameras = sorted({still.camera for still in stills})
    parts = [f"{seen.photos.name or seen.photos}: {len(stills)} pictures"]
    parts.append(cameras[0] if len(cameras) == 1 else f"{len(cameras)} cameras or sizes")
    parts.append(f"GPS in {sum(still.geo is not None for still in stills)}")
    if seen.damaged:
        parts.append(f"{len(seen.damaged)} damaged")
    return ", ".join(parts)


def _verdict(seen: _Seen) -> str:
    from translight.reconstruction.inspection import verdict

    return verdict(seen.findings)


def _sharing(seen: _Seen) -> str | None:
    """One line about overlap, or None where nobody looked."""
    if seen.overlap is None:
        return None
    from translight.reconstruction.structure_from_motion.view_graph import LEAST_INLIERS

    groups, total = seen.overlap.groups(), len(seen.overlap.features)
    partners = sorted(sum(n >= LEAST_INLIERS for n in seen.overlap.partners(name).values()) for name in groups[0])
    middle = partners[len(partners) // 2]
    return f"{len(groups[0])} of {total} pictures hang together, the median one with {middle} others"


def _lines(seen: _Seen) -> list[str]:
    lines = [_title(seen)]
    for finding in seen.findings:
        about = f" [{_named(finding.pictures)}]" if finding.pictures else ""
        lines.append(f"{finding.severity}: {finding.kind}: {finding.what}{about}: {finding.why}; {finding.do}")
    sharing = _sharing(seen)
    if sharing is not None:
        lines.append(f"overlap: {sharing}")
    return [*lines, _verdict(seen)]


def _table(seen: _Seen) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    colours = {"will fail": "bold red", "may fail": "yellow", "note": "blue"}
    console: Console = Console()
    table = Table("", "what", "why", "what to do", title=escape(_title(seen)), title_justify="left", show_lines=True)
    for finding in seen.findings:
        about = f"\n{_named(finding.pictures)}" if finding.pictures else ""
        colour = colours[str(finding.severity)]
        table.add_row(
            f"[{colour}]{finding.severity}[/]", escape(finding.what + about), escape(finding.why), escape(finding.do)
        )
    if seen.findings:
        console.print(table)
    else:
        console.print(escape(_title(seen)))
    sharing = _sharing(seen)
    if sharing is not None:
        console.print(f"overlap: {escape(sharing)}")
    console.print(_verdict(seen), style="bold red" if _fails(seen) else "bold")


def _named(pictures: Sequence[str]) -> str:
    more = f" and {len(pictures) - _NAMED} more" if len(pictures) > _NAMED else ""
    return ", ".join(pictures[:_NAMED]) + more


def _values(seen: _Seen) -> dict[str, Any]:
    from translight.reconstruction.inspection_sheet import verdicts

    names = [still.name for still in seen.capture.stills]
    judged = verdicts(names, seen.findings)
    stills = [
        {
            "name": still.name,
            "width_px": still.width_px,
            "height_px": still.height_px,
            "camera": still.camera,
            "focal_px": still.focal_px,
            "exposure_ev": still.exposure_ev,
            "gps": None if still.geo is None else asdict(still.geo),
            "blur": round(seen.looks[still.name].blur, 4),
            "light": round(seen.looks[still.name].light, 4),
            "clipped": round(seen.looks[still.name].white + seen.looks[still.name].black, 4),
            "features": None if seen.overlap is None else seen.overlap.features.get(still.name),
            "verdict": judged[still.name][1],
        }
        for still in seen.capture.stills
    ]
    return {
        "photos": str(seen.photos),
        "will_fail": _fails(seen),
        "findings": [{**asdict(finding), "severity": str(finding.severity)} for finding in seen.findings],
        "groups": None if seen.overlap is None else [list(group) for group in seen.overlap.groups()],
        "damaged": dict(seen.damaged),
        "stills": stills,
    }


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
