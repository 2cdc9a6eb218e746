from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from translight.splats.cloud import SplatCloud

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def make_random_cloud(n: int, degree: int = 0, seed: int = 0, extent: float = 3.0) -> SplatCloud:
    rng = np.random.default_rng(seed)
    wxyz = rng.normal(size=(n, 4))
    wxyz /= np.linalg.norm(wxyz, axis=1, keepdims=True)
    return SplatCloud(
        means=rng.uniform(-extent, extent, (n, 3)).astype(np.float32),
        scales=np.exp(rng.uniform(-8.0, 1.0, (n, 3))).astype(np.float32),
        wxyz=wxyz.astype(np.float32),
        opacities=rng.uniform(0.001, 0.999, n).astype(np.float32),
        sh=rng.uniform(-0.9, 0.9, (n, (degree + 1) ** 2, 3)).astype(np.float32),
    )


@pytest.fixture
def random_cloud() -> Callable[..., SplatCloud]:
    return make_random_cloud


@pytest.fixture
def real_scene() -> Callable[[str], Path]:
    """Path of a real scene by its name in shared/data/splats; skips where it is missing."""

    def find(name: str) -> Path:
        path = SHARED / "splats" / name
        if not path.exists():
            pytest.skip(f"{path} is not on this machine")
        return path

    return find
