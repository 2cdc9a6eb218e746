"""A dataset becomes a NeRF: exported, trained as nerfacto by nerfstudio in a process of its own, seen from views."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from translight.core.errors import FormatError, ReconstructionError
from translight.core.files import whole_file
from translight.core.progress import Progress, silent
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.nerf.process import WORKER, Event, do
from translight.reconstruction.nerf.views import NerfView
from translight.reconstruction.transforms_write import intrinsics, transform_matrix, write_transforms

DEFAULT_ITERATIONS = 30_000
"""nerfacto's own; a CPU is expected to be stopped by the clock long before."""
NEAR_SHARE = 0.5
_PLANES = ("rgb", "depth", "expected_depth", "accumulation")


@dataclass(frozen=True, slots=True)
class NerfSettings:
    """How a NeRF is trained: pictures ``width_px`` wide, until ``iterations`` are done or ``seconds`` of them are over.

    Looking through the NeRF ends after ``looking_s``, but not before the views that are wanted. ``sizes`` replaces
    nerfacto's own settings by name (``log2_hashmap_size``, ``train_num_rays_per_batch`` …).
    """

    width_px: int = 400
    iterations: int = DEFAULT_ITERATIONS
    seconds: float | None = None
    looking_s: float | None = None
    seed: int = 0
    checkpoint_every_s: float = 60.0
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.iterations < 1 or self.seed < 0 or self.checkpoint_every_s <= 0:
            raise ValueError(f"a NeRF takes pictures of a pixel or more and an iteration or more, got {self}")
        for seconds in (self.seconds, self.looking_s):
            if seconds is not None and not 0 < seconds < math.inf:
                raise ValueError(f"a NeRF trains, and is looked at, for more than 0 seconds, got {seconds}")


@dataclass(frozen=True, slots=True, eq=False)
class NerfPicture:
    """What a NeRF shows a view: ``rgb`` (h w 3) sRGB-encoded; the others (h w).

    ``depth`` is the camera-frame z where half of the light is gathered, ``expected_depth`` the mean over all of it,
    both in scene units; they agree where there is one surface. ``accumulation`` is 1 where nothing shines through.
    """

    view: NerfView
    rgb: Float32[np.ndarray, "h w 3"]
    depth: Float32[np.ndarray, "h w"]
    expected_depth: Float32[np.ndarray, "h w"]
    accumulation: Float32[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, eq=False)
class Nerf:
    """A trained NeRF: its pictures by their views' names, and what the report's step ``nerf`` says of it."""

    pictures: Mapping[str, NerfPicture]
    facts: Mapping[str, Any]


def train_nerf(
    dataset: Dataset,
    views: Sequence[NerfView],
    settings: NerfSettings,
    folder: Path,
    python: Path,
    told: Progress = silent,
    *,
    worker: Path = WORKER,
) -> Nerf:
    """Train, or go on where ``folder`` was left, and look through ``views``.

    ``folder`` keeps the exported pictures, the checkpoint, nerfstudio's log and what was rendered. What is finished is
    not done again: asked for more ``iterations`` or ``seconds``, which are those of all calls together, training goes
    on; asked for other views, these are rendered. Raises ReconstructionError when nerfstudio fails or ``folder`` holds
    another NeRF; FormatError when pictures cannot be read or written.
    """
    if len({view.name for view in views}) != len(views):
        raise ValueError("views have different names")
    _claim(folder, dataset, settings)
    data, renders, finished = folder / "data", folder / "renders", folder / "finished.json"
    if not data.exists():
        write_transforms(dataset, data, settings.width_px, told)
    job = _job(folder, dataset, settings, views)
    facts = _finished(finished, job)
    if facts is None:
        finished.unlink(missing_ok=True)
        shutil.rmtree(renders, ignore_errors=True)
        listener = _Listener(told, settings.seconds)
        do(job, python, folder / "nerfstudio.log", listener, worker=worker)
        facts = {**listener.facts, "width_px": settings.width_px, "images": len(dataset.images)}
        with whole_file(finished) as aside:
            aside.write_text(json.dumps({"job": job, "facts": facts}), encoding="utf-8")
    seen = {view.name: renders / f"{view.name}.npz" for view in views}
    pictures = {view.name: _load(seen[view.name], view) for view in views if view.wanted or seen[view.name].exists()}
    return Nerf(pictures, facts)


