"""COLMAP's model files, binary and text (colmap.github.io/format.html), read strictly: ``colmap_model.py`` uses them.

Read here and not by pycolmap, whose reader believes a file's counts: a damaged one makes it allocate without end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8

from translight.core.errors import FormatError
from translight.core.pose import Pose

FILES = ("cameras", "images", "points3D")
MAX_BYTES = 4 << 30
"""Security: the largest file that is read."""
_MODELS = (
    "SIMPLE_PINHOLE",
    "PINHOLE",
    "SIMPLE_RADIAL",
    "RADIAL",
    "OPENCV",
    "OPENCV_FISHEYE",
    "FULL_OPENCV",
    "FOV",
    "SIMPLE_RADIAL_FISHEYE",
    "RADIAL_FISHEYE",
    "THIN_PRISM_FISHEYE",
)
"""By the number that stands for each in binary files."""
PARAMETERS = {
    "SIMPLE_PINHOLE": 3,
    "PINHOLE": 4,
    "SIMPLE_RADIAL": 4,
    "RADIAL": 5,
    "OPENCV": 8,
    "OPENCV_FISHEYE": 8,
    "FULL_OPENCV": 12,
    "FOV": 5,
    "SIMPLE_RADIAL_FISHEYE": 4,
    "RADIAL_FISHEYE": 5,
    "THIN_PRISM_FISHEYE": 12,
}
_MAX_NAME_BYTES = 4096
_MAX_SIDE_PX = 1 << 17


@dataclass(frozen=True, slots=True)
class CameraRecord:
    """A line of cameras.txt."""

    model: str
    width_px: int
    height_px: int
    parameters: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A registered image."""

    name: str
    camera: int
    camera_from_world: Pose


Cameras = dict[int, CameraRecord]
Points = tuple[Float64[np.ndarray, "m 3"], UInt8[np.ndarray, "m 3"]]


def read_cameras(file: Path) -> Cameras:
    """Cameras by number. Raises FormatError, as all here do, in one line that begins with the file."""
    if file.suffix == ".txt":
        return {int(w[0]): _camera(file, w[1], _numbers(file, w[2:4]), _numbers(file, w[4:])) for w in _words(file, 5)}
    data = _Bytes(file)
    cameras = {}
    for _ in range(data.count(least_bytes=24)):
        number, model, width, height = data.take("<IiQQ")
        if not 0 <= model < len(_MODELS):
            raise FormatError(f"{file}: camera model number {model} is not known; 0 to {len(_MODELS) - 1} are")
        parameters = data.take(f"<{PARAMETERS[_MODELS[model]]}d")
        cameras[number] = _camera(file, _MODELS[model], (width, height), parameters)
    data.end()
    return cameras


def read_images(file: Path) -> list[ImageRecord]:
    """The registered images; where they saw which points is passed over."""
    images = []
    if file.suffix == ".txt":
        lines = _lines(file)
        for line in lines:
            words = line.split(maxsplit=9)
            if not words:
                continue
            if len(words) != 10:
                raise FormatError(
                    f"{file}: an image has 10 words and its points a line of their own, got {line[:60]!r}"
                )
            *pose, camera = _numbers(file, words[1:9])
            images.append(_image(file, words[9], camera, pose))
            next(lines, None)
        return images
    data = _Bytes(file)
    for _ in range(data.count(least_bytes=73)):
        _, *pose, camera = data.take("<I7dI")
        name = data.name()
        data.skip(24, *data.take("<Q"))
        images.append(_image(file, name, camera, pose))
    data.end()
    return images


