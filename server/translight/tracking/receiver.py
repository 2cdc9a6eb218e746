"""The tracking process's loop: read, filter, write into the pose ring; the process itself is the server's."""

from __future__ import annotations

from contextlib import closing
from typing import Protocol

from translight.core.clock import NS_PER_S, now_ns
from translight.tracking.datagram import Tap
from translight.tracking.filter import FilterOptions, MotionFilter
from translight.tracking.ring import PoseRing, RingCounts
from translight.tracking.source import Source, SourceSpec, open_source

_LOOK_S = 0.1
"""How long a silent tracker keeps the loop from looking at ``stop``."""
_TELL_NS = NS_PER_S // 4
_RATE_NS = NS_PER_S


class Stop(Protocol):
    """What ends the loop: a ``threading.Event``, or anything that answers like one."""

    def is_set(self) -> bool:
        """Whether to end."""
        ...


def run(
    spec: SourceSpec, ring: PoseRing, stop: Stop, options: FilterOptions | None = None, *, tap: Tap | None = None
) -> None:
    """Open the source and follow it until ``stop`` is set. Raises StreamError or FormatError when it cannot open.

    ``tap`` sees every datagram: a ``TakeWriter``'s ``write`` records what the show received.
    """
    with closing(open_source(spec, tap=tap)) as source:
        follow(source, ring, stop, options)


def follow(source: Source, ring: PoseRing, stop: Stop, options: FilterOptions | None = None) -> None:
    """Every sample of an open source, filtered, into the ring, until ``stop`` is set; counts four times a second."""
    motion_filter = MotionFilter(options)
    rate = Rate()
    told_ns = 0
    while not stop.is_set():
        sample = source.read(_LOOK_S)
        if sample is not None:
            ring.write(sample, motion_filter.update(sample))
        now = now_ns()
        if now - told_ns >= _TELL_NS:
            told_ns = now
            ring.tell(_counts(source, motion_filter, rate.update(source.counts.samples, now), now))
    now = now_ns()
    ring.tell(_counts(source, motion_filter, rate.update(source.counts.samples, now), now))


class Rate:
    """Events a second, over about the last second."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, int]] = []

    def update(self, count: int, now: int) -> float:
        """The rate, given how many there were so far, at ``now`` in ns."""
        self._marks.append((now, count))
        while len(self._marks) > 2 and now - self._marks[1][0] >= _RATE_NS:
            del self._marks[0]
        then, before = self._marks[0]
        return (count - before) * NS_PER_S / (now - then) if now > then else 0.0


def _counts(source: Source, motion_filter: MotionFilter, rate_hz: float, now: int) -> RingCounts:
    counts = source.counts
    return RingCounts(
        received=counts.samples,
        superseded=counts.superseded,
        bad=counts.bad,
        bad_by_cause=dict(counts.bad_by_cause),
        last_fault=source.last_fault[:400],
        rate_hz=rate_hz,
        outliers=motion_filter.counts.outliers,
        resets=motion_filter.counts.resets,
        told_ns=now,
    )
