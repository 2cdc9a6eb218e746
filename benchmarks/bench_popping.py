"""Popping: what changes from frame to frame beyond the camera's own motion, in order of depth and of distance.

Each frame is reprojected to the next camera by its own depth (backward warping, bilinear) and compared with the frame
drawn there. What differs is popping, and what warping itself cannot do: resampling, and surfaces that come into sight.
The latter two are the same for both orders, so the difference between the two is popping alone. Where the depths do
not agree, a pixel is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from benchmarks.scenes import room
from translight.core.camera import Camera, View
from translight.core.machine import describe
from translight.core.pose import Pose
from translight.environment.files import load_environment
from translight.environment.placement import fitted
from translight.render.cameras import look_at
from translight.render.contract import Frame, Order, Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.scene import scene_of
from translight.splats.order import along_curve

FRAMES = 48
SIZE = (960, 540)
_CAPTURE = Path(__file__).parents[2] / "shared" / "data" / "splats" / "playbot_500k_sog"
_RESULT = Path(__file__).parent / "results" / "popping.md"
_DEPTH_TOLERANCE = 0.03

Move = Callable[[float], Pose]


def _pan(t: float) -> Pose:
    """A slow pan, 12° a second: the eye does not move."""
    angle = np.radians(12.0) * (t - 1.0)
    return look_at((0.0, 1.0, 1.6), (10 * np.sin(angle), 1.0 + 10 * np.cos(angle), 1.6))


def _truck(t: float) -> Pose:
    """To the right at 0.3 m/s, looking straight ahead."""
    return look_at((0.3 * (t - 1.0), 1.0, 1.6), (0.3 * (t - 1.0), 10.0, 1.6))


def _crane(t: float) -> Pose:
    """Up and to the right, looking at one point."""
    return look_at((0.25 * (t - 1.0), 1.0, 1.4 + 0.2 * t), (0.0, 6.0, 1.4))


MOVES: dict[str, Move] = {"pan": _pan, "truck": _truck, "crane": _crane}


def main(tiny: bool) -> None:
    """Measure every move on the bench room and a capture; write the table unless ``tiny``."""
    scenes = {"room_100k": Scene.of(along_curve(room(2000 if tiny else 100_000)))}
    if not tiny and _CAPTURE.exists():
        scenes["playbot_500k"] = scene_of(fitted(load_environment(_CAPTURE)))
    camera = Camera.from_fov(*((96, 54) if tiny else SIZE), horizontal_deg=50)
    rows = []
    with CpuRenderer() as renderer:
        for scene_name, scene in scenes.items():
            for name, move in MOVES.items():
                views = [View(move(k / 24), camera) for k in range(3 if tiny else FRAMES)]
                for order in ("depth", "distance"):
                    rms, worst = _popping(renderer, scene, views, order)
                    rows.append((scene_name, name, order, rms, worst))
                    print(
                        f"{scene_name:>14} {name:>6} {order:>9}: rms {rms:.3f}/255, 99.9 % {worst:.1f}/255", flush=True
                    )
    if not tiny:
        _RESULT.write_text(_table(rows))


def _popping(renderer: CpuRenderer, scene: Scene, views: list[View], order: Order) -> tuple[float, float]:
    """Root mean square and 99.9th percentile of the differences, in 1/255."""
    last: Frame | None = None
    squares, worst = [], []
    for k, view in enumerate(views):
        (frame,) = renderer.render(scene, [view], order=order)
        if last is not None:
            warped, valid = _warped(last, views[k - 1], frame, view)
            difference = np.abs(warped - np.clip(frame.rgba[..., :3], 0, 1))[valid].max(axis=-1) * 255
            squares.append(np.mean(difference**2))
            worst.append(np.percentile(difference, 99.9))
        last = frame
    return float(np.sqrt(np.mean(squares))), float(np.median(worst))


def _warped(
    last: Frame, last_view: View, frame: Frame, view: View
) -> tuple[Float64[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """The last frame as this view would see it, and where that is known."""
    height, width = frame.depth.shape
    v, u = np.mgrid[0:height, 0:width] + 0.5
    solid = np.isfinite(frame.depth) & (frame.rgba[..., 3] > 0.95)
    depth = np.where(solid, frame.depth, 1.0).astype(np.float64)
    rays = view.camera.ray(np.stack([u, v], axis=-1))
    points = last_view.stage_from_camera.inverse().apply(view.stage_from_camera.apply(rays * depth[..., None]))
    at = last_view.camera.project(points) - 0.5
    x, y = at[..., 0], at[..., 1]
    inside = solid & (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1)
    x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
    i, j = x.astype(int), y.astype(int)
    f, g = (x - i)[..., None], (y - j)[..., None]
    rgb = np.clip(last.rgba[..., :3], 0, 1).astype(np.float64)
    upper = rgb[j, i] * (1 - f) + rgb[j, i + 1] * f
    lower = rgb[j + 1, i] * (1 - f) + rgb[j + 1, i + 1] * f
    there = last.depth[np.round(y).astype(int), np.round(x).astype(int)]
    seen = inside & (np.abs(there / points[..., 2] - 1) < _DEPTH_TOLERANCE)
    return upper * (1 - g) + lower * g, seen


def _table(rows: list[tuple[str, str, str, float, float]]) -> str:
    lines = [
        "# Popping by order of splats",
        "",
        f"`python -m benchmarks popping`. {FRAMES} frames at 24 a second, {SIZE[0]}×{SIZE[1]}: each frame, reprojected",
        "by its depth to the next camera, against the frame drawn there, largest channel, in 1/255: root mean square,",
        "and the median over frames of the 99.9th percentile. Reprojection's own error is in both orders alike.",
        "room: `benchmarks/scenes.py`; playbot: Stephane Agullo, CC-BY-4.0.",
        "",
        f"Machine: {describe()} (figures do not depend on it).",
        "",
        "| scene | move | depth: rms | distance: rms | depth: 99.9 % | distance: 99.9 % |",
        "|---|---|---|---|---|---|",
    ]
    for (scene, move, _, rms, worst), (_, _, _, other_rms, other_worst) in zip(rows[::2], rows[1::2], strict=True):
        lines.append(f"| {scene} | {move} | {rms:.2f} | {other_rms:.2f} | {worst:.1f} | {other_worst:.1f} |")
    return "\n".join([*lines, ""])
