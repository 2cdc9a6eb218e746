"""Values as Unreal takes them, against matrices computed another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ue_bridge.unreal_reader import rotator_axes

from translight.ue_bridge import values

UNREAL_FROM_STAGE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
metres = st.floats(-1000, 1000)


def axes(rotator: dict[str, float]) -> np.ndarray:
    return rotator_axes(rotator["Pitch"], rotator["Yaw"], rotator["Roll"])


def test_forward_right_and_up():
    assert values.location((1.0, 2.0, 3.0)) == {"X": 200.0, "Y": 100.0, "Z": 300.0}


@given(st.tuples(metres, metres, metres), st.floats(-360, 360), st.tuples(metres, metres, metres))
def test_a_placement_takes_points_where_the_stage_has_them(position_m, heading_deg, point_m):
    """A child of the environment's actor, at the point's own place in Unreal, stands where the stage puts it."""
    turn = np.radians(heading_deg)
    R = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    wanted = UNREAL_FROM_STAGE @ (R @ point_m + position_m) * 100
    own = np.array(list(values.location(point_m).values()))
    placed = own @ axes(values.heading(heading_deg)) + list(values.location(position_m).values())
    np.testing.assert_allclose(placed, wanted, atol=1e-2)


@given(st.tuples(metres, metres, metres).filter(lambda v: np.linalg.norm(v) > 1e-3))
def test_a_directional_light_shines_away_from_its_source(towards):
    forward = axes(values.light_along(towards))[0]
    np.testing.assert_allclose(forward, -(UNREAL_FROM_STAGE @ towards) / np.linalg.norm(towards), atol=1e-6)


def test_scaling_numbers_and_structs():
    assert values.scaled(2.0, 10.0) == 20.0
    assert values.scaled({"R": 0.5, "A": 1.0}, 2.0) == {"R": 1.0, "A": 2.0}
    with pytest.raises(ValueError, match="'dusk' has no size to multiply"):
        values.scaled("dusk", 2.0)


def test_noise_and_minus_zero_are_rounded_away():
    assert str(values.number(-1e-9)) == "0.0"
    assert values.colour((1, 0.25, 0)) == {"R": 1.0, "G": 0.25, "B": 0.0, "A": 1.0}
    assert values.filmback(36, 20.25) == {"SensorWidth": 36.0, "SensorHeight": 20.25}
