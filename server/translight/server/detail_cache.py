"""Levels of detail kept on disk between shows, found by the splats that they were made of; splats/detail.py makes them.

Making them takes seconds, a show's start should not. What cannot be read or kept is made anew, and a line logged.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import platformdirs

from translight.core.errors import FormatError
from translight.splats.cloud import SplatCloud
from translight.splats.detail import detail_levels
from translight.splats.files import load, save
from translight.splats.limits import Progress

KEPT_FILES = 32
"""The most that are kept; the longest unused go first."""
_METHOD = b"translight levels of detail 2"
"""Part of what names the files: counted up when detail.py makes other splats."""
_log = logging.getLogger(__name__)


def default_folder() -> Path:
    """This user's cache folder on this system."""
    return Path(platformdirs.user_cache_dir("translight", appauthor=False)) / "detail"


def kept_levels(cloud: SplatCloud, levels: int, folder: Path, progress: Progress | None = None) -> list[SplatCloud]:
    """``detail_levels`` of a cloud, from ``folder`` where they are kept there already; else they are made, and kept."""
    digest = _digest(cloud)
    files = [folder / f"{digest}-{level}.ply" for level in range(1, levels)]
    try:
        found = [load(file) for file in files if file.exists()]
    except FormatError as error:
        _log.warning("levels of detail are made anew: %s", error)
        found = []
    if len(found) == len(files):
        for file in files:
            _touch(file)
        return [cloud, *found]
    made = detail_levels(cloud, levels, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, coarser in zip(files, made[1:], strict=True):
            save(file, coarser)
        _forget(folder, KEPT_FILES)
    except (FormatError, OSError) as error:
        _log.warning("levels of detail are not kept: %s", error)
    return made


def _digest(cloud: SplatCloud) -> str:
    digest = hashlib.sha256(_METHOD)
    for array in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh):
        digest.update(repr(array.shape).encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.hexdigest()[:32]


def _touch(file: Path) -> None:
    try:
        os.utime(file)
    except OSError:
        _log.info("%s cannot be marked as used", file)


def _forget(folder: Path, kept: int) -> None:
    files = sorted(folder.glob("*.ply"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[kept:]:
        file.unlink(missing_ok=True)
