"""The cpu renderer on bench scenes and real captures: by size, by threads, by stage, against the FMA peak, and memory.

``translight bench render`` measures one of these rows by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import render_charts
from benchmarks.scenes import bench_scene, move, room
from translight.commands.bench import file_scene, measure_row
from translight.core.machine import describe
from translight.render.contract import Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.splats.order import along_curve

SIZES = ((640, 360), (1280, 720), (1920, 1080))
SCENES = ("room_100k", "room_500k", "room_2m")
CAPTURES = ("plant_114k.splat", "playbot_125k_sog", "playbot_500k_sog")
"""Marcel Padilla's plant and Stephane Agullo's robot, both CC-BY-4.0; left out where they are not."""
ROUNDS = 6
MEMORY_SCENE = "room_2m"
_CAPTURE_FOLDER = Path(__file__).parents[2] / "shared" / "data" / "splats"
_RESULTS = Path(__file__).parent / "results"


def main(tiny: bool) -> None:
    """Measure, and write the table and its charts unless ``tiny``."""
    threads = [1, most] if (most := CpuRenderer().threads) > 1 else [1]
    rows: list[dict[str, Any]] = []
    for name in ("tiny",) if tiny else (*SCENES, *CAPTURES):
        for width, height in ((64, 36),) if tiny else SIZES:
            scene, views = _scene(name, width, height)
            if scene is None:
                continue
            for count in threads:
                with CpuRenderer(count) as renderer:
                    rows.append(measure_row(renderer, name, scene, views, 1 if tiny else ROUNDS))
                print(_line(rows[-1]), flush=True)
    memory = _memory("tiny" if tiny else MEMORY_SCENE)
    start = _start(cold=not tiny)
    if not tiny:
        (_RESULTS / "render.md").write_text(_report(rows, memory, start))
        render_charts.write(_RESULTS, rows)


def _scene(name: str, width: int, height: int) -> tuple[Scene | None, list[Any]]:
    if name == "tiny":
        return Scene.of(along_curve(room(2000))), move(width, height)
    if name in SCENES:
        return bench_scene(name), move(width, height)
    path = _CAPTURE_FOLDER / name
    return file_scene(path, (width, height)) if path.exists() else (None, [])


def _line(row: dict[str, Any]) -> str:
    stages = "  ".join(f"{stage} {ms:.2f}" for stage, ms in row["stages_ms"].items() if ms)
    what = f"{row['scene']:>18} {row['width']}x{row['height']} {row['threads']} threads"
    return f"{what}: {row['median_ms']:.2f} ms  {row['fps']:.1f} fps  {stages}"


_MEMORY = """
import gc, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from benchmarks.bench_render import _scene
from translight.render.cpu.renderer import CpuRenderer, compile_kernels
from translight.render.contract import frames_for

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))

compile_kernels()
scene, views = _scene(sys.argv[2], 1280, 720)
frames = frames_for(views[:1], None)
for array in (frames[0].rgba, frames[0].depth):
    array[...] = 0
gc.collect()
cloud = scene.layers[0].splats
before = status("VmRSS") - cloud.nbytes
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
with CpuRenderer() as renderer:
    for view in views:
        renderer.render(scene, [view], frames)
    print(status("VmHWM") - before, cloud.nbytes)
"""


def _memory(name: str) -> tuple[int, int] | None:
    """Peak of resident memory while drawing, cloud included, frames and the rest of the process not; and the cloud."""
    if sys.platform != "linux":
        return None
    root = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", _MEMORY, root, name], capture_output=True, text=True, check=True)
    peak, cloud = (int(word) for word in done.stdout.split())
    print(f"memory: {peak / 1e6:.0f} MB for a cloud of {cloud / 1e6:.0f} MB, {peak / cloud:.2f} times")
    return peak, cloud


_START = """
import time
begin = time.perf_counter()
import sys
sys.path.insert(0, sys.argv[1])
from translight.render.cpu.renderer import compile_kernels
compile_kernels()
print(time.perf_counter() - begin)
"""


def _start(*, cold: bool) -> dict[str, float]:
    """Seconds from an interpreter that has started to the first picture: nothing compiled yet, and from the cache."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder} if cold else dict(os.environ)
        command = [sys.executable, "-c", _START, str(Path(__file__).parents[1])]
        for name, repeats in (("cold", 1), ("warm", 5)) if cold else (("warm", 1),):
            runs = [
                float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
                for _ in range(repeats)
            ]
            found[name] = float(np.median(runs))
    print("start: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items()))
    return found


def _report(rows: list[dict[str, Any]], memory: tuple[int, int] | None, start: dict[str, float]) -> str:
    lines = [
        "# The cpu renderer",
        "",
        f"`python -m benchmarks render`. {ROUNDS} rounds over eight views of a camera move (an orbit for captures).",
        "A frame is a whole `render` call. Medians, ms; stages are medians of their own. Fragments: pixel–splat pairs",
        "blended. room_…: `benchmarks/scenes.py`, SH 3. plant: Marcel Padilla, playbot: Stephane Agullo, CC-BY-4.0.",
        "",
        f"Machine: {describe()}. Shared with other work.",
        "",
        "| scene | size | threads | median | p99 | fps | project | sort | bin | blend | fragments/s | of FMA peak |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        stages = " | ".join(f"{row['stages_ms'][stage]:.2f}" for stage in ("project", "sort", "bin", "blend"))
        lines.append(
            f"| {row['scene']} | {row['width']}×{row['height']} | {row['threads']} | {row['median_ms']:.1f} "
            f"| {row['p99_ms']:.1f} | **{row['fps']:.1f}** | {stages} | {row['fragments_per_s'] / 1e9:.2f} G "
            f"| 1/{1 / row['fragments_per_fma']:.0f} |"
        )
    lines += ["", *_scaling(rows), ""]
    if memory is not None:
        peak, cloud = memory
        lines.append(
            f"Memory: drawing {MEMORY_SCENE} at 1280×720 takes {peak / 1e6:.0f} MB beside frames and interpreter, the "
            f"cloud's own {cloud / 1e6:.0f} MB included: {peak / cloud:.2f} times the cloud."
        )
    lines.append(
        "Start: from a started interpreter to the first picture "
        + ", ".join(f"{seconds:.2f} s {name}" for name, seconds in start.items())
        + "."
    )
    charts = "![Frames a second by splats](render_fps.svg) ![Time by stage](render_stages.svg)"
    return "\n".join([*lines, "", charts, "", "![Roofline](render_roofline.svg)", ""])


def _scaling(rows: list[dict[str, Any]]) -> list[str]:
    """How much faster all threads are than one, by scene, at 1280×720."""
    by: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["height"] == 720:
            by.setdefault(row["scene"], {})[row["threads"]] = row["median_ms"]
    ratios = [f"{name} {ms[1] / ms[max(ms)]:.2f}" for name, ms in by.items() if len(ms) > 1]
    return ["One thread over all, 1280×720: " + ", ".join(ratios) + "."] if ratios else []
