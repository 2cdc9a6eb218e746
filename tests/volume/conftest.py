"""Walls, pictures and the compositor written out in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from translight.core.camera import View
from translight.volume.wall import ArcWall, PlaneWall


@dataclass(frozen=True)
class FakePicture:
    rgba: np.ndarray


@pytest.fixture
def plane() -> PlaneWall:
    return PlaneWall("plane", (0.5, 4.0, 1.5), 6.0, 3.0, 300, 150, heading_deg=10)


@pytest.fixture
def arc() -> ArcWall:
    return ArcWall("arc", (0.2, -0.5), 5.0, 110.0, 4.0, 420, 170, base_m=-0.2, heading_deg=-5)


@pytest.fixture
def picture_of():
    """A renderer's stand-in: a smooth random picture for a view."""

    def make(view: View, seed: int = 0) -> FakePicture:
        rng = np.random.default_rng(seed)
        coarse = rng.uniform(0, 1.2, (9, 9, 4)).astype(np.float32)
        y, x = np.mgrid[: view.camera.height_px, : view.camera.width_px]
        y, x = y / view.camera.height_px * 8, x / view.camera.width_px * 8
        i, j = y.astype(int), x.astype(int)
        f, g = (y - i)[..., None], (x - j)[..., None]
        rgba = (coarse[i, j] * (1 - g) + coarse[i, j + 1] * g) * (1 - f) + (
            coarse[i + 1, j] * (1 - g) + coarse[i + 1, j + 1] * g
        ) * f
        noise = rng.uniform(-0.1, 0.1, rgba.shape)
        return FakePicture(np.ascontiguousarray(rgba + noise, np.float32))

    return make
