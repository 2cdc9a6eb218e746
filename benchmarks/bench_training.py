"""A whole training iteration on the processor, beside the same in plain torch: one run, scene, view and settings.

An iteration is what the trainer does: draw, L1 and SSIM against a photograph, back, regularisers, exposure, Adam over
every parameter (59 a splat, harmonics of degree 3), noise. The photograph is the scene itself, its splats displaced.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import torch

from benchmarks.peers import torch_gradients
from benchmarks.scenes import move, room
from translight.core.camera import View
from translight.core.machine import describe
from translight.reconstruction.training.rasterisers import Opened, open_rasteriser
from translight.reconstruction.training.run import Run
from translight.reconstruction.training.settings import Settings
from translight.reconstruction.training.splats import NAMES, TrainedSplats
from translight.reconstruction.training.torch_loss import picture_loss
from translight.reconstruction.training.views import TrainingView
from translight.splats.cloud import SplatCloud

SIZE = (400, 300)
COUNTS = (20_000, 100_000)
ROUNDS, STEPS = 3, 40
"""Rounds in which each takes its turn, and iterations of ours in one; torch does one."""
_DISPLACED = 0.02
_RESULT = Path(__file__).parent / "results" / "training.md"


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds an iteration: ours, of which drawing and the way back, and torch's."""

    splats: int
    ours_ms: np.ndarray
    drawing_ms: np.ndarray
    torch_ms: np.ndarray
    peak_mb: float


def main(tiny: bool) -> None:
    """Measure every count; write the table unless ``tiny``."""
    rows = []
    for count in (500,) if tiny else COUNTS:
        row = _measure(room(count), move(*((40, 30) if tiny else SIZE))[1], 1 if tiny else ROUNDS, 2 if tiny else STEPS)
        print(_line(row), flush=True)
        rows.append(row)
    if not tiny:
        _RESULT.write_text(_table(rows))


def _measure(cloud: SplatCloud, view: View, rounds: int, steps: int) -> Row:
    before = torch.get_num_threads()
    run, photograph = begun(open_rasteriser("cpu", lambda _: None), cloud, view)
    plain = _Plain(cloud, photograph, run.settings, view.near_m)
    ours, drawing, theirs = [], [], []
    try:
        for i in range(rounds + 1):
            torch.set_num_threads(1)  # as the trainer has it
            for _ in range(steps if i else 3):
                began = time.perf_counter()
                run.step([photograph])
                ours.append(time.perf_counter() - began)
                drawing.append(_drawing_s(run, photograph))
            torch.set_num_threads(before)
            began = time.perf_counter()
            plain.step()
            theirs.append(time.perf_counter() - began)
            if i == 0:  # the first of each meets cold caches
                ours, drawing, theirs = [], [], []
    finally:
        torch.set_num_threads(before)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(len(cloud), *(np.array(values) * 1e3 for values in (ours, drawing, theirs)), peak_mb)


def begun(opened: Opened, cloud: SplatCloud, view: View) -> tuple[Run, TrainingView]:
    """A training run of ``cloud``, and the photograph that it trains on."""
    photograph = _photograph(opened, cloud, view)
    settings = Settings(splats=len(cloud), iterations=10**6, refine_from=10**6, degree_share=1.0, sky="none")
    run = Run(opened, settings, TrainedSplats.of(cloud, 3, opened.device), None, [photograph], 1.0, view.near_m)
    return run, photograph


def _photograph(opened: Opened, cloud: SplatCloud, view: View) -> TrainingView:
    rng = np.random.default_rng(1)
    means = (cloud.means + rng.normal(0, _DISPLACED, cloud.means.shape)).astype(np.float32)
    pose = torch.tensor(np.concatenate([view.stage_from_camera.wxyz, view.stage_from_camera.position_m]))
    pose = pose.to(opened.device)
    tensors = (
        torch.from_numpy(a).to(opened.device) for a in (means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)
    )
    drawn = opened.rasteriser.rasterise(*tensors, pose, view.camera, near_m=view.near_m)
    planes = drawn.rgb.clamp(0, 1).clone()
    return TrainingView(
        "room",
        view.camera,
        pose.float(),
        view.stage_from_camera,
        planes,
        None,
        None,
        of_points=False,
        exposure_ev=None,
        keeps=True,
    )


def _drawing_s(run: Run, photograph: TrainingView) -> float:
    """Of drawing and its way back alone, on the run's present splats."""
    splats = run.splats
    scales, opacities = splats.scales().detach().requires_grad_(), splats.opacities().detach().requires_grad_()
    began = time.perf_counter()
    drawn = run.opened.rasteriser.rasterise(
        splats.means, scales, splats.wxyz, opacities, splats.sh, photograph.scene_from_camera, photograph.camera,
        near_m=run.near, antialiased=run.settings.antialiased,
    )  # fmt: skip
    torch.autograd.backward(drawn.rgb, photograph.planes)
    passed = time.perf_counter() - began
    for name in NAMES:
        getattr(splats, name).grad = None
    return passed


class _Plain:
    """The same iteration in torch's own operations: a tile rasteriser, conv2d, torch.optim.Adam."""

    def __init__(self, cloud: SplatCloud, photograph: TrainingView, settings: Settings, near_m: float) -> None:
        self._splats = TrainedSplats.of(cloud, 3, torch.device("cpu"))
        self._gain = torch.zeros(3, requires_grad=True)
        self._photograph, self._settings, self._near_m = photograph, settings, near_m
        leaves = [*(getattr(self._splats, name) for name in NAMES), self._gain]
        self._adam = torch.optim.Adam(leaves, lr=1e-4, eps=1e-15)

    def step(self) -> None:
        splats, settings = self._splats, self._settings
        scales, opacities = splats.scales(), splats.opacities()
        planes = torch_gradients.rasterise(
            splats.means, scales, splats.wxyz, opacities, splats.sh, self._photograph.scene_from_camera,
            self._photograph.camera, self._near_m,
        )  # fmt: skip
        picture = planes[:3] * self._gain.exp()[:, None, None]
        loss = picture_loss(picture, self._photograph.planes, settings.ssim_weight)
        loss = loss + settings.opacity_weight * opacities.mean() + settings.scale_weight * scales.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        self._adam.zero_grad()


def _line(row: Row) -> str:
    ours, drawing, theirs = (float(np.median(a)) for a in (row.ours_ms, row.drawing_ms, row.torch_ms))
    return (
        f"| {row.splats:,} | {ours:.1f} ({row.ours_ms.min():.1f}) | {1e3 / ours:.1f} ({1e3 / row.ours_ms.min():.1f}) | "
        f"{drawing:.1f} ({row.drawing_ms.min():.1f}) | {theirs:.0f} | {theirs / ours:.0f}× | {row.peak_mb:.0f} |"
    )


def _table(rows: list[Row]) -> str:
    head = (
        "# A training iteration on the processor\n\n"
        f"{describe()}; {numba.config.NUMBA_NUM_THREADS} threads, torch {torch.__version__}.\n"  # type: ignore[attr-defined]
        f"The room of {SIZE[0]}×{SIZE[1]} pixels, harmonics of degree 3. Medians (least) of {ROUNDS} rounds, "
        "in which each takes its turn. `python -m benchmarks training`.\n\n"
        "| splats | iteration, ms | iterations a second | of it drawing and back, ms | plain torch, ms | ratio | "
        "peak MB, both |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(map(_line, rows)) + "\n"
