import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import StreamError
from translight.core.shared_memory import SharedMemory, names, remove

FOLDER = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="segments are looked for under /dev/shm")


@pytest.fixture
def name() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    assert not [path.name for path in FOLDER.iterdir() if name in path.name]


def test_a_segment_is_zeroed_shared_and_gone_afterwards(name: str):
    with SharedMemory.create(name, 5000) as ours, SharedMemory.attach(name) as theirs:
        assert len(ours.buffer) == 5000
        assert bytes(ours.buffer) == bytes(5000)
        ours.buffer[7:10] = b"abc"
        assert bytes(theirs.buffer[7:10]) == b"abc"
        theirs.buffer[4999] = 255
        assert ours.buffer[4999] == 255
        assert not ours.replaced()
        assert not theirs.replaced()
        assert names(name) == [name]
    with pytest.raises(StreamError, match=f"^no shared memory named '{name}': is its sender running\\?$"):
        SharedMemory.attach(name)


def test_only_the_creator_removes_the_name(name: str):
    with SharedMemory.create(name, 16) as ours:
        SharedMemory.attach(name).close()
        assert names(name) == [name]
        theirs = SharedMemory.attach(name)
        ours.close()
        assert theirs.replaced()
        theirs.buffer[0] = 1  # the mapping outlives the name
        theirs.close()
        ours.close()  # twice is allowed


def test_a_second_creator_takes_the_name_over(name: str):
    first = SharedMemory.create(name, 16)
    reader = SharedMemory.attach(name)
    with SharedMemory.create(name, 32) as second:
        assert first.replaced()
        assert reader.replaced()
        assert not second.replaced()
        second.buffer[0] = 9
        assert reader.buffer[0] == 0
        first.close()  # does not take the second's name with it
        with SharedMemory.attach(name) as again:
            assert len(again.buffer) == 32
            assert again.buffer[0] == 9
    reader.close()


def test_an_array_keeps_the_memory_mapped_after_the_close(name: str):
    memory = SharedMemory.create(name, 64)
    array = np.frombuffer(memory.buffer, np.uint8)
    memory.close()
    array[:] = 3
    assert int(array.sum()) == 192
    del array


PEER = """
import sys
from translight.core.shared_memory import SharedMemory
with SharedMemory.attach(sys.argv[1]) as memory:
    memory.buffer[8:16] = bytes(reversed(memory.buffer[0:8]))
"""


def test_two_processes_see_each_others_writes(name: str):
    with SharedMemory.create(name, 16) as memory:
        memory.buffer[0:8] = b"12345678"
        subprocess.run([sys.executable, "-c", PEER, name], check=True, timeout=60)
        assert bytes(memory.buffer[8:16]) == b"87654321"
        # the other process has ended, and took neither the name nor the memory away
        assert names(name) == [name]
        assert not memory.replaced()


def test_a_dead_creators_name_stays_until_it_is_removed(name: str):
    code = (
        f"import os; from translight.core.shared_memory import SharedMemory as S; S.create({name!r}, 16); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 9
    assert names(name) == [name]
    remove(name)
    assert names(name) == []
    remove(name)


@pytest.mark.parametrize("bad", ["", "a/b", "../a", "name with blanks", "ü", "x" * 101])
def test_names_that_are_not_plain_are_refused(bad: str):
    for opener in (lambda: SharedMemory.create(bad, 16), lambda: SharedMemory.attach(bad)):
        with pytest.raises(ValueError, match="a shared memory name is 1 to 100 of"):
            opener()


@pytest.mark.parametrize("size", [0, -1])
def test_a_segment_is_not_empty(name: str, size: int):
    with pytest.raises(ValueError, match="at least one byte"):
        SharedMemory.create(name, size)


@pytest.mark.parametrize("size", [1 << 50, 1 << 70])
def test_a_segment_that_does_not_fit_is_refused_at_once_and_leaves_nothing(name: str, size: int):
    with pytest.raises(StreamError, match=f"^shared memory '{name}' of {size} bytes: ") as caught:
        SharedMemory.create(name, size)
    assert "\n" not in str(caught.value)


def test_a_segment_that_the_file_system_has_no_room_for_is_refused_before_it_is_written(name: str):
    total = os.statvfs(FOLDER)
    size = total.f_blocks * total.f_frsize + (1 << 20)
    if total.f_blocks == 0:
        pytest.skip("this /dev/shm has no limit")
    # a sparse file of this size could be mapped, and would end the process with SIGBUS when it is written
    with pytest.raises(StreamError, match=f"^shared memory '{name}' of {size} bytes: No space left on device$"):
        SharedMemory.create(name, size)


def test_a_file_that_is_no_segment_is_refused(name: str):
    path = FOLDER / f"translight-{name}"
    path.touch()
    try:
        with pytest.raises(StreamError, match="cannot be mapped"):
            SharedMemory.attach(name)
    finally:
        os.unlink(path)
