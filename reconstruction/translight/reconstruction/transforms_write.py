"""A dataset as nerfstudio reads one: pinhole pictures, masks, points and ``transforms.json``; transforms.py reads it.

Source: nerfstudio's "Data conventions" (docs.nerf.studio): camera-to-world matrices with OpenGL's camera axes (x right,
y up, z back) in a world with Z up, intrinsics a frame, ``mask_path`` with 0 where nothing is learned,
``ply_file_path``, and the file names of each split.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.frames import RDF_FROM_RUB, STAGE_FROM_RDF
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.pixels import load_photograph

FILE_NAME = "transforms.json"
_POINTS = "sparse_pc.ply"
_WORLD_FROM_SCENE = STAGE_FROM_RDF
"""A turn that brings the scene's up to Z; lengths stay scene units."""


def write_transforms(dataset: Dataset, folder: Path, width_px: int | None = None, told: Progress = silent) -> Path:
    """Write pictures up to ``width_px`` wide into a new folder, and return its ``transforms.json``.

    The folder appears whole or not at all. The pictures that the dataset holds out are the splits ``val`` and ``test``;
    where it holds none out these name the first picture, for no split may be empty. Depth pictures are not written.
    Raises FormatError when the folder exists, a picture cannot be read, or something cannot be written.
    """
    if folder.exists():
        raise FormatError(f"{folder}: exists; transforms.json and its pictures are written to a new folder")
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        (aside / "images").mkdir(parents=True)
        _write(dataset, aside, width_px, told)
        aside.rename(folder)
    except OSError as error:
        raise FormatError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / FILE_NAME


def transform_matrix(scene_from_camera: Pose) -> list[list[float]]:
    """A camera's place as a frame of ``transforms.json`` gives it: 4×4, OpenGL camera to Z-up world."""
    matrix: list[list[float]] = (_WORLD_FROM_SCENE @ scene_from_camera @ RDF_FROM_RUB).matrix().tolist()
    return matrix


def intrinsics(camera: Camera) -> dict[str, Any]:
    """A pinhole as a frame of ``transforms.json`` gives it."""
    return {
        "w": camera.width_px,
        "h": camera.height_px,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
    }


def _write(dataset: Dataset, folder: Path, width_px: int | None, told: Progress) -> None:
    stems = _stems(dataset.images)
    frames, masks = [], {}
    for number, (image, stem) in enumerate(zip(dataset.images, stems, strict=True)):
        told("writing pictures", number / len(stems))
        photograph = load_photograph(image, width_px)
        save_image(folder / "images" / f"{stem}.png", to_u8(photograph.rgb))
        masks[stem] = photograph.weight > 0
        frames.append(
            {
                "file_path": f"images/{stem}.png",
                **intrinsics(photograph.camera),
                "transform_matrix": transform_matrix(image.scene_from_camera),
            }
        )
    if not all(mask.all() for mask in masks.values()):  # nerfstudio takes a mask for each picture or for none
        (folder / "masks").mkdir()
        for frame, (stem, mask) in zip(frames, masks.items(), strict=True):
            save_image(folder / "masks" / f"{stem}.png", mask.astype(np.uint8) * np.uint8(255))
            frame["mask_path"] = f"masks/{stem}.png"
    values: dict[str, Any] = {"camera_model": "OPENCV", "frames": frames, **_splits(dataset, stems)}
    if dataset.points is not None:
        _write_points(dataset.points, folder / _POINTS)
        values["ply_file_path"] = _POINTS
    (folder / FILE_NAME).write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")
    told("writing pictures", 1.0)


def _splits(dataset: Dataset, stems: Sequence[str]) -> dict[str, list[str]]:
    training, held_out = dataset.split()
    trained = {image.name for image in training}
    of_name = {image.name: f"images/{stem}.png" for image, stem in zip(dataset.images, stems, strict=True)}
    looked_at = [of_name[image.name] for image in held_out] or [of_name[dataset.images[0].name]]
    return {
        "train_filenames": [file for name, file in of_name.items() if name in trained],
        "val_filenames": looked_at,
        "test_filenames": looked_at,
    }


def _stems(images: Sequence[PosedImage]) -> list[str]:
    """File names without suffix, one a picture, also where a folder had a.jpg beside a.png."""
    stems = [Path(image.name).with_suffix("").as_posix().strip("./").replace("/", "_") for image in images]
    alike = Counter(stem.casefold() for stem in stems)
    if max(alike.values()) == 1:
        return stems
    return [f"{number:05}_{stem}" for number, stem in enumerate(stems)]


def _write_points(points: SparsePoints, file: Path) -> None:
    """A binary PLY, as nerfstudio's own ``sparse_pc.ply``."""
    table = np.empty(len(points), np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))
    table["xyz"], table["rgb"] = _WORLD_FROM_SCENE.apply(points.xyz), points.rgb
    properties = [f"property float {axis}" for axis in "xyz"]
    properties += [f"property uchar {colour}" for colour in ("red", "green", "blue")]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}", *properties, "end_header", ""]
    file.write_bytes("\n".join(lines).encode() + table.tobytes())
