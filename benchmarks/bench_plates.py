"""What a plate costs on the wall: one show with and without it, frame by frame in turn, medians of each step."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numba
import numpy as np

from translight.core.machine import describe
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.plate import Plate
from translight.environment.procedural import demo_environment
from translight.server.pipeline import Pipeline
from translight.server.show import show_from_text
from translight.stream.header import FrameTimes

SHOW = """\
rate = "60"
outputs = ["shm://{name}"]
[environment]
path = "{path}"
[tracking]
source = "freed://:40000"
[camera]
pixels = [{camera}, {half}]
[[walls]]
name = "back"
kind = "arc"
centre_m = [0, 0]
radius_m = 5
arc_deg = 150
height_m = 4.5
pixels = [{across}, {down}]
"""


def run(
    *, frames: int = 60, splats: int = 50_000, sky_px: int = 1024, across: int = 2880, out: Path | None = None
) -> str:
    """A table in Markdown; written to ``out`` where it is given."""
    environment = demo_environment(splats=splats, sky_height_px=sky_px)
    shown = {"without": environment, "with a plate": with_plate(environment)}
    rows = []
    with TemporaryDirectory() as folder:
        pipelines = {}
        for name, each in shown.items():
            save_environment(each, Path(folder) / f"{name}.tlenv")
            text = SHOW.format(
                name=f"bench-{uuid.uuid4().hex[:12]}", path=f"{name}.tlenv", camera=across // 3, half=across // 6,
                across=across, down=across * 3 // 8,
            )  # fmt: skip
            pipelines[name] = Pipeline(show_from_text(text, "show.toml"), Path(folder), lambda _: None)
        try:
            for name, times in measured(pipelines, frames).items():
                whole, new, same = (np.median(times[k]) if times[k] else 0.0 for k in ("whole", "new", "same"))
                rows.append(f"| {name} | {whole:.1f} | {1e3 / whole:.1f} | {new:.1f} | {same:.1f} |")
        finally:
            for pipeline in pipelines.values():
                pipeline.close()
    area = shown["with a plate"].plates[0].area
    what = (
        f"A wall of {across}x{across * 3 // 8} pixels, {splats} splats, a sky of {2 * sky_px}x{sky_px}; a plate of "
        f"{area.width_px}x{area.height_px} texels at 24 a second on 60. {describe()}, {numba.get_num_threads()} of "
        f"Numba's threads. Medians of {frames} frames, ms; `python -m benchmarks plates`."
    )
    text = "\n".join(
        [
            what,
            "",
            "| | a frame | fps | frames with a new picture of the plate | the others |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
    if out is not None:
        out.write_text(text, encoding="utf-8")
    return text


def with_plate(environment: Environment) -> Environment:
    """A third of the way round and a third of the rise: what a window of clouds is."""
    sky = environment.sky
    assert sky is not None
    height, width = sky.shape[:2]
    size = (height // 5, width // 3)
    frames = np.empty((4, *size, 4), np.float16)
    frames[..., :3] = np.random.default_rng(0).uniform(0, 1, (4, *size, 3))
    frames[..., 3] = 1
    return replace(environment, plates=(Plate("clouds", frames, Fraction(24), width // 3, height // 3),))


def measured(pipelines: dict[str, Pipeline], frames: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of whole frames, turn by turn, so that what else the machine does falls on both."""
    found: dict[str, dict[str, list[float]]] = {name: {"whole": [], "new": [], "same": []} for name in pipelines}
    for number in range(frames):
        fresh = (number * 24) // 60 != ((number - 1) * 24) // 60
        for name, pipeline in pipelines.items():
            show = pipeline.show
            begin = time.perf_counter()
            pipeline.frame(
                show.camera.rest, show.camera.camera(None), number, times=FrameTimes(), pose_sequence=0, flags=0
            )
            took = 1e3 * (time.perf_counter() - begin)
            found[name]["whole"].append(took)
            found[name]["new" if fresh else "same"].append(took)
    return found


def main(tiny: bool) -> None:
    if tiny:
        print(run(frames=4, splats=20_000, sky_px=64, across=192))
    else:
        print(run(out=Path(__file__).parent / "results" / "plates.md"))