def read_points(file: Path) -> Points:
    """Positions and sRGB colours of the points; their tracks are passed over."""
    xyz: list[Sequence[float]] = []
    rgb: list[Sequence[float]] = []
    if file.suffix == ".txt":
        for words in _words(file, 8):
            xyz.append(_numbers(file, words[1:4]))
            rgb.append(_numbers(file, words[4:7]))
    else:
        data = _Bytes(file)
        for _ in range(data.count(least_bytes=51)):
            _, x, y, z, *colour, _, track = data.take("<Q3d3BdQ")
            data.skip(8, track)
            xyz.append((x, y, z))
            rgb.append(colour)
        data.end()
    positions, colours = np.array(xyz, np.float64).reshape(-1, 3), np.array(rgb, np.float64).reshape(-1, 3)
    if not np.isfinite(positions).all() or not ((colours >= 0) & (colours <= 255)).all():
        raise FormatError(f"{file}: holds points whose positions or colours are no numbers")
    return positions, colours.astype(np.uint8)


def _camera(file: Path, model: str, size: Sequence[float], parameters: Sequence[float]) -> CameraRecord:
    width, height = size
    if not (1 <= width <= _MAX_SIDE_PX and 1 <= height <= _MAX_SIDE_PX):
        raise FormatError(f"{file}: a camera of {width:g}x{height:g} pixels; from 1 to {_MAX_SIDE_PX} are allowed")
    return CameraRecord(model, int(width), int(height), tuple(parameters))


def _image(file: Path, name: str, camera: float, pose: Sequence[float]) -> ImageRecord:
    try:
        return ImageRecord(name, int(camera), Pose.from_wxyz(pose[:4], pose[4:]))
    except (ValueError, OverflowError) as error:
        raise FormatError(f"{file}: {name[:60]!r} has no pose: {error}") from error


class _Bytes:
    """A binary file, read from its beginning to its end and not past it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(f"{file}: {size} bytes, the limit is {MAX_BYTES}")
        self.data, self.at = file.read_bytes(), 0

    def take(self, layout: str) -> tuple[Any, ...]:
        end = self.at + struct.calcsize(layout)
        if end > len(self.data):
            raise FormatError(f"{self.file}: ends at byte {len(self.data)}, within what it says it holds")
        found = struct.unpack_from(layout, self.data, self.at)
        self.at = end
        return found

    def count(self, *, least_bytes: int) -> int:
        """How many records follow, as the file's first eight bytes say; no more than it has room for."""
        (count,) = self.take("<Q")
        if count * least_bytes > len(self.data) - self.at:
            raise FormatError(f"{self.file}: says {count} records, {len(self.data)} bytes cannot hold them")
        return count

    def skip(self, record_bytes: int, count: int) -> None:
        if record_bytes * count > len(self.data) - self.at:
            raise FormatError(f"{self.file}: ends at byte {len(self.data)}, within what it says it holds")
        self.at += record_bytes * count

    def name(self) -> str:
        end = self.data.find(b"\0", self.at, self.at + _MAX_NAME_BYTES)
        if end < 0:
            raise FormatError(f"{self.file}: an image's name does not end")
        text = self.data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return text

    def end(self) -> None:
        if self.at != len(self.data):
            raise FormatError(f"{self.file}: {len(self.data) - self.at} bytes more than it says it holds")


def _lines(file: Path) -> Iterator[str]:
    if file.stat().st_size > MAX_BYTES:
        raise FormatError(f"{file}: {file.stat().st_size} bytes, the limit is {MAX_BYTES}")
    try:
        with file.open(encoding="utf-8") as lines:
            yield from (line.strip() for line in lines if not line.startswith("#"))
    except UnicodeDecodeError as error:
        raise FormatError(f"{file}: not text ({error.reason})") from error


def _words(file: Path, least: int) -> Iterator[list[str]]:
    for line in _lines(file):
        words = line.split()
        if words and (len(words) < least or not words[0].isdigit()):
            raise FormatError(f"{file}: a line has a number and {least - 1} words or more, got {line[:60]!r}")
        if words:
            yield words


def _numbers(file: Path, words: list[str]) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in words)
    except ValueError as error:
        raise FormatError(f"{file}: {error}") from error
