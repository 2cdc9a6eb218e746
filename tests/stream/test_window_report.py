"""Lines between a display's sender and its window's process."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.image import PixelFormat
from translight.stream.window_report import (
    Failed,
    Opened,
    Report,
    Shown,
    WindowJob,
    line_of,
    read_report,
    read_window_job,
)

JOB = WindowJob("display-1", 7, "Wall", "1", 64, 32, PixelFormat.RGB10A2, "scale", (320, 200), vsync=True, bits=10)


@pytest.mark.parametrize("report", [Opened("1 DP-1", 10, ("a", "b")), Shown(((1, 2, 3), (2, 4, 5))), Failed("gone")])
def test_reports_come_back(report: Report) -> None:
    line = line_of(report)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert read_report(line) == report


def test_a_job_comes_back() -> None:
    assert read_window_job(line_of(JOB)) == JOB


@settings(deadline=None)
@given(st.binary() | st.sampled_from([b"", b"{}", b'{"type":"shown"}', b'{"type":"shown","frames":[[1]]}', b"[]"]))
def test_what_is_no_report_is_none(line: bytes) -> None:
    assert read_report(line) is None
