import os
import threading
from pathlib import Path

import pytest

from translight.core.files import whole_file
from translight.core.threads import Stages


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "picture.exr"
    with whole_file(path) as aside:
        assert aside.parent == tmp_path
        assert aside.suffix == ".exr"
        aside.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["picture.exr"]


def _write_then_fail(path: Path) -> None:
    with whole_file(path) as aside:
        aside.write_bytes(b"half")
        raise KeyError("lost")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    with pytest.raises(KeyError):
        _write_then_fail(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["picture.png"]


def test_two_threads_writing_one_path_never_mix(tmp_path: Path):
    path = tmp_path / "file.bin"
    meet = threading.Barrier(2)

    def write(stop: threading.Event, byte: bytes) -> None:
        for _ in range(50):
            meet.wait(10)
            with whole_file(path) as aside:
                aside.write_bytes(byte * 10_000)
            assert len(set(path.read_bytes())) == 1

    with Stages(deadline_s=20) as stages:
        stages.start("a", write, b"a")
        stages.start("b", write, b"b")
        while stages.running and not stages.stop.wait(0.001):
            pass
    assert os.listdir(tmp_path) == ["file.bin"]
