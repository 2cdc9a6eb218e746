"""From a folder of stills to a ``Capture``: which files are meant, what each says of itself, and which are damaged."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from translight.core.errors import FormatError
from translight.core.progress import Progress, silent
from translight.reconstruction import masks
from translight.reconstruction.capture import Capture, GeoPosition, Still
from translight.reconstruction.exif import Exif, read_exif
from translight.reconstruction.stills import SUFFIXES, exif_directories, open_still, shown_size
from translight.reconstruction.video import SUFFIXES as VIDEO_SUFFIXES

MAX_FILES = 100_000
"""A folder with more entries below it is hardly one of photographs: the wrong one was given."""

_IMAGE_FOLDERS = ("images", "input")
"""Where nerfstudio and INRIA's trainer keep the pictures, beside smaller copies of them."""
_LEFT_OUT = (masks.FOLDER, "@eaDir", "__MACOSX")
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf")
_NAMED = 3
_CHECKED_PX = 512

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Scan:
    """A folder looked through: the capture of what can be read, and why the other pictures cannot, by name."""

    capture: Capture
    damaged: Mapping[str, str]


def read_capture(folder: Path, *, skip_damaged: bool = False, progress: Progress = silent) -> Capture:
    """The stills of a folder. Every file is opened and decoded (JPEGs coarsely), so that damage is found now.

    A damaged picture is refused by name unless ``skip_damaged``: a picture left out in silence is missed only when
    its place is. Raises FormatError on a folder without pictures and on damaged ones; MissingExtra on HEIC pictures
    without pillow-heif.
    """
    found = scan(folder, progress)
    if found.damaged and not skip_damaged:
        raise damage_error(folder, found.damaged)
    if not found.capture.stills:
        raise FormatError(f"{folder}: all {len(found.damaged)} pictures are damaged: {_listed(found.damaged)}")
    return found.capture


def scan(folder: Path, progress: Progress = silent) -> Scan:
    """Look through a folder of stills; damaged ones are told, not raised. Raises FormatError when there are none."""
    root, files = still_files(folder)
    names = [file.relative_to(root).as_posix() for file in files]
    found: dict[str, _Facts] = {}
    damaged: dict[str, str] = {}
    for name, facts in zip(names, each(_facts, files, "reading photographs", progress), strict=True):
        if isinstance(facts, FormatError):
            damaged[name] = str(facts)
        else:
            found[name] = facts
    by_name = masks.find_masks(root, {name: facts.size for name, facts in found.items()})
    flat = all(facts.exif.altitude_m is None for facts in found.values())
    stills = tuple(
        _still(name, root / name, facts, by_name.get(name), flat=flat) for name, facts in sorted(found.items())
    )
    return Scan(Capture(folder, stills), damaged)


def damage_error(folder: Path, damaged: Mapping[str, str]) -> FormatError:
    """What is said of damaged pictures that nobody allowed to leave out."""
    count = "1 picture is" if len(damaged) == 1 else f"{len(damaged)} pictures are"
    return FormatError(f"{folder}: {count} damaged: {_listed(damaged)}; repair or remove, or skip damaged pictures")


def still_files(folder: Path) -> tuple[Path, list[Path]]:
    """(root that names begin at, pictures in the order of their names): those of the folder itself; where there are
    none, of ``images`` or ``input`` in it; else of all its folders but masks and hidden ones.

    Raises FormatError, saying what is there instead, when there are none.
    """
    if not folder.is_dir():
        raise FormatError(f"{folder}: no such folder" if not folder.exists() else f"{folder}: not a folder")
    for root in (folder, *(folder / name for name in _IMAGE_FOLDERS)):
        here = sorted(file for file in _entries(root) if _is_still(file))
        if here:
            return root, here
    below: list[Path] = []
    others: Counter[str] = Counter()
    for file in _files_below(folder):
        if _is_still(file):
            below.append(file)
        else:
            others[file.suffix.lower() or "without a suffix"] += 1
    if not below:
        raise FormatError(f"{folder}: {_instead(others)}")
    return folder, sorted(below, key=lambda file: file.relative_to(folder).as_posix())


def each(work: Callable[[T], R], items: Iterable[T], what: str, progress: Progress) -> Iterator[R | FormatError]:
    """Results in order, made on some threads (decoders run without the interpreter's lock); FormatErrors as values."""
    items = list(items)

    def safely(item: T) -> R | FormatError:
        try:
            return work(item)
        except FormatError as error:
            return error

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        try:
            for done, result in enumerate(threads.map(safely, items), start=1):
                progress(what, done / len(items))
                yield result
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Facts:
    size: tuple[int, int]
    exif: Exif


def _facts(file: Path) -> _Facts:
    with open_still(file) as picture:
        size = shown_size(picture)
        facts = _Facts(size, read_exif(*exif_directories(picture), size))
        if picture.format in ("JPEG", "MPO"):
            picture.draft("RGB", (_CHECKED_PX, _CHECKED_PX))  # reads every byte, and reconstructs few pixels
        picture.load()
    return facts


def _still(name: str, file: Path, facts: _Facts, mask: Path | None, *, flat: bool) -> Still:
    exif, (width, height) = facts.exif, facts.size
    altitude_m = 0.0 if flat else exif.altitude_m
    geo = None
    if exif.latitude_deg is not None and exif.longitude_deg is not None and altitude_m is not None:
        geo = GeoPosition(exif.latitude_deg, exif.longitude_deg, altitude_m)
    camera = f"{exif.camera or 'unknown camera'} {width}x{height}"
    return Still(name, file, width, height, camera, exif.focal_px, geo, exif.exposure_ev, exif.taken_s, mask)


def _is_still(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (entry for entry in folder.iterdir() if entry.is_file())


def _files_below(folder: Path) -> Iterator[Path]:
    seen = 0
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not name.startswith(".")]
        seen += len(files)
        if seen > MAX_FILES:
            raise FormatError(f"{folder}: more than {MAX_FILES} files below it; give the folder of the photographs")
        yield from (Path(at, name) for name in files)


def _instead(others: Counter[str]) -> str:
    wanted = "no photographs; .jpg, .png, .tif and .heic are read"
    videos = sum(others[suffix] for suffix in VIDEO_SUFFIXES)
    if videos:
        return f"no photographs, but {'a video' if videos == 1 else f'{videos} videos'}: give a video's file itself"
    raw = sum(others[suffix] for suffix in _RAW)
    if raw:
        return f"{wanted}, and the {raw} raw files here only once developed to one of these"
    return f"{wanted} (here: {', '.join(f'{n} {s}' for s, n in others.most_common(_NAMED))})" if others else wanted


def _listed(damaged: Mapping[str, str]) -> str:
    """Names of the first, with what is wrong where there is but one."""
    if len(damaged) == 1:
        ((name, why),) = damaged.items()
        return f"{name} ({why.partition(': ')[2] or why})"
    more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    return ", ".join(sorted(damaged)[:_NAMED]) + more
