import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translight.core.pose import (
    Pose,
    Similarity,
    angle_between,
    quaternion_multiply,
    quaternions_turned,
    rotation_vector,
)

UNIT = st.floats(-1, 1)
METRES = st.floats(-100, 100)
WXYZ = st.tuples(UNIT, UNIT, UNIT, UNIT).filter(lambda q: math.hypot(*q) > 0.1)
PLACE = st.tuples(METRES, METRES, METRES)
AXES = st.tuples(UNIT, UNIT, UNIT).filter(lambda a: math.hypot(*a) > 0.1)
# angles that formulas break at, beside all others
NEAR_ZERO = st.sampled_from([0.0, 1e-300, 1e-12, 1e-9, 1e-7, 1.9e-6, 2.1e-6, 9.9e-4, 1.1e-3])
ANGLES = NEAR_ZERO | NEAR_ZERO.map(lambda small: math.pi - small) | st.floats(0, math.pi)


@st.composite
def _twists(draw: st.DrawFn) -> np.ndarray:
    axis = np.array(draw(AXES))
    return np.concatenate([draw(PLACE), axis / np.linalg.norm(axis) * draw(ANGLES)])


TWISTS = _twists()
POSES = st.builds(Pose.from_wxyz, WXYZ, PLACE) | TWISTS.map(Pose.exp)
SIMILARITIES = st.builds(Similarity, st.floats(0.01, 100), POSES)


def _same(a: Pose, b: Pose, atol: float = 1e-9) -> None:
    assert angle_between(a, b) < atol
    np.testing.assert_allclose(a.position_m, b.position_m, atol=atol * 100, rtol=1e-12)


@given(a=POSES, b=POSES, c=POSES)
def test_poses_are_a_group(a: Pose, b: Pose, c: Pose):
    identity = Pose.identity()
    _same(a @ identity, a)
    _same(identity @ a, a)
    _same(a @ a.inverse(), identity)
    _same(a.inverse() @ a, identity)
    _same((a @ b) @ c, a @ (b @ c))
    _same((a @ b).inverse(), b.inverse() @ a.inverse())


@given(a=POSES, b=POSES, points=st.lists(PLACE, min_size=1, max_size=4))
def test_poses_act_on_points_like_their_matrices(a: Pose, b: Pose, points: list[tuple[float, float, float]]):
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=-1)
    np.testing.assert_allclose(a.apply(points), (homogeneous @ a.matrix().T)[:, :3], atol=1e-9)
    np.testing.assert_allclose(a.apply(b.apply(points)), (a @ b).apply(points), atol=1e-9)
    np.testing.assert_allclose((a @ b).matrix(), a.matrix() @ b.matrix(), atol=1e-9)
    np.testing.assert_allclose(a.inverse().apply(a.apply(points)), points, atol=1e-9)
    np.testing.assert_allclose(a.apply(points[0]), a.apply(points)[0], atol=1e-12)


@given(pose=POSES)
def test_rotations_are_proper_and_quaternions_unit(pose: Pose):
    R = pose.rotation()
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert math.isclose(np.linalg.det(R), 1.0, abs_tol=1e-12)
    assert math.isclose(np.linalg.norm(pose.wxyz), 1.0, abs_tol=1e-12)
    assert pose.wxyz.dtype == pose.position_m.dtype == np.float64


@given(pose=POSES)
def test_matrices_come_back(pose: Pose):
    _same(Pose.from_matrix(pose.matrix()), pose)
    _same(Pose.from_matrix(pose.matrix()[:3]), pose)
    _same(Pose.from_matrix(pose.rotation()), Pose(pose.wxyz, np.zeros(3)))


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_come_back_from_matrices(axis: int):
    # every branch of Shepperd's method: the quaternion's largest component is not the first
    signs = -np.ones(3)
    signs[axis] = 1.0
    wxyz = Pose.from_matrix(np.diag(signs)).wxyz
    np.testing.assert_allclose(np.abs(wxyz), np.eye(4)[axis + 1], atol=1e-15)


@given(twist=TWISTS)
@example(twist=np.zeros(6))
def test_exp_and_log_undo_each_other(twist: np.ndarray):
    pose = Pose.exp(twist)
    _same(Pose.exp(pose.log()), pose)
    back = pose.log()
    if np.linalg.norm(twist[3:]) < math.pi - 1e-5:
        np.testing.assert_allclose(back, twist, atol=1e-7)
    else:  # at half a turn the axis has two names
        assert np.linalg.norm(back[3:]) <= math.pi + 1e-12


@given(twist=TWISTS)
@example(twist=np.array([100.0, -100.0, 100.0, 5e-4, 5e-4, 6e-4]))
@example(twist=np.array([100.0, -100.0, 100.0, 1e-3, 0.0, 1e-6]))
def test_exp_is_the_matrix_exponential(twist: np.ndarray):
    rho, (x, y, z) = twist[:3], twist[3:]
    generator = np.zeros((4, 4))
    generator[:3, :3] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    generator[:3, 3] = rho
    term, total = np.eye(4), np.eye(4)
    for n in range(1, 40):
        term = term @ generator / n
        total = total + term
    np.testing.assert_allclose(Pose.exp(twist).matrix(), total, rtol=0, atol=1e-9)


@given(twist=TWISTS, share=st.floats(-2, 2))
def test_exp_of_one_axis_adds_up(twist: np.ndarray, share: float):
    _same(Pose.exp(twist * share) @ Pose.exp(twist * (1 - share)), Pose.exp(twist), atol=1e-7)


