"""Training through gsplat on an NVIDIA GPU: its gradients beside the processor's, iterations, a whole reconstruction.

``python -m benchmarks training_gpu``. Where pycolmap is missing, photographs with poses found elsewhere are taken from
``brighton_posed`` beside ``brighton`` (what ``write_transforms`` writes); what is missing is said and left out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.bench_gradients import CAPTURE, CAPTURES, Case, case_of, within
from benchmarks.bench_reconstruct import COLUMNS, PHOTOS, row_of, run_job
from benchmarks.bench_training import begun
from benchmarks.scenes import move, room
from translight.commands.bench import file_scene
from translight.core.errors import BackendError
from translight.core.machine import describe
from translight.reconstruction.run.job import Job
from translight.reconstruction.training.rasterisers import Opened, TrainingRasteriser, open_rasteriser
from translight.render.differentiable import Rasteriser

LEAVES = ("means", "scales", "rotations", "opacities", "harmonics", "pose")
SIZE = (400, 300)
TRAINED = ((100_000, (400, 300)), (500_000, (1600, 900)), (1_000_000, (1600, 900)))
TIMES = 40
_TINY = (16, 16)
BUDGET_S = 45.0
_POSED = PHOTOS.with_name(f"{PHOTOS.name}_posed") / "transforms.json"
_RESULT = Path(__file__).parent / "results" / "training_gpu.md"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A scene's gradients on both: ‖difference‖ / ‖processor's‖ by leaf, and milliseconds forward and backward."""

    name: str
    relative: tuple[float, ...]
    cpu_ms: float
    gpu_ms: float


def main(tiny: bool) -> None:
    """Measure, and write the table unless ``tiny``; without a GPU say so, and leave the table alone."""
    try:
        opened = open_rasteriser("gsplat", lambda line: print(line, flush=True))
    except BackendError as error:
        print(f"no GPU to measure: {error}")
        return
    agreements = [agreement(case, opened) for case in _cases(tiny)]
    for found in agreements:
        print(_agreement_line(found), flush=True)
    rows = []
    for count, size in ((500, _TINY),) if tiny else TRAINED:
        rows.append(_iteration_line(opened, count, size, 2 if tiny else TIMES))
        print(rows[-1], flush=True)
    if tiny:
        return
    with tempfile.TemporaryDirectory() as folder:
        photos = _POSED if _POSED.exists() else PHOTOS
        outcome = run_job(Job(photos, Path(folder) / "brighton.tlenv", "brighton", budget_s=BUDGET_S))
        reconstructed = row_of(1, outcome)
        print(reconstructed, flush=True)
    _RESULT.write_text(_table(opened, agreements, rows, reconstructed))


def agreement(case: Case, opened: Opened) -> Agreement:
    """Gradients of the same loss by both rasterisers."""
    ours, cpu_ms = _gradients(case, Rasteriser(), torch.device("cpu"))
    theirs, gpu_ms = _gradients(case, opened.rasteriser, opened.device)
    relative = tuple(
        float((a.cpu().double() - b.double()).norm() / b.double().norm()) for a, b in zip(theirs, ours, strict=True)
    )
    return Agreement(case.name, relative, cpu_ms, gpu_ms)


def _gradients(case: Case, rasteriser: TrainingRasteriser, device: torch.device) -> tuple[list[Tensor], float]:
    leaves = [leaf.detach().to(device).requires_grad_() for leaf in case.leaves]
    towards = [planes.to(device) for planes in case.of_picture]
    taken = []
    for _ in range(5):
        for leaf in leaves:
            leaf.grad = None
        began = time.perf_counter()
        drawn = rasteriser.rasterise(*leaves, case.view.camera, near_m=case.view.near_m)
        torch.autograd.backward((drawn.rgb, drawn.alpha, drawn.depth), towards)
        _wait(device)
        taken.append(time.perf_counter() - began)
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    return gradients, float(np.median(taken)) * 1e3


def _cases(tiny: bool) -> Sequence[Case]:
    if tiny:
        return [case_of("tiny", room(500), move(*_TINY)[1])]
    cases = [case_of(f"room, {n // 1000}k", room(n), move(*SIZE)[1]) for n in (20_000, 100_000)]
    if (CAPTURES / CAPTURE).exists():
        scene, views = file_scene(CAPTURES / CAPTURE, SIZE)
        cases.append(case_of("plant, 114k", scene.layers[0].splats, within(scene, views[1])))
    return cases


def _iteration_line(opened: Opened, count: int, size: tuple[int, int], times: int) -> str:
    run, photograph = begun(opened, room(count), move(*size)[1])
    taken = []
    on_gpu = opened.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(opened.device)
    for _ in range(times + 5):
        began = time.perf_counter()
        run.step([photograph])
        _wait(opened.device)
        taken.append((time.perf_counter() - began) * 1e3)
    ms = np.array(taken[5:])
    peak_mb = torch.cuda.max_memory_allocated(opened.device) / 1e6 if on_gpu else float("nan")
    middle = float(np.median(ms))
    return f"| {count:,} | {size[0]}×{size[1]} | {middle:.2f} ({ms.min():.2f}) | {1e3 / middle:.0f} | {peak_mb:.0f} |"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _agreement_line(found: Agreement) -> str:
    errors = " | ".join(f"{error:.1e}" for error in found.relative)
    return f"| {found.name} | {errors} | {found.cpu_ms:.1f} | {found.gpu_ms:.2f} |"


def _table(opened: Opened, agreements: Sequence[Agreement], rows: Sequence[str], reconstructed: str) -> str:
    dashes: Callable[[int], str] = lambda n: "|" + "---|" * n  # noqa: E731
    return "\n".join(
        [
            "# Training through gsplat on a GPU",
            "",
            f"`python -m benchmarks training_gpu`. {opened.words}, torch {torch.__version__}. Host: {describe()}.",
            "",
            f"Gradients of one loss at {SIZE[0]}×{SIZE[1]} on the GPU beside the processor's: ‖difference‖ / ‖the",
            "processor's‖, and milliseconds forward and backward (median of five).",
            "",
            f"| scene | {' | '.join(LEAVES)} | processor, ms | GPU, ms |",
            dashes(len(LEAVES) + 3),
            *map(_agreement_line, agreements),
            "",
            f"Whole iterations of the trainer (draw, L1 and SSIM, back, Adam, noise), median (least) of {TIMES}:",
            "",
            "| splats | picture | iteration, ms | iterations a second | GPU memory, MB |",
            dashes(5),
            *rows,
            "",
            f"Brighton, a budget of {BUDGET_S:.0f} s for all of it, planned by trials on this GPU; poses found before:",
            "",
            COLUMNS + reconstructed,
            "",
        ]
    )
