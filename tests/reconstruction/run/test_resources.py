"""Memory and disk, by the system's own figures."""

import errno
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from translight.core.errors import FormatError, ReconstructionError
from translight.reconstruction.run.resources import check_room, is_disk_full, needed_bytes

Usage = namedtuple("Usage", "total used free")


@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is POSIX")
def test_the_peak_counts_this_process_and_its_children():
    code = """
import subprocess, sys
from translight.reconstruction.run.resources import peak_memory
held = b"x" * 300_000_000
own = peak_memory()
del held
subprocess.run([sys.executable, "-c", "b'x' * 500_000_000"], check=True)
print(own.own_bytes, own.child_bytes, peak_memory().own_bytes, peak_memory().child_bytes)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own, none, still_own, child = map(int, run.stdout.split())
    assert 300_000_000 < own < 800_000_000
    assert none == 0
    assert still_own == pytest.approx(own, rel=0.05)  # the kernel counts in batches
    assert 500_000_000 < child < 800_000_000


def test_too_little_room_is_told_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    check_room(tmp_path, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 120_000_000))
    with pytest.raises(ReconstructionError) as error:
        check_room(tmp_path, 2_500_000_000)
    assert str(error.value) == f"{tmp_path}: 120 MB are free, about 2,500 MB are needed"


def test_more_stills_and_splats_need_more():
    assert needed_bytes(18, 100_000) < needed_bytes(200, 100_000) < needed_bytes(200, 1_000_000)


def test_a_full_disk_is_found_behind_what_it_caused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    try:
        raise FormatError("x.jpg: cannot be written") from full
    except FormatError as error:
        behind = error
    assert is_disk_full(full, tmp_path)
    assert is_disk_full(behind, tmp_path)
    assert not is_disk_full(OSError(errno.EACCES, "no"), tmp_path)
    assert not is_disk_full(FormatError("x"), tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 4096))
    assert is_disk_full(RuntimeError("PytorchStreamWriter failed writing file"), tmp_path)
    assert not is_disk_full(FormatError("x"), tmp_path)
