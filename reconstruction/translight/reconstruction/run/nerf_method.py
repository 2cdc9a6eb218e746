"""The pieces of ``--method nerf`` (pieces.py): nerfacto trained in its own environment, then baked to splats."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from translight.reconstruction.dataset import Dataset
from translight.reconstruction.progress import Progress
from translight.reconstruction.run.budget import MOST_ITERATIONS, Fixed, Plan, evaluation_s
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.pieces import Made, Relay

WIDTH_PX = 400
"""A NeRF looks through rays, not pictures; wider ones show in the bake only after long training."""
SPLATS = 100_000
TRAINING_SHARE, REFINING_SHARE = 0.6, 0.25
"""Of the seconds planned; the rest goes to looking through the NeRF, and to baking."""


def planned(dataset: Dataset, left_s: float | None, fixed: Fixed, _folder: Path, _progress: Progress) -> Plan:
    """``Pieces.plan`` without trials: nerfacto trains by the clock."""
    _, held_out = dataset.split()
    width = min(fixed.width_px or WIDTH_PX, max(image.camera.width_px for image in dataset.images))
    seconds = None
    if left_s is not None:
        seconds = max(left_s - evaluation_s(len(held_out), width * width * 3 // 4), 1.0)
    reason = "no time limit" if seconds is None else f"{seconds:.0f} s"
    return Plan(width, fixed.splats or SPLATS, fixed.iterations or MOST_ITERATIONS, seconds, reason)


def maker(job: Job) -> Any:
    """``Pieces.make``. Raises ReconstructionError at once where nerfstudio's environment is missing."""
    python = import_module("translight.reconstruction.nerf.process").nerf_python(job.nerf_python)

    def make(dataset: Dataset, plan: Plan, folder: Path, relay: Relay) -> Made:
        run = import_module("translight.reconstruction.nerf.run")
        nerf = import_module("translight.reconstruction.nerf.environment")
        training = run.NerfSettings(
            width_px=plan.width_px,
            iterations=plan.iterations,
            seconds=_share(plan.seconds, TRAINING_SHARE),
            seed=job.seed,
        )
        baking = nerf.BakeSettings(
            width_px=plan.width_px,
            splats=plan.splats,
            seconds=_share(plan.seconds, REFINING_SHARE),
            seed=job.seed,
        )
        baked = nerf.nerf_environment(
            job.name, dataset, training, baking, folder, python, relay.progress, relay.moment, job.renderer
        )
        return Made(baked.environment, baked.steps)

    return make


def _share(seconds: float | None, share: float) -> float | None:
    return None if seconds is None else share * seconds
