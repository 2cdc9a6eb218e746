"""What a run looks at: training pictures on its device, at one size, and what is made of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from translight.core.camera import Camera
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.pixels import Photograph, load_photograph
from translight.reconstruction.training.dome import sampling_grid, stage_directions
from translight.reconstruction.training.picture_loss import Truth

KEPT_BYTES = 2 << 30
"""Of what is made of pictures and made again when it is wanted: windows' means, directions of the sky."""


@dataclass(slots=True, eq=False)
class TrainingView:
    """One picture. ``weight`` is None where all of it counts.

    ``inverse_depth`` is 0 where no depth is known, and that of the sparse points alone where ``of_points`` is set; None
    without both.
    """

    name: str
    camera: Camera
    scene_from_camera: Float32[Tensor, "7"]
    stage_from_camera: Pose
    planes: Float32[Tensor, "3 h w"]
    weight: Float32[Tensor, "h w"] | None
    inverse_depth: Float32[Tensor, "h w"] | None
    of_points: bool
    exposure_ev: float | None
    keeps: bool
    _truth: Truth | None = field(default=None, init=False)
    _grid: Tensor | None = field(default=None, init=False)

    def truth(self) -> Truth:
        """For the processor's loss."""
        truth = self._truth or Truth.of(self.planes.numpy())
        if self.keeps:
            self._truth = truth
        return truth

    def grid(self) -> Float32[Tensor, "h w 2"]:
        """For the dome."""
        grid = self._grid
        if grid is None:
            grid = sampling_grid(stage_directions(self.stage_from_camera, self.camera), self.planes.device)
        if self.keeps:
            self._grid = grid
        return grid


def load_views(
    images: Sequence[PosedImage],
    width_px: int,
    stage_from_scene: Similarity,
    device: torch.device,
    points: Float64[np.ndarray, "n 3"] | None,
    told: Callable[[float], None],
) -> tuple[list[TrainingView], list[Photograph]]:
    """Read pictures at a width; ``points`` are known ones of the scene, ``told`` is called with the share that is done.

    Raises FormatError.
    """
    photographs = []
    for i, image in enumerate(images):
        photographs.append(load_photograph(image, width_px))
        told((i + 1) / len(images))
    bytes_made = sum(8 * photograph.rgb.nbytes // 3 for photograph in photographs)
    keeps = bytes_made <= KEPT_BYTES
    pairs = zip(images, photographs, strict=True)
    views = [_view(image, photograph, stage_from_scene, device, points, keeps) for image, photograph in pairs]
    return views, photographs


def _view(
    image: PosedImage,
    photograph: Photograph,
    stage_from_scene: Similarity,
    device: torch.device,
    points: Float64[np.ndarray, "n 3"] | None,
    keeps: bool,
) -> TrainingView:
    pose = image.scene_from_camera
    weight, inverse = None, None
    if not photograph.weight.all():
        weight = torch.tensor(photograph.weight, device=device)
    if photograph.depth is not None:
        known = photograph.depth > 0
        inverse = torch.tensor(np.where(known, 1 / np.where(known, photograph.depth, 1), 0), device=device)
    elif points is not None:
        inverse = torch.tensor(_at_points(photograph.camera, pose.inverse().apply(points)), device=device)
    return TrainingView(
        image.name,
        photograph.camera,
        torch.tensor(np.concatenate([pose.wxyz, pose.position_m]), dtype=torch.float32, device=device),
        stage_from_scene.pose @ Pose(pose.wxyz, pose.position_m * stage_from_scene.scale),
        torch.tensor(np.ascontiguousarray(photograph.rgb.transpose(2, 0, 1)), device=device),
        weight,
        inverse,
        photograph.depth is None,
        image.exposure_ev,
        keeps,
    )


def _at_points(camera: Camera, points: Float64[np.ndarray, "n 3"]) -> Float32[np.ndarray, "h w"]:
    """1/z at the pixels where camera-frame points lie, the nearest of each pixel's, and 0 elsewhere."""
    points = points[points[:, 2] > 0]
    at = np.floor(camera.project(points)).astype(np.int64)
    inside = ((at >= 0) & (at < (camera.width_px, camera.height_px))).all(axis=1)
    picture = np.zeros((camera.height_px, camera.width_px), np.float32)
    np.maximum.at(picture, (at[inside, 1], at[inside, 0]), (1 / points[inside, 2]).astype(np.float32))
    return picture
