from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose, angle_between
from translight.tracking.filter import FilterOptions, MotionFilter
from translight.tracking.motion import Motion
from translight.tracking.moves import NoiseOptions, TrackerNoise, open_move
from translight.tracking.sample import TrackingSample

S = 1_000_000_000
QUIET = NoiseOptions(drift_position_m=0.0, drift_rotation_deg=0.0)


def sample(pose: Pose, time_ns: int, sequence: int = 0) -> TrackingSample:
    return TrackingSample(pose, received_ns=time_ns + 400_000, sequence=sequence, captured_ns=time_ns)


def feed(filter_: MotionFilter, path: Callable[[float], Pose], times_s: Iterable[float]) -> Motion:
    motion = None
    for t in times_s:
        motion = filter_.update(sample(path(t), round(t * S)))
    assert motion is not None
    return motion


def level(x: float = 0.0, pan_deg: float = 0.0) -> Pose:
    return camera_from_pan_tilt_roll(math.radians(pan_deg), 0.0, 0.0, (x, -5.0, 1.6))


def errors_mm_deg(predicted: Pose, true: Pose) -> tuple[float, float]:
    return 1e3 * float(np.linalg.norm(predicted.position_m - true.position_m)), math.degrees(
        angle_between(predicted, true)
    )


def prediction_errors(
    filter_: MotionFilter, move: str, rate_hz: float, horizon_s: float, noise: NoiseOptions, seconds: float = 8.0
) -> tuple[float, float]:
    """Root mean square of the prediction's errors in mm and degrees, after a second's settling."""
    truth, tracker = open_move(move), TrackerNoise(1, noise)
    errors = []
    for k in range(int(seconds * rate_hz)):
        t = k / rate_hz
        motion = filter_.update(sample(tracker.measure(truth.pose(t), t), round(t * S), k))
        if t > 1.0:
            errors.append(errors_mm_deg(motion.at(round((t + horizon_s) * S)), truth.pose(t + horizon_s)))
    mm, deg = np.sqrt((np.array(errors) ** 2).mean(axis=0))
    return float(mm), float(deg)


def test_constant_acceleration_is_found_and_predicted() -> None:
    acceleration, velocity = np.array([0.4, -0.2, 0.1]), np.array([0.1, 0.5, -0.3])
    spin, spin_up = np.array([0.05, -0.1, 0.3]), np.array([0.0, 0.0, 0.2])
    start = level()

    def path(t: float) -> Pose:
        position = start.position_m + velocity * t + acceleration * t * t / 2
        # turning about one axis, since only then is Exp(ωt + αt²/2) a constant angular acceleration for long
        angle = spin[2] * t + spin_up[2] * t * t / 2
        return Pose((Pose.exp([0, 0, 0, 0, 0, angle]) @ start).wxyz, position)

    motion = feed(MotionFilter(), path, np.arange(0, 2, 1 / 120).tolist())
    t = 2 - 1 / 120
    np.testing.assert_allclose(motion.velocity[:3], velocity + acceleration * t, atol=2e-3)
    np.testing.assert_allclose(motion.acceleration[:3], acceleration, atol=2e-2)
    np.testing.assert_allclose(motion.velocity[3:], [0, 0, spin[2] + spin_up[2] * t], atol=2e-4)
    np.testing.assert_allclose(motion.acceleration[3:], spin_up, atol=2e-3)
    mm, deg = errors_mm_deg(motion.at(round((t + 0.1) * S)), path(t + 0.1))
    assert mm < 0.3
    assert deg < 0.002


def test_it_smooths_a_still_camera() -> None:
    truth, tracker, filter_ = level(), TrackerNoise(2, QUIET), MotionFilter()
    raw, smooth = [], []
    for k in range(1200):
        measured = tracker.measure(truth, k / 240)
        motion = filter_.update(sample(measured, round(k / 240 * S), k))
        if k > 400:
            raw.append(errors_mm_deg(measured, truth))
            smooth.append(errors_mm_deg(motion.stage_from_camera, truth))
    assert (np.mean(raw, axis=0) > 2.0 * np.mean(smooth, axis=0)).all()


@pytest.mark.parametrize("move", ["crane", "orbit", "whip", "handheld"])
def test_prediction_beats_holding_the_last_pose(move: str) -> None:
    predicted = prediction_errors(MotionFilter(), move, 120, 0.03, QUIET)
    held = prediction_errors(MotionFilter(FilterOptions(enabled=False)), move, 120, 0.03, QUIET)
    assert predicted[1] < held[1] / 3
    if move != "whip":  # whose camera stays where it is, so that holding is the truth
        assert predicted[0] < held[0] / 1.5


@pytest.mark.parametrize("rotation_deg", [0.0005, 0.004, 0.03])
def test_it_measures_the_trackers_noise(rotation_deg: float) -> None:
    filter_ = MotionFilter()
    noise = NoiseOptions(rotation_deg / 10, rotation_deg, 0.0, 0.0)
    prediction_errors(filter_, "crane", 240, 0.05, noise, seconds=5.0)
    assert filter_.rotation_noise_deg == pytest.approx(rotation_deg, rel=0.2)
    assert filter_.position_noise_m == pytest.approx(rotation_deg / 10, rel=0.2)


