import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from translight.core.errors import FormatError
from translight.splats import raw

SHARE = st.floats(0, 1, width=32)


@given(arrays(np.float32, 20, elements=SHARE))
def test_logit_undoes_sigmoid(opacities):
    logits = raw.logit(opacities)
    assert np.isfinite(logits).all()
    assert np.abs(raw.sigmoid(logits) - opacities).max() < 5e-7


@given(arrays(np.float32, 20, elements=st.floats(2**-100, 2**100, width=32)))
def test_log_undoes_exp(scales):
    assert np.allclose(raw.exp(raw.log(scales)), scales, rtol=1e-5)


def test_ends_without_warnings():
    assert raw.sigmoid(np.array([-np.inf, -1e4, 1e4, np.inf], np.float32)).tolist() == [0, 0, 1, 1]
    assert raw.exp(np.array([-np.inf, 1e4], np.float32)).tolist() == [0, np.inf]
    assert np.isfinite(raw.log(np.zeros(1, np.float32))).all()


@given(arrays(np.float64, (5, 4), elements=st.floats(-1, 1)).filter(lambda q: (np.abs(q).max(axis=1) > 0.01).all()))
def test_smallest_three_restore_the_rotation(q):
    q = q / np.linalg.norm(q, axis=1, keepdims=True)
    largest = np.abs(q).argmax(axis=1)
    q *= np.where(q[np.arange(5), largest] < 0, -1, 1)[:, None]
    small = np.array([np.delete(row, i) for row, i in zip(q, largest, strict=True)], np.float32)
    assert np.abs(raw.from_smallest_three(small, largest) - q).max() < 1e-5


def parts(n=70_000):
    ones = np.ones((n, 3), np.float32)
    wxyz = np.ones((n, 4), np.float32)
    return {
        "means": ones.copy(),
        "scales": ones.copy(),
        "wxyz": wxyz,
        "opacities": ones[:, 0].copy(),
        "sh": ones[:, None].copy(),
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [("means", "position"), ("scales", "scale"), ("wxyz", "rotation"), ("opacities", "opacity"), ("sh", "colour")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_bad_row_is_counted_across_blocks(name, said, value):
    values = parts()
    for row in (40_000, 40_001, 69_999):
        values[name][row].flat[-1:] = value
        if values[name].ndim == 1:
            values[name][row] = value
    with pytest.raises(FormatError, match=rf"^X: 3 splats have a NaN or infinite {said}, the first at index 40,000$"):
        raw.make_cloud("X", **values)


def test_opposite_infinities_do_not_hide_each_other():
    values = parts(4)
    values["means"][1, 0], values["means"][2, 0] = np.inf, -np.inf
    with pytest.raises(FormatError, match=r"^X: 2 splats have a NaN or infinite position, the first at index 1$"):
        raw.make_cloud("X", **values)


def test_largest_floats_are_finite():
    values = parts(4)
    values["means"][:] = np.finfo(np.float32).max
    assert len(raw.make_cloud("X", **values)) == 4


def test_quaternions_are_normalised_and_zero_ones_refused():
    values = parts(70_000)
    values["wxyz"][3] = [1e30, 0, 0, 0]
    values["wxyz"][4] = [0, 1e-9, 0, 0]
    cloud = raw.make_cloud("X", **values)
    assert cloud.wxyz[3].tolist() == [1, 0, 0, 0]
    assert cloud.wxyz[4].tolist() == [0, 1, 0, 0]
    values["wxyz"][60_000] = 0
    with pytest.raises(FormatError, match=r"^X: 1 splat has a zero rotation quaternion, the first at index 60,000$"):
        raw.make_cloud("X", **values)
