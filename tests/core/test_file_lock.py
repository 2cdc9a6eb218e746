import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from translight.core.errors import FormatError
from translight.core.file_lock import locked

HOLD = """
import sys
from pathlib import Path
from translight.core.file_lock import locked
with locked(Path(sys.argv[1])) as have:
    print(have, flush=True)
    sys.stdin.read()
"""


def test_one_holds_it_and_the_next_is_told(tmp_path):
    with locked(tmp_path / "lock") as first:
        assert first
        with locked(tmp_path / "lock") as second:
            assert not second
        with locked(tmp_path / "other") as other:
            assert other
    with locked(tmp_path / "lock") as again:
        assert again


def test_one_who_waits_gets_it_when_it_is_free(tmp_path):
    path = tmp_path / "lock"
    with ExitStack() as first:
        assert first.enter_context(locked(path))
        free = threading.Timer(0.2, first.close)
        free.start()
        with locked(path, wait_s=30) as second:
            assert second
            assert free.finished.is_set()
            with locked(path, wait_s=0.05) as third:
                assert not third
        free.join()


def test_a_process_that_is_killed_frees_it(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "True\n"
        with locked(path) as have:
            assert not have
        holder.kill()
        holder.wait()
        with locked(path) as have:
            assert have


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "missing" / "lock"
    with pytest.raises(FormatError, match=rf"^{path}: cannot be written \(No such file or directory\)$"), locked(path):
        pass