@pytest.mark.slow
def test_a_noisier_tracker_than_believed_costs_little_once_measured() -> None:
    noise = NoiseOptions(0.001, 0.01, 0.0, 0.0)
    _, measured = prediction_errors(MotionFilter(), "crane", 240, 0.05, noise, seconds=6.0)
    _, told = prediction_errors(
        MotionFilter(FilterOptions(measure_noise=False, position_noise_m=0.001, rotation_noise_deg=0.01)),
        "crane", 240, 0.05, noise, seconds=6.0,
    )  # fmt: skip
    _, misled = prediction_errors(
        MotionFilter(FilterOptions(measure_noise=False, rotation_noise_deg=0.001)), "crane", 240, 0.05, noise, 6.0
    )
    assert measured < 1.3 * told
    assert measured < misled / 5


def test_switched_off_it_is_the_sample_itself() -> None:
    filter_ = MotionFilter(FilterOptions(enabled=False))
    for k, x in enumerate((0.0, 3.0, -1.0)):
        pose = level(x)
        motion = filter_.update(sample(pose, k * S))
        assert motion.stage_from_camera is pose
        np.testing.assert_array_equal(motion.at(k * S + 90_000_000).position_m, pose.position_m)
    assert filter_.counts.taken == 3


def test_the_time_of_capture_counts_and_else_the_time_of_arrival() -> None:
    assert MotionFilter().update(TrackingSample(level(), 700, 0, captured_ns=500)).time_ns == 500
    assert MotionFilter().update(TrackingSample(level(), 700, 0)).time_ns == 700


def test_arrival_times_that_jitter_do_not_shake_a_pan() -> None:
    rng = np.random.default_rng(0)

    def worst_deg(filter_: MotionFilter) -> float:
        worst = 0.0
        for k in range(1200):
            t = k / 240
            received = round((t + abs(rng.normal()) * 1e-4) * S)
            motion = filter_.update(TrackingSample(level(pan_deg=30.0 * t), received, k))
            if k > 600:
                worst = max(
                    worst, math.degrees(angle_between(motion.at(round((t + 0.05) * S)), level(pan_deg=30 * t + 1.5)))
                )
        return worst

    assert worst_deg(MotionFilter()) < 0.02
    believing = FilterOptions(arrival_jitter_ms=0.0, measure_noise=False, rotation_noise_deg=0.0005)
    assert worst_deg(MotionFilter(believing)) > 0.1


def test_irregular_intervals_do_no_harm() -> None:
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.uniform(0.001, 0.03, 400)).tolist()
    move = open_move("crane")
    motion = feed(MotionFilter(), move.pose, times)
    mm, deg = errors_mm_deg(motion.at(round((times[-1] + 0.05) * S)), move.pose(times[-1] + 0.05))
    assert mm < 0.5
    assert deg < 0.01


def test_late_and_repeated_samples_are_dropped_and_counted() -> None:
    filter_ = MotionFilter()
    before = feed(filter_, level, [0.0, 0.01, 0.02])
    late = filter_.update(sample(level(7.0), 15_000_000))
    again = filter_.update(sample(level(7.0), 20_000_000))
    assert late is before
    assert again is before
    assert (filter_.counts.taken, filter_.counts.late) == (3, 2)


@pytest.mark.parametrize("jump_s", [0.4, -0.4, -3600.0])
def test_a_gap_or_a_clock_set_back_starts_anew(jump_s: float) -> None:
    filter_ = MotionFilter()
    feed(filter_, lambda t: level(2 * t), np.arange(5, 6, 0.01).tolist())
    motion = filter_.update(sample(level(-1.0), round((6 + jump_s) * S)))
    assert motion.time_ns == round((6 + jump_s) * S)
    np.testing.assert_array_equal(motion.stage_from_camera.position_m, level(-1.0).position_m)
    np.testing.assert_array_equal(motion.velocity, np.zeros(6))
    assert filter_.counts.resets == 1


def test_a_short_gap_is_bridged() -> None:
    filter_, move = MotionFilter(), open_move("orbit")
    feed(filter_, move.pose, np.arange(0, 2, 0.01).tolist())
    motion = filter_.update(sample(move.pose(2.1), round(2.1 * S)))
    assert filter_.counts.resets == 0
    mm, deg = errors_mm_deg(motion.at(round(2.15 * S)), move.pose(2.15))
    assert mm < 2.0
    assert deg < 0.05


@pytest.mark.parametrize("glitch", [level(0.2), level(pan_deg=5.0)])
@pytest.mark.parametrize("length", [1, 2])
def test_a_glitch_is_ignored(glitch: Pose, length: int) -> None:
    filter_ = MotionFilter()
    feed(filter_, lambda _t: level(), np.arange(0, 1, 1 / 60).tolist())
    for k in range(length):
        motion = filter_.update(sample(glitch, round((1 + k / 60) * S)))
        mm, deg = errors_mm_deg(motion.at(motion.time_ns + 50_000_000), level())
        assert mm < 0.5
        assert deg < 0.01
    assert (filter_.counts.outliers, filter_.counts.resets) == (length, 0)


