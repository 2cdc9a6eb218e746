"""Record3D's recordings (``.r3d``, a zip): pictures and ARKit cameras, into a ``Dataset``; their depth is left out.

Source: github.com/marek-simonik/record3d, issues 27, 33, 36, 83 and 93: ``metadata`` is JSON, ``rgbd/N.jpg`` are the
pictures, poses are camera-to-world, x y z w and metres, in OpenGL's axes. Depth (``rgbd/N.depth``) is compressed by
LZFSE, which nothing that Translight depends on reads.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.frames import RDF_FROM_RUB
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.environment.typed_json import parse_json
from translight.reconstruction.archive import open_archive, read_entry, unpack
from translight.reconstruction.dataset import Dataset, PosedImage
from translight.reconstruction.opengl_pose import SCENE_FROM_Y_UP
from translight.reconstruction.stills import open_still, shown_size

SUFFIX = ".r3d"
MOST_PICTURES = 300
"""A recording has 30 or 60 pictures a second; so many, evenly spread, are taken."""
_METADATA = "metadata"
_MAX_METADATA = 256 << 20


class _Metadata(msgspec.Struct):
    poses: list[tuple[float, float, float, float, float, float, float]]
    w: int
    h: int
    K: list[float] | None = None
    perFrameIntrinsicCoeffs: list[tuple[float, float, float, float]] | None = None  # noqa: N815 - the file's word


def read_record3d(path: Path, work: Path, progress: Progress = silent, *, most: int = MOST_PICTURES) -> Dataset:
    """A recording of at most ``most`` pictures, unpacked into ``work``. Raises FormatError on what is none.

    The world is the first camera's as it was held: Record3D does not keep gravity, so up is that camera's up.
    """
    with open_archive(path) as archive:
        metadata = parse_json(read_entry(path, archive, _METADATA, _MAX_METADATA), _Metadata, f"{path}: {_METADATA}")
        names = set(archive.namelist())
        there = [i for i in range(len(metadata.poses)) if f"rgbd/{i}.jpg" in names]
        if not there:
            raise FormatError(f"{path}: no picture (rgbd/0.jpg and on) has a pose in {_METADATA}")
        if all(metadata.poses[i] == metadata.poses[0] for i in there) and len(there) > 1:
            raise FormatError(
                f"{path}: its poses are all one: only LiDAR recordings have poses, not the selfie camera's"
            )
        chosen = _spread(there, most)
        folder = work / "record3d"
        files = {i: folder / f"{i:06d}.jpg" for i in chosen}
        unpack(path, archive, {f"rgbd/{i}.jpg": file for i, file in files.items()}, progress)
    return Dataset(tuple(_image(path, metadata, i, file) for i, file in files.items()), metres_per_unit=1.0)


def _spread(indices: list[int], most: int) -> list[int]:
    if len(indices) <= most:
        return indices
    return [indices[i * len(indices) // most] for i in range(most)]


def _image(path: Path, metadata: _Metadata, i: int, file: Path) -> PosedImage:
    with open_still(file) as picture:
        size = shown_size(picture)
    where = f"{path}: {_METADATA}: poses[{i}]"
    x, y, z, w, *position_m = metadata.poses[i]
    try:
        world_from_opengl = Pose.from_wxyz((w, x, y, z), position_m)
        camera = _camera(metadata, i).resized(*size)
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from error
    if abs(size[0] * metadata.h - size[1] * metadata.w) > max(size):
        raise FormatError(f"{path}: rgbd/{i}.jpg is {size[0]}x{size[1]}, {_METADATA} says {metadata.w}x{metadata.h}")
    return PosedImage(file.name, file, camera, SCENE_FROM_Y_UP @ world_from_opengl @ RDF_FROM_RUB)


def _camera(metadata: _Metadata, i: int) -> Camera:
    """The frame's own intrinsics (fx fy cx cy) where the recording has them, else the first frame's, column-major."""
    own = metadata.perFrameIntrinsicCoeffs
    if own is not None and i < len(own):
        return Camera(metadata.w, metadata.h, *own[i])
    if metadata.K is None or len(metadata.K) != 9:
        raise ValueError("neither perFrameIntrinsicCoeffs nor a K of 9 numbers")
    K = metadata.K
    return Camera(metadata.w, metadata.h, K[0], K[4], K[6], K[7])
