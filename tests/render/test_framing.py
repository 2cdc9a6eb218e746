from __future__ import annotations

import numpy as np
import pytest

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.render.cameras import look_at
from translight.render.contract import Scene
from translight.render.framing import framing

CAMERA = Camera.from_fov(160, 90, horizontal_deg=60)


def ball(cloud_of, centre, radius, n=2000):
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(n, 3))
    return cloud_of(normals / np.linalg.norm(normals, axis=1, keepdims=True) * radius + centre)


@pytest.mark.parametrize("camera", [CAMERA, Camera.from_fov(90, 160, horizontal_deg=40)])
def test_an_object_is_seen_whole_from_outside(cloud_of, camera):
    placement = Similarity(0.5, Pose(STAGE_FROM_RDF.wxyz, np.array([3.0, 9.0, 1.0])))
    scene = Scene.of(ball(cloud_of, [1, 2, 3], 2.0), placement)
    seen = framing(scene, camera)
    assert not seen.inside
    pixels = camera.project(
        look_at(seen.eye_m, seen.target_m).inverse().apply(placement.apply(scene.layers[0].splats.means))
    )  # fmt: skip
    assert (pixels >= 0).all()
    assert (pixels <= [camera.width_px, camera.height_px]).all()
    assert np.ptp(pixels, axis=0).max() > 0.5 * min(camera.width_px, camera.height_px)
    np.testing.assert_allclose(seen.target_m, placement.apply([1, 2, 3]), atol=0.1)
    assert seen.eye_m[1] < seen.target_m[1]
    assert seen.eye_m[2] > seen.target_m[2]


def test_floaters_do_not_push_the_eye_away(cloud_of):
    body = ball(cloud_of, [0, 0, 0], 1.0)
    means = body.means.copy()
    means[:10] = 1000.0
    floating = Scene.of(cloud_of(means))
    distance = [
        np.linalg.norm(f.eye_m - f.target_m) for f in (framing(Scene.of(body), CAMERA), framing(floating, CAMERA))
    ]
    assert distance[1] < distance[0] * 1.1


def test_a_scene_all_around_is_seen_from_its_middle(cloud_of):
    """Six metres of wall around the stage's origin, from the floor up."""
    rng = np.random.default_rng(2)
    angle = rng.uniform(0, 2 * np.pi, 3000)
    wall = np.stack([6 * np.cos(angle), 6 * np.sin(angle), rng.uniform(0, 5, 3000)], axis=-1)
    seen = framing(Scene.of(cloud_of(wall)), CAMERA)
    assert seen.inside
    np.testing.assert_allclose(seen.eye_m, [0, 0, 1.6])
    np.testing.assert_allclose(seen.target_m - seen.eye_m, [0, 1, 0])


@pytest.mark.parametrize(("distance", "inside"), [(6.0, True), (40.0, False), (-6.0, False)])
def test_a_wall_is_seen_from_the_origin_where_it_fills_the_front(cloud_of, distance, inside):
    rng = np.random.default_rng(3)
    wall = np.stack([rng.uniform(-6, 6, 3000), np.full(3000, distance), rng.uniform(0, 5, 3000)], axis=-1)
    assert framing(Scene.of(cloud_of(wall)), CAMERA).inside == inside


def test_a_crowd_around_the_eye_is_seen_from_outside(cloud_of):
    """Enough stands in every direction, but too much of it within arm's reach."""
    rng = np.random.default_rng(4)
    assert not framing(Scene.of(cloud_of(rng.normal([0, 0, 1.6], 0.5, (3000, 3)))), CAMERA).inside


def test_nothing_is_seen_from_the_stages_middle(cloud_of):
    assert framing(Scene.of(cloud_of(np.zeros((0, 3)), sh=np.zeros((0, 1, 3)))), CAMERA).inside
    unseen = cloud_of([[np.nan, 0, 0], [5, 5, 5]], opacity=[1.0, 0.0])
    assert framing(Scene.of(unseen), CAMERA).inside


def test_a_single_point_has_a_view(cloud_of):
    seen = framing(Scene.of(cloud_of([5, 5, 5])), CAMERA)
    assert np.isfinite(look_at(seen.eye_m, seen.target_m).matrix()).all()
