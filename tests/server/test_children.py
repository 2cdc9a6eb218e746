"""Child processes: a job in, an exit status out, nothing left."""

import sys
import time
from pathlib import Path

import psutil
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


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX niceness")
def test_a_child_goes_first_where_it_may(worker: str) -> None:
    child = children.start("worker", worker, {"sleep": 600, "status": 0})
    try:
        process = psutil.Process(child.process.pid)
        deadline = time.monotonic() + 20
        while process.nice() != -10 and children.may_go_first():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert psutil.Process().nice() > -10, "the supervisor itself stays where it is"
    finally:
        child.kill()


def test_a_user_who_may_not_is_told_so_and_the_show_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "nice", refuse)
    assert not children.go_first()
