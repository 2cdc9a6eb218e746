"""Encodings against published points, and light above a knee carried on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.generation.look.encoding import ENCODINGS, carried, decode, encode, mixed


def test_log_is_acescct():
    # S-2016-001: middle grey, 1, and the two ends of the curve
    light = np.array([0.18, 1.0, 0.0078125, 0.0])
    np.testing.assert_allclose(encode(light, "log"), [0.4135884, 0.5547945, 0.1552511, 0.0729055], atol=1e-6)
    assert decode(np.array([1.0]), "log")[0] == pytest.approx(222.861, rel=1e-5)


@given(st.floats(-0.001, 60_000), st.sampled_from(ENCODINGS))
def test_codes_come_back(light, encoding):
    assert decode(encode(np.array([light]), encoding), encoding)[0] == pytest.approx(light, rel=1e-9, abs=1e-12)


def test_float32_stays():
    light = np.array([[0.1, 2.0, 300.0]], np.float32)
    for encoding in ENCODINGS:
        assert decode(encode(light, encoding), encoding).dtype == np.float32
    assert carried(lambda x: x * np.float32(2), light, 1.0).dtype == np.float32
    assert mixed(light, light * np.float32(2), 0.5).dtype == np.float32


def test_light_above_the_knee_keeps_its_stops_and_the_hue_of_the_knee():
    squash = lambda x: np.sqrt(x) * [1.0, 0.9, 0.8]  # noqa: E731
    light = np.array([2.0, 1.0, 0.5]) * 2.0 ** np.arange(-4, 16)[:, None]
    seen = carried(squash, light, 2.0)
    np.testing.assert_allclose(seen[:5], squash(light[:5]))
    np.testing.assert_allclose(seen[5:] / seen[4:-1], 2.0)
    np.testing.assert_allclose(np.diff(np.log2(carried(squash, light, 2.0, 0.5)[4:]), axis=0), 0.5)


def test_strength_is_a_share_of_the_stops():
    light = np.array([[0.5, 0.5, 0.5]])
    np.testing.assert_allclose(mixed(light, light * 4, 0.5), light * 2)
    np.testing.assert_allclose(mixed(light, light * 4, 0.0), light)
