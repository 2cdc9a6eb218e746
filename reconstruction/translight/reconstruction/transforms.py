"""Reading ``transforms.json``: nerfstudio's dataset format and instant-ngp's, into a ``Dataset``.

Source: docs.nerf.studio, "Data conventions" (and its nerfstudio dataparser), instant-ngp's docs/nerf_dataset_tips.md.
Cameras have OpenGL's axes (x right, y up, z back), the world has Z up; both become RDF here, so that
``STAGE_FROM_RDF`` shows the scene upright, the file's X to the right and its Y forward.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.environment.typed_json import read_json
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.opengl_pose import SCENE_FROM_Z_UP, matrix_rows, scene_from_opengl
from translight.reconstruction.points_ply import read_points
from translight.reconstruction.stills import open_still, shown_size
from translight.splats.limits import brief

NAMES = ("transforms.json", "transforms_train.json")
"""What the file is called in a folder; the second in NeRF's synthetic scenes, which have others for tests."""
DEPTH_PNG_SCALE = 1e-3
"""Depth in 16-bit PNGs counts thousandths of a unit unless the file says otherwise, as nerfstudio has it."""

_PINHOLES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE", "FULL_OPENCV")
_TRIED = (".png", ".jpg", ".jpeg")
"""NeRF's synthetic scenes leave the suffix out."""


class _Lens(msgspec.Struct, kw_only=True):
    """What a frame may say for itself and the top of the file for all frames."""

    camera_model: str | None = None
    fl_x: float | None = None
    fl_y: float | None = None
    cx: float | None = None
    cy: float | None = None
    w: int | None = None
    h: int | None = None
    k1: float | None = None
    k2: float | None = None
    k3: float | None = None
    k4: float | None = None
    k5: float | None = None
    k6: float | None = None
    p1: float | None = None
    p2: float | None = None
    camera_angle_x: float | None = None
    camera_angle_y: float | None = None
    is_fisheye: bool = False


class _Frame(_Lens, kw_only=True):
    file_path: str
    transform_matrix: list[list[float]]
    mask_path: str | None = None
    depth_file_path: str | None = None
    depth_path: str | None = None


class _File(_Lens, kw_only=True):
    frames: list[_Frame]
    applied_transform: list[list[float]] | None = None
    ply_file_path: str | None = None
    depth_unit_scale_factor: float | None = None
    integer_depth_scale: float | None = None
    metres_per_unit: float | None = None


def read_transforms(path: Path) -> Dataset:
    """A ``transforms.json``, or the folder that holds one. All files that it names must be there.

    What a frame says of its camera goes before what the top of the file says. Depth is the camera-frame z; in PNGs it
    counts ``depth_unit_scale_factor`` (or instant-ngp's ``integer_depth_scale``) units, by default thousandths; in
    EXRs units. ``ply_file_path``'s points lie in the world of the frames: ``applied_transform`` says how that world
    came from another one, and changes nothing here. ``metres_per_unit`` is a key of our own. Raises FormatError, naming
    the key, on whatever cannot be: fisheye and panoramic cameras, mirrored or scaled matrices, sizes that differ.
    """
    path = find_transforms(path) or path
    file = _parse(path)
    if file.applied_transform is not None:
        matrix_rows(file.applied_transform, f"{path}: applied_transform")
    if file.metres_per_unit is not None and not 0 < file.metres_per_unit < math.inf:
        raise FormatError(f"{path}: metres_per_unit: a positive number is wanted, got {file.metres_per_unit}")
    images: dict[str, PosedImage] = {}
    for i, frame in enumerate(file.frames):
        image = _image(path, file, frame, f"{path}: frames[{i}]")
        if image.name in images:
            raise FormatError(f"{path}: frames[{i}].file_path: {image.name} is there twice")
        images[image.name] = image
    if not images:
        raise FormatError(f"{path}: frames: there are none")
    points = None
    if file.ply_file_path is not None:
        found = read_points(_existing(path, file.ply_file_path, f"{path}: ply_file_path"))
        points = SparsePoints(SCENE_FROM_Z_UP.apply(found.xyz), found.rgb)
    return Dataset(tuple(image for _, image in sorted(images.items())), points, metres_per_unit=file.metres_per_unit)


