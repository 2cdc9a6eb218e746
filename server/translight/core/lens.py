"""Spherical lens distortion by OpenLensIO 1.0, around the pinhole of camera.py.

Source: "OpenLensIO Lens Model Version 1.0.0" (SMPTE RIS-OSVP, 2025), sections 2 and 4.1, and "Conversion of OpenCV to
OpenTrackIO (OpenLensIO) lens calibration parameters" (SMPTE RIS-OSVP). Points are in mm on the sensor: origin in the
picture's centre, x right, y down.

The sources disagree on the decentering terms p1, p2. Eq. (16) adds 2·p1·x·y + p2·(r² + 2x²) to x, as OpenCV does, so
its unit is 1/mm and OpenCV's coefficients divide by F; the text below it says mm⁻², the conversion note divides by F²
(it compares the terms without the factor F that turns normalised coordinates into mm), and Brown's paper has p1 and p2
the other way round. Here eq. (16) rules: only so does a calibration converted from OpenCV give OpenCV's picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.core.camera import Camera
from translight.core.pose import Pose

TOLERANCE_MM = 1e-9
"""The iterated direction is solved until the closed one returns to within this (a pixel is some 5e-3 mm)."""

_MAX_STEPS = 50


class Mapping(StrEnum):
    """Which way the coefficients map; the names are OpenTrackIO's distortion models."""

    DISTORTED_TO_UNDISTORTED = "Brown-Conrady D-U"
    """OpenTrackIO's default, OpenLensIO's U: ``undistort`` is the closed form, ``distort`` is iterated."""
    UNDISTORTED_TO_DISTORTED = "Brown-Conrady U-D"
    """OpenCV's direction: ``distort`` is the closed form, ``undistort`` is iterated."""


