import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.pose import Pose, Similarity
from translight.reconstruction.structure_from_motion.alignment import robust_similarity, umeyama

similarities = st.builds(
    lambda scale, twist: Similarity(scale, Pose.exp(twist)),
    st.floats(0.01, 100),
    st.lists(st.floats(-3, 3), min_size=6, max_size=6),
)


@settings(deadline=None)
@given(similarities, st.integers(3, 30), st.integers(0, 1000))
def test_umeyama_finds_what_moved_the_points(a_from_b, count, seed):
    b = np.random.default_rng(seed).normal(size=(count, 3))
    found = umeyama(b, a_from_b.apply(b))
    assert found.scale == pytest.approx(a_from_b.scale, rel=1e-6)
    assert np.allclose(found.apply(b), a_from_b.apply(b), atol=1e-6 * a_from_b.scale)


def test_points_of_a_plane_are_turned_and_never_mirrored():
    b = np.random.default_rng(0).normal(size=(9, 3)) * (1, 1, 0)
    truth = Similarity(2.0, Pose.exp([1, 2, 3, 0.4, -0.7, 2.0]))
    found = umeyama(b, truth.apply(b))
    assert np.allclose(found.matrix(), truth.matrix(), atol=1e-9)


@settings(deadline=None, max_examples=15)
@given(similarities, st.integers(0, 200))
def test_two_fifths_of_outliers_do_no_harm(a_from_b, seed):
    chance = np.random.default_rng(seed)
    b = chance.normal(size=(20, 3)) * 5
    a = a_from_b.apply(b)
    wrong = chance.permutation(20)[:8]
    a[wrong] += (40 + 20 * chance.random((8, 1))) * a_from_b.scale * np.sign(chance.normal(size=(8, 3)))
    found, kept = robust_similarity(b, a, least_error=1e-6 * a_from_b.scale)
    assert not kept[wrong].any()
    assert kept.sum() == 12
    assert found.scale == pytest.approx(a_from_b.scale, rel=1e-5)


def test_one_point_thrice_tells_nothing():
    with pytest.raises(ValueError, match="three pairs of points"):
        umeyama(np.ones((3, 3)), np.eye(3))
    with pytest.raises(ValueError, match="three pairs of points"):
        umeyama(np.eye(3), np.ones((3, 3)))