def find_transforms(folder: Path) -> Path | None:
    """The ``transforms.json`` of a folder, or None where it has none."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def _parse(path: Path) -> _File:
    if not path.is_file():
        raise FormatError(f"{path}: no {NAMES[0]} here" if path.is_dir() else f"{path}: no such file")
    return read_json(path, _File)


def _image(path: Path, file: _File, frame: _Frame, where: str) -> PosedImage:
    picture = _existing(path, frame.file_path, f"{where}.file_path")
    with open_still(picture) as opened:
        size = shown_size(opened)
    depth = frame.depth_file_path if frame.depth_file_path is not None else frame.depth_path
    depth_file = None if depth is None else _existing(path, depth, f"{where}.depth_file_path")
    if depth_file is not None and depth_file.suffix.lower() not in (".png", ".exr"):
        raise FormatError(f"{where}.depth_file_path: depth is read from .png and .exr, got {depth_file.name}")
    try:
        return PosedImage(
            _name(frame.file_path, picture),
            picture,
            _camera(file, frame, size, where),
            scene_from_opengl(frame.transform_matrix, f"{where}.transform_matrix", SCENE_FROM_Z_UP),
            _distortion(file, frame, where),
            None if frame.mask_path is None else _existing(path, frame.mask_path, f"{where}.mask_path"),
            depth_file,
            1.0 if depth_file is None else _depth_scale(path, file, depth_file),
        )
    except ValueError as error:
        raise FormatError(f"{where}: {brief(error)}") from error


def _camera(file: _File, frame: _Frame, size: tuple[int, int], where: str) -> Camera:
    def given(key: str) -> Any:
        value = getattr(frame, key)
        return getattr(file, key) if value is None else value

    model = given("camera_model") or "OPENCV"
    if model not in _PINHOLES or frame.is_fisheye or file.is_fisheye:
        model = model if model not in _PINHOLES else "is_fisheye"
        raise FormatError(
            f"{where}: camera_model {brief(model)} is not read, only pinholes with OpenCV's distortion are: "
            "undistort the pictures first"
        )
    width, height = size
    for key, found in (("w", width), ("h", height)):
        if given(key) not in (None, found):
            raise FormatError(f"{where}: {key} is {given(key)}, its picture is {width}x{height}")
    fx, fy = given("fl_x"), given("fl_y")
    fx = _by_angle(given("camera_angle_x"), width, f"{where}: camera_angle_x") if fx is None else fx
    fy = _by_angle(given("camera_angle_y"), height, f"{where}: camera_angle_y") if fy is None else fy
    focal = [value for value in (fx, fy) if value is not None]
    if not focal:
        raise FormatError(f"{where}: no focal length: neither fl_x nor camera_angle_x, here or at the top of the file")
    cx, cy = (size[axis] / 2 if given(key) is None else given(key) for axis, key in enumerate(("cx", "cy")))
    return Camera(width, height, focal[0], focal[-1], cx, cy)


def _by_angle(angle_rad: float | None, pixels: int, where: str) -> float | None:
    if angle_rad is None:
        return None
    if not 0 < angle_rad < math.pi:
        raise FormatError(f"{where}: an angle between 0 and pi radians is wanted, got {angle_rad}")
    return pixels / 2 / math.tan(angle_rad / 2)


def _distortion(file: _File, frame: _Frame, where: str) -> tuple[float, ...]:
    k1, k2, p1, p2, k3, k4, k5, k6 = (
        (getattr(file, key) if getattr(frame, key) is None else getattr(frame, key)) or 0.0
        for key in ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
    )
    if k4 or k5 or k6:
        if (frame.camera_model or file.camera_model) != "FULL_OPENCV":
            raise FormatError(f"{where}: k4, k5 and k6 are read of camera_model FULL_OPENCV only")
        return (k1, k2, p1, p2, k3, k4, k5, k6)
    if k3:
        return (k1, k2, p1, p2, k3)
    return (k1, k2, p1, p2) if k1 or k2 or p1 or p2 else ()


def _depth_scale(path: Path, file: _File, depth: Path) -> float:
    stated = file.depth_unit_scale_factor if file.depth_unit_scale_factor is not None else file.integer_depth_scale
    if stated is None:
        return DEPTH_PNG_SCALE if depth.suffix.lower() == ".png" else 1.0
    if not 0 < stated < math.inf:
        raise FormatError(f"{path}: depth_unit_scale_factor: a positive number is wanted, got {stated}")
    return stated


def _existing(path: Path, said: str, where: str) -> Path:
    """A file by what the JSON calls it: relative to the JSON, on Windows also with backslashes."""
    if "\0" not in said:
        for name in dict.fromkeys((said, said.replace("\\", "/"))):
            for suffix in ("", *_TRIED):
                file = path.parent / f"{name}{suffix}"
                if file.is_file():
                    return file
    raise FormatError(f"{where}: no such file: {brief(said)}")


def _name(said: str, picture: Path) -> str:
    return str(PurePosixPath(said.replace("\\", "/")).with_name(picture.name))