@dataclass(frozen=True, slots=True)
class LensModel:
    """A lens at one zoom and focus: pinhole, distortion and where its entrance pupil is.

    ``radial`` is k1 … k6 of R = (1 + k1·r² + k3·r⁴ + k5·r⁶) / (1 + k2·r² + k4·r⁴ + k6·r⁶), r in mm, so k1 and k2 are
    per mm², k3 and k4 per mm⁴, k5 and k6 per mm⁶. ``tangential`` is p1, p2 of eq. (16), per mm.
    ``projection_offset_mm`` is ΔP, where the optical axis meets the sensor; ``distortion_offset_mm`` is ΔC, the centre
    of distortion from there. ``entrance_pupil_m`` is how far the pinhole is in front of the sensor.
    ``overscan`` is Ω as the lens file or tracker gives it; ``required_overscan`` computes it.
    """

    focal_length_mm: float
    sensor_width_mm: float
    sensor_height_mm: float
    radial: tuple[float, float, float, float, float, float] = (0.0,) * 6
    tangential: tuple[float, float] = (0.0, 0.0)
    mapping: Mapping = Mapping.DISTORTED_TO_UNDISTORTED
    projection_offset_mm: tuple[float, float] = (0.0, 0.0)
    distortion_offset_mm: tuple[float, float] = (0.0, 0.0)
    entrance_pupil_m: float = 0.0
    overscan: float = 1.0

    def __post_init__(self) -> None:
        sizes = (self.focal_length_mm, self.sensor_width_mm, self.sensor_height_mm)
        if not all(np.isfinite(sizes)) or min(sizes) <= 0:
            raise ValueError(f"focal length and sensor are positive mm, got {sizes}")
        if len(self.radial) != 6 or len(self.tangential) != 2:
            raise ValueError("a lens has six radial and two tangential coefficients")
        others = (*self.radial, *self.tangential, *self.projection_offset_mm, *self.distortion_offset_mm)
        if not np.isfinite((*others, self.entrance_pupil_m)).all() or not 1.0 <= self.overscan < 100.0:
            raise ValueError("a lens needs finite coefficients and offsets, and an overscan of 1 or more")

    @classmethod
    def from_opencv(
        cls,
        matrix: ArrayLike,
        coefficients: ArrayLike,
        *,
        width_px: int,
        height_px: int,
        sensor_width_mm: float,
    ) -> Self:
        """From OpenCV's camera matrix (3, 3) and its 0, 4, 5 or 8 coefficients k1 k2 p1 p2 [k3 [k4 k5 k6]].

        OpenCV maps undistorted to distorted, so the model does too. OpenCV counts pixel centres at whole numbers,
        this code at +0.5. The sensor's height follows from the pixels' shape fx/fy. Raises ValueError on other shapes.
        """
        K, given = np.asarray(matrix, dtype=np.float64), np.asarray(coefficients, dtype=np.float64).ravel()
        if K.shape != (3, 3) or given.size not in (0, 4, 5, 8):
            raise ValueError(f"OpenCV gives a 3x3 matrix and 0, 4, 5 or 8 coefficients, got {K.shape}, {given.size}")
        k1, k2, p1, p2, k3, k4, k5, k6 = np.concatenate([given, np.zeros(8 - given.size)]).tolist()
        mm_per_px = sensor_width_mm / width_px
        F = float(K[0, 0]) * mm_per_px
        mm_per_py = F / float(K[1, 1])
        return cls(
            focal_length_mm=F,
            sensor_width_mm=sensor_width_mm,
            sensor_height_mm=height_px * mm_per_py,
            radial=(k1 / F**2, k4 / F**2, k2 / F**4, k5 / F**4, k3 / F**6, k6 / F**6),
            tangential=(p1 / F, p2 / F),
            mapping=Mapping.UNDISTORTED_TO_DISTORTED,
            projection_offset_mm=(
                (float(K[0, 2]) + 0.5 - width_px / 2) * mm_per_px,
                (float(K[1, 2]) + 0.5 - height_px / 2) * mm_per_py,
            ),
        )

    def to_opencv(self, width_px: int, height_px: int) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "8"]]:
        """OpenCV's camera matrix and coefficients k1 k2 p1 p2 k3 k4 k5 k6: the inverse of ``from_opencv``.

        Raises ValueError where OpenCV has no such lens: the other mapping, or a centre of distortion of its own.
        """
        if self.mapping is not Mapping.UNDISTORTED_TO_DISTORTED or self.distortion_offset_mm != (0.0, 0.0):
            raise ValueError("OpenCV holds only Brown-Conrady U-D lenses that are distorted about the principal point")
        F = self.focal_length_mm
        n1, d1, n2, d2, n3, d3 = self.radial
        p1, p2 = self.tangential
        K = self.camera(width_px, height_px).matrix()
        K[:2, 2] -= 0.5
        radial = np.array([n1 * F**2, n2 * F**4, n3 * F**6, d1 * F**2, d2 * F**4, d3 * F**6])
        return K, np.concatenate([radial[:2], [p1 * F, p2 * F], radial[2:]])

    def camera(self, width_px: int, height_px: int, *, overscan: float = 1.0) -> Camera:
        """The pinhole part, which a renderer draws; with overscan Ω its frustum is Ω times larger (eq. 7)."""
        return Camera.from_sensor(
            width_px,
            height_px,
            focal_length_mm=self.focal_length_mm,
            sensor_width_mm=self.sensor_width_mm * overscan,
            sensor_height_mm=self.sensor_height_mm * overscan,
            offset_mm=self.projection_offset_mm,
        )

    def pinhole(self, stage_from_sensor: Pose) -> Pose:
        """``stage_from_camera`` of the pinhole, from the pose of the sensor's middle that a tracker gives (eq. 1)."""
        return stage_from_sensor @ Pose.from_wxyz((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, self.entrance_pupil_m))

    def without_distortion(self) -> LensModel:
        """The same pinhole and no distortion."""
        return replace(self, radial=(0.0,) * 6, tangential=(0.0, 0.0), distortion_offset_mm=(0.0, 0.0), overscan=1.0)

    def undistort(self, distorted_mm: ArrayLike) -> Float64[np.ndarray, "*n 2"]:
        """Where the pinhole sees what the sensor has at ``distorted_mm`` (…, 2), both in mm (eq. 4).

        In the iterated mapping a point that no point maps to, short of where the model folds back, gives NaN.
        """
        return self._about_centre(distorted_mm, closed=self.mapping is Mapping.DISTORTED_TO_UNDISTORTED)

    def distort(self, undistorted_mm: ArrayLike) -> Float64[np.ndarray, "*n 2"]:
        """Where the sensor has what the pinhole sees at ``undistorted_mm`` (…, 2), both in mm (eq. 5).

        In the iterated mapping a point that no point maps to, short of where the model folds back, gives NaN.
        """
        return self._about_centre(undistorted_mm, closed=self.mapping is Mapping.UNDISTORTED_TO_DISTORTED)

    def undistorted_pixels(
        self, pixels: ArrayLike, width_px: int, height_px: int, source: Camera
    ) -> Float64[np.ndarray, "*n 2"]:
        """Where to sample a picture drawn with the pinhole ``source`` for pixels (…, 2) of the film camera's picture.

        ``source`` may have any size and overscan, but this lens's focal point: it looks the same way from there.
        """
        size_px = np.array([width_px, height_px], dtype=np.float64)
        mm_per_px = np.array([self.sensor_width_mm, self.sensor_height_mm]) / size_px
        distorted = (np.asarray(pixels, dtype=np.float64) - size_px / 2) * mm_per_px
        rays = (self.undistort(distorted) - self.projection_offset_mm) / self.focal_length_mm
        return rays * (source.fx, source.fy) + (source.cx, source.cy)

    def distortion_map(self, width_px: int, height_px: int, source: Camera) -> Float64[np.ndarray, "h w 2"]:
        """``undistorted_pixels`` of every pixel centre: sampling ``source``'s picture there distorts it."""
        v, u = np.mgrid[0:height_px, 0:width_px] + 0.5
        return self.undistorted_pixels(np.stack([u, v], axis=-1), width_px, height_px, source)

    def required_overscan(self) -> float:
        """The least Ω ≥ 1 with which a pinhole picture fills the distorted one (appendix A.1, eq. 23 and 24).

        Raises ValueError when the model folds back inside the picture, where no overscan is enough.
        """
        along = np.linspace(-0.5, 0.5, 129)
        edge, ends = np.concatenate([along, along]), np.repeat([-0.5, 0.5], along.size)
        border = np.concatenate([np.stack([edge, ends], axis=-1), np.stack([ends, edge], axis=-1)])
        half = np.array([self.sensor_width_mm, self.sensor_height_mm]) / 2
        undistorted = self.undistort(border * 2 * half)
        centred = border * 2 * half - self._centre()
        if self.mapping is Mapping.DISTORTED_TO_UNDISTORTED:
            folded = (np.hypot(centred[:, 0], centred[:, 1]) >= self.valid_radius_mm()).any()
        else:
            folded = not np.isfinite(undistorted).all()
        if folded:
            raise ValueError("the lens's distortion folds back inside the picture: its coefficients cannot be right")
        return max(1.0, float((np.abs(undistorted) / half).max()))

    def valid_radius_mm(self) -> float:
        """The radius about the centre of distortion where R·r stops to grow, or has a pole; infinite if it never does.

        Beyond it two points map to one and the coefficients mean nothing. Decentering terms are left out of account.
        """
        n1, d1, n2, d2, n3, d3 = self.radial
        scale = float(np.hypot(self.sensor_width_mm, self.sensor_height_mm)) / 2  # keeps the polynomials well scaled
        N = np.polynomial.Polynomial([1.0, n1 * scale**2, n2 * scale**4, n3 * scale**6])
        D = np.polynomial.Polynomial([1.0, d1 * scale**2, d2 * scale**4, d3 * scale**6])
        s = np.polynomial.Polynomial([0.0, 1.0])
        slope = (N + 2 * s * N.deriv()) * D - 2 * s * N * D.deriv()
        # a last term below 1e-12 at the picture's corner has no root worth finding, and may overflow the solver
        roots = np.concatenate([slope.trim(1e-12).roots(), D.trim(1e-12).roots()])
        real = roots.real[(np.abs(roots.imag) < 1e-9 * np.maximum(1.0, np.abs(roots))) & (roots.real > 0)]
        return float(np.sqrt(real.min()) * scale) if real.size else float("inf")

    def _centre(self) -> Float64[np.ndarray, "2"]:
        return np.add(self.projection_offset_mm, self.distortion_offset_mm)

    def _about_centre(self, points_mm: ArrayLike, *, closed: bool) -> Float64[np.ndarray, "*n 2"]:
        points = np.asarray(points_mm, dtype=np.float64)
        centre = self._centre()
        if not any(self.radial) and not any(self.tangential):
            return points.copy()
        if closed:
            return self._polynomial(points - centre) + centre
        return self._inverse((points - centre).reshape(-1, 2)).reshape(points.shape) + centre

    def _polynomial(self, e: Float64[np.ndarray, "*n 2"]) -> Float64[np.ndarray, "*n 2"]:
        """Eq. (16) and (17), about the centre of distortion."""
        x, y = e[..., 0], e[..., 1]
        n1, d1, n2, d2, n3, d3 = self.radial
        p1, p2 = self.tangential
        s = x * x + y * y
        R = (1 + s * (n1 + s * (n2 + s * n3))) / (1 + s * (d1 + s * (d2 + s * d3)))
        return np.stack(
            [R * x + 2 * p1 * x * y + p2 * (s + 2 * x * x), R * y + 2 * p2 * x * y + p1 * (s + 2 * y * y)], axis=-1
        )

    def _jacobian(self, e: Float64[np.ndarray, "n 2"]) -> tuple[Float64[np.ndarray, "n"], ...]:
        """∂x/∂x, ∂x/∂y (= ∂y/∂x) and ∂y/∂y of ``_polynomial``."""
        x, y = e[:, 0], e[:, 1]
        n1, d1, n2, d2, n3, d3 = self.radial
        p1, p2 = self.tangential
        s = x * x + y * y
        N, D = 1 + s * (n1 + s * (n2 + s * n3)), 1 + s * (d1 + s * (d2 + s * d3))
        R = N / D
        dR = (n1 + s * (2 * n2 + s * 3 * n3) - R * (d1 + s * (2 * d2 + s * 3 * d3))) / D  # dR/ds
        return (
            R + 2 * x * x * dR + 2 * p1 * y + 6 * p2 * x,
            2 * x * y * dR + 2 * p1 * x + 2 * p2 * y,
            R + 2 * y * y * dR + 2 * p2 * x + 6 * p1 * y,
        )

    def _inverse(self, target: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """Newton's method on ``_polynomial``, each step held inside the valid radius; NaN where it does not settle."""
        limit = self.valid_radius_mm()
        found = np.full_like(target, np.nan)
        active = np.flatnonzero(np.isfinite(target).all(axis=-1))
        e = _within(target[active], 0.9 * limit)
        for _ in range(_MAX_STEPS):
            error = self._polynomial(e) - target[active]
            settled = np.hypot(error[:, 0], error[:, 1]) < TOLERANCE_MM
            found[active[settled]] = e[settled]
            active, e, error = active[~settled], e[~settled], error[~settled]
            if not active.size:
                break
            a, b, d = self._jacobian(e)
            determinant = a * d - b * b
            # near a fold the determinant vanishes and the step goes nowhere good: such points end as NaN
            determinant = np.where(np.abs(determinant) < 1e-12, 1e-12, determinant)
            step = np.stack([d * error[:, 0] - b * error[:, 1], a * error[:, 1] - b * error[:, 0]], axis=-1)
            e = _within(e - step / determinant[:, None], 0.999 * limit)
        return found


def _within(points: Float64[np.ndarray, "n 2"], radius: float) -> Float64[np.ndarray, "n 2"]:
    """Points drawn in to ``radius`` where they are farther out."""
    r = np.hypot(points[:, 0], points[:, 1])
    return points * np.minimum(1.0, radius / np.maximum(r, 1e-300))[:, None]
