"""COLMAP models that others made, binary or text, as a dataset; ``colmap_files.py`` knows the bytes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path, PurePosixPath

from translight.core.errors import FormatError
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.structure_from_motion.camera_models import opencv_camera
from translight.reconstruction.structure_from_motion.colmap_files import FILES, read_cameras, read_images, read_points
from translight.reconstruction.structure_from_motion.explain import listed


def is_colmap_model(folder: Path) -> bool:
    """Whether a folder holds the three files of a COLMAP model, all binary or all text."""
    return _suffix(folder) is not None


def read_colmap_model(model_folder: Path, images_folder: Path) -> Dataset:
    """The registered images of a model, in its own frame and unit (COLMAP's world is upright by chance only).

    Names are the model's, which are paths under ``images_folder``. Needs no COLMAP. Raises FormatError on a folder
    that is no model, damaged files, camera models that OpenCV's coefficients do not hold, and missing pictures.
    """
    suffix = _suffix(model_folder)
    if suffix is None:
        raise FormatError(f"{model_folder}: not a COLMAP model: a folder with {', '.join(FILES)}, .bin or .txt")
    cameras_file, images_file, points_file = (model_folder / f"{name}{suffix}" for name in FILES)
    records = read_cameras(cameras_file)
    images = sorted(read_images(images_file), key=lambda image: image.name)
    if not images:
        raise FormatError(f"{images_file}: the model holds no registered images")
    for one, other in pairwise(images):
        if one.name == other.name:
            raise FormatError(f"{images_file}: two images are called {one.name!r}")
    posed = []
    for image in images:
        path = PurePosixPath(image.name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise FormatError(f"{images_file}: {image.name!r} is no path within the folder of images")
        record = records.get(image.camera)
        if record is None:
            raise FormatError(
                f"{images_file}: {image.name} was taken by camera {image.camera}, which {cameras_file.name} lacks"
            )
        try:
            seen = opencv_camera(record.model, record.width_px, record.height_px, record.parameters)
            pose = image.camera_from_world.inverse()
            posed.append(PosedImage(image.name, images_folder / path, seen.camera, pose, seen.distortion))
        except (FormatError, ValueError) as error:
            raise FormatError(f"{cameras_file}: {error}") from error
    missing = [image.name for image in posed if not image.file.is_file()]
    if missing:
        raise FormatError(
            f"{images_folder}: {len(missing)} of the model's {len(posed)} pictures missing: {listed(missing)}"
        )
    xyz, rgb = read_points(points_file)
    return Dataset(tuple(posed), SparsePoints(xyz, rgb) if len(xyz) else None)


def _suffix(folder: Path) -> str | None:
    """Binary goes before text, as in COLMAP."""
    for suffix in (".bin", ".txt"):
        if all((folder / f"{name}{suffix}").is_file() for name in FILES):
            return suffix
    return None