@given(axis=AXES, angle=ANGLES)
def test_rotation_vectors_have_the_turns_length(axis: tuple[float, float, float], angle: float):
    n = np.array(axis) / np.linalg.norm(axis)
    q = np.concatenate([[math.cos(angle / 2)], n * math.sin(angle / 2)])
    np.testing.assert_allclose(rotation_vector(q), n * angle, atol=1e-12)
    expected = n * angle if q[0] > 1e-9 else np.sign(rotation_vector(-q) @ n) * n * angle
    np.testing.assert_allclose(rotation_vector(-q), expected, atol=1e-8)  # −q is the same rotation
    turned = Pose.from_wxyz(q)
    assert math.isclose(angle_between(Pose.identity(), turned), angle, abs_tol=1e-12)


@given(a=POSES, b=POSES)
def test_interpolation_starts_and_ends_where_it_should(a: Pose, b: Pose):
    _same(a.interpolate(b, 0.0), a)
    _same(a.interpolate(b, 1.0), b)
    middle = a.interpolate(b, 0.5)
    np.testing.assert_allclose(middle.position_m, (a.position_m + b.position_m) / 2, atol=1e-12)
    half = angle_between(a, b) / 2
    assert math.isclose(angle_between(a, middle), half, abs_tol=1e-7)
    assert math.isclose(angle_between(middle, b), half, abs_tol=1e-7)


def test_interpolation_takes_the_short_way():
    a, b = (Pose.exp((0, 0, 0, 0, 0, math.radians(angle))) for angle in (170, -170))
    middle = a.interpolate(b, 0.5)
    np.testing.assert_allclose(middle.apply((1.0, 0.0, 0.0)), (-1.0, 0.0, 0.0), atol=1e-12)
    negated = Pose(-b.wxyz, b.position_m)
    _same(a.interpolate(negated, 0.5), middle)


@given(a=WXYZ, b=WXYZ)
def test_quaternion_products_are_rotation_products(a: tuple[float, ...], b: tuple[float, ...]):
    p, q = Pose.from_wxyz(a), Pose.from_wxyz(b)
    product = Pose.from_wxyz(quaternion_multiply(p.wxyz, q.wxyz))
    np.testing.assert_allclose(product.rotation(), p.rotation() @ q.rotation(), atol=1e-12)


@given(a=WXYZ, b=WXYZ, c=WXYZ)
def test_many_quaternions_are_turned_as_one_is(
    a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]
) -> None:
    turned = quaternions_turned(a, np.array([b, c]))
    np.testing.assert_array_equal(turned, [quaternion_multiply(a, b), quaternion_multiply(a, c)])
    assert quaternions_turned(a, np.zeros((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize(
    ("wxyz", "place"),
    [
        ((0, 0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (0, 0, 0)),
        ((1, 0, 0, 0), (0, 0)),
        ((math.nan, 0, 0, 1), (0, 0, 0)),
        ((math.inf, 0, 0, 1), (0, 0, 0)),
        ((1, 0, 0, 0), (0, math.nan, 0)),
    ],
)
def test_what_is_no_pose_is_refused(wxyz: tuple[float, ...], place: tuple[float, ...]):
    with pytest.raises(ValueError, match="a pose wants a finite non-zero quaternion and position"):
        Pose.from_wxyz(wxyz, place)


def test_matrices_that_are_no_motion_are_refused():
    with pytest.raises(ValueError, match=r"a pose matrix is 3x3, 3x4 or 4x4, got \(2, 2\)"):
        Pose.from_matrix(np.eye(2))
    for matrix in (np.diag([1.0, 1.0, -1.0]), np.eye(3) * 2, np.full((3, 3), np.nan)):
        with pytest.raises(ValueError, match="a pose matrix needs a proper rotation"):
            Pose.from_matrix(matrix)


def _same_similarity(a: Similarity, b: Similarity) -> None:
    scale = max(1.0, float(np.abs(b.matrix()).max()))
    np.testing.assert_allclose(a.matrix() / scale, b.matrix() / scale, atol=1e-9)


@given(a=SIMILARITIES, b=SIMILARITIES, c=SIMILARITIES)
def test_similarities_are_a_group(a: Similarity, b: Similarity, c: Similarity):
    identity = Similarity.identity()
    _same_similarity(a @ identity, a)
    _same_similarity(identity @ a, a)
    _same_similarity(a @ a.inverse(), identity)
    _same_similarity(a.inverse() @ a, identity)
    _same_similarity((a @ b) @ c, a @ (b @ c))


@given(a=SIMILARITIES, b=SIMILARITIES, point=PLACE)
def test_similarities_act_like_their_matrices(a: Similarity, b: Similarity, point: tuple[float, float, float]):
    moved = a.matrix() @ (*point, 1.0)
    np.testing.assert_allclose(a.apply(point), moved[:3], atol=1e-8)
    np.testing.assert_allclose((a @ b).matrix(), a.matrix() @ b.matrix(), rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose((a @ b).apply(point), a.apply(b.apply(point)), rtol=1e-9, atol=1e-6)
    assert math.isclose((a @ b).scale, a.scale * b.scale)


@given(pose=POSES, point=PLACE)
def test_a_similarity_of_scale_one_is_a_pose(pose: Pose, point: tuple[float, float, float]):
    np.testing.assert_allclose(Similarity(1.0, pose).apply(point), pose.apply(point), atol=1e-12)
    np.testing.assert_allclose(Similarity(1.0, pose).matrix(), pose.matrix(), atol=1e-12)
