"""The pieces of ``--method nerf`` (pieces.py): nerfacto trained in its own environment, then baked to splats."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from translight.core.progress import Progress
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.run.budget import MOST_ITERATIONS, Fixed, Plan, evaluation_s
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.pieces import Made, Relay

WIDTH_PX = 400
"""A NeRF looks through rays, not pictures; wider ones show in the bake only after long training."""
SPLATS = 100_000
TRAINING_SHARE, LOOKING_SHARE, REFINING_SHARE = 0.45, 0.25, 0.15
"""Of the seconds planned; the rest goes to starting nerfstudio, to baking and to measuring."""
_VIEWS = 32
_RAYS_PER_SECOND = 4_000
"""What two processor cores look through at nerfacto's small sizes."""
_NARROWEST_PX = 120


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
            looking_s=_share(plan.seconds, LOOKING_SHARE),
            seed=job.seed,
        )
        baking = nerf.BakeSettings(
            width_px=_looking_width(plan),
            views=_VIEWS,
            splats=plan.splats,
            seconds=_share(plan.seconds, REFINING_SHARE),
            seed=job.seed,
        )
        baked = nerf.nerf_environment(
            job.name, dataset, training, baking, folder, python, relay.progress, relay.moment, job.renderer
        )
        return Made(baked.environment, baked.steps)

    return make


def _looking_width(plan: Plan) -> int:
    """So wide that a processor sees all views in time; a GPU needs no care."""
    if plan.seconds is None or shutil.which("nvidia-smi") is not None:
        return plan.width_px
    rays = LOOKING_SHARE * plan.seconds * _RAYS_PER_SECOND / _VIEWS
    return min(plan.width_px, max(_NARROWEST_PX, round((rays * 4 / 3) ** 0.5)))


def _share(seconds: float | None, share: float) -> float | None:
    return None if seconds is None else share * seconds
