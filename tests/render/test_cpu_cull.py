"""Culling by groups: what projection would see is never passed over, and most of what it would not see is."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.contract import Scene
from translight.render.cpu.cull import cull, planes
from translight.render.cpu.prepare import CHUNK, GROUP, prepare
from translight.render.cpu.viewpoint import view_row
from translight.render.projection import project
from translight.splats.cloud import SplatCloud
from translight.splats.order import along_curve


def _cloud(rng: np.random.Generator, n: int, scale: float) -> SplatCloud:
    wxyz = rng.normal(size=(n, 4))
    return along_curve(
        SplatCloud(
            means=rng.normal(0, 4, (n, 3)).astype(np.float32),
            scales=(scale * np.exp(rng.normal(0, 1, (n, 3)))).astype(np.float32),
            wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
            opacities=rng.uniform(0, 1, n).astype(np.float32),
            sh=np.zeros((n, 1, 3), np.float32),
        )
    )


def _visible_groups(scene: Scene, view: View) -> tuple[set[int], int]:
    (layer,) = scene.layers
    prepared = prepare(layer.splats)
    groups = -(-prepared.count // GROUP)
    visible = np.empty(groups + 2 * CHUNK, np.int32)
    return set(
        visible[: cull(prepared.groups, planes(view_row(layer, scene.encoding, view)), visible)].tolist()
    ), groups


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([0.001, 0.05, 1.0]),
    placement=st.sampled_from([0.01, 1.0, 40.0]),
    shift=st.floats(-3, 3),
    near=st.sampled_from([0.01, 2.0]),
)
def test_no_splat_that_is_seen_is_in_a_culled_group(
    seed: int, scale: float, placement: float, shift: float, near: float
) -> None:
    rng = np.random.default_rng(seed)
    cloud = _cloud(rng, 1500, scale)
    stage_from_scene = Similarity(placement, Pose.from_wxyz(rng.normal(size=4), placement * rng.normal(size=3)))
    camera = Camera(96, 64, 70.0, 80.0, 48.0 + 96 * shift, 32.0 - 64 * shift)
    view = View(Pose.from_wxyz(rng.normal(size=4), placement * 3 * rng.normal(size=3)), camera, near * placement)
    scene = Scene.of(cloud, stage_from_scene)
    visible, _ = _visible_groups(scene, view)
    kept = np.flatnonzero(cloud.opacities >= np.float32(1 / 255))
    place = np.full(len(cloud), -1)
    place[kept] = np.arange(len(kept))
    assert set((place[project(scene, view).index] // GROUP).tolist()) <= visible


def test_most_of_what_is_out_of_sight_is_passed_over() -> None:
    """A view of 50° from the middle of a ball sees a twentieth of it."""
    rng = np.random.default_rng(1)
    scene = Scene.of(_cloud(rng, 60_000, 0.01))
    view = View(Pose.identity(), Camera.from_fov(320, 180, horizontal_deg=50))
    visible, groups = _visible_groups(scene, view)
    assert 0 < len(visible) < 0.25 * groups


@pytest.mark.parametrize("n", [0, 1, GROUP, GROUP + 1, 17 * GROUP])
def test_padding_is_never_visible(n: int) -> None:
    rng = np.random.default_rng(n)
    cloud = SplatCloud(
        means=np.tile(np.array([[0, 0, 5]], np.float32), (n, 1)) + rng.uniform(-1, 1, (n, 3)).astype(np.float32),
        scales=np.full((n, 3), 0.1, np.float32),
        wxyz=np.tile(np.array([[1, 0, 0, 0]], np.float32), (n, 1)),
        opacities=np.ones(n, np.float32),
        sh=np.zeros((n, 1, 3), np.float32),
    )
    visible, groups = _visible_groups(
        Scene.of(cloud), View(Pose.identity(), Camera.from_fov(64, 64, horizontal_deg=90))
    )
    assert visible == set(range(groups))
