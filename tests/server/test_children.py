"""Child processes: a job in, an exit status out, nothing left."""

import sys
import time
from pathlib import Path

import pytest

from translight.server import children


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_worker.py").write_text(
        "import sys, time\n"
        "from translight.server.children import read_job\n"
        "job = read_job()\n"
        "time.sleep(job['sleep'])\n"
        "sys.exit(job['status'])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "a_worker"


def test_a_child_reads_its_job(worker: str) -> None:
    child = children.start("worker", worker, {"sleep": 0, "status": 7})
    assert child.wait(time.monotonic() + 20)
    assert child.status == 7
    child.kill()


def test_a_child_that_hangs_is_killed(worker: str) -> None:
    child = children.start("worker", worker, {"sleep": 600, "status": 0})
    assert not child.wait(time.monotonic() + 0.1)
    child.kill()
    assert not child.running


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
def test_a_child_is_in_a_group_of_its_own(worker: str) -> None:
    import os

    child = children.start("worker", worker, {"sleep": 600, "status": 0})
    try:
        assert os.getpgid(child.process.pid) != os.getpgid(0)
    finally:
        child.kill()
