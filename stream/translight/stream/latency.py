"""Latency of received frames by stage, from the times in their headers: every frame's marks, and percentiles in ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from translight.core.clock import FrameClock
from translight.stream.contract import ReceivedFrame
from translight.stream.header import FLAG_TRACKING_LOST, NO_TIME, FrameHeader

STAGES = ("pose_age", "wait", "render", "composite", "send", "transport", "copy")
"""In order: datagram received → pose taken → render begins → render ends → composited → sent → available → copied."""
TOTAL = "total"
"""Datagram received → copied."""
COLUMNS = (
    "frame",
    "pose_sequence",
    "captured",
    "received",
    "pose_taken",
    "render_begin",
    "render_end",
    "composite_end",
    "sent",
    "available",
    "done",
    "presentation",
)
"""Of a frame's row: its number, its pose's, and times in ns; NO_TIME where unknown. A held pose has no ``received``."""
_FIRST_MARK, _LAST_MARK = COLUMNS.index("received"), COLUMNS.index("done")
KEPT = 200_000
"""Frames that a log keeps: an hour's at 50 a second."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class LatencyLog:
    """Keeps the newest ``keep`` frames' marks in one array; nothing is allocated per frame."""

    def __init__(self, clock_id: int, keep: int = KEPT) -> None:
        self._clock_id = clock_id
        self._rows: Int64[np.ndarray, "keep columns"] = np.full((keep, len(COLUMNS)), NO_TIME, np.int64)
        self._count = 0
        self.foreign = 0
        """Frames whose times are of another machine's clock, which cannot be compared."""

    def add(self, frame: ReceivedFrame) -> None:
        """Take a frame's times into account. Frames of a held pose (tracking lost) have no pose age and no total."""
        header, t = frame.header, frame.header.times
        if header.clock_id != self._clock_id:
            self.foreign += 1
            return
        received_ns = NO_TIME if header.flags & FLAG_TRACKING_LOST else t.received_ns
        self._rows[self._count % len(self._rows)] = (
            header.frame,
            header.pose_sequence,
            t.captured_ns,
            received_ns,
            t.pose_taken_ns,
            t.render_begin_ns,
            t.render_end_ns,
            t.composite_end_ns,
            t.sent_ns,
            frame.available_ns,
            frame.done_ns,
            t.presentation_ns,
        )
        self._count += 1

    def rows(self) -> Int64[np.ndarray, "n columns"]:
        """What is kept, oldest first; columns are COLUMNS."""
        kept = min(self._count, len(self._rows))
        return np.roll(self._rows, -(self._count % len(self._rows)), axis=0)[-kept:] if kept else self._rows[:0]

    def stages(self) -> dict[str, Percentiles]:
        """Percentiles of every stage that was seen, ``total`` among them."""
        durations = durations_ms(self._rows[: min(self._count, len(self._rows))])
        return {
            name: Percentiles(*(float(v) for v in np.percentile(values, (50, 95, 99))))
            for name, values in durations.items()
        }


def durations_ms(rows: Int64[np.ndarray, "n columns"]) -> dict[str, Float64[np.ndarray, "m"]]:
    """Milliseconds of each stage and of ``total``, one a frame whose marks are known; what was not seen is left out."""
    marks = rows[:, _FIRST_MARK : _LAST_MARK + 1]
    found: dict[str, Float64[np.ndarray, "m"]] = {}
    pairs = [(name, marks[:, i], marks[:, i + 1]) for i, name in enumerate(STAGES)]
    for name, begin, end in (*pairs, (TOTAL, marks[:, 0], marks[:, -1])):
        known = (begin != NO_TIME) & (end != NO_TIME)
        if known.any():
            found[name] = (end[known] - begin[known]) / 1e6
    return found


def column(rows: Int64[np.ndarray, "n columns"], name: str) -> Int64[np.ndarray, "n"]:
    """One of COLUMNS."""
    return rows[:, COLUMNS.index(name)]


def steady(rows: Int64[np.ndarray, "n columns"], warm_s: float) -> Int64[np.ndarray, "m columns"]:
    """The frames that were done ``warm_s`` or more after the first."""
    done = column(rows, "done")
    return rows[done >= done[:1] + int(warm_s * 1e9)]


def frames_late(header: FrameHeader, done_ns: int) -> float:
    """By how many frame times a frame came after its presentation time (negative: early)."""
    return (done_ns - header.times.presentation_ns) / FrameClock(header.rate).period_ns
