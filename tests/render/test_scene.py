from __future__ import annotations

import numpy as np
import pytest

from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.render.scene import scene_of


@pytest.fixture
def placed(cloud_of):
    def environment(**values: object) -> Environment:
        return Environment("test", cloud_of([0, 0, 1]), Similarity(2.0, Pose.identity()), **values)  # type: ignore[arg-type]

    return environment


def test_splats_and_placement_are_the_environments(placed):
    environment = placed()
    scene = scene_of(environment)
    np.testing.assert_array_equal(scene.layers[0].splats.means, environment.splats.means)
    assert scene.layers[0].stage_from_scene is environment.stage_from_scene
    assert scene.sky is None


def test_the_filter_that_splats_were_trained_with_is_theirs(placed):
    assert [scene_of(placed(antialiased=value)).layers[0].antialiased for value in (False, True)] == [False, True]


def test_sky_takes_the_splats_encoding(placed):
    """IEC 61966-2-1: linear 0.2140 is encoded as 0.5; radiance above 1 stays above 1."""
    linear = np.array([[[0.0, 0.21404114, 1.0], [0.001, 4.0, 0.5]]], dtype=np.float32)
    encoded = scene_of(placed(sky=linear, encoding="srgb")).sky
    assert encoded is not None
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded[0, 0], [0.0, 0.5, 1.0], atol=1e-6)
    assert encoded[0, 1, 1] > 1.8
    np.testing.assert_array_equal(scene_of(placed(sky=linear, encoding="linear")).sky, linear)


def test_sky_is_made_contiguous(placed):
    sky = scene_of(placed(sky=np.zeros((4, 8, 3), np.float32)[:, ::2], encoding="linear")).sky
    assert sky is not None
    assert sky.flags.c_contiguous


def test_neighbours_come_together(cloud_of):
    environment = Environment("test", cloud_of([[9, 0, 0], [0, 0, 0], [9, 9, 9], [0, 0, 9]]), Similarity.identity())
    assert scene_of(environment).layers[0].splats.means[:, 2].tolist() == [0, 0, 9, 9]
