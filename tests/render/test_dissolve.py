"""Dissolves are a mixer's: each picture by its share."""

from __future__ import annotations

import numpy as np
import pytest

from translight.render.contract import Frame
from translight.render.dissolve import dissolve


def _frame(seed: int, width: int = 37, height: int = 11) -> Frame:
    rng = np.random.default_rng(seed)
    return Frame(rng.random((height, width, 4), np.float32), rng.random((height, width), np.float32))


@pytest.mark.parametrize("threads", [None, 1, 2])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_colours_mix_and_depth_is_the_larger_shares(fraction, threads):
    frame, other, before = _frame(0), _frame(1), _frame(0)
    dissolve(frame, other, fraction, threads)
    wanted = (1 - fraction) * before.rgba + fraction * other.rgba
    np.testing.assert_allclose(frame.rgba, wanted, atol=2e-7)
    np.testing.assert_array_equal(frame.depth, other.depth if fraction > 0.5 else before.depth)
    np.testing.assert_array_equal(other.rgba, _frame(1).rgba)


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(
        ValueError, match=r"pictures that dissolve are of one size, got \(11, 37, 4\) and \(11, 36, 4\)"
    ):
        dissolve(_frame(0), _frame(1, 36), 0.5)
    with pytest.raises(ValueError, match=r"a dissolve goes from 0 to 1, got 1\.2"):
        dissolve(_frame(0), _frame(1), 1.2)
