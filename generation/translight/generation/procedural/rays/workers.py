"""Rows of a picture shared among threads, which core/threads.py owns; kernels run without the GIL."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numba

from translight.core.threads import Stages

_DEADLINE_S = 3600.0
"""For what is under way when the others are done: a few rows."""


def worker_count() -> int:
    """As many as Numba would use: NUMBA_NUM_THREADS, else all cores."""
    settings: Any = numba.config
    return int(settings.NUMBA_NUM_THREADS)


def share_rows(workers: int, rows: int, group: int, work: Callable[[int, int, int], None]) -> None:
    """Call ``work(worker, first, last)`` until all rows are done, a group at a time, each by the next free worker."""
    tickets = itertools.count(0, group)

    def run(_stop: threading.Event, worker: int) -> None:
        # The block below ends at once and waits: ``stop`` is set all along, and only an error cuts the work short.
        while (first := next(tickets)) < rows and not failed.is_set():
            try:
                work(worker, first, min(first + group, rows))
            except BaseException:
                failed.set()
                raise

    failed = threading.Event()
    if workers == 1:
        run(failed, 0)
        return
    with Stages(deadline_s=_DEADLINE_S) as stages:
        for worker in range(workers):
            stages.start(f"rows {worker}", run, worker)
