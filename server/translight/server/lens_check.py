"""The through-the-lens check of a show: its walls, environment and camera put together for volume/lens.py."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from translight.core.errors import ShowError
from translight.core.pose import Pose
from translight.render.backends import open_renderer
from translight.server.scenes import Scenery
from translight.server.show import Show
from translight.tracking.moves import MOVES, open_move
from translight.volume.compositor import Compositor
from translight.volume.frustum import behind_walls
from translight.volume.lens import LensView, check_lens

LARGEST_PX = 0.1
"""A wall displaced by more, in camera pixels, fails the check."""
_MOST_POSES = 1000
_MOVE_S = 20.0


def check_show(show: Show, base: Path, *, poses: int, move: str, samples: int) -> list[LensView]:
    """Check ``poses`` poses spread over the first 20 s of a simulated move. Raises ShowError on values not allowed."""
    if move not in MOVES:
        raise ShowError(f"--move {move}: give one of {', '.join(MOVES)}")
    if not 1 <= poses <= _MOST_POSES or not 1 <= samples <= 16:
        raise ShowError(f"give 1 to {_MOST_POSES} poses and 1 to 16 samples, got {poses} and {samples}")
    path = open_move(move, 0)
    places: list[Pose] = [path.pose(_MOVE_S * k / poses) for k in range(poses)]
    scene = Scenery(base).scene(show.environment)
    volume = show.volume
    compositor = Compositor(
        show.canvas, replace(show.colour, encoding=scene.encoding), feather=volume.feather, sampling=volume.sampling
    )
    with open_renderer(show.render.backend, threads=show.render.threads) as renderer:
        render = partial(renderer.render, order=show.render.order)
        behind = behind_walls(show.canvas) if volume.behind_walls else None
        compositor.show_outer(compositor.draw_outer(render, scene, np.array(volume.eye_m), behind))
        camera = show.camera.camera(None)
        return check_lens(
            compositor, render, scene, camera, places, overscan=volume.overscan, samples=samples, behind=behind
        )


def row(view: LensView) -> dict[str, float | None]:
    """A pose's measures as plain numbers; None where nothing could be measured."""
    measures = {
        "registration_px": view.registration_px,
        "median_px": view.median_px,
        "psnr_db": view.psnr_db,
        "textured_psnr_db": view.textured_psnr_db,
        "textured": view.textured,
        "coverage": view.coverage,
        "wall_px_per_camera_px": view.wall_px_per_camera_px,
    }
    return {name: value if math.isfinite(value) else None for name, value in measures.items()}
