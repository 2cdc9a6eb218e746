"""Tints are factors of linear light, whatever the colours are encoded in."""

from __future__ import annotations

import numpy as np
import pytest

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.render.tint import tint_curve, tinted

CODES = np.repeat(np.linspace(0, 3, 3001)[:, None], 3, axis=1)
ABOVE_THE_TOE = 0.0405


def _error(factor: float, codes: np.ndarray) -> float:
    """Of the curve against decoding, multiplying and encoding, in 1/255."""
    exact = srgb_encode(factor * srgb_decode(codes))
    return float(np.abs(tinted(codes, tint_curve((factor,) * 3, "srgb")) - exact).max() * 255)


@pytest.mark.parametrize("factor", [0.05, 0.3, 0.9, 1.0, 1.1, 2.0, 8.0])
def test_above_the_dark_it_is_a_factor_of_linear_light(factor):
    both = (CODES[:, 0] > ABOVE_THE_TOE) & (srgb_encode(factor * srgb_decode(CODES))[:, 0] > ABOVE_THE_TOE)
    assert _error(factor, CODES[both]) < 0.01


@pytest.mark.parametrize(("factor", "levels"), [(0.25, 1.9), (0.5, 0.41), (1.0, 1e-3), (2.0, 0.41), (4.0, 1.9)])
def test_in_the_dark_it_is_off_by_little(factor, levels):
    assert _error(factor, CODES) < levels


def test_black_stays_black_and_no_tint_changes_nothing():
    for encoding in ("srgb", "linear"):
        for factor in (0.0, 0.5, 3.0):
            assert (tinted(np.zeros((1, 3)), tint_curve((factor,) * 3, encoding)) == 0).all()
        np.testing.assert_allclose(tinted(CODES, tint_curve((1, 1, 1), encoding)), CODES, atol=1e-12)


def test_channels_are_tinted_by_themselves_and_zero_puts_a_light_out():
    linear = tinted(np.full((1, 3), 0.5), tint_curve((0.0, 2.0, 0.5), "linear"))
    assert linear.tolist() == [[0.0, 1.0, 0.25]]
    assert tinted(np.full((1, 3), 0.5), tint_curve((0.0, 1.0, 1.0), "srgb"))[0, 0] == 0.0


@pytest.mark.parametrize("tint", [(-0.1, 1, 1), (1, np.nan, 1), (1, 1, np.inf), (1, 1)])
def test_a_wrong_tint_is_refused(tint):
    with pytest.raises(ValueError, match="a tint is three factors of linear light, 0 or above, got"):
        tint_curve(tint, "srgb")
