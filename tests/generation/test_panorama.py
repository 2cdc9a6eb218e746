import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.panorama import directions, perspective, pixels, sample


def test_the_frame_is_the_sky_s():
    rays = directions(64)
    assert rays.shape == (64, 128, 3)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(1.0, abs=1e-6)
    forward, right, up = rays[32, 64], rays[32, 96], rays[0, 64]
    assert min(forward[1], right[0], up[2]) > 0.99
    assert rays[32, 0][1] < -0.99  # the seam is behind
    assert np.array_equal(directions(64, slice(10, 12)), rays[10:12])


@given(st.integers(0, 63), st.integers(0, 127), st.floats(0.1, 100))
def test_pixels_undo_directions(row, column, length):
    ray = directions(64)[row, column].astype(float) * length
    assert pixels(ray, 64) == pytest.approx([column + 0.5, row + 0.5], abs=1e-3)


def test_sampling_is_exact_at_pixels_and_goes_around_and_over():
    picture = np.random.default_rng(1).random((8, 16, 3)).astype(np.float32)
    row, column = np.mgrid[0:8, 0:16]
    assert sample(picture, np.stack([column, row], axis=-1) + 0.5) == pytest.approx(picture, abs=1e-6)
    assert sample(picture, np.array([0.0, 3.5])) == pytest.approx((picture[3, 15] + picture[3, 0]) / 2)
    assert sample(picture, np.array([2.5, 0.0])) == pytest.approx((picture[0, 2] + picture[0, 10]) / 2)
    assert sample(picture[..., 0], np.array([2.5, 8.0])) == pytest.approx((picture[7, 2, 0] + picture[7, 10, 0]) / 2)


@pytest.mark.parametrize("turn_deg", [0.0, 75.0, 180.0, -130.0])
def test_a_perspective_view_sees_the_directions_it_looks_in(turn_deg):
    field = directions(256)
    turn = np.radians(turn_deg) / 2
    about_up = Pose.from_wxyz([np.cos(turn), 0.0, 0.0, -np.sin(turn)])
    camera = Camera.from_fov(33, 21, horizontal_deg=70.0)
    seen = perspective(field, camera, about_up @ STAGE_FROM_RDF)
    middle = np.array([np.sin(2 * turn), np.cos(2 * turn), 0.0])
    assert seen[10, 16] == pytest.approx(middle, abs=1e-3)
    assert seen[0, 16, 2] > 0.1 > -0.1 > seen[20, 16, 2]  # upright
    right = np.cross(middle, [0.0, 0.0, 1.0])
    assert seen[10, 32] @ right == pytest.approx(np.sin(np.radians(35.0)), abs=0.02)
