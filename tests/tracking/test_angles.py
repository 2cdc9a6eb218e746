"""The fast quaternions against ``core.frames`` and ``core.pose``, whose matrices they replace on the datagram path."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.frames import STAGE_FROM_RDF, camera_from_pan_tilt_roll
from translight.core.pose import Pose, angle_between
from translight.tracking import angles

DEG = st.floats(-179.9, 179.9)
TILT = st.floats(-89.0, 89.0)
METRES = st.floats(-100.0, 100.0)


@given(DEG, TILT, DEG, st.tuples(METRES, METRES, METRES))
def test_camera_pose_is_that_of_core_frames(pan: float, tilt: float, roll: float, position: angles.Vector) -> None:
    fast = angles.camera_pose(angles.pan_tilt_roll(pan, tilt, roll), position)
    slow = camera_from_pan_tilt_roll(math.radians(pan), math.radians(tilt), math.radians(roll), position)
    assert angle_between(fast, slow) < 1e-9
    assert fast.position_m.tolist() == list(position)


@given(DEG, TILT, DEG)
def test_angles_round_trip(pan: float, tilt: float, roll: float) -> None:
    pose = angles.camera_pose(angles.pan_tilt_roll(pan, tilt, roll), (0.0, 0.0, 0.0))
    assert angles.pan_tilt_roll_deg(pose) == pytest.approx((pan, tilt, roll), abs=1e-6)


@pytest.mark.parametrize("tilt", [90.0, -90.0])
@pytest.mark.parametrize("pan", [-170.0, 0.0, 33.0])
def test_straight_up_and_down_have_no_roll(tilt: float, pan: float) -> None:
    pose = angles.camera_pose(angles.pan_tilt_roll(pan, tilt, 0.0), (0.0, 0.0, 0.0))
    assert angles.pan_tilt_roll_deg(pose) == pytest.approx((pan, tilt, 0.0), abs=1e-4)


@pytest.mark.parametrize(
    ("turn", "looks", "up"),
    [
        ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((90.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),  # pan + is left
        ((0.0, 90.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),  # tilt + is up
        ((0.0, 0.0, 90.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),  # roll + is right side down
    ],
)
def test_what_the_camera_sees(turn: angles.Vector, looks: angles.Vector, up: angles.Vector) -> None:
    pose = angles.camera_pose(angles.pan_tilt_roll(*turn), (0.0, 0.0, 0.0))
    assert pose.apply([0.0, 0.0, 1.0]) == pytest.approx(looks, abs=1e-12)
    assert pose.apply([0.0, -1.0, 0.0]) == pytest.approx(up, abs=1e-12)


def test_level_camera_is_core_frames() -> None:
    assert pytest.approx(STAGE_FROM_RDF.wxyz) == angles.STAGE_FROM_LEVEL_CAMERA


@given(st.tuples(METRES, METRES, METRES), st.integers(0, 2), DEG)
def test_rotate_is_the_pose_applied(v: angles.Vector, axis: int, angle: float) -> None:
    q = angles.about(axis, math.radians(angle))
    assert angles.rotate(q, v) == pytest.approx(Pose(np.array(q), np.zeros(3)).apply(v), abs=1e-9)
    assert angles.rotate(q, tuple(np.eye(3)[axis])) == pytest.approx(np.eye(3)[axis])


@given(DEG, TILT, DEG)
def test_turn_of_undoes_camera_pose(pan: float, tilt: float, roll: float) -> None:
    turn = angles.pan_tilt_roll(pan, tilt, roll)
    assert angles.turn_of(angles.camera_pose(turn, (0.0, 0.0, 0.0))) == pytest.approx(turn, abs=1e-12)
