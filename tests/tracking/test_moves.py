from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.frames import pan_tilt_roll_from_camera
from translight.core.pose import Pose, angle_between
from translight.tracking.moves import MOVES, Move, NoiseOptions, TrackerNoise, open_move

NAMES = sorted(MOVES)


def times(move: Move, step_s: float = 0.02) -> list[float]:
    """Over more than a period, with the loop's seam and the half-way turn hit exactly."""
    return [*np.arange(0.0, 1.2 * move.period_s, step_s).tolist(), 0.0, move.period_s / 2, move.period_s]


def test_the_moves_of_the_simulate_urls_are_all_there() -> None:
    assert set(NAMES) == {"crane", "dolly", "handheld", "orbit", "pan", "static", "whip"}
    assert [open_move(name).name for name in NAMES] == NAMES


def test_an_unknown_move_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no camera move 'drone'; there are crane, dolly, handheld"):
        open_move("drone")


@pytest.mark.parametrize("name", NAMES)
def test_velocity_never_jumps(name: str) -> None:
    """A jump in velocity would show as an acceleration of its size over the step; one in pose, over its square."""
    move, h = open_move(name, 3), 1e-4
    for t in times(move):
        before, there, after = (move.pose(t + k * h) for k in (-1, 0, 1))
        bend_m = after.position_m - 2 * there.position_m + before.position_m
        into, out = (before.inverse() @ there).log()[3:], (there.inverse() @ after).log()[3:]
        assert np.linalg.norm(bend_m) / h**2 < 20.0, f"at {t} s"
        assert np.degrees(np.linalg.norm(out - into)) / h**2 < 2000.0, f"at {t} s"


@pytest.mark.parametrize("name", NAMES)
def test_it_loops(name: str) -> None:
    move = open_move(name)
    for t in (0.0, 0.31, 2.2):
        for turns in (-3, 1, 100):
            again = move.pose(t + turns * move.period_s)
            assert angle_between(move.pose(t), again) < 1e-6
            np.testing.assert_allclose(again.position_m, move.pose(t).position_m, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_it_stays_on_the_stage_and_looks_at_the_wall(name: str) -> None:
    move = open_move(name, 1)
    for t in times(move, 0.1):
        pose = move.pose(t)
        x, y, z = pose.position_m
        assert abs(x) <= 1.5 + 1e-9
        assert -6.0 <= y <= -4.0
        assert 1.0 <= z <= 3.0
        assert pose.rotation()[1, 2] > np.cos(np.radians(35)), "the camera's z axis points along stage +Y"
        assert pose.rotation()[2, 1] < -0.8, "the camera's y axis points down"


@pytest.mark.parametrize(("name", "fastest_deg_s"), [("crane", 8.0), ("pan", 20.0), ("whip", 161.0), ("static", 0.0)])
def test_it_turns_as_fast_as_its_description_says(name: str, fastest_deg_s: float) -> None:
    move, h = open_move(name), 1e-3
    speeds = [np.degrees(angle_between(move.pose(t), move.pose(t + h))) / h for t in times(move, 0.01)]
    assert max(speeds) == pytest.approx(fastest_deg_s, rel=0.06, abs=1e-6)


def test_an_orbit_faces_its_subject() -> None:
    move = open_move("orbit")
    for t in times(move, 0.5):
        x, y, z = move.pose(t).inverse().apply([0.0, 0.0, 1.5])
        assert (x, y) == pytest.approx((0.0, 0.0), abs=1e-9)
        assert z == pytest.approx(np.hypot(5.0, 0.1), rel=1e-3)


def test_a_seed_is_a_performance() -> None:
    first, same, other = open_move("handheld", 1), open_move("handheld", 1), open_move("handheld", 2)
    np.testing.assert_array_equal(first.pose(3.3).wxyz, same.pose(3.3).wxyz)
    assert angle_between(first.pose(3.3), other.pose(3.3)) > 1e-3


def test_handheld_is_slow_first_and_has_nothing_above_its_band() -> None:
    move = open_move("handheld", 5)
    rate_hz = 64.0
    pans = [pan_tilt_roll_from_camera(move.pose(k / rate_hz))[0] for k in range(int(move.period_s * rate_hz))]
    power = np.abs(np.fft.rfft(pans)) ** 2
    hz = np.fft.rfftfreq(len(pans), 1 / rate_hz)
    assert power[(hz > 0.1) & (hz < 1)].sum() > 5 * power[(hz >= 1) & (hz < 4)].sum()
    assert power[(hz >= 1) & (hz < 4)].sum() > 5 * power[(hz >= 4) & (hz < 8.01)].sum()
    assert power[hz > 8.5].sum() < 1e-6 * power[1:].sum()


def test_noise_is_as_strong_as_its_options_say() -> None:
    options = NoiseOptions(position_m=2e-4, rotation_deg=0.01, drift_position_m=0.0, drift_rotation_deg=0.0)
    noise, truth = TrackerNoise(0, options), open_move("crane").pose(1.0)
    measured = [noise.measure(truth, k / 240) for k in range(4000)]
    off_m = np.array([pose.position_m - truth.position_m for pose in measured])
    off_rad = np.array([(pose @ truth.inverse()).log()[3:] for pose in measured])
    np.testing.assert_allclose(off_m.std(axis=0), 2e-4, rtol=0.05)
    np.testing.assert_allclose(np.degrees(off_rad.std(axis=0)), 0.01, rtol=0.05)
    assert np.abs(off_m.mean(axis=0)).max() < 2e-5


def test_drift_is_slow_and_as_wide_as_its_options_say() -> None:
    options = NoiseOptions(position_m=0.0, rotation_deg=0.0, drift_position_m=1e-3, drift_rotation_deg=0.02)
    noise = TrackerNoise(3, options)
    measured = [noise.measure(Pose.identity(), float(t)) for t in range(0, 40_000, 7)]
    off_m = np.array([pose.position_m for pose in measured])
    np.testing.assert_allclose(off_m.std(axis=0), 1e-3, rtol=0.1)
    a, b = noise.measure(Pose.identity(), 10.0), noise.measure(Pose.identity(), 10.1)
    assert np.linalg.norm(b.position_m - a.position_m) < 0.1 * 1e-3
    assert np.degrees(angle_between(a, b)) < 0.1 * 0.02


@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_is_the_same_noise(seed: int) -> None:
    pose = open_move("crane").pose(0.5)
    a, b = (TrackerNoise(seed).measure(pose, 1.0) for _ in range(2))
    np.testing.assert_array_equal(a.position_m, b.position_m)
    np.testing.assert_array_equal(a.wxyz, b.wxyz)
