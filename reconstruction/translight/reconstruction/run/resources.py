"""What a run takes of its machine: peak memory, room on the disk, and whether that is what an error came from."""

from __future__ import annotations

import errno
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import ReconstructionError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ALMOST_NOTHING = 1 << 20
_BASE_BYTES = 64 << 20
_STILL_BYTES = 6 << 20
"""Features and matches of a still, and an undistorted copy where a method wants one."""
_SPLAT_BYTES = 59 * 4 * 8
"""59 values of degree 3, thrice in a checkpoint (values and Adam's two moments), two checkpoints, two packages."""


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """Largest resident sizes so far, in bytes: of this process, and of the largest of the children that have ended.

    They need not have been at once. Linux counts a child from the size that its parent had when it was started.
    """

    own_bytes: int
    child_bytes: int


def peak_memory() -> PeakMemory | None:
    """By getrusage(2), on Linux the process's own by /proc/self/status (proc(5), VmHWM); None on Windows.

    Linux's getrusage counts this process from the size that its parent had, too.
    """
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return PeakMemory(_high_water_bytes() or own * unit, child * unit)


def _high_water_bytes() -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None


def needed_bytes(stills: int, splats: int) -> int:
    """What a run's work folder and package take, roughly and rather too much."""
    return _BASE_BYTES + stills * _STILL_BYTES + splats * _SPLAT_BYTES


def check_room(folder: Path, needed: int) -> None:
    """Raises ReconstructionError where the disk of ``folder`` has less than ``needed`` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ReconstructionError(f"{folder}: {_megabytes(free)} are free, about {_megabytes(needed)} are needed")


def is_disk_full(error: BaseException, folder: Path) -> bool:
    """Whether an error, or one that it came from, is that nothing more fits on the disk of ``folder``."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, OSError | RuntimeError):  # libraries that do not say why a write failed
        return shutil.disk_usage(folder).free < _ALMOST_NOTHING
    return False


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
