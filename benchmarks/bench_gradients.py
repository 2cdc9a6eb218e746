"""The differentiable rasteriser beside one in plain torch (peers/torch_gradients.py): one run, scene, view and loss.

Forward is from a cloud's tensors to the picture's; backward from the picture's gradients, normally distributed numbers
for colour, alpha and depth alike, to those of every tensor and of the camera's pose. Everything is as a trainer has
it: through autograd, harmonics of degree 3, the leaves' gradients set to None each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import torch
from torch import Tensor

from benchmarks.peers import torch_gradients
from benchmarks.scenes import move, room
from translight.commands.bench import file_scene
from translight.core.camera import View
from translight.core.machine import describe
from translight.core.pose import Similarity
from translight.render.contract import Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.cpu.roofline import fragments
from translight.render.cpu.simd import LANES
from translight.render.differentiable import Rasteriser
from translight.splats.cloud import SplatCloud

SIZE = (400, 300)
COUNTS = (20_000, 100_000)
CAPTURE = "plant_114k.splat"
ROUNDS, TIMES = 3, 40
"""Rounds in which each rasteriser takes its turn, and how often ours draws in one; torch's draws once."""
CAPTURES = Path(__file__).parents[2] / "shared" / "data" / "splats"
_RESULT = Path(__file__).parent / "results" / "gradients.md"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A cloud's leaves and the pose's, seen with a camera, and a loss's gradients by the picture."""

    name: str
    leaves: list[Tensor]
    view: View
    of_picture: tuple[Tensor, Tensor, Tensor]
    fragments_a_pixel: float
    seen: int


def main(tiny: bool) -> None:
    """Measure every scene with one thread and with all; write the table unless ``tiny``."""
    if tiny:
        cases = [case_of("tiny", room(500), move(40, 30)[1])]
    else:
        cases = [case_of(f"room, {n // 1000}k", room(n), move(*SIZE)[1]) for n in COUNTS]
        if (CAPTURES / CAPTURE).exists():
            scene, views = file_scene(CAPTURES / CAPTURE, SIZE)
            cases.append(case_of("plant, 114k", scene.layers[0].splats, within(scene, views[1])))
    rows = []
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    before = torch.get_num_threads()
    try:
        for case in cases:
            for threads in sorted({1, most}):
                torch.set_num_threads(threads)
                rows.append(_measure(case, threads, 1 if tiny else ROUNDS, 1 if tiny else TIMES))
                print(_line(*rows[-1]), flush=True)
    finally:
        torch.set_num_threads(before)
    if not tiny:
        _RESULT.write_text(_table(rows))


def within(scene: Scene, view: View) -> View:
    """The view with its camera moved from the stage into the scene, whose scale turns depths only."""
    scene_from_camera = scene.layers[0].stage_from_scene.inverse() @ Similarity(1.0, view.stage_from_camera)
    return View(scene_from_camera.pose, view.camera, view.near_m * scene_from_camera.scale)


def case_of(name: str, cloud: SplatCloud, view: View) -> Case:
    """A cloud seen by ``view``, and what to differentiate."""
    width, height = view.camera.width_px, view.camera.height_px
    with CpuRenderer() as renderer:
        renderer.render(Scene.of(cloud), [view])
        covered = fragments(renderer, width, height) / (width * height)
        seen = renderer.visible
    pose = np.concatenate([view.stage_from_camera.wxyz, view.stage_from_camera.position_m]).astype(np.float32)
    arrays = (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh, pose)
    leaves = [torch.from_numpy(array).clone().requires_grad_() for array in arrays]
    planes = torch.from_numpy(np.random.default_rng(0).normal(size=(5, height, width)).astype(np.float32))
    return Case(name, leaves, view, (planes[:3], planes[3], planes[4]), covered, seen)


def _measure(case: Case, threads: int, rounds: int, times: int) -> tuple[Case, int, np.ndarray, np.ndarray]:
    """Milliseconds of forward and backward: ours (n 2) and plain torch's (n 2), in turns."""
    rasteriser = Rasteriser(threads)
    camera = case.view.camera
    near = case.view.near_m

    def ours() -> tuple[Tensor, ...]:
        picture = rasteriser.rasterise(*case.leaves, camera, near_m=near)
        return picture.rgb, picture.alpha, picture.depth

    def theirs() -> tuple[Tensor, ...]:
        planes = torch_gradients.rasterise(*case.leaves, camera, near)
        return planes[:3], planes[3], planes[4]

    for draw in (ours, ours, theirs):
        _timed(draw, case)
    mine, other = [], []
    for _ in range(rounds):
        mine += [_timed(ours, case) for _ in range(times)]
        other.append(_timed(theirs, case))
    return case, threads, np.array(mine), np.array(other)


def _timed(draw: Callable[[], tuple[Tensor, ...]], case: Case) -> tuple[float, float]:
    for leaf in case.leaves:
        leaf.grad = None
    began = time.perf_counter()
    picture = draw()
    drawn = time.perf_counter()
    torch.autograd.backward(picture, case.of_picture)
    return (drawn - began) * 1e3, (time.perf_counter() - drawn) * 1e3


def _figures(times: np.ndarray) -> list[tuple[float, float]]:
    """Medians and minima of forward, of backward, and of both together."""
    columns = (times[:, 0], times[:, 1], times.sum(axis=1))
    return [(float(np.median(column)), float(column.min())) for column in columns]


def _line(case: Case, threads: int, ours: np.ndarray, theirs: np.ndarray) -> str:
    (forward, _), (backward, _), (both, least) = _figures(ours)
    their_both, their_least = _figures(theirs)[2]
    return (
        f"{case.name:>12}, {threads} threads: {forward:.1f} + {backward:.1f} = {both:.1f} ms (least {least:.1f}), "
        f"torch {their_both:.0f} (least {their_least:.0f}), {their_both / both:.0f}× ({their_least / least:.0f}×)"
    )


def _table(rows: list[tuple[Case, int, np.ndarray, np.ndarray]]) -> str:
    lines = [
        "# Gradients on a processor",
        "",
        f"`python -m benchmarks gradients`. {SIZE[0]}×{SIZE[1]}, SH 3, forward and backward through autograd,",
        "gradients of every tensor and of the pose, from random gradients of colour, alpha and depth. room:",
        "`benchmarks/scenes.py`, second view of its move, splats in no order; plant: a trained capture (Marcel",
        "Padilla, CC-BY-4.0) along a Morton curve, from outside. Torch: `benchmarks/peers/torch_gradients.py`, plain",
        "operations in float32, as many threads. Fragments: pixel–splat pairs blended.",
        f"Milliseconds, median (least) of {ROUNDS * TIMES} and, for torch, of {ROUNDS}, the two in turns.",
        "",
        f"Machine: {describe()}, {LANES} lanes. Shared with other work.",
        "",
        "| scene | seen | fragments a pixel | threads | forward | backward | both | torch, both | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case, threads, ours, theirs in rows:
        cells = [f"{median:.1f} ({least:.1f})" for median, least in _figures(ours)]
        median, least = _figures(theirs)[2]
        both = _figures(ours)[2]
        lines.append(
            f"| {case.name} | {case.seen} | {case.fragments_a_pixel:.0f} | {threads} | {cells[0]} | {cells[1]} "
            f"| **{cells[2]}** | {median:.0f} ({least:.0f}) | **{median / both[0]:.0f}×** ({least / both[1]:.0f}×) |"
        )
    return "\n".join([*lines, ""])
