import os
import threading
from pathlib import Path

import pytest

from translight.core.errors import FormatError
from translight.core.files import whole_file, whole_folder, write_whole
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


def test_text_and_bytes_are_written_whole_or_refused_in_a_line(tmp_path: Path):
    write_whole(tmp_path / "a", "é")
    write_whole(tmp_path / "b", b"\x00\xff")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == ("é".encode(), b"\x00\xff")
    with pytest.raises(FormatError, match=r"/none/c: cannot be written \(No such file or directory\)$"):
        write_whole(tmp_path / "none" / "c", "x")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


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


def test_a_folder_appears_whole(tmp_path):
    with whole_folder(tmp_path / "out") as aside:
        (aside / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "1"
    with whole_folder(tmp_path / "out") as aside:
        (aside / "b").write_text("2")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "out"):
        raise ZeroDivisionError
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_come_gives_the_old_one_back(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("1")
    real, calls = os.rename, []

    def second_fails(old, new):
        calls.append(new)
        if len(calls) == 2:
            raise OSError("no")
        real(old, new)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(OSError, match="no"), whole_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_new_folder_replaces_none(tmp_path):
    def late():
        with whole_folder(tmp_path / "out", new=True) as aside:
            (aside / "mine").write_text("1")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "theirs").write_text("2")

    with pytest.raises(FileExistsError):
        late()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]
