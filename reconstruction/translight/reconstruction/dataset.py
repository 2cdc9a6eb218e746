"""Pictures with known cameras: what poses, transforms.json, COLMAP and renderers give, and what trainers learn from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity

HELD_OUT_EVERY = 8
"""Every eighth picture by name is never trained on (Mip-NeRF 360's split, which gsplat and 3DGS keep)."""
FEWEST_TO_HOLD_OUT = 5
"""With fewer pictures each is needed for training, and none is held out."""


@dataclass(frozen=True, slots=True, eq=False)
class PosedImage:
    """One picture: its file, and the camera that took it.

    ``camera`` is the pinhole of the whole picture as it is shown (EXIF orientation applied), pixel centres at +0.5.
    ``distortion`` are OpenCV's k1 k2 p1 p2 [k3 [k4 k5 k6]] about its principal point, none where the picture is already
    a pinhole's. ``mask`` is a grey picture of the same shape, 0 where nothing is to be learned. ``depth`` is a picture
    of the camera-frame z, 0 or NaN where it is not known, of the same shape and as many pixels or fewer; each of its
    values is ``depth_scale`` scene units. ``exposure_ev`` is the exposure value at ISO 100 that the picture was taken
    with, where its file says so.
    """

    name: str
    file: Path
    camera: Camera
    scene_from_camera: Pose
    distortion: tuple[float, ...] = ()
    mask: Path | None = None
    depth: Path | None = None
    depth_scale: float = 1.0
    exposure_ev: float | None = None

    def __post_init__(self) -> None:
        if len(self.distortion) not in (0, 4, 5, 8) or not np.isfinite(self.distortion).all():
            raise ValueError(f"{self.name}: distortion is 0, 4, 5 or 8 finite numbers, got {self.distortion}")


@dataclass(frozen=True, slots=True, eq=False)
class SparsePoints:
    """Points that several pictures agree on: ``xyz`` (n 3) in scene units, ``rgb`` (n 3) sRGB."""

    xyz: Float64[np.ndarray, "n 3"]
    rgb: UInt8[np.ndarray, "n 3"]

    def __post_init__(self) -> None:
        if self.xyz.ndim != 2 or self.xyz.shape[1:] != (3,) or self.rgb.shape != self.xyz.shape:
            raise ValueError(f"points are (n 3) beside colours (n 3), got {self.xyz.shape} and {self.rgb.shape}")

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Posed pictures of one scene, in the order of their names, and what is known of its points and its place.

    The scene is RDF (y down) as everywhere; ``stage_from_scene`` puts it on the stage. ``metres_per_unit`` is None
    where nobody knows the scale. Names are unique.
    """

    images: tuple[PosedImage, ...]
    points: SparsePoints | None = None
    stage_from_scene: Similarity = field(default_factory=lambda: Similarity(1.0, STAGE_FROM_RDF))
    metres_per_unit: float | None = None

    def __post_init__(self) -> None:
        names = [image.name for image in self.images]
        if not names or len(set(names)) != len(names) or names != sorted(names):
            raise ValueError(f"a dataset holds pictures of different names, in their order, got {names}")

    def split(self) -> tuple[tuple[PosedImage, ...], tuple[PosedImage, ...]]:
        """(for training, held out): of five and more every eighth is held out, beginning with the first."""
        if len(self.images) < FEWEST_TO_HOLD_OUT:
            return self.images, ()
        held_out = self.images[::HELD_OUT_EVERY]
        return tuple(image for i, image in enumerate(self.images) if i % HELD_OUT_EVERY), held_out

    def centres(self) -> Float64[np.ndarray, "n 3"]:
        """Where the cameras stood, in scene units."""
        return np.array([image.scene_from_camera.position_m for image in self.images])

    def moved(self, new_from_scene: Similarity) -> Dataset:
        """The same pictures of the same place in other scene coordinates; the stage sees no difference."""
        scale, turn = new_from_scene.scale, new_from_scene.pose

        def pose(scene_from_camera: Pose) -> Pose:
            return turn @ Pose(scene_from_camera.wxyz, scene_from_camera.position_m * scale)

        images = tuple(
            replace(image, scene_from_camera=pose(image.scene_from_camera), depth_scale=image.depth_scale * scale)
            for image in self.images
        )
        points = None if self.points is None else replace(self.points, xyz=new_from_scene.apply(self.points.xyz))
        metres = None if self.metres_per_unit is None else self.metres_per_unit / scale
        return Dataset(images, points, self.stage_from_scene @ new_from_scene.inverse(), metres)
