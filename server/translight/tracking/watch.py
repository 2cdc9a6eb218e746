"""How a tracker does over a while: rate, jitter, the newest sample; for ``translight track monitor``."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np

from translight.core.clock import NS_PER_S
from translight.tracking.angles import pan_tilt_roll_deg
from translight.tracking.sample import TrackingSample
from translight.tracking.source import Source

WINDOW = 2048
"""Samples that rate and jitter are of, at most."""


class Watch:
    """Takes note of samples as they are received."""

    def __init__(self) -> None:
        self.samples = 0
        self.last: TrackingSample | None = None
        self._received_ns: deque[int] = deque(maxlen=WINDOW)
        self._age_ns: deque[int] = deque(maxlen=WINDOW)

    def add(self, sample: TrackingSample) -> None:
        """A sample, just received."""
        self.samples += 1
        self.last = sample
        self._received_ns.append(sample.received_ns)
        if sample.captured_ns is not None:
            self._age_ns.append(sample.received_ns - sample.captured_ns)

    def rate_hz(self) -> float:
        """Samples a second over the window; 0 before the second one."""
        if len(self._received_ns) < 2:
            return 0.0
        span_ns = self._received_ns[-1] - self._received_ns[0]
        return (len(self._received_ns) - 1) * NS_PER_S / span_ns if span_ns > 0 else 0.0

    def jitter_ms(self) -> dict[str, float]:
        """How far intervals between samples are from their median, ms: p50, p99 and the most."""
        if len(self._received_ns) < 3:
            return {"p50": 0.0, "p99": 0.0, "max": 0.0}
        intervals = np.diff(np.array(self._received_ns)) / 1e6
        return _spread(np.abs(intervals - np.median(intervals)))

    def age_ms(self) -> dict[str, float] | None:
        """Measured at the tracker → received, ms; None when the tracker's times are not known on this clock."""
        return _spread(np.array(self._age_ns) / 1e6) if self._age_ns else None

    def report(self, source: Source) -> dict[str, Any]:
        """All of it, ready for JSON."""
        counts = source.counts
        told: dict[str, Any] = {
            "samples": counts.samples,
            "superseded": counts.superseded,
            "rate_hz": self.rate_hz(),
            "jitter_ms": self.jitter_ms(),
            "age_ms": self.age_ms(),
            "bad": counts.bad,
            "bad_by_cause": dict(counts.bad_by_cause),
            "last_fault": source.last_fault,
        }
        return told | (sample_report(self.last) if self.last is not None else {})


def sample_report(sample: TrackingSample) -> dict[str, Any]:
    """One sample in the units that people read: metres, degrees (pan + left, tilt + up, roll + right down), mm."""
    pan, tilt, roll = pan_tilt_roll_deg(sample.stage_from_camera)
    lens = {name: value for name, value in asdict(sample.lens).items() if value is not None}
    return {
        "camera": sample.camera,
        "position_m": sample.stage_from_camera.position_m.tolist(),
        "pan_deg": pan,
        "tilt_deg": tilt,
        "roll_deg": roll,
        "timecode": sample.timecode,
        "lens": {name: value for name, value in lens.items() if not isinstance(value, float) or math.isfinite(value)},
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    p50, p99 = np.percentile(values, (50, 99))
    return {"p50": float(p50), "p99": float(p99), "max": float(values.max())}
