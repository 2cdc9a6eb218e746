"""Rate, jitter and the newest sample of a tracker, from samples whose times are known."""

import json

import pytest

from translight.core.pose import Pose
from translight.tracking.angles import camera_pose, pan_tilt_roll
from translight.tracking.sample import LensSample, TrackingSample
from translight.tracking.source import SourceCounts
from translight.tracking.watch import Watch, sample_report


class Quiet:
    """A source that says only its counts."""

    def __init__(self) -> None:
        self.counts = SourceCounts(3, 1, {"checksum": 2})
        self.last_fault = "checksum: wrong"

    def read(self, timeout_s: float) -> TrackingSample | None:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


def test_nothing_yet() -> None:
    report = Watch().report(Quiet())
    assert report["rate_hz"] == 0.0
    assert report["jitter_ms"] == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    assert (report["bad"], report["superseded"], report["age_ms"]) == (2, 1, None)
    assert "position_m" not in report


def test_rate_jitter_and_age() -> None:
    watch = Watch()
    for n in range(101):
        late = 2_000_000 if n == 50 else 0
        received_ns = n * 10_000_000 + late
        watch.add(TrackingSample(Pose.identity(), received_ns, n, captured_ns=received_ns - 3_000_000))
    assert watch.rate_hz() == pytest.approx(100.0)
    jitter = watch.jitter_ms()
    assert (jitter["p50"], jitter["max"]) == (0.0, pytest.approx(2.0))
    assert watch.age_ms() == {"p50": 3.0, "p99": 3.0, "max": 3.0}


def test_a_sample_in_units_that_people_read() -> None:
    pose = camera_pose(pan_tilt_roll(30.0, -10.0, 5.0), (1.0, 2.0, 1.5))
    sample = TrackingSample(pose, 0, 1, "A", timecode="01:00:00:00", lens=LensSample(35.0, f_number=float("nan")))
    report = sample_report(sample)
    assert [report[k] for k in ("pan_deg", "tilt_deg", "roll_deg")] == pytest.approx([30.0, -10.0, 5.0])
    assert report["position_m"] == [1.0, 2.0, 1.5]
    assert report["lens"] == {"focal_length_mm": 35.0}
    json.dumps(report)
