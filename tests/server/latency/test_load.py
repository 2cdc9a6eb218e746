"""Work beside a show: it works, and it is gone afterwards."""

import os
import time

import psutil
import pytest

from translight.server.latency.load import KINDS, loaded


@pytest.mark.parametrize("kind", list(KINDS))
def test_it_works_and_is_gone_afterwards(kind: str) -> None:
    before = set(psutil.Process().children())
    with loaded(kind):
        busy = set(psutil.Process().children()) - before
        assert len(busy) == {"none": 0, "cores": os.cpu_count()}.get(kind, 1)
        deadline = time.monotonic() + 30
        while not all(sum(process.cpu_times()[:2]) > 1.0 for process in busy):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not any(process.is_running() for process in busy)
