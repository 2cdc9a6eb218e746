"""A candidate on disk: a folder with pictures, distances and ``candidate.json``; generate.py writes and reads them.

Pictures are scene-linear OpenEXR, half where every value fits and float where not, so nothing of the light is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from jaxtyping import Float32

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.files import sha256_of, whole_folder
from translight.core.image import load_image, save_image
from translight.core.pose import Pose
from translight.environment.files import load_environment, save_environment
from translight.environment.typed_json import read_json
from translight.generation.candidate import Candidate, Model, View
from translight.generation.preview import shrunk, tone_mapped

FILE_NAME = "candidate.json"
PREVIEW = "preview.jpg"
"""The first view, tone-mapped and small, of every candidate that has views."""
SCHEMA_VERSION = 1

_HALF_MAX = 65504.0
_PREVIEW_PX = 1024
_Name = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9 ._-]{0,100}$")]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class StoredCamera(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pinhole in pixels."""

    width_px: Annotated[int, msgspec.Meta(ge=1, le=65536)]
    height_px: Annotated[int, msgspec.Meta(ge=1, le=65536)]
    fx: float
    fy: float
    cx: float
    cy: float


class StoredView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A view's files; ``camera`` null is a panorama."""

    image: _Name
    distance: _Name | None
    sky: _Name | None
    camera: StoredCamera | None
    wxyz: tuple[float, float, float, float]
    position_m: tuple[float, float, float]


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``candidate.json``. ``files`` has the sha256 of every file beside it."""

    schema_version: int
    name: _Name
    engine: str
    seed: int
    views: tuple[StoredView, ...]
    environment: _Name | None
    sky: _Name | None
    models: tuple[Model, ...]
    settings: dict[str, Any]
    files: dict[_Name, _Sha256]


def save_candidate(candidate: Candidate, folder: Path, *, new: bool = False) -> Stored:
    """Write ``folder`` whole or not at all, replacing what was there; FileExistsError instead with ``new``.

    Raises FormatError when it cannot be written.
    """
    writers: dict[str, Callable[[Path], object]] = {}
    views = tuple(_listed(view, i, writers) for i, view in enumerate(candidate.views))
    if candidate.views:
        preview = tone_mapped(shrunk(candidate.views[0].image, _PREVIEW_PX))
        writers[PREVIEW] = lambda file: save_image(file, preview)
    packed, environment = None, candidate.environment
    if environment is not None:
        packed = "environment.tlenv"
        writers[packed] = lambda file: save_environment(environment, file, zipped=True)
    sky = None
    if candidate.sky is not None:
        sky = "sky.exr"
        writers[sky] = _picture(candidate.sky)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder, new=new) as aside:
            for name, write in writers.items():
                write(aside / name)
            stored = Stored(
                SCHEMA_VERSION,
                candidate.name,
                candidate.engine,
                candidate.seed,
                views,
                packed,
                sky,
                candidate.models,
                candidate.settings,
                {name: sha256_of(aside / name) for name in writers},
            )
            (aside / FILE_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(stored), indent=2) + b"\n")
    except FileExistsError:
        raise
    except OSError as error:
        raise FormatError(f"{folder}: cannot be written ({error.strerror})") from error
    return stored


def read_stored(folder: Path) -> Stored:
    """A candidate's description, its pictures unread. Raises FormatError."""
    stored = read_json(folder / FILE_NAME, Stored)
    if stored.schema_version != SCHEMA_VERSION:
        raise FormatError(f"{folder / FILE_NAME}: schema version {stored.schema_version}, {SCHEMA_VERSION} is read")
    named = [name for view in stored.views for name in (view.image, view.distance, view.sky)]
    for name in (*named, stored.environment, stored.sky):
        if name is not None and name not in stored.files:
            raise FormatError(f"{folder / FILE_NAME}: {name!r} is not among its files")
    return stored


def load_candidate(folder: Path, *, check: bool = True) -> Candidate:
    """Read a candidate back, its files compared with their sha256 unless ``check`` is off. Raises FormatError."""
    stored = read_stored(folder)
    if check:
        for name, expected in stored.files.items():
            if not (folder / name).is_file():
                raise FormatError(f"{folder / name}: no such file, {FILE_NAME} lists it")
            if sha256_of(folder / name) != expected:
                raise FormatError(f"{folder / name}: is not the file that was generated: its sha256 differs")
    return Candidate(
        stored.name,
        stored.engine,
        stored.seed,
        tuple(_view(folder, view) for view in stored.views),
        None if stored.environment is None else load_environment(folder / stored.environment),
        None if stored.sky is None else _colour(folder / stored.sky),
        stored.models,
        stored.settings,
    )


def _listed(view: View, number: int, writers: dict[str, Callable[[Path], object]]) -> StoredView:
    """A view's entry; what writes its files is added to ``writers``."""
    image = "panorama.exr" if view.camera is None and number == 0 else f"view_{number:03d}.exr"
    writers[image] = _picture(view.image)
    distance = sky = None
    if view.distance_m is not None:
        distance = image.replace(".exr", "_distance.exr")
        writers[distance] = _picture(view.distance_m, half=False)
    if view.sky is not None:
        sky = image.replace(".exr", "_sky.png")
        mask = view.sky.astype(np.uint8) * 255
        writers[sky] = lambda file: save_image(file, mask)
    camera = view.camera
    return StoredView(
        image,
        distance,
        sky,
        None
        if camera is None
        else StoredCamera(camera.width_px, camera.height_px, camera.fx, camera.fy, camera.cx, camera.cy),
        _quadruple(view.stage_from_camera.wxyz),
        _triple(view.stage_from_camera.position_m),
    )


def _view(folder: Path, stored: StoredView) -> View:
    image = _colour(folder / stored.image)
    try:
        camera = None if stored.camera is None else Camera(**msgspec.structs.asdict(stored.camera))
        pose = Pose.from_wxyz(stored.wxyz, stored.position_m)
    except ValueError as error:
        raise FormatError(f"{folder / FILE_NAME}: {stored.image}: {error}") from error
    distance_m = None if stored.distance is None else load_image(folder / stored.distance)
    sky = None if stored.sky is None else load_image(folder / stored.sky) > 127
    for name, picture in ((stored.distance, distance_m), (stored.sky, sky)):
        if picture is not None and picture.shape != image.shape[:2]:
            raise FormatError(
                f"{folder / str(name)}: {picture.shape} values, {image.shape[:2]} as its picture are wanted"
            )
    return View(image, camera, pose, distance_m, sky)


def _picture(pixels: Float32[np.ndarray, "h w *c"], half: bool = True) -> Callable[[Path], None]:
    fits = half and bool(np.isfinite(pixels).all()) and float(np.abs(pixels).max(initial=0.0)) <= _HALF_MAX
    return lambda file: save_image(file, pixels.astype(np.float16 if fits else np.float32))


def _colour(file: Path) -> Float32[np.ndarray, "h w 3"]:
    pixels = load_image(file)
    if pixels.ndim != 3 or pixels.dtype != np.float32:
        raise FormatError(f"{file}: a linear picture of three channels is wanted")
    return np.ascontiguousarray(pixels[..., :3])


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _quadruple(values: np.ndarray) -> tuple[float, float, float, float]:
    w, x, y, z = (float(value) for value in values)
    return w, x, y, z
