"""A camera that is set to a light shows that light white."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.procedural.sky.white import LUMINANCE, balance, white


@pytest.mark.parametrize("temperature_k", [2000.0, 2800.0, 3200.0, 3900.0])
def test_its_own_black_body_is_neutral(temperature_k: float) -> None:
    seen = balance(temperature_k) @ white(temperature_k)
    np.testing.assert_allclose(seen / seen.mean(), 1, atol=0.01)


@pytest.mark.parametrize(
    ("temperature_k", "x", "y"), [(5003.0, 0.34567, 0.35850), (5503.0, 0.33242, 0.34743), (6504.0, 0.31271, 0.32902)]
)
def test_its_own_daylight_is_neutral(temperature_k: float, x: float, y: float) -> None:
    # CIE 15: chromaticities of D50, D55 and D65
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    light = np.linalg.solve(to_xyz, [x / y, 1.0, (1 - x - y) / y])
    seen = balance(temperature_k) @ light
    np.testing.assert_allclose(seen, 1, atol=0.015)


def test_daylight_is_blue_to_a_camera_set_for_lamps() -> None:
    red, green, blue = balance(3200.0) @ white(5600.0)
    assert blue > 1.5 * green > 1.5 * 1.2 * red


def test_what_lies_beyond_the_tables_is_taken_as_the_nearest() -> None:
    np.testing.assert_array_equal(balance(20_000.0), balance(15_000.0))
    np.testing.assert_array_equal(balance(1500.0), balance(1700.0))


def test_whites_have_luminance_one() -> None:
    assert LUMINANCE @ white(4000.0) == pytest.approx(1)
