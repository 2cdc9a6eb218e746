"""What a candidate costs on a GPU: models in their published sizes, random weights (full_size.py), our own engine.

Times and memory depend on sizes and steps, not on what the weights learnt; no picture of these shows anything.
``python -m benchmarks diffusers_gpu``; its weights take up to 35 GB of the folder for temporary files.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from translight.core.machine import describe
from translight.core.progress import silent
from translight.generation.brief.brief import Avoid, Block, Brief
from translight.generation.brief.translate import translate
from translight.generation.diffusion.video import VideoModel
from translight.generation.engines.engine import Order, open_engine

SEEDS = (1, 2, 3)
HEIGHT_PX = 1024
STEPS = 30
FRAMES, FILM_PX = 25, (576, 1024)
_RESULT = Path(__file__).parent / "results" / "diffusers_gpu.md"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model: its files' size, seconds to the first picture and for each after it, the GPU's memory at most."""

    name: str
    drawn: str
    steps: int
    files_gb: float
    first_s: float
    each_s: float
    peak_gb: float

    def row(self) -> str:
        """Of the table."""
        return (
            f"| {self.name} | {self.drawn} | {self.steps} | {self.files_gb:.1f} | {self.first_s:.1f} | "
            f"{self.each_s:.1f} | {self.peak_gb:.1f} |"
        )


def main(tiny: bool) -> None:
    """Measure, and write the table unless ``tiny``; without a GPU say so, and leave the table alone."""
    if not torch.cuda.is_available():
        print("no GPU to measure: torch finds none")
        return
    from tests.generation.diffusion import tiny as small
    from tests.generation.diffusion import tiny_video

    from benchmarks import full_size

    models: tuple[tuple[str, Callable[[Path], Path], Callable[[str, Path], Cost]], ...] = (
        ("SDXL", small.sdxl if tiny else full_size.sdxl, panoramas),
        ("SVD", tiny_video.svd if tiny else full_size.svd, film),
        ("FLUX.1", small.flux if tiny else full_size.flux, panoramas),
    )
    rows = []
    for name, make, measure in models:
        with tempfile.TemporaryDirectory() as folder:
            room = make(Path(folder) / "model")
            _let_go()
            for cost in (measure(name, room), *((_without_control(room),) if (room / "base").is_dir() else ())):
                rows.append(cost.row())
                print(rows[-1], flush=True)
    if not tiny:
        _RESULT.write_text(_table(rows), encoding="utf-8")


def panoramas(name: str, room: Path) -> Cost:
    """Candidates of a brief with a box in it, in their order; the first has hashing and loading in it."""
    kiosk = Block(name="kiosk", kind="wall", size_m=(2.0, 2.0, 3.0), position_m=(3.0, 8.0))
    brief = Brief(name="cost", intent="a harbour at dusk, fog", candidates=len(SEEDS), seeds=SEEDS, blocking=(kiosk,))
    parameters = replace(translate(brief), steps=STEPS)
    if not (room / "controlnet-depth").is_dir():
        parameters = replace(parameters, control=None)
    torch.cuda.reset_peak_memory_stats()
    times, before = [], time.perf_counter()
    engine = open_engine("diffusers", room)
    engine.models()
    for candidate in engine.candidates(Order(brief, parameters, HEIGHT_PX), silent):
        now = time.perf_counter()
        times.append(now - before)
        before = now
        picture = candidate.views[0].image
        assert picture.shape == (HEIGHT_PX, 2 * HEIGHT_PX, 3)
        assert np.isfinite(picture).all()
    told = f"{name}, ControlNet depth" if parameters.control is not None else name
    size = f"{2 * HEIGHT_PX}x{HEIGHT_PX} panorama"
    return Cost(told, size, parameters.steps, _size_gb(room), times[0], median(times[1:]), _peak_gb())


def film(name: str, folder: Path) -> Cost:
    """Films of 25 frames from a first one."""
    first = np.random.default_rng(0).random((*FILM_PX, 3)).astype(np.float32)
    torch.cuda.reset_peak_memory_stats()
    times, before = [], time.perf_counter()
    model = VideoModel(folder, Avoid(), silent)
    for seed in SEEDS:
        frames = list(model.frames(first, "", "", FRAMES, seed, silent, steps=STEPS))
        now = time.perf_counter()
        times.append(now - before)
        before = now
        assert len(frames) == FRAMES
        assert np.isfinite(frames[-1]).all()
    size = f"{FRAMES} frames {FILM_PX[1]}x{FILM_PX[0]}"
    return Cost(name, size, STEPS, _size_gb(folder), times[0], median(times[1:]), _peak_gb())


def _without_control(room: Path) -> Cost:
    shutil.rmtree(room / "controlnet-depth")
    _let_go()
    return panoramas("SDXL", room)


def _size_gb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors")) / 1e9


def _peak_gb() -> float:
    return torch.cuda.max_memory_allocated() / 1e9


def _let_go() -> None:
    gc.collect()
    torch.cuda.empty_cache()


def _table(rows: list[str]) -> str:
    card = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return "\n".join(
        [
            "# What a candidate costs on a GPU",
            "",
            f"`python -m benchmarks diffusers_gpu`. {card}. Host: {describe()}.",
            "",
            "Models in their published sizes with **random weights**: time and memory are the real ones', pictures are",
            f"noise. Each is drawn {len(SEEDS)} times by our engine: the first with its files hashed and loaded, then",
            "the median of the others; float32 for the panoramas' VAE, float16 or bfloat16 all else.",
            "",
            "| model | picture | steps | files, GB | first, s | each after, s | GPU memory at most, GB |",
            "|---|---|---:|---:|---:|---:|---:|",
            *rows,
            "",
        ]
    )
