"""An environment that is edited, with all that its package holds, and writing what became of it as a new package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from translight.core.errors import FormatError, ShowError
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.files import SplatFormat, load_environment, load_json_part, save_environment
from translight.environment.package import SUFFIX, is_package, open_package
from translight.environment.report import Report
from translight.render.cameras import NamedView, format_cameras, parse_cameras
from translight.splats.limits import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A package or bare splat file as it was read.

    ``cameras`` are cameras.json's plain values. ``proxy`` lies where it was found for as long as the source is open.
    ``signed``: the package holds a provenance part, whose signature an edit makes void.
    """

    path: Path
    environment: Environment
    report: Report
    cameras: Any = None
    proxy: Path | None = None
    signed: bool = False
    splat_format: SplatFormat = "ply"

    def views(self) -> list[NamedView]:
        """The package's cameras; none where it has none. Raises FormatError on a cameras.json that is not one."""
        if self.cameras is None:
            return []
        return parse_cameras(json.dumps(self.cameras).encode(), f"{self.path}: cameras.json")


@contextmanager
def opened(path: Path, progress: Progress | None = None) -> Iterator[Source]:
    """Read a .tlenv package or a splat file whole. Raises FormatError."""
    environment = load_environment(path, progress=progress)
    if not is_package(path):
        spz: SplatFormat = "spz" if path.suffix.lower() == ".spz" else "ply"
        yield Source(path, environment, Report(), splat_format=spz)
        return
    report, cameras = Report.of(path), load_json_part(path, "cameras")
    with open_package(path) as package:
        splats = package.part("splats")
        assert splats is not None  # a manifest without it is refused
        yield Source(
            path,
            environment,
            report,
            cameras,
            package.part("proxy"),
            package.part("provenance") is not None,
            "spz" if splats.suffix.lower() == ".spz" else "ply",
        )


def check_output(output: Path, *, force: bool, flag: str = "--output") -> None:
    """Raise ShowError unless a package can be written there: before any work, for an edit may take minutes."""
    if output.suffix.lower() != SUFFIX:
        raise ShowError(f"{flag}: an environment is written as NAME{SUFFIX}, got {output.name!r}")
    if (output.exists() or output.is_symlink()) and not force:
        raise ShowError(f"{output} exists; --force replaces it")
    parent = output.absolute().parent
    if not parent.is_dir():
        raise ShowError(f"{flag}: there is no folder {parent}")


def write(
    source: Source,
    environment: Environment,
    report: Report,
    output: Path,
    *,
    thumbnail: UInt8[np.ndarray, "h w 3"] | None,
    zipped: bool = False,
) -> None:
    """Write ``environment`` with all else of ``source``'s package but its signature. Raises FormatError."""
    try:
        save_environment(
            environment,
            output,
            report=report.values(),
            cameras=source.cameras,
            thumbnail=thumbnail,
            copies={} if source.proxy is None else {"proxy": source.proxy},
            splat_format=source.splat_format,
            zipped=zipped,
        )
    except OSError as error:
        raise FormatError(f"{output}: cannot be written: {error.strerror or error}") from error


def with_cameras_moved(source: Source, new_from_stage: Similarity) -> Source:
    """The source with its cameras, which stand on the stage, moved along with what they see."""
    if source.cameras is None:
        return source
    turn, scale = new_from_stage.pose, new_from_stage.scale

    def along(named: NamedView) -> NamedView:
        stood = named.view.stage_from_camera
        pose = turn @ Pose(stood.wxyz, stood.position_m * scale)
        return replace(named, view=replace(named.view, stage_from_camera=pose, near_m=named.view.near_m * scale))

    return replace(source, cameras=json.loads(format_cameras([along(named) for named in source.views()])))
