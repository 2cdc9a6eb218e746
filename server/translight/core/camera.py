"""Pinhole cameras: sensor, focal length, principal point and off-axis frusta; lens distortion is in lens.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.core.pose import Pose


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole's image: OpenCV axes (x right, y down, z forward), pixel centres at +0.5.

    u = fx·x/z + cx and v = fy·y/z + cy, in pixels from the upper left corner. A principal point away from the
    image's centre is an off-axis frustum: nothing else is needed for one.
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"a camera image is at least 1x1 pixels, got {self.width_px}x{self.height_px}")
        values = (self.fx, self.fy, self.cx, self.cy)
        if not np.isfinite(values).all() or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"a camera needs finite intrinsics and positive focal lengths, got {values}")

    @classmethod
    def from_sensor(
        cls,
        width_px: int,
        height_px: int,
        *,
        focal_length_mm: float,
        sensor_width_mm: float,
        sensor_height_mm: float | None = None,
        offset_mm: tuple[float, float] = (0.0, 0.0),
    ) -> Self:
        """From the film camera's data sheet. Without a sensor height, pixels are square.

        ``offset_mm`` moves the principal point right and down on the sensor (lens shift).
        """
        fx = focal_length_mm * width_px / sensor_width_mm
        fy = fx if sensor_height_mm is None else focal_length_mm * height_px / sensor_height_mm
        pixels_per_mm = (width_px / sensor_width_mm, fy / focal_length_mm)
        return cls(
            width_px,
            height_px,
            fx,
            fy,
            width_px / 2 + offset_mm[0] * pixels_per_mm[0],
            height_px / 2 + offset_mm[1] * pixels_per_mm[1],
        )

    @classmethod
    def from_fov(cls, width_px: int, height_px: int, *, horizontal_deg: float) -> Self:
        """From the horizontal field of view, with square pixels."""
        fx = width_px / 2 / np.tan(np.radians(horizontal_deg) / 2)
        return cls(width_px, height_px, float(fx), float(fx), width_px / 2, height_px / 2)

    @classmethod
    def from_frustum(
        cls, width_px: int, height_px: int, *, left: float, right: float, bottom: float, top: float, near: float = 1.0
    ) -> Self:
        """From an OpenGL-style off-axis frustum on the near plane: right and top positive, in units of ``near``."""
        if right <= left or top <= bottom or near <= 0:
            raise ValueError("a frustum needs left < right, bottom < top and near > 0")
        fx = width_px * near / (right - left)
        fy = height_px * near / (top - bottom)
        return cls(width_px, height_px, fx, fy, -left * fx / near, top * fy / near)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width_px / self.height_px

    @property
    def fov_deg(self) -> tuple[float, float]:
        """Full horizontal and vertical field of view in degrees."""
        left, right = np.arctan(self.cx / self.fx), np.arctan((self.width_px - self.cx) / self.fx)
        up, down = np.arctan(self.cy / self.fy), np.arctan((self.height_px - self.cy) / self.fy)
        return float(np.degrees(left + right)), float(np.degrees(up + down))

    def matrix(self) -> Float64[np.ndarray, "3 3"]:
        """The intrinsic matrix K: pixel ~ K · point."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def frustum(self, near: float = 1.0) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) on the near plane: the inverse of ``from_frustum``."""
        return (
            -self.cx * near / self.fx,
            (self.width_px - self.cx) * near / self.fx,
            -(self.height_px - self.cy) * near / self.fy,
            self.cy * near / self.fy,
        )

    def project(self, points: ArrayLike) -> Float64[np.ndarray, "*n 2"]:
        """Pixels (…, 2) of camera-frame points (…, 3); points with z ≤ 0 give NaN."""
        p = np.asarray(points, dtype=np.float64)
        z = np.where(p[..., 2] > 0, p[..., 2], np.nan)
        return np.stack([self.fx * p[..., 0] / z + self.cx, self.fy * p[..., 1] / z + self.cy], axis=-1)

    def ray(self, pixels: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
        """Camera-frame directions (…, 3) with z = 1 through pixels (…, 2)."""
        p = np.asarray(pixels, dtype=np.float64)
        x, y = (p[..., 0] - self.cx) / self.fx, (p[..., 1] - self.cy) / self.fy
        return np.stack([x, y, np.ones_like(x)], axis=-1)

    def resized(self, width_px: int, height_px: int) -> Camera:
        """The same frustum in another number of pixels."""
        sx, sy = width_px / self.width_px, height_px / self.height_px
        return Camera(width_px, height_px, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy)

    def padded(self, left_px: int, top_px: int, right_px: int, bottom_px: int) -> Camera:
        """The same pixels with more of them around: overscan at unchanged resolution."""
        return replace(
            self,
            width_px=self.width_px + left_px + right_px,
            height_px=self.height_px + top_px + bottom_px,
            cx=self.cx + left_px,
            cy=self.cy + top_px,
        )


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a renderer draws: a camera, where it stands on the stage, and its near plane in metres.

    ``behind`` (k 4) are half-spaces of the stage, n·p + d ≥ 0: splats whose centre lies in none of them are left out.
    For the panels of a wall they are what lies behind each, so that nothing is drawn that would float before the wall.
    """

    stage_from_camera: Pose
    camera: Camera
    near_m: float = 0.01
    behind: Float64[np.ndarray, "k 4"] | None = None
