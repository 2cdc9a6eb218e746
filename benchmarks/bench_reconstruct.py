"""Photographs to environment in five minutes, all of it, by the command's own code: quality, time by stage, memory.

Held-out errors are also told apart by whether the training photographs confirm a pixel at all (agreement.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import confirmed
from benchmarks.scenes import move, room
from translight.core.image import save_image, to_u8
from translight.core.machine import describe
from translight.core.pose import Pose, Similarity
from translight.environment.files import load_environment
from translight.reconstruction.dataset import Dataset, PosedImage
from translight.reconstruction.evaluate.metrics import colour_corrected, psnr_db
from translight.reconstruction.run.budget import Fixed, plan_text
from translight.reconstruction.run.dataset_file import load_dataset
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.methods import pieces_of
from translight.reconstruction.run.pieces import Plan
from translight.reconstruction.run.reconstruct import Outcome, reconstruct
from translight.reconstruction.run.watch import Lines
from translight.reconstruction.run.work_folder import work_path
from translight.reconstruction.transforms_write import write_transforms
from translight.render.backends import open_renderer
from translight.render.contract import Scene

BUDGET_S = 300.0
WIDTH_PX = 400
ROUNDS = 2
COLUMNS = (
    "| run | registered | PSNR, dB | at its exposure | colours fitted | SSIM | ST-LPIPS | splats | iterations | "
    "a second | poses, s | train, s | all, s | MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
)
PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos" / "brighton"
_RESULT = Path(__file__).parent / "results" / "reconstruct.md"


def main(tiny: bool) -> None:
    """Reconstruct and write the table; tiny, a few pictures of the room, and nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        if tiny:
            fixed = Fixed(40, 300, 20)
            job = Job(_rendered(Path(folder)), Path(folder) / "room.tlenv", "room", fixed=fixed, keep_work=True)
            outcome = run_job(job)
            print(row_of(1, outcome), _parts(outcome, 40), sep="\n")
            return
        if not PHOTOS.is_dir():
            print(f"{PHOTOS} is not there: nothing is measured")
            return
        rows, last = [], None
        for i in range(ROUNDS):
            output = Path(folder) / f"brighton{i}.tlenv"
            fixed = Fixed(width_px=WIDTH_PX)
            last = run_job(Job(PHOTOS, output, "brighton", budget_s=BUDGET_S, fixed=fixed, seed=i, keep_work=True))
            rows.append(row_of(i + 1, last))
            print(rows[-1], flush=True)
        assert last is not None
        _RESULT.write_text(_table(rows, last))


def run_job(job: Job) -> Outcome:
    """All of a reconstruction, told line by line."""
    return reconstruct(job, pieces_of(job), Lines(lambda line: print(line, flush=True)))


def _rendered(folder: Path) -> Path:
    """Pictures of the room with their cameras, as a renderer elsewhere would leave them."""
    images = []
    with open_renderer("cpu") as renderer:
        for i, view in enumerate(move(64, 48)[:6]):
            frame = renderer.render(Scene.of(room(800), Similarity.identity()), [view])[0]
            file = folder / f"{i}.png"
            save_image(file, to_u8(np.clip(frame.rgba[..., :3], 0, 1)))
            pose = Pose(view.stage_from_camera.wxyz, view.stage_from_camera.position_m)
            images.append(PosedImage(file.name, file, view.camera, pose))
    return write_transforms(Dataset(tuple(images)), folder / "dataset")


def _step(outcome: Outcome, name: str) -> Mapping[str, Any]:
    found = outcome.report.last(name)
    assert found is not None
    return found


def row_of(number: int, outcome: Outcome) -> str:
    """A run's row of the table under ``COLUMNS``."""
    run, train, poses = (_step(outcome, name) for name in ("reconstruct", "train", "poses"))
    quality = _step(outcome, "evaluate")
    stages, memory = run["stages_s"], run["peak_memory"]
    decibels = " | ".join(
        "–" if quality[name] is None else f"{quality[name]:.2f}"
        for name in ("psnr_db", "exposed_psnr_db", "corrected_psnr_db")
    )
    rest = " | ".join("–" if quality[name] is None else f"{quality[name]:.3f}" for name in ("ssim", "lpips"))
    return (
        f"| {number} | {poses['registered']}/{poses['total']} | {decibels} | {rest} | {outcome.splats:,} | "
        f"{train['iterations']:,} | {train['iterations'] / max(train['seconds'], 0.1):.1f} | "
        f"{stages['poses']:.0f} | {stages['train']:.0f} | {run['seconds']:.0f} | "
        f"{(memory['own_bytes'] or 0) / 1e6:.0f} + {(memory['child_bytes'] or 0) / 1e6:.0f} |"
    )


def _parts(outcome: Outcome, width_px: int) -> str:
    """Rows of the held-out views by what the training photographs confirm; colours fitted over the whole view."""
    dataset = load_dataset(work_path(outcome.output) / "poses")
    points = load_environment(outcome.output).splats.means if dataset.points is None else dataset.points.xyz
    others, held_out = dataset.split()
    images = {image.name: image for image in held_out}
    rows = []
    for view in outcome.evaluation.shown:
        fitted = colour_corrected(view.picture, view.truth, view.weight)
        known = confirmed(images[view.score.name], others, points.astype(np.float64), width_px)
        seen = view.weight > 0
        parts = [psnr_db(fitted, view.truth, part.astype(np.float32)) for part in (seen & known, seen & ~known, seen)]
        share = (seen & known).sum() / seen.sum()
        rows.append(f"| {view.score.name} | {share:.0%} | " + " | ".join(map(_or_dash, parts)) + " |")
    return "\n".join(rows)


def _table(rows: list[str], last: Outcome) -> str:
    views = "\n".join(
        f"| {view['name']} | {view['psnr_db']:.2f} | {_or_dash(view['exposed_psnr_db'])} | "
        f"{view['corrected_psnr_db']:.2f} | {view['ssim']:.3f} | {view['lpips']:.3f} |"
        for view in _step(last, "evaluate")["views"]
    )
    plan = plan_text(Plan(**_step(last, "reconstruct")["plan"]))
    return (
        "# Photographs to environment\n\n"
        f"{describe()}.\nBrighton: 18 aerial stills (pierotofy/drone_dataset_brighton_beach, BSD-2), {WIDTH_PX} px "
        f"wide, a budget of {BUDGET_S / 60:.0f} minutes for all of it, poses included; every eighth photograph is "
        "held out. `python -m benchmarks reconstruct`.\n\n"
        "PSNR as the environment is; with the gain that each still's exposure value foretells; after an affine fit "
        "of colours. ST-LPIPS is of AlexNet, less is better. Memory: the process's peak and its largest child's.\n\n"
        + COLUMNS
        + "\n".join(rows)
        + f"\n\nThe last run's plan: {plan}. Its held-out views:\n\n"
        "| view | PSNR, dB | at its exposure | colours fitted | SSIM | ST-LPIPS |\n|---|---|---|---|---|---|\n"
        f"{views}\n\n"
        "The same views by what the training photographs confirm: where, at some depth, the best two of four "
        "neighbours correlate with the photograph (a plane sweep, windows of 7 pixels, 0.55 or more on average). "
        "Colours fitted over the whole view.\n\n"
        "| view | confirmed | PSNR there, dB | elsewhere, dB | all, dB |\n|---|---|---|---|---|\n"
        f"{_parts(last, WIDTH_PX)}\n"
    )


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
