"""A dataset as two files of a work folder, for a run that goes on later: its cameras as JSON, its points as .npz."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.files import whole_file
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints

_CAMERAS, _POINTS = "dataset.json", "points.npz"
_VERSION = 1


class _Pose(msgspec.Struct, forbid_unknown_fields=True):
    wxyz: tuple[float, float, float, float]
    position: tuple[float, float, float]

    @classmethod
    def of(cls, pose: Pose) -> _Pose:
        return cls(tuple(pose.wxyz.tolist()), tuple(pose.position_m.tolist()))

    def pose(self) -> Pose:
        """Bit by bit as it was: normalising again would move it."""
        return Pose(np.array(self.wxyz), np.array(self.position))


class _Image(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    file: str
    size: tuple[int, int]
    intrinsics: tuple[float, float, float, float]
    scene_from_camera: _Pose
    distortion: tuple[float, ...]
    mask: str | None
    depth: str | None
    depth_scale: float
    exposure_ev: float | None


class _Dataset(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=_VERSION, le=_VERSION)]
    images: list[_Image]
    stage_from_scene: tuple[float, _Pose]
    metres_per_unit: float | None
    points: bool


def save_dataset(dataset: Dataset, folder: Path) -> None:
    """Write both files whole, the cameras last: where they are, all is. Raises OSError."""
    if dataset.points is not None:
        with whole_file(folder / _POINTS) as aside:
            np.savez(aside, xyz=dataset.points.xyz, rgb=dataset.points.rgb)
    place = dataset.stage_from_scene
    values = _Dataset(
        _VERSION,
        [_image(image) for image in dataset.images],
        (place.scale, _Pose.of(place.pose)),
        dataset.metres_per_unit,
        dataset.points is not None,
    )
    with whole_file(folder / _CAMERAS) as aside:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(values)))


def load_dataset(folder: Path) -> Dataset:
    """What ``save_dataset`` wrote, exactly. Raises FormatError."""
    file = folder / _CAMERAS
    try:
        values = msgspec.json.decode(file.read_bytes(), type=_Dataset)
        points = None
        if values.points:
            file = folder / _POINTS
            with np.load(file, allow_pickle=False) as arrays:
                points = SparsePoints(arrays["xyz"], arrays["rgb"])
        scale, pose = values.stage_from_scene
        images = tuple(_posed(image) for image in values.images)
        return Dataset(images, points, Similarity(scale, pose.pose()), values.metres_per_unit)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise FormatError(f"{file}: not a kept dataset ({error}); --fresh begins anew") from error


def _image(image: PosedImage) -> _Image:
    camera = image.camera
    return _Image(
        image.name,
        str(image.file.absolute()),
        (camera.width_px, camera.height_px),
        (camera.fx, camera.fy, camera.cx, camera.cy),
        _Pose.of(image.scene_from_camera),
        image.distortion,
        None if image.mask is None else str(image.mask.absolute()),
        None if image.depth is None else str(image.depth.absolute()),
        image.depth_scale,
        image.exposure_ev,
    )


def _posed(image: _Image) -> PosedImage:
    return PosedImage(
        image.name,
        Path(image.file),
        Camera(*image.size, *image.intrinsics),
        image.scene_from_camera.pose(),
        image.distortion,
        None if image.mask is None else Path(image.mask),
        None if image.depth is None else Path(image.depth),
        image.depth_scale,
        image.exposure_ev,
    )
