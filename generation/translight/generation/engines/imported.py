"""The import engine: pictures, panoramas, splats and environments made elsewhere enter the same review and record.

A source is one file, or a folder of them, each of which becomes a candidate:

- a picture (.png, .jpg, .exr, .hdr) twice as wide as high is a panorama around the brief's eye, any other is a still
  through the brief's lens; beside ``NAME.jpg``, ``NAME_distance.exr`` holds metres along each pixel's ray;
- a splat file or a .tlenv package is an environment, and so is a folder of 2.5D layers (layered.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_decode
from translight.core.camera import Camera
from translight.core.errors import FormatError, GenerationError
from translight.core.files import sha256_of
from translight.core.frames import STAGE_FROM_RDF
from translight.core.image import load_image
from translight.core.pose import Pose
from translight.core.progress import Progress
from translight.environment.files import load_environment
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.environment.package import is_package
from translight.generation.brief.brief import Lens
from translight.generation.brief.optics import picture_mm
from translight.generation.candidate import Candidate, Model, View
from translight.generation.engines.engine import Order
from translight.generation.engines.layered import FILE_NAME as LAYERS
from translight.generation.engines.layered import layered_environment, layers_digest

_PICTURES = (".png", ".jpg", ".jpeg", ".exr", ".hdr", ".pic")
_SPLATS = (".ply", ".splat", ".spz", ".sog", ".ksplat", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz", ".tlenv")
_DISTANCE = "_distance.exr"
_MOST_FILES = 64
_PANORAMA_TOLERANCE = 0.005


def open(source: Path | None) -> Imported:
    """The engine over a file or folder. Raises GenerationError when there is nothing that it takes."""
    if source is None:
        raise GenerationError(
            "the import engine wants --source: a picture, panorama or splat file, layers, or a folder of them"
        )
    return Imported(_files(source))


class Imported:
    """Engine of engines/engine.py; a candidate's seed is the first 32 bits of its file's SHA-256.

    So a file keeps its candidate whatever else comes into the folder, and of equal files only the first is taken.
    """

    name = "import"

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files: dict[int, tuple[Path, Model]] = {}
        for file in files:
            digest = _digest(file)
            entry = (file, Model(file.name, "imported", "", digest, "unknown", None))
            self._files.setdefault(int(digest[:8], 16), entry)

    def models(self) -> tuple[Model, ...]:
        """What made each file is not known: it is recorded by its bytes, its licence to be asked for."""
        return tuple(model for _, model in self._files.values())

    def seeds(self, _order: Order, /) -> tuple[int, ...]:
        """Those of the files, by name."""
        return tuple(self._files)

    def candidates(self, order: Order, progress: Progress) -> Iterator[Candidate]:
        """A candidate for each file. Raises FormatError, in one line, on one that cannot be read."""
        for seed in order.parameters.seeds:
            file, model = self._files[seed]
            progress(f"reading {file.name}", 0.0)
            name = f"{self.name}-{_plain(file.stem)}-{seed:010d}"
            settings = {"file": file.name, "sha256": model.sha256}
            if file.suffix.lower() in _PICTURES:
                view = _view(file, order.brief.lens)
                yield Candidate(name, self.name, seed, (view,), models=(model,), settings=settings)
            else:
                layered = _is_layered(file)
                environment = layered_environment(file, order.brief) if layered else load_environment(file)
                yield Candidate(name, self.name, seed, environment=environment, models=(model,), settings=settings)


def linear_picture(file: Path) -> Float32[np.ndarray, "h w 3"]:
    """Linear Rec.709 of a picture: 8 bits are taken as sRGB-encoded, alpha lies over black. Raises FormatError."""
    pixels = load_image(file)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype != np.uint8:
        return np.ascontiguousarray(np.where(np.isfinite(pixels), pixels, 0.0)[..., :3], np.float32)
    colour = np.asarray(srgb_decode(pixels[..., :3].astype(np.float32) / np.float32(255)), np.float32)
    return colour if pixels.shape[2] == 3 else colour * (pixels[..., 3:].astype(np.float32) / np.float32(255))


def _view(file: Path, lens: Lens) -> View:
    image = linear_picture(file)
    height, width = image.shape[:2]
    eye = (0.0, 0.0, lens.height_m)
    beside = file.with_name(file.stem + _DISTANCE)
    distance_m = load_image(beside) if beside.is_file() else None
    if distance_m is not None and distance_m.shape != (height, width):
        raise FormatError(f"{beside}: {distance_m.shape} values, {(height, width)} as {file.name} are wanted")
    if distance_m is not None and not (distance_m > 0).all():
        raise FormatError(f"{beside}: distances must be above 0 (infinite in the sky)")
    if abs(width / height / 2 - 1) < _PANORAMA_TOLERANCE:
        if width != 2 * height:
            raise FormatError(f"{file}: {width}x{height} pixels; a panorama is exactly twice as wide as high")
        camera, pose = None, Pose.from_wxyz((1.0, 0.0, 0.0, 0.0), eye)
    else:
        camera = Camera.from_sensor(
            width, height, focal_length_mm=lens.focal_length_mm, sensor_width_mm=picture_mm(lens)[0]
        )
        pose = Pose(STAGE_FROM_RDF.wxyz, np.array(eye))
    return View(image, camera, pose, distance_m, None if distance_m is None else np.isinf(distance_m))


def _files(source: Path) -> tuple[Path, ...]:
    if _is_layered(source):
        found = [source]
    elif source.is_file() or is_package(source):
        found = [source] if source.suffix.lower() in (*_PICTURES, *_SPLATS) or is_package(source) else []
        if not found:
            taken = ", ".join((*_PICTURES, *_SPLATS))
            raise GenerationError(f"{source}: {source.suffix or 'a file without suffix'} is not taken: {taken} are")
    elif source.is_dir():
        entries = sorted(source.iterdir())
        known = [entry for entry in entries if entry.suffix.lower() in (*_PICTURES, *_SPLATS) or _is_layered(entry)]
        found = [entry for entry in known if not entry.name.endswith(_DISTANCE)]
    else:
        raise GenerationError(f"{source}: no such file or folder")
    if not 1 <= len(found) <= _MOST_FILES:
        raise GenerationError(f"{source}: {len(found)} files that are taken; from 1 to {_MOST_FILES} are allowed")
    return tuple(found)


def _is_layered(path: Path) -> bool:
    return (path / LAYERS).is_file()


def _digest(path: Path) -> str:
    """Of a file's bytes; of a package's folder, its manifest's, which lists the sha256 of all its parts."""
    try:
        if _is_layered(path):
            return layers_digest(path)
        return sha256_of(path / MANIFEST if path.is_dir() else path)
    except OSError as error:
        raise GenerationError(f"{path}: cannot be read ({error.strerror})") from error


def _plain(stem: str) -> str:
    """A name that store.py takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)[:60] or "file"
