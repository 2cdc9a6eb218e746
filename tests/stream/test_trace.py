"""Traces come back as they went, and nothing else is taken for one."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.stream.contract import ReceiverCounts
from translight.stream.latency import COLUMNS
from translight.stream.trace import Trace, load_trace, save_trace


def _trace() -> Trace:
    rows = np.arange(5 * len(COLUMNS), dtype=np.int64).reshape(5, -1)
    return Trace("shm://x", Fraction(24000, 1001), 64, 36, "rgba8", ReceiverCounts(5, 1, 0, 0, 2, 3), rows)


def test_a_trace_comes_back(tmp_path: Path) -> None:
    save_trace(tmp_path / "a.npz", _trace())
    found = load_trace(tmp_path / "a.npz")
    assert (found.url, found.rate, found.width_px, found.height_px, found.format) == (
        "shm://x",
        Fraction(24000, 1001),
        64,
        36,
        "rgba8",
    )
    assert found.counts == _trace().counts
    np.testing.assert_array_equal(found.rows, _trace().rows)


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"/none/a\.npz: cannot be written \(No such file or directory\)$"):
        save_trace(tmp_path / "none" / "a.npz", _trace())


def _spoiled(path: Path, **changes: object) -> None:
    save_trace(path, _trace())
    with np.load(path) as archive:
        head, rows = json.loads(archive["head"].tobytes()), archive["rows"]
    rows = changes.pop("rows", rows)
    with path.open("wb") as out:
        np.savez(out, head=np.frombuffer(json.dumps({**head, **changes}).encode(), np.uint8), rows=rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 9}, "a trace of version 9; this reads version 1"),
        ({"columns": ["frame"]}, "a trace of version 1; this reads version 1"),
        ({"rows": np.zeros((2, 3), np.int64)}, r"int64 \(2, 3\) are no marks of frames"),
        ({"rows": np.zeros((2, len(COLUMNS)))}, r"float64 \(2, 12\) are no marks of frames"),
        ({"counts": {"no": 1}}, "not a trace of received frames .*"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    _spoiled(tmp_path / "a.npz", **changes)
    with pytest.raises(FormatError, match=rf"a\.npz: {message}$"):
        load_trace(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", b"\x93NUMPY\x01\x00", bytes(200)])
def test_rubbish_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.npz: not a trace of received frames"):
        load_trace(tmp_path / "a.npz")
    with pytest.raises(FormatError, match=r"b\.npz: not a trace"):
        load_trace(tmp_path / "b.npz")
