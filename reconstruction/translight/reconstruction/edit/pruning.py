"""Pruning to a budget: step by step the splats on which least of the picture hangs go, and each step is measured.

What is left is weighed anew in each step (``importance.py``), for what one splat hid the next one shows. Views that
splats are weighed from and views that the loss is measured from are not the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from translight.core.camera import View
from translight.core.progress import Progress, silent
from translight.reconstruction.edit.importance import Importance
from translight.reconstruction.edit.motion import taken
from translight.reconstruction.edit.pictures import drawn, mean_psnr_db
from translight.reconstruction.evaluate.metrics import BEST_PSNR_DB
from translight.render.contract import Renderer, Scene
from translight.splats.cloud import SplatCloud

_LEAST_STEP = 0.01
"""Where a step lost too much, half of it is tried, down to this share of the splats."""
_HALVINGS_TO = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """When to stop: at ``splats``, or before the quality falls too far, whichever comes first.

    ``db_lost`` is how far the PSNR against the photographs may fall from ``quality_db``; ``psnr_db`` is the least PSNR
    against the unpruned environment. ``step`` is the share of the splats that goes at a time. Raises ValueError.
    """

    splats: int | None = None
    db_lost: float | None = None
    psnr_db: float | None = None
    quality_db: float = 30.0
    step: float = 0.15

    def __post_init__(self) -> None:
        if self.splats is None and self.db_lost is None and self.psnr_db is None:
            raise ValueError("pruning wants to know when to stop: a number of splats, dB lost, or a least PSNR")
        if self.splats is not None and self.splats < 1:
            raise ValueError(f"at least 1 splat is left, got {self.splats}")
        if not 0 < self.step < 1:
            raise ValueError(f"a step is a share of the splats between 0 and 1, got {self.step:g}")
        if self.db_lost is not None and not 0 < self.db_lost < math.inf:
            raise ValueError(f"the dB that may be lost are above 0, got {self.db_lost:g}")
        if self.psnr_db is not None and not 0 < self.psnr_db < BEST_PSNR_DB:
            raise ValueError(f"the least PSNR is between 0 and {BEST_PSNR_DB:g} dB, got {self.psnr_db:g}")
        if not 0 < self.quality_db < BEST_PSNR_DB:
            raise ValueError(f"the quality to lose from is between 0 and {BEST_PSNR_DB:g} dB, got {self.quality_db:g}")

    def allows(self, step: Step) -> bool:
        """Whether a step may be kept."""
        return (self.psnr_db is None or step.psnr_db >= self.psnr_db) and (
            self.db_lost is None or step.db_lost <= self.db_lost
        )


@dataclass(frozen=True, slots=True)
class Step:
    """``psnr_db`` is against the unpruned environment, ``db_lost`` what ``quality_db`` is expected to fall by."""

    splats: int
    psnr_db: float
    db_lost: float


def expected_loss_db(quality_db: float, psnr_db: float) -> float:
    """How far a PSNR against photographs falls when a picture is changed by ``psnr_db``.

    The change is taken as uncorrelated with the error that is there, so that squared errors add.
    """
    return 10.0 * math.log10(1.0 + 10.0 ** ((quality_db - psnr_db) / 10.0))


def pruned(
    scene: Scene,
    weighed_from: Sequence[View],
    measured_from: Sequence[View],
    renderer: Renderer,
    goal: Goal,
    progress: Progress = silent,
) -> tuple[SplatCloud, list[Step]]:
    """The scene's cloud pruned as far as ``goal`` lets it, in its order, and the steps, the unpruned one first.

    Takes about a second a step for each hundred thousand splats and ten views of 400 pixels.
    """
    cloud = scene.layers[0].splats
    truths = [drawn(renderer, scene, view) for view in measured_from]
    importance = Importance(weighed_from)
    steps = [Step(len(cloud), BEST_PSNR_DB, expected_loss_db(goal.quality_db, BEST_PSNR_DB))]
    share, fewest = goal.step, goal.splats or 1
    while len(cloud) > fewest and share >= min(_LEAST_STEP, goal.step):
        count = max(fewest, min(len(cloud) - 1, math.floor(len(cloud) * (1 - share))))

        def told(what: str, done: float, left: int = len(cloud)) -> None:
            progress(f"{left:,} splats left: {what}", done)

        worth = importance.of(scene.with_clouds([cloud]), told)
        smaller = _best(cloud, worth, count)
        psnr = mean_psnr_db(renderer, scene.with_clouds([smaller]), measured_from, truths)
        step = Step(len(smaller), psnr, expected_loss_db(goal.quality_db, psnr))
        if goal.allows(step):
            cloud = smaller
            steps.append(step)
        else:
            share /= _HALVINGS_TO
    return cloud, steps


def _best(cloud: SplatCloud, worth: np.ndarray, count: int) -> SplatCloud:
    """The ``count`` splats that are worth most, in the cloud's order; of equals, those that come first."""
    best = np.argsort(-worth, kind="stable")[:count]
    return taken(cloud, np.sort(best))
