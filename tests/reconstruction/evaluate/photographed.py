"""A small environment and photographs of it: drawn by the reference renderer, so that what is measured is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from translight.core.camera import Camera, View
from translight.core.frames import STAGE_FROM_RDF
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.render.contract import Layer, Scene
from translight.render.reference import open_backend
from translight.splats.cloud import SplatCloud

CAMERA = Camera(96, 72, 90.0, 90.0, 48.0, 36.0)
QUANTISED_PSNR_DB = 10 * np.log10(12 * 255**2)
"""Of a picture against itself rounded to 8 bits: the error is even over ±half a code."""
PLACE = Similarity(0.4, STAGE_FROM_RDF @ Pose.exp([1.0, -2.0, 0.5, 0.1, 0.7, -0.2]))


def cloud(seed: int = 0, count: int = 150) -> SplatCloud:
    """A wall of coloured splats some five units before the origin, soft enough that nothing is above white."""
    rng = np.random.default_rng(seed)
    means = rng.normal((0, 0, 6), (1.6, 1.2, 0.5), (count, 3))
    wxyz = rng.normal(size=(count, 4))
    return SplatCloud(
        means.astype(np.float32),
        rng.uniform(0.05, 0.3, (count, 3)).astype(np.float32),
        (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        rng.uniform(0.4, 0.9, count).astype(np.float32),
        (rng.uniform(-1.2, 1.2, (count, 1, 3))).astype(np.float32),
    )


def cameras(count: int) -> list[Pose]:
    """``scene_from_camera`` from left to right, each looking at the wall."""
    return [Pose.exp([x, 0.1 * np.sin(3 * x), 0.0, 0.0, -0.15 * x, 0.0]) for x in np.linspace(-1, 1, count)]


def photographed(folder: Path, count: int = 6, splats: SplatCloud | None = None) -> tuple[Environment, Dataset]:
    """The environment as it is placed, and a dataset of PNG photographs of it in scene coordinates."""
    splats = splats or cloud()
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    with open_backend() as renderer:
        scene = Scene((Layer(splats),))
        for i, pose in enumerate(cameras(count)):
            rgb = renderer.render(scene, [View(pose, CAMERA)])[0].rgba[..., :3]
            file = folder / f"{i:03}.png"
            save_image(file, to_u8(rgb))
            images.append(PosedImage(file.name, file, CAMERA, pose))
    points = SparsePoints(splats.means.astype(np.float64), to_u8(0.5 + 0.28209479 * splats.sh[:, 0]))
    return Environment("wall", splats, PLACE), Dataset(tuple(images), points, PLACE, 0.4)
