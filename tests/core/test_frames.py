import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translight.core import frames
from translight.core.pose import Pose, angle_between

ANGLE = st.floats(-179.9, 179.9)
TILT = st.floats(-89.9, 89.9)
PLACE = st.tuples(*[st.floats(-100, 100)] * 3)
UNIT = st.floats(-1, 1)
WXYZ = st.tuples(UNIT, UNIT, UNIT, UNIT).filter(lambda q: math.hypot(*q) > 0.1)


def _same(a: Pose, b: Pose, atol: float = 1e-9) -> None:
    assert angle_between(a, b) < max(atol, 3e-8)
    np.testing.assert_allclose(a.position_m, b.position_m, atol=atol)


def _looks(camera: Pose) -> tuple[np.ndarray, np.ndarray]:
    """The stage directions in which the camera looks and in which its picture's top points."""
    R = camera.rotation()
    return R[:, 2], -R[:, 1]


def _unreal_axes(rotator_deg: tuple[float, float, float]) -> np.ndarray:
    """Rows: the X, Y and Z axis of an actor in Unreal's world, as FRotationMatrix has them."""
    sp, sy, sr = (math.sin(math.radians(a)) for a in rotator_deg)
    cp, cy, cr = (math.cos(math.radians(a)) for a in rotator_deg)
    return np.array(
        [
            [cp * cy, cp * sy, sp],
            [sr * sp * cy - cr * sy, sr * sp * sy + cr * cy, -sr * cp],
            [-(cr * sp * cy + sr * sy), cy * sr - cr * sp * sy, cr * cp],
        ]
    )


