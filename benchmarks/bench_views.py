"""Six views of one eye: what they cost, and what sharing projection, colours and order could save of it at best.

Sharing cannot cost less than projecting and sorting for the dearest of the views once, and it leaves binning, blending
and the sky as they are; docs/decisions/0001 draws the conclusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.scenes import bench_scene, room
from translight.core.camera import Camera, View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.machine import describe
from translight.render.contract import Frame, Scene, frames_for
from translight.render.cpu.renderer import CpuRenderer
from translight.splats.order import along_curve

SCENES = ("room_100k", "room_500k", "room_2m")
SIZES = ((320, 180), (640, 360), (1280, 720))
ROUNDS = 7
SHARED = ("project", "sort")
_EYE = (0.0, 2.0, 1.6)
_RESULT = Path(__file__).parent / "results" / "views.md"

Row = tuple[str, str, str, float, float, float, float]


def main(tiny: bool) -> None:
    """Measure; write the table unless ``tiny``."""
    scenes = {"tiny": Scene.of(along_curve(room(500)))} if tiny else {name: bench_scene(name) for name in SCENES}
    rows: list[Row] = []
    for name, scene in scenes.items():
        for size in SIZES[:1] if tiny else SIZES:
            for kind, views in (("side by side", _panels(*size)), ("overlapping", _overlapping(*size))):
                rows.append((name, f"{size[0]}×{size[1]}", kind, *_measured(scene, views, 1 if tiny else ROUNDS)))
                print("{} {} {}: six calls {:.1f} ms, one call {:.1f} ms, shared {:.1f} ms, at best {:.2f}"
                      .format(*rows[-1]), flush=True)  # fmt: skip
    if not tiny:
        _RESULT.write_text(_table(rows))


def _panels(width_px: int, height_px: int) -> list[View]:
    """A volume of six panels around the eye that meet at their edges."""
    return _views(60.0, 60.0, width_px, height_px)


def _overlapping(width_px: int, height_px: int) -> list[View]:
    """An inner frustum and panels behind it: each view sees most of what its neighbours see."""
    return _views(10.0, 60.0, width_px, height_px)


def _views(step_deg: float, fov_deg: float, width_px: int, height_px: int) -> list[View]:
    camera = Camera.from_fov(width_px, height_px, horizontal_deg=fov_deg)
    pans = np.radians(step_deg * (np.arange(6) - 2.5))
    return [View(camera_from_pan_tilt_roll(float(pan), 0.0, 0.0, _EYE), camera) for pan in pans]


def _measured(scene: Scene, views: Sequence[View], rounds: int) -> tuple[float, float, float, float]:
    """Medians of six calls and of one call in ms, of the stages that could be shared, and the least possible ratio."""
    frames: list[Frame] = frames_for(views, None)
    singles, shared, together = np.zeros((rounds, 6)), np.zeros((rounds, 6)), np.zeros(rounds)
    with CpuRenderer() as renderer:
        renderer.render(scene, views, frames, order="distance", depth="none")
        for turn in range(rounds):
            for k, (view, frame) in enumerate(zip(views, frames, strict=True)):
                renderer.render(scene, [view], [frame], order="distance", depth="none")
                singles[turn, k] = sum(renderer.timings.values()) / 1e6
                shared[turn, k] = sum(renderer.timings[stage] for stage in SHARED) / 1e6
            renderer.render(scene, views, frames, order="distance", depth="none")
            together[turn] = sum(renderer.timings.values()) / 1e6
    whole, parts = np.median(singles, axis=0), np.median(shared, axis=0)
    best = (whole.sum() - parts.sum() + parts.max()) / whole.sum()
    return float(whole.sum()), float(np.median(together)), float(parts.sum()), float(best)


def _table(rows: Sequence[Row]) -> str:
    lines = [
        "# Six views of one eye",
        "",
        f"`python -m benchmarks views`. Medians of {ROUNDS} rounds, ms, order by distance, without depth. Side by",
        "side: six views of 60° that meet at their edges; overlapping: 10° apart. Could be shared: projection, colours",
        "and sort of all six; at best: the ratio to six single renders if they were paid once, at the dearest's price.",
        "",
        f"Machine: {describe()}. Shared with other work.",
        "",
        "| scene | size | views | six calls | one call of six | could be shared | at best |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, size, kind, six, one, shared, best in rows:
        lines.append(f"| {name} | {size} | {kind} | {six:.1f} | {one:.1f} | {shared:.1f} | {best:.2f}× |")
    return "\n".join([*lines, ""])
