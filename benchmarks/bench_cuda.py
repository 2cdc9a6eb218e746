"""The cuda renderer on an NVIDIA GPU: conformance first, then frame times, and gsplat's on the same scenes and views.

All that a machine with a GPU is needed for, in one run of minutes: ``python -m benchmarks cuda``. A frame is timed by
the wall clock, from the call to when the GPU has made its last pixel, which stays there for a compositor; gsplat's
likewise. What brings pictures back to the host has rows of its own. What is missing here, a GPU or gsplat, is said and
left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scenes import bench_scene, move, room
from translight.colour.output import OutputTransform
from translight.core.camera import Camera, View
from translight.core.device import Part
from translight.core.errors import BackendError
from translight.core.image import PixelFormat
from translight.core.machine import describe
from translight.core.pose import Pose
from translight.render.contract import DepthKind, Order, Scene, frames_for
from translight.render.cuda import CudaRenderer, open_backend
from translight.render.cuda.memory import STATUS_BYTES
from translight.render.cuda.pipeline import Pipeline
from translight.splats.order import along_curve
from translight.volume.canvas import Canvas
from translight.volume.cuda.compositor import CudaCompositor
from translight.volume.wall import PlaneWall

SCENES = ("room_500k", "room_2m", "room_6m")
SIZES = ((1920, 1080), (3840, 2160))
FRAMES = 400
STEADY_FRAMES = 10_000
STEADY = ("room_2m", (1920, 1080))
EYE_VIEWS = 8
_ROOT = Path(__file__).parents[1]
_RESULT = Path(__file__).parent / "results" / "cuda.md"
_SUITE = _ROOT / "tests" / "render" / "test_conformance.py"
_CASES = 100
"""Tests of the suite that pass at least, where none is skipped but for want of captures."""


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds a frame, ours by the wall clock and on the GPU alone, and where it was measured gsplat's median."""

    scene: str
    splats: int
    size: tuple[int, int]
    views: int
    what: str
    median_ms: float
    p99_ms: float
    frames: int
    gpu_ms: float | None = None
    gsplat_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """What rows are measured of: a scene at a size, by a renderer that keeps it from row to row."""

    renderer: CudaRenderer
    name: str
    scene: Scene
    size: tuple[int, int]
    frames: int
    theirs: Any
    """gsplat_cuda.Clouds, or None."""

    @property
    def device(self) -> Any:
        return self.renderer.device

    def row(
        self, what: str, ms: np.ndarray, *, views: int = 1, gpu_ms: np.ndarray | None = None,
        gsplat_ms: np.ndarray | None = None,
    ) -> Row:  # fmt: skip
        gpu, gsplat = (None if a is None else float(np.median(a)) for a in (gpu_ms, gsplat_ms))
        middle, tail = float(np.median(ms)), float(np.percentile(ms, 99))
        row = Row(self.name, self.scene.count, self.size, views, what, middle, tail, len(ms), gpu, gsplat)
        print(_line(row), flush=True)
        return row


def main(tiny: bool) -> None:
    """Measure, and write the table unless ``tiny``; without a GPU say so, and leave the table alone."""
    try:
        renderer = open_backend()
    except BackendError as error:
        print(f"no GPU to measure: {error}")
        return
    if not tiny:
        _conform()
    gsplat = _gsplat()
    rows: list[Row] = []
    stages: dict[str, float] = {}
    with renderer:
        for name in ("tiny",) if tiny else SCENES:
            scene = Scene.of(along_curve(room(2000))) if tiny else bench_scene(name)
            theirs = None if gsplat is None else gsplat.Clouds(scene)
            for size in ((96, 54),) if tiny else SIZES:
                case = _Case(renderer, name, scene, size, 3 if tiny else FRAMES, theirs)
                singles, turns = [[view] for view in move(*size)], _turns(size)[: 1 if tiny else None]
                rows += [
                    _pass_row(case, "one view", singles, "depth"),
                    _pass_row(case, "one eye", turns, "distance"),
                    _host_row(case),
                    _wall_row(case),
                ]
                if tiny or (name, size) == STEADY:
                    stages = kernel_times(renderer.device, scene, singles[0][0])
                    ms, gpu_ms = frame_times(renderer, scene, singles[:1], "depth", 5 if tiny else STEADY_FRAMES)
                    rows.append(case.row("steady", ms, gpu_ms=gpu_ms))
        for kernel, ms in stages.items():
            print(f"{kernel:>16} {1e3 * ms:8.1f} µs")
        if not tiny:
            _RESULT.write_text(_report(rows, stages, None if gsplat is None else gsplat.version()))