def nearest_depth(dataset: Dataset) -> float | None:
    """Half of the depth, in scene units, that all but a hundredth of the points lie beyond; None without points.

    Nothing tells a NeRF what lies between a camera and the first thing that two see: few photographs leave fog there.
    """
    if dataset.points is None:
        return None
    depths = []
    for image in dataset.images:
        points = image.scene_from_camera.inverse().apply(dataset.points.xyz)
        pixels = image.camera.project(points)
        size = (image.camera.width_px, image.camera.height_px)
        depths.append(points[((pixels >= 0) & (pixels < size)).all(axis=1), 2])  # NaN, behind it, is neither
    found = np.concatenate(depths)
    return NEAR_SHARE * float(np.percentile(found, 1)) if len(found) else None


def _finished(file: Path, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts of the very same job where it was finished."""
    if not file.exists():
        return None
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        facts: dict[str, Any] = kept["facts"]
        return facts if kept["job"] == json.loads(json.dumps(job)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _job(folder: Path, dataset: Dataset, settings: NerfSettings, views: Sequence[NerfView]) -> dict[str, Any]:
    return {
        "data": str((folder / "data").absolute()),
        "work": str(folder.absolute()),
        "iterations": settings.iterations,
        "seconds": settings.seconds,
        "render_seconds": settings.looking_s,
        "seed": settings.seed,
        "checkpoint_every_s": settings.checkpoint_every_s,
        "near": nearest_depth(dataset),
        "sizes": dict(settings.sizes),
        "render": [
            {
                "name": view.name,
                "wanted": view.wanted,
                **intrinsics(view.camera),
                "transform_matrix": transform_matrix(view.scene_from_camera),
            }
            for view in views
        ],
    }


def _claim(folder: Path, dataset: Dataset, settings: NerfSettings) -> None:
    """Make sure that a checkpoint in ``folder`` is of these pictures at these settings."""
    files = [(image.name, image.file.stat().st_size if image.file.is_file() else 0) for image in dataset.images]
    poses = np.concatenate([image.scene_from_camera.matrix().ravel() for image in dataset.images])
    spoken = json.dumps([files, settings.width_px, settings.seed, dict(settings.sizes)], sort_keys=True, default=list)
    mine = hashlib.sha256(spoken.encode() + np.round(poses, 9).tobytes()).hexdigest()
    file = folder / "of.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.exists():
            if json.loads(file.read_text(encoding="utf-8")) != mine:
                raise ReconstructionError(
                    f"{folder}: holds the NeRF of other pictures or settings: remove it, or name another folder"
                )
            return
        with whole_file(file) as aside:
            aside.write_text(json.dumps(mine), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise FormatError(f"{folder}: cannot be used for a NeRF ({error})") from error


class _Listener:
    """Turns a worker's events into progress and facts."""

    def __init__(self, told: Progress, limit_s: float | None) -> None:
        self._told, self._limit_s = told, limit_s
        self.facts: dict[str, Any] = {"method": "nerfacto (nerfstudio 1.1.5)"}

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "ready":
                self.facts.update({key: event[key] for key in ("device", "parameters")})
                self._told(f"nerfacto on {event['device']}", 0.0)
            case "iteration":
                share = event["iteration"] / event["iterations"]
                if self._limit_s is not None:
                    share = min(max(share, event["seconds"] / self._limit_s), 1.0)
                self.facts.update({"per_second": event["per_second"], "training_psnr_db": event["psnr_db"]})
                self._told(_words(event, self._limit_s), share)
            case "trained":
                self.facts.update({key: event[key] for key in ("iteration", "seconds", "stopped")})
            case "rendered":
                self._told(f"looking at the NeRF: view {event['number']} of {event['count']}",
                           event["number"] / event["count"])  # fmt: skip


def _words(event: Event, limit_s: float | None) -> str:
    def shown(key: str, digits: str) -> str:
        return "–" if event[key] is None else format(event[key], digits)

    of = "" if limit_s is None else f", {event['seconds']:.0f} of {limit_s:.0f} s"
    return (
        f"nerfacto: iteration {event['iteration']:,} of {event['iterations']:,}{of}, {shown('per_second', '.2f')}/s, "
        f"loss {shown('loss', '.4f')}, PSNR {shown('psnr_db', '.1f')} dB"
    )


def _load(file: Path, view: NerfView) -> NerfPicture:
    size = (view.camera.height_px, view.camera.width_px)
    try:
        with np.load(file, allow_pickle=False) as stored:
            planes = {name: np.ascontiguousarray(stored[name], dtype=np.float32) for name in _PLANES}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FormatError(f"{file}: not a view that nerfstudio rendered ({error})") from error
    for name, plane in planes.items():
        if plane.shape[:2] != size or not np.isfinite(plane).all():
            raise FormatError(f"{file}: {name} is not {size[1]}x{size[0]} finite values")
    return NerfPicture(view, **planes)
