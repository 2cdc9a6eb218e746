"""A machine of known rate is found out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.run.budget import Rate
from translight.reconstruction.run.calibration import TRIALS, USUAL, Trial, crowd, measured_rate


def _pixels(width: int) -> int:
    return width * width * 3 // 4


@settings(deadline=None)
@given(st.floats(1e-4, 0.1), st.floats(1e-9, 1e-5), st.floats(1e-9, 1e-6))
def test_the_rate_is_found_from_its_own_timings(base: float, splat: float, pixel: float):
    truth = Rate(base, splat, pixel)
    found = measured_rate([(t, truth.iteration_s(t.splats, _pixels(t.width_px))) for t in TRIALS], _pixels)
    for trial in TRIALS:
        wanted = truth.iteration_s(trial.splats, _pixels(trial.width_px))
        assert found.iteration_s(trial.splats, _pixels(trial.width_px)) == pytest.approx(wanted, rel=1e-6)
    assert found.iteration_s(300_000, 480_000) == pytest.approx(truth.iteration_s(300_000, 480_000), rel=1e-3)


def test_timings_that_contradict_give_no_negative_part():
    timed = list(zip(TRIALS, (0.010, 0.008, 0.020), strict=True))  # the larger picture was quicker
    found = measured_rate(timed, _pixels)
    assert min(found.base_s, found.splat_s, found.pixel_s) >= 0
    assert found.iteration_s(60_000, 30_000) == pytest.approx(0.020, rel=0.2)


@pytest.mark.parametrize("count", [1, 2])
def test_few_trials_scale_what_is_usual(count: int):
    timed = [(t, 3 * USUAL.iteration_s(t.splats, _pixels(t.width_px))) for t in TRIALS[:count]]
    found = measured_rate(timed, _pixels)
    assert found.iteration_s(100_000, 120_000) == pytest.approx(3 * USUAL.iteration_s(100_000, 120_000))


def test_no_trial_gives_no_rate():
    with pytest.raises(ValueError, match="a rate is measured by at least one trial"):
        measured_rate([], _pixels)


@pytest.mark.parametrize("points", ["none", "before", "behind"])
def test_a_crowd_covers_what_the_camera_sees_once(points: str):
    camera, pose = Camera(800, 600, 700, 700, 400, 300), Pose.exp([1.0, -2.0, 0.5, 0.3, 0.2, -0.4])
    sparse = None
    if points != "none":
        xyz = pose.apply(np.random.default_rng(1).normal((0, 0, 20 if points == "before" else -20), 2, (50, 3)))
        sparse = SparsePoints(xyz, np.zeros((50, 3), np.uint8))
    dataset = Dataset((PosedImage("a", Path("a"), camera, pose),), sparse)
    cloud = crowd(dataset, Trial(400, 3000))
    assert (len(cloud), cloud.sh_degree) == (3000, 3)
    seen = pose.inverse().apply(cloud.means)
    pixels = camera.project(seen)
    assert ((pixels > -0.01) & (pixels < [800.01, 600.01])).all()
    depth = seen[:, 2]
    assert np.median(depth) == pytest.approx(20 if points == "before" else 5, rel=0.1)
    covered = ((cloud.scales.mean(axis=1) * 700 / depth) ** 2).sum()
    assert 0.3 < covered / (800 * 600) < 1
