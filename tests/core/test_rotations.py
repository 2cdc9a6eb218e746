"""Rotation matrices of many quaternions, and back, against single poses."""

import numpy as np

from translight.core.pose import Pose
from translight.core.rotations import quaternions, rotations


def _random(count: int) -> np.ndarray:
    wxyz = np.random.default_rng(0).normal(size=(count, 4))
    wxyz[:4] = np.eye(4)  # half turns about the axes
    return wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)


def test_rotations_are_the_poses():
    wxyz = _random(50)
    expected = [Pose(q, np.zeros(3)).rotation() for q in wxyz]
    np.testing.assert_allclose(rotations(wxyz), expected, atol=1e-12)


def test_quaternions_come_back_with_w_not_negative():
    wxyz = _random(50)
    found = quaternions(rotations(wxyz))
    np.testing.assert_allclose(np.abs((found * wxyz).sum(axis=1)), 1, atol=1e-12)
    assert (found[:, 0] >= 0).all()
