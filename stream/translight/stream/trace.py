"""A received stream's marks on disk: every frame's row of latency.py, what the receiver counted, and the frame rate."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from translight.core.clock import parse_rate
from translight.core.errors import FormatError, TranslightError
from translight.core.files import whole_file
from translight.stream.contract import ReceiverCounts
from translight.stream.latency import COLUMNS

VERSION = 1
MAX_FRAMES = 50_000_000
"""Security: no trace of more frames is read (four days at 120 frames a second)."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a receiver saw: ``rows`` as latency.COLUMNS, ``counts``, the pictures' size, and their rate."""

    url: str
    rate: Fraction
    width_px: int
    height_px: int
    format: str
    counts: ReceiverCounts
    rows: Int64[np.ndarray, "n columns"]


def save_trace(path: Path, trace: Trace) -> None:
    """Write a NumPy archive, whole or not at all. Raises FormatError when it cannot be written."""
    head = {
        "version": VERSION,
        "url": trace.url,
        "rate": str(trace.rate),
        "width_px": trace.width_px,
        "height_px": trace.height_px,
        "format": trace.format,
        "counts": asdict(trace.counts),
        "columns": COLUMNS,
    }
    try:
        with whole_file(path) as aside, aside.open("wb") as out:
            np.savez(out, head=np.frombuffer(json.dumps(head).encode(), np.uint8), rows=trace.rows)
    except OSError as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror})") from error


def load_trace(path: Path) -> Trace:
    """What ``save_trace`` wrote. Raises FormatError on anything else."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            head, rows = json.loads(archive["head"].tobytes()), archive["rows"]
        if head["version"] != VERSION or tuple(head["columns"]) != COLUMNS:
            raise FormatError(f"{path}: a trace of version {head['version']}; this reads version {VERSION}")
        if rows.dtype != np.int64 or rows.ndim != 2 or rows.shape[1] != len(COLUMNS) or len(rows) > MAX_FRAMES:
            raise FormatError(f"{path}: {rows.dtype} {rows.shape} are no marks of frames")
        return Trace(
            str(head["url"]),
            parse_rate(head["rate"]),
            int(head["width_px"]),
            int(head["height_px"]),
            str(head["format"]),
            ReceiverCounts(**head["counts"]),
            rows,
        )
    except TranslightError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not a trace of received frames ({error})") from error
