from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from translight.splats.cloud import SplatCloud

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
DATA = Path(__file__).parents[1] / "data" / "splats"


def make_random_cloud(n: int, degree: int = 0, seed: int = 0, extent: float = 3.0) -> SplatCloud:
    """Values that every format holds without clipping (colours too: |sh0| below 1.77 and 3.33)."""
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


@pytest.fixture(scope="session")
def random_cloud() -> Callable[..., SplatCloud]:
    return make_random_cloud


@pytest.fixture(scope="session")
def conformance() -> Callable[[str], Path]:
    """Path of a file of tests/data/splats."""
    return lambda name: DATA / name


@pytest.fixture
def real_scene() -> Callable[[str], Path]:
    """Path of a real scene by its name in shared/data/splats; skips where it is missing."""

    def find(name: str) -> Path:
        path = SHARED / "splats" / name
        if not path.exists():
            pytest.skip(f"{path} is not on this machine")
        return path

    return find


@pytest.fixture(scope="session")
def forge() -> Callable[..., bytes]:
    """gaussforge, the second implementation of most formats: (bytes, from, to) to bytes."""
    gaussforge = pytest.importorskip("gaussforge")
    instance = gaussforge.GaussForge()

    def convert(data: bytes, source: str, target: str, spz_version: int = 3) -> bytes:
        result = instance.convert(data, source, target, False, spz_version)
        assert "error" not in result, result
        return result["data"]

    return convert


@pytest.fixture(scope="session")
def raw_of_ply() -> Callable[[bytes], dict[str, Any]]:
    """The trainer's raw values of a float32 PLY, by a reader that shares nothing with the one under test."""

    def read(data: bytes) -> dict[str, Any]:
        head, _, body = data.partition(b"end_header\n")
        names = [line.split()[-1].decode() for line in head.splitlines() if line.startswith(b"property float")]
        table = np.frombuffer(body, "<f4").reshape(-1, len(names))

        def columns(*wanted: str) -> np.ndarray:
            return table[:, [names.index(name) for name in wanted]].astype(np.float64)

        rest = sum(name.startswith("f_rest_") for name in names) // 3
        higher = columns(*(f"f_rest_{i}" for i in range(3 * rest))).reshape(len(table), 3, rest).transpose(0, 2, 1)
        wxyz = columns("rot_0", "rot_1", "rot_2", "rot_3")
        return {
            "means": columns("x", "y", "z"),
            "scales": np.exp(columns("scale_0", "scale_1", "scale_2")),
            "wxyz": wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True),
            "opacities": 1.0 / (1.0 + np.exp(-columns("opacity")[:, 0])),
            "sh": np.concatenate([columns("f_dc_0", "f_dc_1", "f_dc_2")[:, None], higher], axis=1),
        }

    return read


@pytest.fixture(scope="session")
def assert_close() -> Callable[..., None]:
    """Compare a cloud with another's arrays; scales relatively, rotations up to the sign of the quaternion."""

    def check(
        cloud: SplatCloud,
        other: Any,
        *,
        means: float = 1e-6,
        scales: float = 1e-5,
        wxyz: float = 1e-5,
        opacities: float = 1e-5,
        sh0: float = 1e-5,
        sh: float = 1e-5,
    ) -> None:
        get = other.get if isinstance(other, dict) else lambda name: getattr(other, name)
        assert np.abs(cloud.means - get("means")).max(initial=0) <= means
        assert np.abs(np.log(cloud.scales / get("scales"))).max(initial=0) <= scales
        sign = np.where(np.sum(cloud.wxyz * get("wxyz"), axis=1, keepdims=True) < 0, -1.0, 1.0)
        assert np.abs(cloud.wxyz * sign - get("wxyz")).max(initial=0) <= wxyz
        assert np.abs(cloud.opacities - get("opacities")).max(initial=0) <= opacities
        assert np.abs(cloud.sh[:, 0] - get("sh")[:, 0]).max(initial=0) <= sh0
        assert np.abs(cloud.sh[:, 1:] - get("sh")[:, 1:]).max(initial=0) <= sh

    return check
