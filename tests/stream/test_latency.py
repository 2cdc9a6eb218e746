"""Latency by stage from header times."""

from fractions import Fraction

import numpy as np
import pytest

from translight.core.image import PixelFormat
from translight.stream.contract import ReceivedFrame
from translight.stream.header import FLAG_TRACKING_LOST, FrameHeader, FrameTimes
from translight.stream.latency import STAGES, LatencyLog, frames_late

MS = 1_000_000


def _frame(step_ms: int, *, flags: int = 0, clock: int = 5, received: bool = True) -> ReceivedFrame:
    marks = [k * step_ms * MS for k in range(1, 7)]
    times = FrameTimes(-1, marks[0] if received else -1, *marks[1:], 3 * step_ms * MS)
    header = FrameHeader(0, 1, 1, PixelFormat.RGBA8, rate=Fraction(50), flags=flags, times=times, clock_id=clock)
    return ReceivedFrame(header, np.zeros((1, 1, 4), np.uint8), 7 * step_ms * MS, 8 * step_ms * MS)


def test_each_stage_is_the_time_between_its_marks() -> None:
    log = LatencyLog(clock_id=5)
    for step in range(1, 101):
        log.add(_frame(step))
    stages = log.stages()
    assert set(stages) == {*STAGES, "total"}
    for name in STAGES:
        assert stages[name].p50 == pytest.approx(50.5)
        assert stages[name].p99 == pytest.approx(np.percentile(np.arange(1, 101), 99))
    assert stages["total"].p50 == pytest.approx(50.5 * 7)


def test_a_held_pose_has_no_age_and_no_total() -> None:
    log = LatencyLog(clock_id=5)
    log.add(_frame(1, flags=FLAG_TRACKING_LOST))
    log.add(_frame(1, received=False))
    assert "total" not in log.stages()
    assert "pose_age" not in log.stages()
    assert "render" in log.stages()


def test_another_machines_clock_is_not_compared() -> None:
    log = LatencyLog(clock_id=6)
    log.add(_frame(1))
    assert log.stages() == {}
    assert log.foreign == 1


def test_the_log_keeps_the_newest() -> None:
    log = LatencyLog(clock_id=5, keep=10)
    for step in [1000] * 50 + [1] * 10:
        log.add(_frame(step))
    assert log.stages()["render"].p99 == pytest.approx(1.0)


def test_lateness_is_counted_in_frames() -> None:
    frame = _frame(10)
    assert frames_late(frame.header, 50 * MS) == pytest.approx(1.0)
