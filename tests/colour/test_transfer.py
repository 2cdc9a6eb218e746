"""Transfer functions against their specifications' constants and published points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.colour.transfer import gamma_decode, gamma_encode, pq_decode, pq_encode, srgb_decode, srgb_encode

Curve = Callable[[object], np.ndarray]

ROUND_TRIPS = [
    pytest.param(srgb_encode, srgb_decode, id="srgb"),
    pytest.param(gamma_encode, gamma_decode, id="gamma"),
]


@pytest.mark.parametrize(("encode", "decode"), ROUND_TRIPS)
@given(x=st.floats(-16, 16))
def test_decoding_undoes_encoding_with_sign_and_above_one(encode: Curve, decode: Curve, x: float) -> None:
    assert decode(encode(x)) == pytest.approx(x, rel=2e-7, abs=1e-12)  # IEC's rounded constants leave a 1e-8 seam


@given(nits=st.floats(0, 10_000))
def test_pq_round_trip(nits: float) -> None:
    assert pq_decode(pq_encode(nits)) == pytest.approx(nits, rel=1e-9, abs=1e-9)


@given(x=st.floats(0, 1), y=st.floats(0, 1))
def test_curves_never_fall(x: float, y: float) -> None:
    low, high = min(x, y), max(x, y)
    for curve in (srgb_encode, srgb_decode, gamma_encode, gamma_decode, pq_decode):
        assert curve(low) <= curve(high) + 1e-8
    assert pq_encode(low * 1e4) <= pq_encode(high * 1e4) * (1 + 1e-12)  # its 79th power multiplies what rounding leaves


def test_srgb_published_points() -> None:
    np.testing.assert_allclose(srgb_decode(np.array([0, 128, 255]) / 255), [0, 0.21586050, 1], atol=1e-7)
    assert srgb_encode(0.18) == pytest.approx(0.461356, abs=1e-6)
    # Value and slope meet at the cut
    assert srgb_encode(0.0031308) == pytest.approx(12.92 * 0.0031308)
    assert srgb_encode(0.00313081) == pytest.approx(12.92 * 0.00313081, rel=1e-5)


def test_pq_published_points() -> None:
    # ITU-R BT.2408-7: HDR reference white 203 cd/m² at 58 % PQ; ST 2084 anchors for 0, 100, 1000 and 10000 cd/m²
    np.testing.assert_allclose(
        pq_encode([0, 100, 203, 1000, 4000, 10_000]), [0, 0.508078, 0.580689, 0.751827, 0.902572, 1], atol=1e-5
    )
    # 10-bit full-range code 520 (of 1023) is the one nearest to 100 cd/m²
    assert round(float(pq_encode(100.0)) * 1023) == 520


def test_gamma_is_a_power_law() -> None:
    assert gamma_encode(0.5) == pytest.approx(0.5 ** (1 / 2.4))
    assert gamma_decode(0.5) == pytest.approx(0.5**2.4)
    assert gamma_encode(0.5, gamma=2.0) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("curve", [srgb_encode, srgb_decode, gamma_encode, gamma_decode, pq_encode, pq_decode])
def test_float32_stays_float32_and_everything_else_is_float64(curve: Curve) -> None:
    assert curve(np.ones((2, 3), np.float32)).dtype == np.float32
    assert curve(np.ones(4, np.uint8)).dtype == np.float64
    assert curve(0.25).shape == ()


def test_pq_clips_to_its_range() -> None:
    assert pq_encode(-5.0) == pytest.approx(0, abs=1e-6)
    assert pq_encode(20_000.0) == 1
    assert pq_decode(1.5) == pytest.approx(10_000)
