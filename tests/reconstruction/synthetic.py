"""A small place whose truth is known: splats on the walls of a room's corner, photographed by our own rasteriser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from translight.core.camera import Camera
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.render.differentiable import Rasteriser
from translight.splats.cloud import SplatCloud

CAMERA = Camera(48, 36, 40.0, 40.0, 24.0, 18.0)


def corner(count: int = 900, seed: int = 0) -> SplatCloud:
    """Splats on a floor (y = 1, y is down) and two walls (z = 3, x = −1.5), of smoothly varying colours."""
    rng = np.random.default_rng(seed)
    a, b, side = rng.random(count), rng.random(count), rng.integers(0, 3, count)
    means = np.where(
        (side == 0)[:, None],
        np.stack([3 * a - 1.5, np.ones(count), 3 * b], axis=1),
        np.where(
            (side == 1)[:, None],
            np.stack([3 * a - 1.5, 2.5 * b - 1.5, np.full(count, 3.0)], axis=1),
            np.stack([np.full(count, -1.5), 2.5 * a - 1.5, 3 * b], axis=1),
        ),
    )
    colours = 0.5 + 0.45 * np.sin(4 * means + np.array([0, 2, 4]) + side[:, None])
    wxyz = np.zeros((count, 4), np.float32)
    wxyz[:, 0] = 1
    return SplatCloud(
        means.astype(np.float32),
        np.full((count, 3), 0.1, np.float32),
        wxyz,
        np.full(count, 0.95, np.float32),
        np.ascontiguousarray(((colours - 0.5) / 0.28209479)[:, None], dtype=np.float32),
    )


def cameras(count: int) -> list[Pose]:
    """``scene_from_camera`` on an arc that looks into the corner."""
    poses = []
    for i in range(count):
        t = i / max(1, count - 1)
        eye = np.array([1.2 - 1.2 * t, 0.3 - 0.8 * np.sin(3 * t), -1.0 + 0.8 * t])
        forward = np.array([-0.5, 0.3, 2.0]) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross([0, 1, 0], forward)
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward], axis=1)
        poses.append(Pose(Pose.from_matrix(R).wxyz, eye))
    return poses


def draw(cloud: SplatCloud, pose: Pose, camera: Camera = CAMERA) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour (h w 3), alpha (h w) and depth (h w)."""
    tensors = (torch.from_numpy(a) for a in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh))
    place = torch.tensor(np.concatenate([pose.wxyz, pose.position_m]))
    drawn = Rasteriser().rasterise(*tensors, place, camera)
    depth = drawn.depth / drawn.alpha.clamp_min(1e-6)
    return drawn.rgb.permute(1, 2, 0).numpy().copy(), drawn.alpha.numpy().copy(), depth.numpy().copy()


def photographed(
    folder: Path,
    count: int = 9,
    *,
    gains: Sequence[np.ndarray] | None = None,
    points: int = 300,
    camera: Camera = CAMERA,
    cloud: SplatCloud | None = None,
) -> Dataset:
    """Photographs of the corner as PNGs, and some of its splats as points."""
    cloud = cloud or corner()
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for i, pose in enumerate(cameras(count)):
        rgb, _, _ = draw(cloud, pose, camera)
        file = folder / f"{i:02}.png"
        save_image(file, to_u8(rgb if gains is None else rgb * gains[i]))
        images.append(PosedImage(file.name, file, camera, pose))
    colours = to_u8(0.5 + 0.28209479 * cloud.sh[:points, 0])
    return Dataset(tuple(images), SparsePoints(cloud.means[:points].astype(np.float64), colours))
