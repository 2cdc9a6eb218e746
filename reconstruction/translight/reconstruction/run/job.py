"""What a user asks of a run, and what can be refused before any of it is done."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from translight.core.errors import ShowError
from translight.environment.manifest import FILE_NAME
from translight.environment.package import SUFFIX
from translight.environment.package_zip import is_zip
from translight.reconstruction.run.budget import Fixed
from translight.reconstruction.run.fingerprint import fingerprint
from translight.reconstruction.run.work_folder import Identity
from translight.render.backends import AUTO, BACKENDS

Method = Literal["splats", "nerf"]
Densification = Literal["mcmc", "default"]
_LONGEST_NAME = 200
_MOST_DB = 100.0


@dataclass(frozen=True, slots=True)
class Job:
    """One reconstruction. ``budget_s`` is for all of it, None without a limit; ``fixed`` is what the plan must keep.

    ``frames`` are taken of a video (None: as many as it needs); ``skip_damaged`` leaves damaged photographs out;
    ``distance`` is what was measured between two marks, ``photo.jpg:x,y``, in metres. ``nerf_python`` is the
    Python of nerfstudio's environment, where it is not the one that ``make nerf`` builds.
    ``densification``, ``refine_poses`` and ``stop_db`` are the trainer's (training/settings.py).
    ``renderer`` draws the pictures that are measured. ``force`` replaces an environment at ``output``; ``fresh``
    forgets an earlier run's work; ``keep_work`` leaves the work folder when all is done.
    """

    photos: Path
    output: Path
    name: str
    method: Method = "splats"
    budget_s: float | None = None
    fixed: Fixed = field(default_factory=Fixed)
    seed: int = 0
    frames: int | None = None
    skip_damaged: bool = False
    distance: tuple[str, str, float] | None = None
    nerf_python: Path | None = None
    densification: Densification = "mcmc"
    refine_poses: bool = False
    stop_db: float | None = None
    renderer: str = AUTO
    force: bool = False
    fresh: bool = False
    keep_work: bool = False

    def identity(self) -> Identity:
        """What another run must share to go on with this one's work. Raises FormatError without photographs."""
        settings: dict[str, Any] = {
            "method": self.method,
            "budget": None if self.budget_s is None else f"seconds={self.budget_s:g}",
            "iterations": self.fixed.iterations,
            "splats": self.fixed.splats,
            "width": self.fixed.width_px,
            "seed": self.seed,
            "frames": self.frames,
            "skip-damaged": self.skip_damaged,
            "densification": self.densification,
            "refine-poses": self.refine_poses,
            "stop-db": self.stop_db,
            "distance": None if self.distance is None else " ".join(map(str, self.distance)),
        }
        return Identity(fingerprint(self.photos), settings)


def check_job(job: Job) -> None:
    """Raises ShowError, naming the option, on what would fail only after all the work."""
    output = job.output
    if output.suffix.lower() != SUFFIX:
        raise ShowError(f"--output: an environment's name ends in {SUFFIX}, got {output.name!r}")
    if not 1 <= len(job.name) <= _LONGEST_NAME:
        raise ShowError(f"--name: 1 to {_LONGEST_NAME} characters, got {len(job.name)}")
    if not output.parent.is_dir():
        raise ShowError(f"--output: there is no folder {output.parent}")
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise ShowError(f"--output: {output.parent} cannot be written to")
    fixed = job.fixed
    counts = {"width": fixed.width_px, "splats": fixed.splats, "iterations": fixed.iterations, "frames": job.frames}
    for option, value in counts.items():
        if value is not None and value < 1:
            raise ShowError(f"--{option}: at least 1, got {value}")
    if job.stop_db is not None and not 0 < job.stop_db < _MOST_DB:
        raise ShowError(f"--stop-db: above 0 and below {_MOST_DB:g} dB, got {job.stop_db:g}")
    if job.renderer not in (AUTO, *BACKENDS):
        raise ShowError(f"--renderer: {AUTO} or one of {', '.join(BACKENDS)}, got {job.renderer!r}")
    if not output.exists() and not output.is_symlink():
        return
    package = not output.is_symlink() and (is_zip(output) or (output / FILE_NAME).is_file() or _is_empty_folder(output))
    if not package:
        raise ShowError(f"{output} exists and is not an environment: choose another name")
    if not job.force:
        raise ShowError(f"{output} exists; --force replaces it")


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
