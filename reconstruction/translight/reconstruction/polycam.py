"""Polycam's raw data export (a folder, or its zip): pictures, ARKit cameras and LiDAR depth, into a ``Dataset``.

Source: github.com/PolyCam/polyform, README, "Polycam's data format". The world is ARKit's: metres, y up, along gravity.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import msgspec

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.progress import Progress, silent
from translight.environment.typed_json import read_json
from translight.reconstruction.archive import open_archive, unpack
from translight.reconstruction.borders import border_mask
from translight.reconstruction.dataset import Dataset, PosedImage
from translight.reconstruction.opengl_pose import SCENE_FROM_Y_UP, scene_from_opengl

KEYFRAMES = "keyframes"
_CORRECTED = ("corrected_cameras", "corrected_images")
"""Poses optimised over the whole session and undistorted pictures; not of sessions that are too long for it."""
_RAW = ("cameras", "images")
_DEPTH = "depth"
_METRES_PER_DEPTH = 1e-3
_PARTS = (*_CORRECTED, *_RAW, _DEPTH)


class _Keyframe(msgspec.Struct):
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    t_00: float
    t_01: float
    t_02: float
    t_03: float
    t_10: float
    t_11: float
    t_12: float
    t_13: float
    t_20: float
    t_21: float
    t_22: float
    t_23: float

    def matrix(self) -> list[list[float]]:
        """World from camera, in OpenGL's axes."""
        return [[getattr(self, f"t_{row}{column}") for column in range(4)] for row in range(3)]


def is_polycam(folder: Path) -> bool:
    """Whether a folder is, or holds, a raw data export."""
    return _root(folder) is not None


def read_polycam(path: Path, work: Path, progress: Progress = silent) -> Dataset:
    """A raw data export; a zip is unpacked into ``work`` first, which also takes masks. Raises FormatError on none.

    The optimised cameras and undistorted pictures are taken where there are both, else the raw ones, whose lens
    distortion the export does not tell. Undistorted pictures have black borders, which masks keep out. Each camera
    needs its picture; depth is taken where there is one.
    """
    folder = _unpacked(path, work, progress) if path.is_file() else path
    root = _root(folder)
    if root is None:
        what = f"no {KEYFRAMES}/cameras inside, as Polycam's raw data export has"
        raise FormatError(f"{path}: {what}" + ("; unpack a zip of photographs first" if path.is_file() else ""))
    cameras, pictures = _CORRECTED if all((root / name).is_dir() for name in _CORRECTED) else _RAW
    files = sorted((root / cameras).glob("*.json"))
    if not files:
        raise FormatError(f"{root / cameras}: no cameras (.json)")
    images = []
    for done, file in enumerate(files, start=1):
        image = _image(file, root / pictures, root / _DEPTH)
        if pictures == _CORRECTED[1]:
            mask = work / "polycam" / "masks" / f"{file.stem}.png"
            image = replace(image, mask=border_mask(image.file, mask))
        images.append(image)
        progress("reading Polycam's export", done / len(files))
    return Dataset(tuple(images), metres_per_unit=1.0)


def _image(file: Path, pictures: Path, depths: Path) -> PosedImage:
    keyframe = read_json(file, _Keyframe)
    picture, depth = pictures / f"{file.stem}.jpg", depths / f"{file.stem}.png"
    if not picture.is_file():
        raise FormatError(f"{file}: its picture {pictures.name}/{picture.name} is missing")
    pose = scene_from_opengl(keyframe.matrix(), f"{file}: t_00 to t_23", SCENE_FROM_Y_UP)
    try:
        camera = Camera(keyframe.width, keyframe.height, keyframe.fx, keyframe.fy, keyframe.cx, keyframe.cy)
    except ValueError as error:
        raise FormatError(f"{file}: {error}") from error
    found = depth if depth.is_file() else None
    return PosedImage(picture.name, picture, camera, pose, depth=found, depth_scale=_METRES_PER_DEPTH if found else 1.0)


def _root(folder: Path) -> Path | None:
    """The folder ``keyframes``: the one given, in it, or one folder below, as zips are unpacked by hand."""
    below = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    for root in (folder, folder / KEYFRAMES, *(entry / KEYFRAMES for entry in below)):
        if any((root / name).is_dir() for name in ("cameras", "corrected_cameras")) and root.name == KEYFRAMES:
            return root
    return None


def _unpacked(path: Path, work: Path, progress: Progress) -> Path:
    into = work / "polycam"
    with open_archive(path) as archive:
        unpack(path, archive, {name: into / KEYFRAMES / part for name, part in _parts(archive).items()}, progress)
    return into


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """What is wanted of a zip, by the names in it: ``cameras/1.json`` and its like."""
    found = {}
    for name in archive.namelist():
        _, keyframes, part = f"/{name}".rpartition(f"/{KEYFRAMES}/")
        if keyframes and part.split("/")[0] in _PARTS and part.count("/") == 1 and not part.endswith("/"):
            found[name] = part
    return found
