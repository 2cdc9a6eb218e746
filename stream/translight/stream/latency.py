"""Latency of received frames by stage, from the times in their headers: percentiles in ms."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import FrameClock
from translight.stream.contract import ReceivedFrame
from translight.stream.header import FLAG_TRACKING_LOST, NO_TIME, FrameHeader

STAGES = ("pose_age", "wait", "render", "composite", "send", "transport", "copy")
"""In order: datagram received → pose taken → render begins → render ends → composited → sent → available → copied."""
_COLUMNS = (*STAGES, "total")
_KEEP = 200_000


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class LatencyLog:
    """Keeps the newest ``keep`` frames' stage times in one array; nothing is allocated per frame."""

    def __init__(self, clock_id: int, keep: int = _KEEP) -> None:
        self._clock_id = clock_id
        self._rows: NDArray[np.float64] = np.full((keep, len(_COLUMNS)), np.nan)
        self._count = 0
        self.foreign = 0
        """Frames whose times are of another machine's clock, which cannot be compared."""

    def add(self, frame: ReceivedFrame) -> None:
        """Take a frame's times into account. Frames of a held pose (tracking lost) have no pose age and no total."""
        if frame.header.clock_id != self._clock_id:
            self.foreign += 1
            return
        self._rows[self._count % len(self._rows)] = _durations_ms(frame)
        self._count += 1

    def stages(self) -> dict[str, Percentiles]:
        """Percentiles of every stage that was seen, ``total`` being datagram received → frame copied."""
        rows = self._rows[: min(self._count, len(self._rows))]
        found: dict[str, Percentiles] = {}
        for column, name in enumerate(_COLUMNS):
            values = rows[:, column][np.isfinite(rows[:, column])]
            if len(values):
                found[name] = Percentiles(*(float(v) for v in np.percentile(values, (50, 95, 99))))
        return found


def frames_late(header: FrameHeader, done_ns: int) -> float:
    """By how many frame times a frame came after its presentation time (negative: early)."""
    return (done_ns - header.times.presentation_ns) / FrameClock(header.rate).period_ns


def _durations_ms(frame: ReceivedFrame) -> list[float]:
    t = frame.header.times
    received_ns = NO_TIME if frame.header.flags & FLAG_TRACKING_LOST else t.received_ns
    marks = [received_ns, t.pose_taken_ns, t.render_begin_ns, t.render_end_ns, t.composite_end_ns, t.sent_ns]
    marks += [frame.available_ns, frame.done_ns]
    steps = [(b - a) / 1e6 if NO_TIME not in (a, b) else np.nan for a, b in pairwise(marks)]
    total = (frame.done_ns - received_ns) / 1e6 if received_ns != NO_TIME else np.nan
    return [*steps, total]
