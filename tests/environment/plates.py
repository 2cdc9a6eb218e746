"""Plates for tests: a few frames of known values."""

from fractions import Fraction

import numpy as np

from translight.environment.environment import ColourEncoding, Environment
from translight.environment.plate import Plate
from translight.splats.cloud import SplatCloud


def plate_of(values: list[float], *, size: tuple[int, int] = (4, 6), at: tuple[int, int] = (0, 0), cover: float = 1.0,
             rate: Fraction = Fraction(24), name: str = "clouds") -> Plate:  # fmt: skip
    """Frames of one grey each, ``size`` rows and columns, their upper left texel ``at`` column and row."""
    frames = np.empty((len(values), *size, 4), np.float16)
    frames[..., :3] = np.array(values).reshape(-1, 1, 1, 1)
    frames[..., 3] = cover
    return Plate(name, frames, rate, *at)


def random_plate(seed: int, *, count: int = 3, size: tuple[int, int] = (4, 6), at: tuple[int, int] = (0, 0)) -> Plate:
    rng = np.random.default_rng(seed)
    frames = rng.uniform(0, 3, (count, *size, 4))
    frames[..., 3] /= 3
    return Plate(f"random {seed}", frames.astype(np.float16), Fraction(24000, 1001), *at)


def environment_of(*plates: Plate, sky: np.ndarray | None = None, encoding: ColourEncoding = "srgb") -> Environment:
    """One small splat ahead, under a sky of 16x8 texels unless one is given."""
    cloud = SplatCloud(
        means=np.array([[0, -1.6, 6]], np.float32),
        scales=np.full((1, 3), 0.5, np.float32),
        wxyz=np.array([[1, 0, 0, 0]], np.float32),
        opacities=np.array([0.9], np.float32),
        sh=np.ones((1, 1, 3), np.float32),
    )
    if sky is None:
        sky = np.linspace(0, 1, 8 * 16 * 3, dtype=np.float32).reshape(8, 16, 3)
    return Environment("Plates", cloud, sky=sky, encoding=encoding, plates=plates)
