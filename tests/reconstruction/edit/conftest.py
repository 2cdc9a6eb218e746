"""Clouds, environments and packages that the tests of edits share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.splats.cloud import SplatCloud

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def make_cloud(n: int, degree: int = 0, seed: int = 0, extent: float = 1.0, size: float = 0.05) -> SplatCloud:
    rng = np.random.default_rng(seed)
    wxyz = rng.normal(size=(n, 4))
    wxyz /= np.linalg.norm(wxyz, axis=1, keepdims=True)
    sh = rng.uniform(-0.3, 0.3, (n, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-0.6, 1.2, (n, 3))
    return SplatCloud(
        means=rng.uniform(-extent, extent, (n, 3)).astype(np.float32),
        scales=(size * np.exp(rng.normal(0, 0.4, (n, 3)))).astype(np.float32),
        wxyz=wxyz.astype(np.float32),
        opacities=rng.uniform(0.2, 0.95, n).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def make_placement(seed: int = 3, scale: float = 1.7) -> Similarity:
    rng = np.random.default_rng(seed)
    return Similarity(scale, Pose.from_wxyz(rng.normal(size=4), rng.normal(size=3)))


def make_sky(height: int = 16, seed: int = 5) -> np.ndarray:
    """Smooth, so that it may be resampled."""
    rng = np.random.default_rng(seed)
    up = np.linspace(1, 0, height)[:, None, None]
    turn = np.linspace(0, 2 * np.pi, 2 * height, endpoint=False)[None, :, None]
    return (0.3 + 0.2 * up + 0.1 * np.sin(turn + rng.uniform(0, 3, 3))).astype(np.float32)


@pytest.fixture(scope="session")
def cloud_of() -> Callable[..., SplatCloud]:
    return make_cloud


@pytest.fixture(scope="session")
def placement_of() -> Callable[..., Similarity]:
    return make_placement


@pytest.fixture(scope="session")
def sky_of() -> Callable[..., np.ndarray]:
    return make_sky


CAMERAS = [
    {"name": f"c{i}", "look_at": {"position_m": [x, -5.0, 1.0], "target_m": [0.0, 0.0, 0.0]},
     "intrinsics": {"width_px": 96, "height_px": 64, "fov_deg": 50.0}}
    for i, x in enumerate((-2.0, -1.0, 0.0, 1.0, 2.0))
]  # fmt: skip


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Writes a package with cameras, a sky, a proxy and a report of one step; returns where."""

    def write(name: str = "set", **changes: object) -> Path:
        facts: dict = {
            "name": name, "splats": make_cloud(300, 2), "sky": make_sky(), "metres_per_unit": 0.5,
            "stage_from_scene": make_placement(),
        } | changes  # fmt: skip
        cameras = facts.pop("cameras", CAMERAS)
        zipped = bool(facts.pop("zipped", False))
        splat_format = facts.pop("splat_format", "ply")
        proxy = tmp_path / "proxy.glb"
        proxy.write_bytes(b"glTF mesh")
        copies = {"proxy": proxy} if facts.pop("proxy", True) else {}
        if facts.pop("signed", False):
            (tmp_path / "p.c2pa").write_bytes(b"signature")
            copies["provenance"] = tmp_path / "p.c2pa"
        path = tmp_path / f"{name}.tlenv"
        report = Report().with_step("train", iterations=7).with_step("evaluate", psnr_db=25.0)
        save_environment(
            Environment(**facts), path, report=report.values(), cameras=cameras, copies=copies, zipped=zipped,
            splat_format=splat_format,
        )  # fmt: skip
        return path

    return write


@pytest.fixture
def capture() -> Callable[[str], Path]:
    """Path of a real capture; skips where the machine has none."""

    def find(name: str) -> Path:
        path = SHARED / "splats" / name
        if not path.exists():
            pytest.skip(f"{path} is not on this machine")
        return path

    return find