def test_a_jump_of_the_tracker_is_followed_after_three_samples() -> None:
    filter_ = MotionFilter()
    feed(filter_, lambda _t: level(), np.arange(0, 1, 1 / 60).tolist())
    there = level(0.7, 20.0)
    for k in range(3):
        motion = filter_.update(sample(there, round((1 + k / 60) * S)))
    assert (filter_.counts.outliers, filter_.counts.resets) == (3, 1)
    for k in range(3, 30):
        mm, deg = errors_mm_deg(motion.at(motion.time_ns + 50_000_000), there)
        assert mm < 1.0, "a jump is not a velocity"
        assert deg < 0.05
        motion = filter_.update(sample(there, round((1 + k / 60) * S)))


@pytest.mark.slow
def test_the_hardest_move_passes_the_gate() -> None:
    for rate_hz in (50, 240):
        filter_ = MotionFilter()
        prediction_errors(filter_, "whip", rate_hz, 0.02, QUIET)
        assert filter_.counts.outliers == 0


def test_a_pose_that_is_not_finite_is_an_outlier() -> None:
    filter_ = MotionFilter()
    broken = Pose(np.array([1.0, 0, 0, 0]), np.array([0.0, math.nan, 0.0]))
    with pytest.raises(ValueError, match="not finite"):
        filter_.update(sample(broken, 0))
    before = filter_.update(sample(level(), 0))
    assert filter_.update(sample(broken, 10_000_000)) is before
    assert filter_.counts.outliers == 1


@pytest.mark.parametrize("rate_hz", [25, 100])
def test_a_start_in_the_middle_of_fast_motion(rate_hz: int) -> None:
    filter_ = MotionFilter()
    motion = feed(filter_, lambda t: level(2.0 * t, 160.0 * t), [k / rate_hz for k in range(6)])
    mm, deg = errors_mm_deg(motion.at(motion.time_ns + S // 50), level(10.0 / rate_hz + 0.04, 800.0 / rate_hz + 3.2))
    assert filter_.counts.outliers == 0
    assert mm < 3.0
    assert deg < 0.3


def test_turning_round_and_round() -> None:
    motion = feed(MotionFilter(), lambda t: level(pan_deg=180.0 * t), np.arange(0, 10, 1 / 100).tolist())
    assert math.degrees(motion.velocity[5]) == pytest.approx(180.0, abs=0.05)
    assert math.degrees(angle_between(motion.at(10 * S), level(pan_deg=1800.0))) < 0.01


poses = st.builds(
    lambda seed, reach: Pose.from_wxyz(
        np.random.default_rng(seed).normal(size=4), reach * np.random.default_rng(seed + 1).normal(size=3)
    ),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 1e-6, 1e-2, 1.0, 1e4, 1e150]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(poses, st.integers(-(10**7), 10**9)), min_size=1, max_size=60), st.booleans())
def test_whatever_comes_it_stays_finite(samples: list[tuple[Pose, int]], timed: bool) -> None:
    filter_, time_ns = MotionFilter(), 0
    for k, (pose, step_ns) in enumerate(samples):
        time_ns += step_ns
        motion = filter_.update(TrackingSample(pose, time_ns, k, captured_ns=time_ns if timed else None))
        later = motion.at(motion.time_ns + 60_000_000)
        for got in (motion.stage_from_camera, later):
            assert np.isfinite(got.position_m).all()
            assert abs(np.linalg.norm(got.wxyz) - 1.0) < 1e-9
        assert np.isfinite(motion.velocity).all()
        assert np.isfinite(motion.acceleration).all()
    counts = filter_.counts
    assert counts.taken + counts.late + counts.outliers >= len(samples)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(20, 1000), st.floats(0.0, 0.05))
def test_random_smooth_motion_is_followed(seed: int, rate_hz: float, horizon_s: float) -> None:
    """A handheld camera anywhere in orientation space: where the stage's axes point must not matter."""
    rng = np.random.default_rng(seed)
    turned, move = Pose.from_wxyz(rng.normal(size=4), rng.normal(size=3)), open_move("orbit", seed)
    motion = feed(
        MotionFilter(), lambda t: turned @ move.pose(t), np.arange(0, 60 / rate_hz + 0.5, 1 / rate_hz).tolist()
    )
    t = motion.time_ns / S + horizon_s
    mm, deg = errors_mm_deg(motion.at(round(t * S)), turned @ move.pose(t))
    assert mm < 3.0
    assert deg < 0.05


@pytest.mark.parametrize(
    "bad", [{"stay_s": 0.0}, {"position_jerk": (0.0, 1.0)}, {"outliers_to_reset": 0}, {"arrival_jitter_ms": -1.0}]
)
def test_options_are_checked(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        FilterOptions(**bad)  # type: ignore[arg-type]
