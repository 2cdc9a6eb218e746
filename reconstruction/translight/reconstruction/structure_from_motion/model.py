"""A sparse model as COLMAP leaves it, in plain arrays and a file of them: what passes from its process to ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from jaxtyping import Float64, Int64, UInt8

from translight.core.camera import Camera
from translight.core.pose import Pose

ARRAYS_FILE = "model.npz"
"""A model's file in the folder of its attempt, beside COLMAP's own in ``sparse/``."""


@dataclass(frozen=True, slots=True)
class ModelCamera:
    """A pinhole and OpenCV's distortion coefficients about its principal point, none for a pure pinhole."""

    camera: Camera
    distortion: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SparseModel:
    """Registered images by file name, their cameras, and points in the model's own frame and unit.

    Of each observation ``seen_by`` is the image's place, ``seen_point`` the point's, ``seen_px`` where it was seen.
    """

    files: tuple[str, ...]
    cameras: tuple[ModelCamera, ...]
    camera_of: Int64[np.ndarray, "n"]
    world_from_camera: tuple[Pose, ...]
    xyz: Float64[np.ndarray, "m 3"]
    rgb: UInt8[np.ndarray, "m 3"]
    error_px: Float64[np.ndarray, "m"]
    seen_by: Int64[np.ndarray, "k"]
    seen_point: Int64[np.ndarray, "k"]
    seen_px: Float64[np.ndarray, "k 2"]

    def centres(self) -> Float64[np.ndarray, "n 3"]:
        """Where the cameras stood."""
        return np.array([pose.position_m for pose in self.world_from_camera]).reshape(-1, 3)

    def track_lengths(self) -> Int64[np.ndarray, "m"]:
        """How many images see each point."""
        return np.bincount(self.seen_point, minlength=len(self.xyz))

    def save(self, file: Path) -> None:
        """Write all of it to ``file`` (.npz)."""
        names = msgspec.json.encode({"files": self.files, "cameras": self.cameras})
        poses = [np.concatenate([pose.wxyz, pose.position_m]) for pose in self.world_from_camera]
        np.savez(
            file,
            names=np.frombuffer(names, np.uint8),
            poses=np.array(poses).reshape(-1, 7),
            camera_of=self.camera_of,
            xyz=self.xyz,
            rgb=self.rgb,
            error_px=self.error_px,
            seen_by=self.seen_by,
            seen_point=self.seen_point,
            seen_px=self.seen_px,
        )

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        names = msgspec.json.decode(found.pop("names").tobytes(), type=_Names)
        poses = tuple(Pose.from_wxyz(row[:4], row[4:]) for row in found.pop("poses"))
        return cls(files=names.files, cameras=names.cameras, world_from_camera=poses, **found)


class _Names(msgspec.Struct):
    files: tuple[str, ...]
    cameras: tuple[ModelCamera, ...]
