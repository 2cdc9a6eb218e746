"""Depth's curve against its own formula written out, its inverse, and its documented steps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.colour.depth_curve import DepthCurve
from translight.core.errors import ShowError

CURVE = DepthCurve()


def test_the_ends_the_middle_and_what_lies_beyond() -> None:
    signal = CURVE.signal([0.5, math.sqrt(50), 100, 0.1, 0, 1e9, np.inf])
    np.testing.assert_allclose(signal, [1, 0.5, 0, 1, 1, 0, 0], atol=1e-12)


@given(st.floats(0.5, 99.9), st.sampled_from([255, 1023]))
def test_a_depth_comes_back_within_half_a_step(depth_m: float, largest: int) -> None:
    code = np.round(CURVE.signal(depth_m) * largest)
    back = float(CURVE.depth_m(code / largest))
    if code == 0:
        assert math.isinf(back)
        assert depth_m >= CURVE.far_m - CURVE.step_m(CURVE.far_m, largest)
    else:
        assert abs(back - depth_m) <= 0.51 * float(CURVE.step_m(max(depth_m, back), largest))


@pytest.mark.parametrize(("largest", "steps_m"), [(255, (0.021, 0.105, 0.420)), (1023, (0.0052, 0.0260, 0.1039))])
def test_the_documented_steps(largest: int, steps_m: tuple[float, ...]) -> None:
    np.testing.assert_allclose(CURVE.step_m([1, 5, 20], largest), steps_m, rtol=0.02)


@pytest.mark.parametrize("ends", [(0, 1), (1, 1), (2, 1), (0.5, 2000), (float("nan"), 1)])
def test_ends_that_are_none(ends: tuple[float, float]) -> None:
    with pytest.raises(ShowError) as caught:
        DepthCurve(*ends)
    assert str(caught.value) == (
        f"depth wants 0.01 <= near_m < far_m <= 1000 m, got near_m {ends[0]:g} and far_m {ends[1]:g}"
    )
