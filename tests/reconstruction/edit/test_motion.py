import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.reconstruction.edit.motion import taken, turned_sky
from translight.render.contract import Layer, Scene
from translight.render.reference import open_backend
from translight.render.sh import basis
from translight.render.sky import sample_sky
from translight.splats.motion import joined, moved, sh_rotation

angles = st.floats(-3.0, 3.0)


def _rotation(x, y, z):
    return Pose.exp([0, 0, 0, x, y, z]).rotation()


@settings(max_examples=30, deadline=None)
@given(angles, angles, angles, st.integers(0, 3))
def test_harmonics_turn_with_their_directions(x, y, z, degree):
    rotation = _rotation(x, y, z)
    rng = np.random.default_rng(1)
    sh, d = rng.normal(size=((degree + 1) ** 2, 3)), rng.normal(size=(40, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    turned = sh_rotation(rotation, degree) @ sh
    assert np.allclose(basis(d @ rotation.T, degree) @ turned, basis(d, degree) @ sh, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(angles, angles, angles)
def test_rotations_of_harmonics_are_a_group(x, y, z):
    first, second = _rotation(x, y, z), _rotation(z, x, 0.3)
    both = sh_rotation(first @ second, 3)
    assert np.allclose(sh_rotation(first, 3) @ sh_rotation(second, 3), both, atol=1e-12)
    assert np.allclose(both @ both.T, np.eye(16), atol=1e-12)


def test_degree_one_is_the_rotation_itself():
    rotation = _rotation(0.4, -1.1, 2.0)
    # INRIA's degree 1 is (−y, z, −x)
    axes = np.array([[0, -1.0, 0], [0, 0, 1], [-1, 0, 0]])
    assert np.allclose(sh_rotation(rotation, 1)[1:, 1:], axes @ rotation @ axes.T, atol=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_moved_cloud_makes_the_same_picture(cloud_of, placement_of, degree):
    cloud, placement = cloud_of(60, degree), placement_of(scale=2.5)
    view = View(Pose.from_wxyz((1, 0, 0, 0), (0, 0, -6.0)), Camera.from_fov(48, 40, horizontal_deg=80))
    with open_backend() as renderer:
        placed = renderer.render(Scene((Layer(cloud, placement),)), [view])[0]
        baked = renderer.render(Scene((Layer(moved(cloud, placement)),)), [view])[0]
        unturned = renderer.render(Scene((Layer(taken(moved(cloud, placement), slice(1, None))),)), [view])[0]
    assert placed.rgba[..., 3].max() > 0.5
    assert np.abs(placed.rgba - baked.rgba).max() < 2e-5
    assert np.abs(placed.rgba - unturned.rgba).max() > 1e-3
    seen = np.isfinite(placed.depth)
    assert np.allclose(placed.depth[seen], baked.depth[seen], rtol=1e-4)


def test_moving_there_and_back_is_nothing(cloud_of, placement_of):
    cloud, placement = cloud_of(50, 3), placement_of()
    back = moved(moved(cloud, placement), placement.inverse())
    assert np.allclose(back.means, cloud.means, atol=1e-5)
    assert np.allclose(back.scales, cloud.scales, rtol=1e-5)
    assert np.allclose(np.abs((back.wxyz * cloud.wxyz).sum(axis=1)), 1, atol=1e-6)
    assert np.allclose(back.sh, cloud.sh, atol=1e-5)


def test_a_turned_sky_is_seen_turned(sky_of):
    sky, turn = sky_of(64), _rotation(0.2, -0.4, 1.0)
    directions = np.random.default_rng(2).normal(size=(500, 3))
    assert np.abs(sample_sky(turned_sky(sky, turn), directions @ turn.T) - sample_sky(sky, directions)).max() < 0.01


def test_a_sky_turned_by_whole_columns_is_shifted(sky_of):
    sky = sky_of(16)
    left = Pose.exp([0, 0, 0, 0, 0, 2 * np.pi * 5 / 32]).rotation()  # to the left, so the picture goes left
    assert np.allclose(turned_sky(sky, left), np.roll(sky, -5, axis=1), atol=1e-6)


def test_clouds_of_several_degrees_are_joined(cloud_of):
    whole = joined([cloud_of(3, 1), cloud_of(2, 3, seed=1)])
    assert (len(whole), whole.sh_degree) == (5, 3)
    assert not whole.sh[:3, 4:].any()
    assert np.array_equal(whole.sh[3:], cloud_of(2, 3, seed=1).sh)
    assert np.array_equal(whole.means[:3], cloud_of(3, 1).means)


def test_identity_moves_nothing(cloud_of):
    cloud = cloud_of(20, 3)
    same = moved(cloud, Similarity.identity())
    assert np.array_equal(same.means, cloud.means)
    assert np.allclose(same.sh, cloud.sh, atol=1e-6)
