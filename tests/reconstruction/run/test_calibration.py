"""A machine of known rate is found out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.reconstruction.run.budget import Rate
from translight.reconstruction.run.calibration import TRIALS, measured_rate


def _pixels(width: int) -> int:
    return width * width * 3 // 4


@settings(deadline=None)
@given(st.floats(1e-4, 0.1), st.floats(1e-9, 1e-5), st.floats(1e-9, 1e-6))
def test_the_rate_is_found_from_its_own_timings(base: float, splat: float, pixel: float):
    truth = Rate(base, splat, pixel)
    found = measured_rate(lambda trial: truth.iteration_s(trial.splats, _pixels(trial.width_px)), _pixels)
    for trial in TRIALS:
        wanted = truth.iteration_s(trial.splats, _pixels(trial.width_px))
        assert found.iteration_s(trial.splats, _pixels(trial.width_px)) == pytest.approx(wanted, rel=1e-6)
    assert found.iteration_s(300_000, 480_000) == pytest.approx(truth.iteration_s(300_000, 480_000), rel=1e-3)


def test_timings_that_contradict_give_no_negative_part():
    timings = dict(zip(TRIALS, (0.010, 0.008, 0.020), strict=True))  # the larger picture was quicker
    found = measured_rate(timings.__getitem__, _pixels)
    assert min(found.base_s, found.splat_s, found.pixel_s) >= 0
    assert found.iteration_s(60_000, 30_000) == pytest.approx(0.020, rel=0.2)
