"""OpenUSD's ParticleField3DGaussianSplat, read in a process of its own (``usd_reader``); ``usd_write`` writes it.

Source: OpenUSD 26.03, "UsdVol: ParticleField3DGaussianSplat". Security: OpenUSD is native code, and no small part of
it; what a hostile file does to it ends there, within the memory, time and files that the reader is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.errors import FormatError, MissingExtra
from translight.core.frames import STAGE_FROM_RUB
from translight.core.pose import Pose, Similarity
from translight.splats import raw
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, brief
from translight.splats.motion import joined, moved_in_rub, rdf_and_rub, similarity_of

CRATE_MAGIC = b"PXR-USDC"
TEXT_MAGIC = b"#usda "
SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
WHAT = "OpenUSD"
MISSING = MissingExtra("usd-core, which OpenUSD needs,", "usd")
_READER = "translight.splats.usd_reader"
_PATIENCE_S = 900.0
_OWN_MEMORY = 2 << 30
"""Address space of the reader beyond what the file may unpack to: OpenUSD itself, NumPy and Python."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One prim as the reader found it: where it stands on the USD stage, and its arrays within the reader's file."""

    count: int
    degree: int
    matrix: np.ndarray
    """(4 4), stage from prim, for column vectors."""


def decode(
    path: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None, patience_s: float = _PATIENCE_S
) -> SplatCloud:
    """Read a file of one layer; several prims become one cloud, in metres, turned from the stage's up axis to RDF.

    Raises FormatError on what is broken, refers to other files, holds no splats, scales them unequally, or takes more
    than the limits, and MissingExtra without ``usd-core``.
    """
    with tempfile.TemporaryDirectory("", "translight-usd-") as folder:
        arrays = Path(folder) / "arrays"
        report = _read(path, limits, arrays, patience_s)
        rub_from_stage = _rub_from(report["up_axis"], report["metres_per_unit"])
        fields = [_field(entry) for entry in report["fields"]]
        limits.check_count(sum(field.count for field in fields), WHAT)
        clouds, done = [], 0
        with arrays.open("rb") as file:
            for field in fields:
                cloud = rdf_and_rub(_cloud(file, field))
                clouds.append(moved_in_rub(cloud, rub_from_stage @ _similarity(field.matrix)))
                raw.check_finite(WHAT, clouds[-1])
                done += 1
                if progress is not None:
                    progress(done / len(fields))
    return clouds[0] if len(clouds) == 1 else joined(clouds)


def decode_bytes(data: bytes, suffix: str, limits: Limits = DEFAULT_LIMITS) -> SplatCloud:
    """The same for a file's bytes; the suffix is one of SUFFIXES."""
    with tempfile.TemporaryDirectory("", "translight-usd-") as folder:
        path = Path(folder) / f"scene{suffix}"
        path.write_bytes(data)
        return decode(path, limits)


def describe(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[int, int]:
    """(splats, SH degree). Raises as ``decode`` does."""
    report = _read(path, limits, None, _PATIENCE_S)
    fields = [_field(entry) for entry in report["fields"]]
    return sum(field.count for field in fields), max(field.degree for field in fields)


def _read(path: Path, limits: Limits, arrays: Path | None, patience_s: float) -> dict[str, Any]:
    """What the reader says of the file. Raises FormatError when it fails, dies or hangs."""
    job = {
        "path": str(path.absolute()),
        "arrays": None if arrays is None else str(arrays),
        "max_splats": limits.max_splats,
        "max_bytes": limits.max_bytes,
        "memory": _OWN_MEMORY + 2 * limits.max_bytes,
        "cpu_s": int(patience_s),
    }
    quiet = {**os.environ, "PXR_WORK_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", _READER, json.dumps(job)]
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=quiet, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FormatError(f"{WHAT}: takes longer than {patience_s:g} s to read") from error
    try:
        report = json.loads(run.stdout)
    except ValueError:
        # its last words are OpenUSD's own and name the file's innards, not what would be right
        raise FormatError(f"{WHAT}: the file ended its reader ({_ended(run.returncode)})") from None
    if report.get("missing"):
        raise MISSING
    if "error" in report:
        raise FormatError(f"{WHAT}: {brief(report['error'])}")
    return dict(report)


def _ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"


def _field(entry: dict[str, Any]) -> Field:
    return Field(int(entry["count"]), int(entry["degree"]), np.array(entry["matrix"], np.float64).reshape(4, 4))


def _cloud(file: Any, field: Field) -> SplatCloud:
    """The next field of the reader's file, in the prim's own space; what is not finite is refused."""
    n, k = field.count, 1 + raw.REST[field.degree]

    def take(*shape: int) -> np.ndarray:
        size = int(np.prod(shape))
        values = np.fromfile(file, "<f4", size)
        if len(values) != size:
            raise FormatError(f"{WHAT}: the reader wrote less than it said")
        return values.astype(np.float32, copy=False).reshape(shape)

    means, wxyz, scales, opacities = take(n, 3), take(n, 4), take(n, 3), take(n)
    sh = take(n, k, 3)
    with np.errstate(invalid="ignore"):
        for fault, wrong in (
            ("a negative scale", (scales < 0).any(axis=1)),
            ("an opacity outside 0 to 1", (opacities < 0) | (opacities > 1)),
        ):
            rows = np.flatnonzero(wrong)
            if len(rows):
                raise FormatError(f"{WHAT}: {len(rows):,} splats have {fault}, the first at index {rows[0]:,}")
    return raw.make_cloud(WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def _rub_from(up_axis: str, metres_per_unit: float) -> Similarity:
    """RUB in metres from the USD stage. Y up is RUB; Z up is turned about x, its y becoming forward."""
    turn = Pose.identity() if up_axis == "Y" else STAGE_FROM_RUB.inverse()
    if not (np.isfinite(metres_per_unit) and 0 < metres_per_unit < 1e9):
        raise FormatError(f"{WHAT}: metersPerUnit is {metres_per_unit:g}; a number above 0 is needed")
    return Similarity(metres_per_unit, turn)


def _similarity(matrix: np.ndarray) -> Similarity:
    found = similarity_of(matrix)
    if found is None:
        raise FormatError(f"{WHAT}: a prim scales splats unequally, shears or mirrors them, which is not read")
    return found
