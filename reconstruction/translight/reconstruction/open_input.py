"""What a path is that somebody wants reconstructed: photographs, a video, or pictures whose cameras are known."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from translight.core.errors import FormatError
from translight.core.progress import Progress, silent
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.polycam import is_polycam, read_polycam
from translight.reconstruction.read_capture import read_capture
from translight.reconstruction.record3d import SUFFIX as RECORD3D_SUFFIX
from translight.reconstruction.record3d import read_record3d
from translight.reconstruction.stills import SUFFIXES as STILL_SUFFIXES
from translight.reconstruction.transforms import find_transforms, read_transforms
from translight.reconstruction.video import SUFFIXES as VIDEO_SUFFIXES
from translight.reconstruction.video import read_video

READ = "a folder of photographs, a video, transforms.json, a COLMAP model, or a Polycam or Record3D export"

_MODEL_FOLDERS = (".", "sparse/0", "sparse", "colmap/sparse/0")
_MODEL_FILES = (("cameras.bin", "images.bin"), ("cameras.txt", "images.txt"))
_COLMAP_MODEL = "translight.reconstruction.structure_from_motion.colmap_model"


def open_input(
    path: Path,
    work: Path,
    *,
    frames: int | None = None,
    skip_damaged: bool = False,
    progress: Progress = silent,
) -> Capture | Dataset:
    """A ``Capture`` where poses are still to be found, a ``Dataset`` where they are known.

    ``work`` takes what has to be unpacked: a video's frames (``frames`` of them, or as many as it needs), zips.
    ``skip_damaged`` leaves damaged stills out. Raises FormatError, in one line that says what is wanted, on anything
    else.
    """
    if path.is_dir():
        return _folder(path, work, skip_damaged=skip_damaged, progress=progress)
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder; wanted: {READ}")
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_transforms(path)
    if suffix == RECORD3D_SUFFIX:
        return read_record3d(path, work, progress)
    if suffix == ".zip":
        return read_polycam(path, work, progress)
    if suffix in VIDEO_SUFFIXES:
        return read_video(path, work, count=frames, progress=progress)
    if suffix in STILL_SUFFIXES:
        raise FormatError(f"{path}: one picture has no depth to find; give the folder of all of them")
    raise FormatError(f"{path}: not known what this is; wanted: {READ}")


def is_photographs(path: Path) -> bool:
    """Whether ``open_input`` would read a folder of photographs here, and nothing whose cameras are known."""
    known = find_transforms(path) is not None or is_polycam(path) or find_colmap_model(path) is not None
    return path.is_dir() and not known


def find_colmap_model(folder: Path) -> Path | None:
    """The folder of a COLMAP model at or in ``folder``, binary or text, or None."""
    for name in _MODEL_FOLDERS:
        for files in _MODEL_FILES:
            if all((folder / name / file).is_file() for file in files):
                return folder / name
    return None


def _folder(path: Path, work: Path, *, skip_damaged: bool, progress: Progress) -> Capture | Dataset:
    if find_transforms(path) is not None:
        return read_transforms(path)
    if is_polycam(path):
        return read_polycam(path, work, progress)
    model = find_colmap_model(path)
    if model is not None:
        module = import_module(_COLMAP_MODEL)  # needs pycolmap, which the other inputs do without
        dataset = module.read_colmap_model(model, _images_of(path, model))
        assert isinstance(dataset, Dataset)
        return dataset
    return read_capture(path, skip_damaged=skip_damaged, progress=progress)


def _images_of(path: Path, model: Path) -> Path:
    """Where a model's pictures are: ``images`` or ``input`` in the folder given or above the model, else in it."""
    places = [folder / name for folder in (path, *list(model.resolve().parents)[:3]) for name in ("images", "input")]
    return next((place for place in places if place.is_dir()), path)