def frame_times(
    renderer: CudaRenderer, scene: Scene, passes: Sequence[Sequence[View]], order: Order, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds of ``frames`` frames by the wall clock, and of the GPU's part in each.

    They go round ``passes``, each of views that are drawn together.
    """
    import cupy

    device: Any = renderer.device
    pipeline = renderer.pipeline
    for views in [*passes, *passes, *passes]:  # until all fits, and is recorded
        _draw_whole(device, pipeline, scene, views, order)
    wall, gpu = np.empty((2, frames))
    before, after = cupy.cuda.Event(), cupy.cuda.Event()
    for k in range(frames):
        begin = time.perf_counter_ns()
        aimed = pipeline.aim(scene, passes[k % len(passes)], order)
        before.record(device.stream)
        pipeline.submit(aimed)
        after.record(device.stream)
        after.synchronize()
        wall[k] = (time.perf_counter_ns() - begin) / 1e6
        gpu[k] = cupy.cuda.get_elapsed_time(before, after)
    return wall, gpu


def kernel_times(device: Any, scene: Scene, view: View, rounds: int = 20) -> dict[str, float]:
    """Milliseconds of each kernel in a frame, all its launches together, launched one by one; medians."""
    import cupy

    sums: list[dict[str, float]] = []
    launch = device.launch

    def timed(kernel: str, blocks: int, arguments: Sequence[Any]) -> None:
        before, after = cupy.cuda.Event(), cupy.cuda.Event()
        before.record(device.stream)
        launch(kernel, blocks, arguments)
        after.record(device.stream)
        after.synchronize()
        sums[-1][kernel] = sums[-1].get(kernel, 0.0) + cupy.cuda.get_elapsed_time(before, after)

    pipeline = Pipeline(device, record=False)
    _draw_whole(device, pipeline, scene, [view], "depth")
    device.launch = timed
    try:
        for _ in range(rounds):
            sums.append({})
            pipeline.draw(scene, [view], "depth")
    finally:
        device.launch = launch
        pipeline.close()
    return {kernel: float(np.median([found[kernel] for found in sums])) for kernel in sums[0]}


def _draw_whole(
    device: Any, pipeline: Pipeline, scene: Scene, views: Sequence[View], order: Order, depth: DepthKind = "expected"
) -> None:
    """A frame, drawn again until there is room for all of it; waits for it."""
    status = np.empty(4, np.uint32)
    whole = False
    while not whole:
        pipeline.draw(scene, views, order, depth)
        device.download(pipeline.frame, [status])
        whole = pipeline.settle(status)


def _pass_row(case: _Case, what: str, passes: Sequence[Sequence[View]], order: Order) -> Row:
    ms, gpu_ms = frame_times(case.renderer, case.scene, passes, order, case.frames)
    theirs = None if case.theirs is None else case.theirs.frame_times(passes, max(3, case.frames // 8))
    return case.row(what, ms, views=len(passes[0]), gpu_ms=gpu_ms, gsplat_ms=theirs)


def _host_row(case: _Case) -> Row:
    """``render()``: float RGBA and depth in the host's memory."""
    views, frames = move(*case.size), max(3, case.frames // 8)
    out = frames_for(views[:1], None)
    for view in (*views, *views):
        case.renderer.render(case.scene, [view], out)
    ms = np.empty(frames)
    for k in range(frames):
        begin = time.perf_counter_ns()
        case.renderer.render(case.scene, [views[k % len(views)]], out)
        ms[k] = (time.perf_counter_ns() - begin) / 1e6
    return case.row("to the host", ms)


def _wall_row(case: _Case) -> Row:
    """A view drawn, composited onto a wall of as many pixels, and its 10-bit words in the host's memory."""
    width, height = case.size
    canvas = Canvas(width, height, (PlaneWall("wall", (0.0, 4.0, 1.6), 6.0, 6.0 * height / width, width, height),))
    compositor = CudaCompositor(case.device, canvas, OutputTransform(pixel_format=PixelFormat.RGB10A2))
    words, views, ms = np.empty((height, width), np.uint32), move(width, height), np.empty(case.frames)
    for k in range(-2 * len(views), case.frames):
        view = views[k % len(views)]
        begin = time.perf_counter_ns()
        _draw_whole(case.device, case.renderer.pipeline, case.scene, [view], "distance", "none")
        compositor.composite(Part(case.renderer.pipeline.frame, STATUS_BYTES), view, words)
        if k >= 0:
            ms[k] = (time.perf_counter_ns() - begin) / 1e6
    return case.row("onto a wall", ms)


def _turns(size: tuple[int, int]) -> list[list[View]]:
    """Eight directions from each eye of the move, around the compass: an LED volume's share of walls and camera."""
    camera = Camera.from_fov(*size, horizontal_deg=60)
    return [
        [
            View(view.stage_from_camera @ Pose.from_wxyz((np.cos(a / 2), 0, np.sin(a / 2), 0)), camera)
            for a in 2 * np.pi * np.arange(EYE_VIEWS) / EYE_VIEWS
        ]
        for view in move(*size)
    ]


def _conform() -> None:
    """Run the conformance suite on this GPU. Raises SystemExit where it fails, or where it was not really run."""
    # Warnings of CuPy and its libraries are not ours to fail on
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "default",
        "-p",
        "no:cacheprovider",
        "-k",
        "cuda and not gsplat",
        str(_SUITE),
    ]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    print(done.stdout[-6000:], done.stderr[-2000:], flush=True)
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode != 0 or passed is None or int(passed[1]) < _CASES:
        raise SystemExit("the cuda backend does not conform here; its speed would say nothing")


def _gsplat() -> Any:
    """benchmarks/peers/gsplat_cuda.py, or None with the reason said."""
    try:
        module = import_module("benchmarks.peers.gsplat_cuda")
        module.check()
    except (ImportError, BackendError) as error:
        print(f"without gsplat: {error}")
        return None
    return module


def _line(row: Row) -> str:
    line = (
        f"{row.scene:>10} {row.size[0]}x{row.size[1]} {row.views} × {row.what:<12} {row.median_ms:8.3f} ms"
        f"  p99 {row.p99_ms:8.3f}"
    )
    if row.gpu_ms is not None:
        line += f"  GPU alone {row.gpu_ms:8.3f}"
    if row.gsplat_ms is not None:
        line += f"  gsplat {row.gsplat_ms:8.3f} = {row.gsplat_ms / row.median_ms:.2f} ×"
    return line


def _gpu() -> str:
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    version = cupy.cuda.runtime.runtimeGetVersion()
    return f"{properties['name'].decode()}, CUDA {version // 1000}.{version % 1000 // 10}, CuPy {cupy.__version__}"


def _report(rows: Sequence[Row], stages: dict[str, float], gsplat: str | None) -> str:
    cell: Callable[[float | None], str] = lambda ms: "" if ms is None else f"{ms:.3f}"  # noqa: E731
    lines = [
        "# The cuda renderer",
        "",
        "`python -m benchmarks cuda`, after the conformance suite passed on this GPU. Milliseconds a frame by",
        "the wall clock, from the call to the last pixel on the GPU (one view; one eye: eight directions in one pass;",
        "steady: the same view again and again), until float RGBA and depth are in the host's memory (to the host), or",
        "until a wall's 10-bit words are (onto a wall). room_…: `benchmarks/scenes.py`, SH 3.",
        "",
        f"GPU: {_gpu()}. Host: {describe()}. gsplat: {gsplat or 'not installed here, not measured'}.",
        "",
        "| scene | size | views | | median | p99 | frames | GPU alone | gsplat | gsplat / ours |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.gsplat_ms is None else f"**{row.gsplat_ms / row.median_ms:.2f}**"
        lines.append(
            f"| {row.scene} | {row.size[0]}×{row.size[1]} | {row.views} | {row.what} | {row.median_ms:.3f} "
            f"| {row.p99_ms:.3f} | {row.frames} | {cell(row.gpu_ms)} | {cell(row.gsplat_ms)} | {ratio} |"
        )
    lines += [
        "",
        f"Kernels of one view of {STEADY[0]} at {STEADY[1][0]}×{STEADY[1][1]}, each launch by itself, µs:",
        "",
    ]
    lines += [f"- {kernel}: {1e3 * ms:.1f}" for kernel, ms in stages.items()]
    return "\n".join([*lines, ""])
