"""Pictures of moved clouds, and the harmonics' turns, are in tests/reconstruction/edit/test_motion.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.pose import Pose, Similarity
from translight.splats.motion import moved, moved_in_rub, rdf_and_rub, similarity_of
from translight.splats.sh import basis

numbers = st.floats(-2.0, 2.0)


def arrays(cloud):
    return (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)


def test_there_and_back_is_the_same_bit_for_bit(random_cloud):
    cloud = random_cloud(40, 3)
    for mine, theirs in zip(arrays(rdf_and_rub(rdf_and_rub(cloud))), arrays(cloud), strict=True):
        assert np.array_equal(mine, theirs)


def test_what_is_seen_does_not_depend_on_the_axes(random_cloud):
    """Position, covariance and colour from a direction, with everything flipped alike."""
    cloud, flip = random_cloud(10, 3), np.diag([1.0, -1.0, -1.0])
    turned = rdf_and_rub(cloud)
    assert np.array_equal(turned.means, cloud.means @ flip.astype(np.float32))
    direction = np.array([[0.36, -0.48, 0.8]])
    before = np.einsum("k,nkc->nc", basis(direction)[0], cloud.sh)
    after = np.einsum("k,nkc->nc", basis(direction @ flip)[0], turned.sh)
    assert np.allclose(before, after, atol=1e-6)
    for i in range(10):
        mine, theirs = (Pose.from_wxyz(c.wxyz[i]).rotation() for c in (turned, cloud))
        size = np.diag(cloud.scales[i].astype(float) ** 2)
        assert np.allclose(mine @ size @ mine.T, flip @ theirs @ size @ theirs.T @ flip, atol=1e-6)


def test_nothing_is_done_by_the_identity(random_cloud):
    cloud = random_cloud(3, 1)
    assert moved_in_rub(cloud, Similarity.identity()) is cloud


@settings(max_examples=30, deadline=None)
@given(numbers, numbers, numbers, st.floats(0.1, 10.0))
def test_moving_in_rub_is_moving_what_is_in_rub(x, y, z, scale):
    from tests.splats.conftest import make_random_cloud

    cloud = make_random_cloud(5, 2)
    move = Similarity(scale, Pose.exp([x, y, z, z, x, y]))
    found, wanted = moved_in_rub(cloud, move), rdf_and_rub(moved(rdf_and_rub(cloud), move))
    for name in ("means", "scales", "sh"):
        assert np.allclose(getattr(found, name), getattr(wanted, name), atol=2e-5 * scale + 1e-5), name


@settings(max_examples=50, deadline=None)
@given(numbers, numbers, numbers, st.floats(0.01, 100.0))
def test_a_similarity_is_found_in_its_matrix(x, y, z, scale):
    move = Similarity(scale, Pose.exp([x, y, z, z, x, y]))
    found = similarity_of(move.matrix())
    assert found is not None
    assert np.allclose(found.matrix(), move.matrix(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([1.0, 2.0, 1.0, 1.0]),
        np.diag([-1.0, 1.0, 1.0, 1.0]),
        np.diag([0.0, 0.0, 0.0, 1.0]),
        np.diag([1.0, 1.0, 1.0, 2.0]),
        np.full((4, 4), np.nan),
        np.eye(4) + np.eye(4, k=1),
    ],
)
def test_other_matrices_are_none(matrix):
    assert similarity_of(matrix) is None
