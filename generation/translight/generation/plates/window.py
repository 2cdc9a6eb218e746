"""Where a plate lies: a window of the sky in degrees as texels of it, its soft edge, and films seen through a lens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.core.pose import Pose
from translight.environment.plate import Area
from translight.render.cameras import look_at

_WIDEST_LENS_DEG = 120.0
_FEATHER = 0.12
"""Of a window's or a film's smaller side: how wide its edge fades."""


@dataclass(frozen=True, slots=True)
class Window:
    """From azimuth ``left_deg`` to the right to ``right_deg``, and between two elevations. Azimuth 0 is stage +Y."""

    left_deg: float
    right_deg: float
    low_deg: float
    high_deg: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """``left,right,low,high`` in degrees. Raises GenerationError."""
        try:
            left, right, low, high = (float(part) for part in text.split(","))
        except ValueError:
            raise GenerationError(f"--window {text}: four numbers are wanted: left,right,low,high in degrees") from None
        if not (-360 <= left < right <= left + 360 and right <= 720 and -90 <= low < high <= 90):
            raise GenerationError(
                f"--window {text}: left < right, at most 360 degrees apart, and -90 ≤ low < high ≤ 90 are wanted"
            )
        return cls(left, right, low, high)

    def area(self, sky_height_px: int) -> Area:
        """The texels that lie in it, whole ones. Raises GenerationError where there are fewer than 4x4."""
        width = 2 * sky_height_px
        left = round((self.left_deg / 360 + 0.5) * width)
        across = min(round((self.right_deg - self.left_deg) / 360 * width), width)
        top = round((0.5 - self.high_deg / 180) * sky_height_px)
        down = round((0.5 - self.low_deg / 180) * sky_height_px) - top
        if across < 4 or down < 4:
            raise GenerationError(
                f"the window is {across}x{down} texels of a sky {width} wide: make it larger, or the sky finer"
            )
        return Area(left % width, top, across, down)

    @property
    def middle_deg(self) -> tuple[float, float]:
        """Azimuth and elevation."""
        return (self.left_deg + self.right_deg) / 2, (self.low_deg + self.high_deg) / 2


def directions(area: Area, sky_height_px: int) -> Float64[np.ndarray, "h w 3"]:
    """Unit stage directions of the texels' centres."""
    azimuth = ((area.columns(2 * sky_height_px) + 0.5) / (2 * sky_height_px) - 0.5) * 2 * np.pi
    elevation = ((0.5 - (np.arange(sky_height_px) + 0.5) / sky_height_px) * np.pi)[area.rows, None]
    level = np.cos(elevation)
    up = np.broadcast_to(np.sin(elevation), (area.height_px, area.width_px))
    return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), up], axis=-1)


def soft_edge(area: Area, sky_height_px: int, *, bottom: bool = True) -> Float32[np.ndarray, "h w"]:
    """1 within, fading to 0 at the window's border: not where it meets itself all round, nor at a pole, nor, where
    ``bottom`` is off, at its lower end."""
    height, width = area.height_px, area.width_px
    reach = max(_FEATHER * min(height, width), 1.0)
    across, down = np.full(width, np.inf), np.full(height, np.inf)
    if width < 2 * sky_height_px:
        across = np.minimum(np.arange(width) + 0.5, width - np.arange(width) - 0.5)
    if area.top_px > 0:
        down = np.minimum(down, np.arange(height) + 0.5)
    if bottom and area.top_px + height < sky_height_px:
        down = np.minimum(down, height - np.arange(height) - 0.5)
    return (smooth(down / reach)[:, None] * smooth(across / reach)[None, :]).astype(np.float32)


def smooth(share: np.ndarray) -> Float64[np.ndarray, "*n"]:
    """From 0 to 1 with level ends, and no further."""
    t = np.clip(share, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


@dataclass(frozen=True, slots=True)
class Lens:
    """Pictures of one size as a lens saw them that looked to the middle of a window and had its width of view."""

    camera: Camera
    stage_from_camera: Pose

    @classmethod
    def of(cls, window: Window, width_px: int, height_px: int) -> Self:
        """Raises GenerationError on a window wider than a lens sees."""
        across = window.right_deg - window.left_deg
        if across > _WIDEST_LENS_DEG:
            raise GenerationError(f"the window is {across:g}° wide: a film is seen through up to {_WIDEST_LENS_DEG:g}°")
        azimuth, elevation = np.radians(window.middle_deg)
        level = np.cos(elevation)
        ahead = (level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation))
        return cls(Camera.from_fov(width_px, height_px, horizontal_deg=across), look_at((0.0, 0.0, 0.0), ahead))

    def texels(self, area: Area, sky_height_px: int) -> tuple[Float64[np.ndarray, "h w 2"], Float32[np.ndarray, "h w"]]:
        """Where each of an area's texels is seen, in pixels, and how much of the sky it covers there: soft at the
        picture's border, 0 beyond it."""
        rays = directions(area, sky_height_px) @ self.stage_from_camera.rotation()
        before = rays[..., 2] > 1e-3
        depth = np.where(before, rays[..., 2], 1.0)
        camera = self.camera
        x = camera.fx * rays[..., 0] / depth + camera.cx
        y = camera.fy * rays[..., 1] / depth + camera.cy
        within = np.minimum(np.minimum(x, camera.width_px - x), np.minimum(y, camera.height_px - y))
        reach = _FEATHER * min(camera.width_px, camera.height_px)
        return np.stack([x, y], axis=-1), np.where(before, smooth(within / reach), 0.0).astype(np.float32)
