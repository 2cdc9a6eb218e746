"""The real pieces of a run (pieces.py): what reads, poses, plans and trains, each loaded when it is first wanted."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from translight.core.errors import MissingExtra
from translight.environment.environment import Environment
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.progress import Progress
from translight.reconstruction.run.budget import Fixed, Plan, plan
from translight.reconstruction.run.calibration import Trial, crowd, measured_rate
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.pieces import Made, Pieces, Relay, Solved

_TRIAL_PICTURES = 2
_TRIAL_ITERATIONS = 40
_TRIAL_S = 3.0


def pieces_of(job: Job) -> Pieces:
    """What ``job`` asks for. Raises MissingExtra where the method's libraries are not installed."""
    if find_spec("torch") is None:
        raise MissingExtra("torch", "train")
    return Pieces(_reader(job), _solve, _planned, _trainer(job))


def _reader(job: Job) -> Any:
    def read(photos: Path, folder: Path, progress: Progress) -> Capture | Dataset:
        module = import_module("translight.reconstruction.open_input")
        found: Capture | Dataset = module.open_input(
            photos, folder, frames=job.frames, skip_damaged=job.skip_damaged, progress=progress
        )
        return found

    return read


def _solve(capture: Capture, folder: Path, seconds: float | None, progress: Progress) -> Solved:
    module = import_module("translight.reconstruction.structure_from_motion.solve")
    posed = module.solve(capture, folder, module.Options(seconds=seconds), progress)
    return Solved(posed.dataset, posed.facts, posed.picture)


def _planned(dataset: Dataset, left_s: float | None, fixed: Fixed, folder: Path, progress: Progress) -> Plan:
    """With a time limit, by a few seconds of trials on two of the pictures."""
    training, held_out = dataset.split()
    sizes = [(image.camera.width_px, image.camera.height_px) for image in training]
    if left_s is None:
        return plan(None, None, sizes, len(held_out), fixed)
    began = time.monotonic()
    few = Dataset(training[:_TRIAL_PICTURES], dataset.points, dataset.stage_from_scene)
    trials = folder / "trials"

    def iteration_s(trial: Trial) -> float:
        trained = _tried(few, trial, _TRIAL_ITERATIONS, trials, progress)
        return float(trained.seconds) / max(trained.iterations, 1)

    def pixels(width_px: int) -> int:
        return round(sum(min(width_px, w) ** 2 * h / w for w, h in sizes[:_TRIAL_PICTURES]) / len(few.images))

    try:
        _tried(few, Trial(64, 1000), 3, trials, progress)  # compiles, and meets torch for the first time
        rate = measured_rate(iteration_s, pixels)
    finally:
        shutil.rmtree(trials, ignore_errors=True)
    return plan(left_s - (time.monotonic() - began), rate, sizes, len(held_out), fixed)


def _tried(few: Dataset, trial: Trial, iterations: int, folder: Path, progress: Progress) -> Any:
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
    return trainer.train(few, asked, folder / f"{trial.width_px}-{trial.splats}", initial=cloud)


def _trainer(job: Job) -> Any:
    def make(dataset: Dataset, plan: Plan, folder: Path, relay: Relay) -> Made:
        settings = import_module("translight.reconstruction.training.settings")
        trainer = import_module("translight.reconstruction.training.trainer")
        asked = settings.Settings(
            width_px=plan.width_px,
            splats=plan.splats,
            iterations=plan.iterations,
            seconds=plan.seconds,
            seed=job.seed,
        )
        trained = trainer.train(
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
        return Made(environment, (("train", {**trained.facts, "plan": asdict(plan)}),))

    return make
