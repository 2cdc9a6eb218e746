"""Distributions against NumPy's percentiles, and reports as JSON."""

import msgspec
import numpy as np
import pytest
from tests.server.latency.runs import run_with

from translight.core.errors import FormatError
from translight.server.latency.report import VERSION, Report, corrected, decode, distribution, encode


def test_percentiles_are_those_of_the_values_to_three_digits() -> None:
    values = np.random.default_rng(0).gamma(3.0, 4.0, 20_000)
    found = distribution(values)
    expected = np.percentile(values, (50, 90, 95, 99, 99.9, 100))
    np.testing.assert_allclose(
        [found.p50, found.p90, found.p95, found.p99, found.p99_9, found.max], expected, rtol=5e-3
    )
    assert found.count == 20_000
    assert not found.corrected


def test_nothing_measured_is_all_zero() -> None:
    assert distribution(np.empty(0)).count == 0
    assert distribution(np.empty(0)).max == 0.0


def test_places_without_a_frame_count_with_the_age_of_the_picture_shown() -> None:
    values, omitted = np.full(100, 10.0), np.zeros(100, np.int64)
    omitted[50] = 30  # half a second at 60 fps
    found = corrected(values, omitted, 1000 / 60)
    assert found.count == 130
    assert found.max == pytest.approx(10 + 500, rel=2e-3)
    assert found.p50 == pytest.approx(10, rel=2e-3)
    assert found.p90 == pytest.approx(10 + 17 * 1000 / 60, rel=0.05)
    assert distribution(values).p90 == pytest.approx(10, rel=2e-3)
    assert found.corrected


def test_a_report_comes_back() -> None:
    report = Report(VERSION, "0.1.0", "2026-01-01T00:00:00+00:00", "a machine", [run_with([10.0, 11.0, None])])
    assert decode(encode(report), "x") == report


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x: not a latency report (Input data was truncated)"),
        (b"{}", "x: not a latency report (Object missing required field `version`)"),
        (b"\xff\xfe", "x: not a latency report (JSON is malformed: invalid character (byte 0))"),
        (
            msgspec.json.encode(Report(7, "", "", "", [])),
            f"x: a report of version 7; this reads version {VERSION}",
        ),
    ],
)
def test_what_is_no_report_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(data, "x")
    assert str(caught.value) == message
