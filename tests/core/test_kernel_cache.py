"""Kernels that are inlined across files are compiled anew when any of the files has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERNEL = """\
from numba import njit
from pathlib import Path
from part import twice
from translight.core.kernel_cache import cached

kernel = cached(njit(lambda x: twice(x) + 1), *([Path("other")] if Path("other").exists() else []))
"""
PART = "from numba import njit\ntwice = njit(lambda x: {} * x)\n"


def _run(folder: Path) -> tuple[int, int]:
    """What the kernel gives for 10, and how often it came from the cache."""
    code = "from kernel import kernel; print(kernel(10), sum(kernel.stats.cache_hits.values()))"
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=True)
    value, hits = done.stdout.split()
    return int(value), int(hits)


def test_a_changed_part_is_seen_and_an_unchanged_one_is_not_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "part.py").write_text(PART.format(2))
    assert _run(tmp_path) == (21, 0)
    assert _run(tmp_path) == (21, 1)
    (tmp_path / "part.py").write_text(PART.format(3))
    assert _run(tmp_path) == (31, 0)


def test_folders_that_it_builds_on_count_too(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "part.py").write_text(PART.format(2))
    (tmp_path / "other").mkdir()
    assert _run(tmp_path) == (21, 0)
    assert _run(tmp_path) == (21, 1)
    (tmp_path / "other" / "more.py").write_text("x = 1\n")
    assert _run(tmp_path) == (21, 0)
