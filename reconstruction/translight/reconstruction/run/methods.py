"""The real pieces of a run (pieces.py): what reads, poses, plans and trains, each loaded when it is first wanted."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translight.core.errors import MissingExtra
from translight.core.progress import Progress
from translight.environment.environment import Environment
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.run import nerf_method
from translight.reconstruction.run.budget import Fixed, Plan, plan
from translight.reconstruction.run.calibration import TRIALS, Trial, crowd, measured_rate
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.pieces import Made, Pieces, Relay, Solved

if TYPE_CHECKING:
    from translight.reconstruction.training.trainer import Trained

_TRIAL_PICTURES = 2
_TRIAL_ITERATIONS = 40
_TRIAL_S = 2.0
_TRIALS_SHARE = 0.1
"""Of the time left, what trials may take before the next is left out."""
_READINGS = 2
"""Training reads its pictures at half their size and at their own."""
_MANY_PICTURES = 40
"""From so many on, harmonics and splats are held down by the pictures themselves."""
_LEAST_LEFT_SHARE = 0.5
"""Trials that compile, on a machine's first run, may take at most so much from training."""


def pieces_of(job: Job) -> Pieces:
    """What ``job`` asks for. Raises MissingExtra where the method's libraries are not installed, ShowError."""
    if find_spec("torch") is None:
        raise MissingExtra("torch", "train")
    _known_distance(job)  # a wrong mark is told now
    if job.method == "nerf":
        return Pieces(_reader(job), _solver(job), nerf_method.planned, nerf_method.maker(job))
    return Pieces(_reader(job), _solver(job), _planned, _trainer(job))


def _reader(job: Job) -> Any:
    def read(photos: Path, folder: Path, progress: Progress) -> Capture | Dataset:
        module = import_module("translight.reconstruction.open_input")
        found: Capture | Dataset = module.open_input(
            photos, folder, frames=job.frames, skip_damaged=job.skip_damaged, progress=progress
        )
        return found

    return read


def _solver(job: Job) -> Any:
    def solve(capture: Capture, folder: Path, seconds: float | None, progress: Progress) -> Solved:
        module = import_module("translight.reconstruction.structure_from_motion.solve")
        options = module.Options(seconds=seconds, distance=_known_distance(job))
        posed = module.solve(capture, folder, options, progress)
        return Solved(_with_exposures(posed.dataset, capture), posed.facts, posed.picture)

    return solve


def _known_distance(job: Job) -> Any:
    if job.distance is None:
        return None
    module = import_module("translight.reconstruction.structure_from_motion.known_distance")
    a, b, metres = job.distance
    return module.KnownDistance(module.Mark.parse(a), module.Mark.parse(b), metres)


def _with_exposures(dataset: Dataset, capture: Capture) -> Dataset:
    """What the stills' files say of their exposure goes along with the poses."""
    known = {still.name: still.exposure_ev for still in capture.stills}
    images = tuple(replace(image, exposure_ev=known.get(image.name, image.exposure_ev)) for image in dataset.images)
    return replace(dataset, images=images)


def _planned(dataset: Dataset, left_s: float | None, fixed: Fixed, folder: Path, progress: Progress) -> Plan:
    """With a time limit, by a few seconds of trials on two of the pictures."""
    training, held_out = dataset.split()
    sizes = [(image.camera.width_px, image.camera.height_px) for image in training]
    if left_s is None:
        return plan(None, None, sizes, len(held_out), fixed)
    began = time.monotonic()
    load_photograph(training[0], TRIALS[0].width_px)
    reading_s = _READINGS * len(training) * (time.monotonic() - began)
    few = Dataset(training[:_TRIAL_PICTURES], dataset.points, dataset.stage_from_scene)

    def pixels(width_px: int) -> int:
        return round(sum(min(width_px, w) ** 2 * h / w for w, h in sizes[:_TRIAL_PICTURES]) / len(few.images))

    timed = _timed(few, began + _TRIALS_SHARE * left_s, folder / "trials", progress)
    rest_s = left_s - reading_s - (time.monotonic() - began)
    return plan(max(rest_s, _LEAST_LEFT_SHARE * left_s), measured_rate(timed, pixels), sizes, len(held_out), fixed)


def _timed(few: Dataset, until_s: float, folder: Path, progress: Progress) -> list[tuple[Trial, float]]:
    """Seconds an iteration of the trials, of as many as are over by ``until_s``; of one at least."""
    found: list[tuple[Trial, float]] = []
    try:
        _tried(few, Trial(64, 1000), 3, folder, progress)  # compiles, and meets torch for the first time
        for trial in TRIALS:
            if found and time.monotonic() > until_s:
                break
            trained = _tried(few, trial, _TRIAL_ITERATIONS, folder, progress)
            found.append((trial, float(trained.seconds) / max(trained.iterations, 1)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _tried(few: Dataset, trial: Trial, iterations: int, folder: Path, progress: Progress) -> Trained:
    """A short training of full harmonics whose splats neither grow nor move about."""
    settings = import_module("translight.reconstruction.training.settings")
    trainer = import_module("translight.reconstruction.training.trainer")
    progress(f"trying {trial.splats:,} splats, {trial.width_px} px wide", 0.0)
    asked = settings.Settings(
        width_px=trial.width_px,
        splats=trial.splats,
        iterations=iterations,
        seconds=_TRIAL_S,
        coarse_share=0.0,
        refine_from=iterations,
        sky="none",
    )
    cloud = crowd(few, trial)
    trained: Trained = trainer.train(few, asked, folder / f"{trial.width_px}-{trial.splats}", initial=cloud)
    return trained


def _trainer(job: Job) -> Any:
    def make(dataset: Dataset, plan: Plan, folder: Path, relay: Relay) -> Made:
        settings = import_module("translight.reconstruction.training.settings")
        trainer = import_module("translight.reconstruction.training.trainer")
        asked = settings.Settings(
            width_px=plan.width_px,
            splats=plan.splats,
            iterations=plan.iterations,
            seconds=plan.seconds,
            stop_db=job.stop_db,
            densification=job.densification,
            poses=job.refine_poses,
            seed=job.seed,
            **_schedule(plan.iterations),
            **_caution(len(dataset.split()[0])),
        )
        trained: Trained = trainer.train(
            dataset,
            asked,
            folder,
            told=relay.moment,
            preview=lambda _moment, picture, _name: relay.preview(picture),
            says=lambda what: relay.progress(what, 0.0),
        )
        environment = Environment(
            job.name,
            trained.cloud,
            dataset.stage_from_scene,
            trained.sky,
            "srgb",
            dataset.metres_per_unit,
            trained.antialiased,
        )
        gains = {name: gain.tolist() for name, gain in trained.gains.items()}
        return Made(environment, (("train", trained.facts),), gains)

    return make


def _caution(pictures: int) -> dict[str, Any]:
    """Few pictures can be explained in many wrong ways: fewer freedoms, and no splat that a picture hangs on alone."""
    if pictures >= _MANY_PICTURES:
        return {}
    return {"degree": 1, "drop": 0.3}


def _schedule(iterations: int) -> dict[str, int]:
    """When splats are added and moved: as trainers have it for long runs, in proportion for short ones."""
    return {
        "refine_from": min(500, iterations // 14),
        "refine_every": min(100, max(1, iterations // 70)),
    }