# by hand: right is +X, forward +Y, up +Z; pan, tilt and roll one at a time
@pytest.mark.parametrize(
    ("angles_deg", "ahead", "up"),
    [
        ((0, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((90, 0, 0), (-1, 0, 0), (0, 0, 1)),
        ((0, 90, 0), (0, 0, 1), (0, -1, 0)),
        ((0, 0, 90), (0, 1, 0), (1, 0, 0)),
        ((90, 0, 90), (-1, 0, 0), (0, 1, 0)),
        ((180, 45, 0), (0, -math.sqrt(0.5), math.sqrt(0.5)), (0, math.sqrt(0.5), math.sqrt(0.5))),
    ],
)
def test_opentrackio_by_hand(angles_deg: tuple[float, ...], ahead: tuple[float, ...], up: tuple[float, ...]):
    camera = frames.camera_from_opentrackio(*angles_deg, (1.0, 2.0, 3.0))
    np.testing.assert_allclose(_looks(camera), (ahead, up), atol=1e-12)
    assert camera.position_m.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("angles_deg", "ahead", "up"),
    [
        ((90, 0, 0), (1, 0, 0), (0, 0, 1)),
        ((0, 30, 0), (0, math.cos(math.pi / 6), 0.5), (0, -0.5, math.cos(math.pi / 6))),
        ((0, 0, 90), (0, 1, 0), (1, 0, 0)),
        ((-90, 0, 90), (-1, 0, 0), (0, 1, 0)),
    ],
)
def test_freed_by_hand(angles_deg: tuple[float, ...], ahead: tuple[float, ...], up: tuple[float, ...]):
    camera = frames.camera_from_freed(*angles_deg, (1000.0, -2000.0, 1500.0))
    np.testing.assert_allclose(_looks(camera), (ahead, up), atol=1e-12)
    np.testing.assert_allclose(camera.position_m, (1.0, -2.0, 1.5))


# yaw + right, pitch + up, roll + clockwise; location X forward, Y right, Z up
@pytest.mark.parametrize(
    ("rotator_deg", "ahead", "up"),
    [
        ((0, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((90, 0, 0), (0, 0, 1), (0, -1, 0)),
        ((0, 90, 0), (1, 0, 0), (0, 0, 1)),
        ((0, 0, 90), (0, 1, 0), (1, 0, 0)),
    ],
)
def test_unreal_by_hand(rotator_deg: tuple[float, ...], ahead: tuple[float, ...], up: tuple[float, ...]):
    camera = frames.camera_from_unreal((100.0, 200.0, 300.0), rotator_deg)
    np.testing.assert_allclose(_looks(camera), (ahead, up), atol=1e-12)
    np.testing.assert_allclose(camera.position_m, (2.0, 1.0, 3.0))


@pytest.mark.parametrize(
    ("rotation_rad", "ahead", "up"),
    [
        ((0, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, math.pi / 2, 0), (1, 0, 0), (0, 0, 1)),
        ((math.pi / 2, 0, 0), (0, 0, -1), (0, 1, 0)),
        ((0, 0, math.pi / 2), (0, 1, 0), (-1, 0, 0)),
    ],
)
def test_psn_by_hand(rotation_rad: tuple[float, ...], ahead: tuple[float, ...], up: tuple[float, ...]):
    camera = frames.camera_from_psn((1.0, 2.0, 3.0), rotation_rad)
    np.testing.assert_allclose(_looks(camera), (ahead, up), atol=1e-12)
    np.testing.assert_allclose(camera.position_m, (1.0, 3.0, 2.0))


def test_axis_constants_by_hand():
    point = (1.0, 2.0, 3.0)
    np.testing.assert_allclose(frames.STAGE_FROM_RDF.apply(point), (1.0, 3.0, -2.0), atol=1e-15)
    np.testing.assert_allclose(frames.RDF_FROM_RUB.apply(point), (1.0, -2.0, -3.0), atol=1e-15)
    np.testing.assert_allclose(frames.STAGE_FROM_RUB.apply(point), (1.0, -3.0, 2.0), atol=1e-15)
    _same(frames.RDF_FROM_RUB @ frames.RDF_FROM_RUB, Pose.identity())


@given(pan=ANGLE, tilt=TILT, roll=ANGLE, place=PLACE)
def test_angles_come_back(pan: float, tilt: float, roll: float, place: tuple[float, float, float]):
    angles, translation = frames.opentrackio_from_camera(frames.camera_from_opentrackio(pan, tilt, roll, place))
    np.testing.assert_allclose(angles, (pan, tilt, roll), atol=1e-9)
    np.testing.assert_allclose(translation, place, atol=1e-12)
    angles, position_mm = frames.freed_from_camera(frames.camera_from_freed(pan, tilt, roll, place))
    np.testing.assert_allclose(angles, (pan, tilt, roll), atol=1e-9)
    np.testing.assert_allclose(position_mm, place, atol=1e-12)
    location, rotator = frames.unreal_from_camera(frames.camera_from_unreal(place, (tilt, pan, roll)))
    np.testing.assert_allclose(rotator, (tilt, pan, roll), atol=1e-9)
    np.testing.assert_allclose(location, place, atol=1e-12)
    location, rotator = frames.unreal_from_pose(frames.pose_from_unreal(place, (tilt, pan, roll)))
    np.testing.assert_allclose(rotator, (tilt, pan, roll), atol=1e-9)
    np.testing.assert_allclose(location, place, atol=1e-12)


@given(wxyz=WXYZ, place=PLACE)
@example(wxyz=(0.5, 0.5, 0.5, 0.5), place=(0.0, 0.0, 0.0))
@example(wxyz=(1.0, 0.0, 0.0, 0.0), place=(0.0, 0.0, 0.0))
@example(wxyz=(0.0, 0.0, 0.70710678, 0.70710678), place=(0.0, 0.0, 0.0))
def test_every_camera_comes_back_from_every_system(wxyz: tuple[float, ...], place: tuple[float, float, float]):
    camera = Pose.from_wxyz(wxyz, place)
    pan, tilt, roll = frames.pan_tilt_roll_from_camera(camera)
    assert abs(tilt) <= math.pi / 2
    _same(frames.camera_from_pan_tilt_roll(pan, tilt, roll, place), camera)
    angles, translation = frames.opentrackio_from_camera(camera)
    _same(frames.camera_from_opentrackio(*angles, translation), camera)
    angles, position_mm = frames.freed_from_camera(camera)
    _same(frames.camera_from_freed(*angles, position_mm), camera)
    _same(frames.camera_from_unreal(*frames.unreal_from_camera(camera)), camera)
    _same(frames.pose_from_unreal(*frames.unreal_from_pose(camera)), camera)
    _same(frames.camera_from_psn(*frames.psn_from_camera(camera)), camera)


@given(pan=ANGLE, roll=ANGLE, up=st.sampled_from([90.0, -90.0]))
def test_straight_up_and_down_keep_the_pose_and_give_no_roll(pan: float, roll: float, up: float):
    camera = frames.camera_from_opentrackio(pan, up, roll, (0.0, 0.0, 0.0))
    found = frames.pan_tilt_roll_from_camera(camera)
    assert found[2] == 0.0
    assert math.isclose(found[1], math.radians(up))
    _same(frames.camera_from_pan_tilt_roll(*found, (0.0, 0.0, 0.0)), camera)


@given(pan=ANGLE, tilt=TILT, roll=ANGLE, place=PLACE)
def test_the_way_over_the_stage_equals_unreals_own_rules(
    pan: float, tilt: float, roll: float, place: tuple[float, float, float]
):
    x, y, z = place
    location, rotator = frames.unreal_from_camera(frames.camera_from_opentrackio(pan, tilt, roll, place))
    np.testing.assert_allclose(location, (y * 100, x * 100, z * 100), atol=1e-9)
    np.testing.assert_allclose(rotator, (tilt, -pan, roll), atol=1e-9)
    location, rotator = frames.unreal_from_camera(frames.camera_from_freed(pan, tilt, roll, place))
    np.testing.assert_allclose(location, (y / 10, x / 10, z / 10), atol=1e-9)
    np.testing.assert_allclose(rotator, (tilt, pan, roll), atol=1e-9)


@given(rotator=st.tuples(TILT, ANGLE, ANGLE), place=PLACE)
def test_unreals_rotation_matrix_gives_the_same_axes(
    rotator: tuple[float, float, float], place: tuple[float, float, float]
):
    camera = frames.camera_from_unreal(place, rotator)
    forward, right, up = _unreal_axes(rotator)
    R = camera.rotation()
    for axis, unreal in ((R[:, 2], forward), (R[:, 0], right), (-R[:, 1], up)):
        np.testing.assert_allclose(frames.unreal_from_stage_points(axis) / 100, unreal, atol=1e-12)
    # a point that the camera sees is at the same place whichever world says where
    seen = np.array([0.3, -0.2, 5.0])
    in_unreal = np.array(place) + 100 * (seen[2] * forward + seen[0] * right - seen[1] * up)
    np.testing.assert_allclose(frames.stage_from_unreal_points(in_unreal), camera.apply(seen), atol=1e-9)


@given(points=st.lists(PLACE, min_size=1, max_size=5))
def test_points_go_to_unreal_and_back_and_change_hand(points: list[tuple[float, float, float]]):
    np.testing.assert_allclose(
        frames.stage_from_unreal_points(frames.unreal_from_stage_points(points)), points, atol=1e-12
    )
    axes = frames.unreal_from_stage_points(np.eye(3)) / 100
    assert np.linalg.det(axes) == -1.0


@given(wxyz=WXYZ, place=PLACE, point=PLACE)
def test_psn_turns_points_by_rodrigues_in_its_own_axes(
    wxyz: tuple[float, ...], place: tuple[float, float, float], point: tuple[float, float, float]
):
    position, omega = frames.psn_from_camera(Pose.from_wxyz(wxyz, place))
    angle = float(np.linalg.norm(omega))
    x = np.array(point)
    if angle > 1e-6:
        k = np.array(omega) / angle
        x = x * math.cos(angle) + np.cross(k, x) * math.sin(angle) + k * np.dot(k, x) * (1 - math.cos(angle))
    in_psn = x + position
    # a body's x right, y up, z ahead are the camera's x, −y, z
    in_stage = Pose.from_wxyz(wxyz, place).apply((point[0], -point[1], point[2]))
    np.testing.assert_allclose(in_psn, in_stage[[0, 2, 1]], atol=1e-3 if angle <= 1e-6 else 1e-7)


@given(pan=st.floats(-3, 3), tilt=st.floats(-1.5, 1.5), roll=st.floats(-3, 3))
def test_turn_is_pan_then_tilt_then_roll_about_its_own_axes(pan: float, tilt: float, roll: float):
    chained = frames.turn(pan, 0, 0) @ frames.turn(0, tilt, 0) @ frames.turn(0, 0, roll)
    _same(frames.turn(pan, tilt, roll), chained)
    assert frames.turn(pan, tilt, roll).position_m.tolist() == [0.0, 0.0, 0.0]
