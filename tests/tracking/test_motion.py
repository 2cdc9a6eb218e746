from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64

from translight.core.pose import Pose, angle_between
from translight.tracking.motion import MAX_HORIZON_NS, Motion

START_NS = 5_000_000_000


def motion(seed: int = 0, *, scale: float = 1.0) -> Motion:
    rng = np.random.default_rng(seed)
    pose = Pose.from_wxyz(rng.normal(size=4), rng.normal(size=3))
    return Motion(START_NS, pose, scale * rng.normal(size=6), scale * rng.normal(size=6))


def stage_rate(before: Pose, after: Pose, step_s: float) -> Float64[np.ndarray, "6"]:
    turned = Pose(after.wxyz, np.zeros(3)) @ Pose(before.wxyz, np.zeros(3)).inverse()
    return np.concatenate([after.position_m - before.position_m, turned.log()[3:]]) / step_s


def test_its_own_time_is_its_own_pose() -> None:
    m = motion()
    assert m.at(START_NS) is m.stage_from_camera


def test_still_stays() -> None:
    pose = motion().stage_from_camera
    later = Motion.still(pose, START_NS).at(START_NS + 80_000_000)
    np.testing.assert_allclose(later.position_m, pose.position_m)
    np.testing.assert_allclose(later.wxyz, pose.wxyz, atol=1e-15)


@pytest.mark.parametrize("elapsed_ms", [-120, -3, 1, 50, 150])
def test_within_the_horizon_it_is_constant_acceleration(elapsed_ms: int) -> None:
    m = motion(3)
    t = elapsed_ms / 1e3
    step = m.velocity * t + 0.5 * m.acceleration * t * t
    expected = Pose.exp([0, 0, 0, *step[3:]]) @ m.stage_from_camera
    got = m.at(START_NS + elapsed_ms * 1_000_000)
    np.testing.assert_allclose(got.position_m, m.stage_from_camera.position_m + step[:3], atol=1e-12)
    assert angle_between(got, expected) < 1e-7


def test_a_pan_of_a_tilted_camera_turns_about_stage_z() -> None:
    tilted = Pose.exp([0, 0, 0, 0.7, 0, 0])
    panning = Motion(START_NS, tilted, np.array([0, 0, 0, 0, 0, 2.0]), np.zeros(6))
    got = panning.at(START_NS + 100_000_000)
    assert angle_between(got, Pose.exp([0, 0, 0, 0, 0, 0.2]) @ tilted) < 1e-7


@given(st.integers(0, 200), st.sampled_from([-1, 1]))
def test_position_and_velocity_are_continuous_at_the_horizon_and_the_stop(seed: int, direction: int) -> None:
    m = motion(seed, scale=3.0)
    step_ns = 10_000
    for corner_ns in (MAX_HORIZON_NS, 2 * MAX_HORIZON_NS):
        times = [START_NS + direction * (corner_ns + k * step_ns) for k in (-1, 0, 1)]
        before, there, after = (m.at(t) for t in times)
        rate_in, rate_out = stage_rate(before, there, step_ns / 1e9), stage_rate(there, after, step_ns / 1e9)
        np.testing.assert_allclose(rate_in, rate_out, atol=6e-3)


def test_past_twice_the_horizon_it_holds() -> None:
    m = motion(4)
    stopped, much_later = m.at(START_NS + 2 * MAX_HORIZON_NS), m.at(START_NS + 3_600_000_000_000)
    np.testing.assert_array_equal(stopped.position_m, much_later.position_m)
    np.testing.assert_array_equal(stopped.wxyz, much_later.wxyz)


def test_the_glide_is_half_a_horizon_at_the_speed_reached() -> None:
    m = Motion(0, Pose.identity(), np.array([2.0, 0, 0, 0, 0, 0]), np.zeros(6))
    assert m.at(10**10, max_horizon_ns=100_000_000).position_m[0] == pytest.approx(2.0 * 0.1 + 2.0 * 0.1 / 2)


def test_a_horizon_of_zero_predicts_nothing() -> None:
    m = motion(5)
    later = m.at(START_NS + 40_000_000, max_horizon_ns=0)
    np.testing.assert_array_equal(later.position_m, m.stage_from_camera.position_m)
    assert angle_between(later, m.stage_from_camera) < 1e-7


@given(st.integers(0, 1000), st.floats(0, 1e6), st.integers(-(10**12), 10**12))
def test_quaternions_stay_unit(seed: int, scale: float, elapsed_ns: int) -> None:
    pose = motion(seed, scale=scale).at(START_NS + elapsed_ns)
    assert abs(np.linalg.norm(pose.wxyz) - 1.0) < 1e-12
    assert np.isfinite(pose.position_m).all()
