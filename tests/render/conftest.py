"""Scenes and views that the render tests share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.splats.cloud import SplatCloud

Clouds = Callable[..., SplatCloud]


def _cloud(
    means: object, scales: object = 0.1, wxyz: object = None, opacity: object = 0.9, sh: object = 0.0
) -> SplatCloud:
    """A cloud from a few values, broadcast to n; ``sh`` (n k 3), or (n 3) and less for degree 0."""
    centres = np.atleast_2d(np.asarray(means, dtype=np.float32))
    n = len(centres)
    turns = np.asarray([1.0, 0.0, 0.0, 0.0] if wxyz is None else wxyz, dtype=np.float64)
    coefficients = np.asarray(sh, dtype=np.float32)
    if coefficients.ndim < 3:
        coefficients = np.broadcast_to(coefficients, (n, 3))[:, None, :]
    return SplatCloud(
        means=centres,
        scales=np.ascontiguousarray(np.broadcast_to(np.asarray(scales, dtype=np.float32), (n, 3))),
        wxyz=np.ascontiguousarray(
            np.broadcast_to(turns / np.linalg.norm(turns, axis=-1, keepdims=True), (n, 4)), dtype=np.float32
        ),
        opacities=np.ascontiguousarray(np.broadcast_to(np.asarray(opacity, dtype=np.float32), (n,))),
        sh=np.ascontiguousarray(coefficients),
    )


@pytest.fixture(scope="session")
def cloud_of() -> Clouds:
    return _cloud


@pytest.fixture(scope="session")
def view_at() -> Callable[..., View]:
    """A view with no rotation: it looks along scene +z when the scene's similarity is the identity."""

    def view(position_m: object = (0.0, 0.0, 0.0), camera: Camera | None = None, near_m: float = 0.01) -> View:
        lens = camera or Camera.from_fov(64, 48, horizontal_deg=60)
        return View(Pose.from_wxyz([1.0, 0.0, 0.0, 0.0], position_m), lens, near_m)  # type: ignore[arg-type]

    return view
