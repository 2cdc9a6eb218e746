"""COLMAP models that others made, binary or text, as a dataset; read by pycolmap in its process (``worker.py``)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from translight.core.errors import FormatError
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.progress import silent
from translight.reconstruction.structure_from_motion.jobs import Nothing, ReadModel
from translight.reconstruction.structure_from_motion.model import ARRAYS_FILE, SparseModel
from translight.reconstruction.structure_from_motion.worker import run_job

_FILES = ("cameras", "images", "points3D")


def is_colmap_model(folder: Path) -> bool:
    """Whether a folder holds the three files of a COLMAP model, all binary or all text."""
    return any(all((folder / f"{name}{suffix}").is_file() for name in _FILES) for suffix in (".bin", ".txt"))


def read_colmap_model(model_folder: Path, images_folder: Path) -> Dataset:
    """The registered images of a model, in its own frame and unit (COLMAP's world is RDF by custom only).

    Names are the model's, which are paths under ``images_folder``. Raises FormatError on a folder that is no model,
    on camera models that OpenCV's coefficients do not hold, and when pictures are missing; MissingExtra without
    pycolmap.
    """
    if not is_colmap_model(model_folder):
        wanted = "cameras, images and points3D, .bin or .txt"
        raise FormatError(f"{model_folder}: not a COLMAP model: a folder with {wanted}")
    with tempfile.TemporaryDirectory(prefix="translight-") as work:
        arrays = Path(work) / ARRAYS_FILE
        job = ReadModel(str(model_folder), str(arrays))
        run_job(job, Nothing, Path(work), f"{model_folder}: reading the COLMAP model", silent)
        model = SparseModel.load(arrays)
    missing = [name for name in model.files if not (images_folder / name).is_file()]
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise FormatError(
            f"{images_folder}: {len(missing)} of the model's {len(model.files)} pictures missing: {named}"
        )
    images = [
        PosedImage(name, images_folder / name, model.cameras[camera].camera, pose, model.cameras[camera].distortion)
        for name, camera, pose in zip(model.files, model.camera_of, model.world_from_camera, strict=True)
    ]
    points = SparsePoints(model.xyz, model.rgb) if len(model.xyz) else None
    return Dataset(tuple(sorted(images, key=lambda image: image.name)), points)
