"""Conditions on centres: boxes to stay within or out of, and walls to be behind."""

from __future__ import annotations

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.clip import clips_of, flat, kept, outside_box, within_box

SIZE_M = (2.0, 4.0, 1.0)
POINTS = np.random.default_rng(3).uniform(-4, 4, (2000, 3))
"""On the stage."""


@pytest.fixture(params=[0, 1, 2])
def places(request) -> tuple[Pose, Similarity]:
    """Where the box stands on the stage, and how the scene is placed there."""
    rng = np.random.default_rng(request.param)
    box = Pose.from_wxyz(rng.normal(size=4), rng.uniform(-1, 1, 3))
    return box, Similarity(float(rng.uniform(0.1, 9)), Pose.from_wxyz(rng.normal(size=4), rng.normal(size=3)))


def _in_box(stage_from_box: Pose) -> np.ndarray:
    return (np.abs(stage_from_box.inverse().apply(POINTS)) <= np.array(SIZE_M) / 2).all(axis=1)


def test_a_box_keeps_or_cuts_what_lies_in_it_on_the_stage(places):
    stage_from_box, stage_from_scene = places
    points = stage_from_scene.inverse().apply(POINTS)
    inside = _in_box(stage_from_box)
    assert 20 < inside.sum() < 200
    np.testing.assert_array_equal(kept(points, within_box(stage_from_box, SIZE_M, stage_from_scene)), inside)
    np.testing.assert_array_equal(kept(points, outside_box(stage_from_box, SIZE_M, stage_from_scene)), ~inside)


def test_every_condition_must_hold(places):
    stage_from_box, stage_from_scene = places
    points = stage_from_scene.inverse().apply(POINTS)
    within = within_box(stage_from_box, SIZE_M, stage_from_scene)
    smaller = outside_box(stage_from_box, (1.0, 1.0, 1.0), stage_from_scene)
    shell = kept(points, within) & kept(points, smaller)
    assert 0 < shell.sum() < kept(points, within).sum()
    np.testing.assert_array_equal(kept(points, (*within, *smaller)), shell)


def test_behind_one_wall_is_enough(places):
    _, stage_from_scene = places
    walls = np.array([[1.0, 0, 0, -2.0], [0, 1.0, 0, -1.0]])
    camera = Camera.from_fov(8, 8, horizontal_deg=50)
    points = stage_from_scene.inverse().apply(POINTS)
    behind = (POINTS[:, 0] >= 2) | (POINTS[:, 1] >= 1)
    view = View(Pose.identity(), camera, behind=walls)
    np.testing.assert_array_equal(kept(points, clips_of((), view, stage_from_scene)), behind)
    assert clips_of((), View(Pose.identity(), camera), stage_from_scene) == ()


def test_without_conditions_all_is_kept():
    assert kept(POINTS, ()).all()
    assert flat(()).shape == (0,)


def test_flat_marks_where_a_condition_ends():
    clips = (np.array([[1.0, 2, 3, 4]]), np.array([[5.0, 6, 7, 8], [9.0, 10, 11, 12]]))
    assert flat(clips).reshape(-1, 5).tolist() == [[1, 2, 3, 4, 1], [5, 6, 7, 8, 0], [9, 10, 11, 12, 1]]


@pytest.mark.parametrize("size", [(0.0, 1, 1), (1, -1, 1), (1, 1, np.inf), (1, 1)])
@pytest.mark.parametrize("box", [within_box, outside_box])
def test_a_box_without_a_size_is_refused(box, size):
    with pytest.raises(ValueError, match="a box wants three sizes above 0 in metres, got"):
        box(Pose.identity(), size, Similarity.identity())
