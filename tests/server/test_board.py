"""Status boards: a torn status is never read, the stop word arrives, an orphan notices."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from translight.core.shared_memory import SharedMemory, remove
from translight.server.board import Board
from translight.server.status import LiveStatus

_WRITER = """
import sys, time
from translight.server.board import Board
from translight.server.status import LiveStatus
with Board.attach(sys.argv[1], LiveStatus) as board:
    n = 0
    while not board.stopping:
        n += 1
        board.write(LiveStatus(phase="running", detail=str(n) * (n % 40), frames_sent=n, frames_dropped=n))
"""
_SUPERVISOR = """
import subprocess, sys
from translight.server.board import Board
from translight.server.status import LiveStatus
board = Board.create(sys.argv[2], LiveStatus)
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdin=subprocess.DEVNULL)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def board() -> Iterator[Board[LiveStatus]]:
    with Board.create(f"test-{uuid.uuid4().hex[:12]}", LiveStatus) as made:
        yield made


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_nothing_is_read_before_something_is_written(board: Board[LiveStatus]) -> None:
    assert board.read() is None
    board.write(LiveStatus(phase="running", stages_ms={"render": 3.5}))
    assert board.read() == LiveStatus(phase="running", stages_ms={"render": 3.5})
    assert board.age_s < 5
    board.clear()
    assert board.read() is None


def test_a_status_is_whole_while_another_process_writes_as_fast_as_it_can(board: Board[LiveStatus]) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, board.name])
    seen = set()
    deadline = time.monotonic() + 20
    while len(seen) < 200 and time.monotonic() < deadline:
        status = board.read()
        if status is not None:
            assert status.frames_sent == status.frames_dropped
            assert status.detail == str(status.frames_sent) * (status.frames_sent % 40)
            seen.add(status.frames_sent)
    board.ask_to_stop()
    assert writer.wait(10) == 0
    assert len(seen) >= 200


def test_a_process_notices_that_its_supervisor_was_killed() -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    command = [sys.executable, "-c", _SUPERVISOR, _WRITER, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "ready\n"
        with Board.attach(name, LiveStatus) as board:
            _wait(lambda: (status := board.read()) is not None and status.frames_sent > 0)
            supervisor.kill()
            supervisor.wait()
            _wait(lambda: board.age_s > 0.5)
    remove(name)


def test_a_status_that_is_too_large_is_refused(board: Board[LiveStatus]) -> None:
    with pytest.raises(ValueError, match="a status is at most 16320 bytes"):
        board.write(LiveStatus(detail="x" * 20_000))


def test_the_page_is_gone_afterwards() -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    with Board.create(name, LiveStatus):
        SharedMemory.attach(name, 16384).close()
    with pytest.raises(Exception, match="no shared memory named"):
        SharedMemory.attach(name, 16384)
