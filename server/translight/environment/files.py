"""Environments on disk: a package, or any bare splat file; package.py and splats/files.py know the bytes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.clock import parse_rate
from translight.core.errors import FormatError
from translight.core.image import MAX_PIXELS, load_image, save_image
from translight.environment.environment import Environment
from translight.environment.manifest import (
    PLATE_ROLES,
    PLATES_VERSION,
    SCHEMA_VERSION,
    Bounds,
    Manifest,
    PlateEntry,
    Role,
    placement_of,
)
from translight.environment.package import OpenPackage, is_package, open_package
from translight.environment.package_write import Writer, write_package
from translight.environment.package_zip import PackageLimits
from translight.environment.plate import MAX_PLATES, Area, Plate
from translight.splats import files as splat_files
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Limits, Progress

SplatFormat = Literal["ply", "spz"]
_MAX_JSON_BYTES = 64 << 20
_PICTURE_QUALITY = 88


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """Security: what an environment from elsewhere may hold."""

    package: PackageLimits = field(default_factory=PackageLimits)
    splats: Limits = field(default_factory=Limits)
    max_sky_pixels: int = MAX_PIXELS
    max_plate_bytes: int = 4 << 30
    """Of all plates together, in memory."""


DEFAULT_LIMITS = EnvironmentLimits()


def load_environment(
    path: str | Path, limits: EnvironmentLimits = DEFAULT_LIMITS, progress: Progress | None = None
) -> Environment:
    """Read a .tlenv folder or zip, or any splat file or SOG folder, which becomes an environment of no known size.

    Raises FormatError, in one line that begins with the path, on anything that the package, the splats or the sky
    are not allowed to be.
    """
    path = Path(path)
    if not is_package(path):
        cloud = splat_files.load(path, limits.splats, progress)
        return Environment((path.parent if path.name == "meta.json" else path).stem, cloud)
    with open_package(path, limits.package) as package:
        manifest = package.manifest
        cloud = _splats(path, package.folder, manifest, limits, progress)
        sky_file = package.part("sky")
        sky = None if sky_file is None else _sky(path, sky_file, limits.max_sky_pixels)
        plates = () if sky is None else _plates(path, package, sky.shape[:2], limits.max_plate_bytes)
    return Environment(
        manifest.name,
        cloud,
        manifest.similarity(),
        sky,
        manifest.colour_encoding,
        manifest.metres_per_unit,
        manifest.antialiased,
        plates,
    )


def load_json_part(
    path: str | Path, role: Literal["cameras", "report"], limits: EnvironmentLimits = DEFAULT_LIMITS
) -> Any:
    """A package's cameras or report as plain values, or None where it has none. Raises FormatError."""
    path = Path(path)
    with open_package(path, limits.package) as package:
        file = package.part(role)
        if file is None:
            return None
        if file.stat().st_size > _MAX_JSON_BYTES:
            raise FormatError(f"{path}: {file.name}: {file.stat().st_size} bytes, the limit is {_MAX_JSON_BYTES}")
        try:
            return json.loads(file.read_bytes())
        except (ValueError, RecursionError) as error:
            raise FormatError(f"{path}: {file.name}: not JSON: {error}") from error


def save_environment(
    environment: Environment,
    path: str | Path,
    *,
    report: Mapping[str, Any] | None = None,
    cameras: Any = None,
    contact_sheet: UInt8[np.ndarray, "h w 3"] | None = None,
    thumbnail: UInt8[np.ndarray, "h w 3"] | None = None,
    copies: Mapping[Literal["poses", "proxy", "provenance"], Path] | None = None,
    splat_format: SplatFormat = "ply",
    zipped: bool = False,
    created_by: str | None = None,
) -> Manifest:
    """Write a package (a folder, or ``zipped``) whole or not at all, and return its manifest.

    ``report`` and ``cameras`` are any values that JSON holds; ``contact_sheet`` and ``thumbnail`` are sRGB pictures;
    ``copies`` are files taken in as they are (a .jpg, a .glb, a .c2pa). ``splat_format`` ply keeps every value; spz, a
    fifth of the size or less, loses what splats/spz.py says.
    Raises FormatError when ``path`` is something other than a package, or a part cannot be written.
    """
    parts: dict[Role, tuple[str, Writer]] = {
        "splats": (f"splats.{splat_format}", lambda file: splat_files.save(file, environment.splats))
    }
    sky = environment.sky
    if sky is not None:
        parts["sky"] = ("sky.exr", lambda file: save_image(file, sky))
    plates = _entries(environment)
    for role, plate in zip(PLATE_ROLES, environment.plates, strict=False):
        parts[role] = (f"{role}.mkv", _plate_writer(plate))
    for role, source in (copies or {}).items():
        parts[role] = (f"{role}{source.suffix.lower()}", _copier(source))
    if cameras is not None:
        parts["cameras"] = ("cameras.json", _json_writer(cameras))
    if report is not None:
        parts["report"] = ("report.json", _json_writer(report))
    if contact_sheet is not None:
        parts["contact_sheet"] = ("contact_sheet.jpg", _jpeg_writer(contact_sheet))
    if thumbnail is not None:
        parts["thumbnail"] = ("thumbnail.jpg", _jpeg_writer(thumbnail))
    manifest = Manifest(
        schema_version=PLATES_VERSION if plates else SCHEMA_VERSION,
        name=environment.name,
        stage_from_scene=placement_of(environment.stage_from_scene),
        bounds=_bounds(environment.splats),
        splat_count=len(environment.splats),
        colour_encoding=environment.encoding,
        created_by=created_by or f"translight {version('translight')}",
        parts={},
        metres_per_unit=environment.metres_per_unit,
        antialiased=environment.antialiased,
        plates=plates,
    )
    return write_package(Path(path), manifest, parts, zipped=zipped)


def _splats(
    path: Path, folder: Path, manifest: Manifest, limits: EnvironmentLimits, progress: Progress | None
) -> SplatCloud:
    try:
        cloud = splat_files.load(folder / manifest.parts["splats"].file, limits.splats, progress)
    except FormatError as error:
        raise _said_of(path, folder, error) from error
    if len(cloud) != manifest.splat_count:
        name = manifest.parts["splats"].file
        raise FormatError(f"{path}: {name} holds {len(cloud)} splats, the manifest says {manifest.splat_count}")
    return cloud


def _sky(path: Path, file: Path, max_pixels: int) -> Float32[np.ndarray, "h w 3"]:
    try:
        picture = load_image(file, max_pixels=max_pixels)
    except FormatError as error:
        raise _said_of(path, file.parent, error) from error
    if picture.dtype != np.float32 or picture.ndim != 3:
        raise FormatError(f"{path}: {file.name}: a linear RGB picture in floating point is wanted (.exr or .hdr)")
    height, width = picture.shape[:2]
    if width != 2 * height:
        raise FormatError(
            f"{path}: {file.name}: {width}x{height} pixels, an equirectangular sky is twice as wide as high"
        )
    if not np.isfinite(picture).all():
        raise FormatError(f"{path}: {file.name}: holds values that are not finite")
    return np.ascontiguousarray(picture[..., :3])


def _plates(path: Path, package: OpenPackage, sky_size: tuple[int, ...], max_bytes: int) -> tuple[Plate, ...]:
    """The plates, whose size is known and allowed before the first is opened."""
    entries = package.manifest.plates
    if not entries:
        return ()
    from translight.environment.plate_file import read_plate

    total = sum(entry.nbytes for entry in entries)
    if total > max_bytes:
        raise FormatError(f"{path}: {total} bytes of plates in memory, the limit is {max_bytes}")
    plates = []
    for role, entry in zip(PLATE_ROLES, entries, strict=False):
        area = Area(entry.left_px, entry.top_px, entry.width_px, entry.height_px)
        try:
            area.check(sky_size[1], sky_size[0])
        except ValueError as error:
            raise FormatError(f"{path}: plate {entry.name!r}: {error}") from error
        film = package.part(role)
        assert film is not None
        try:
            frames = read_plate(film, entry.frames, entry.width_px, entry.height_px)
        except FormatError as error:
            raise _said_of(path, film.parent, error) from error
        plates.append(Plate(entry.name, frames, parse_rate(entry.rate), entry.left_px, entry.top_px))
    return tuple(plates)


def _entries(environment: Environment) -> tuple[PlateEntry, ...]:
    """What the manifest says of the plates. Raises ValueError where they cannot lie on the sky."""
    sky, plates = environment.sky, environment.plates
    if plates and sky is None:
        raise ValueError("plates lie on a sky, and the environment has none")
    if len(plates) > MAX_PLATES:
        raise ValueError(f"an environment has up to {MAX_PLATES} plates, got {len(plates)}")
    entries = []
    for plate in plates:
        assert sky is not None
        area = plate.area
        area.check(sky.shape[1], sky.shape[0])
        entries.append(
            PlateEntry(
                plate.name, str(plate.rate), len(plate.frames), area.left_px, area.top_px, area.width_px, area.height_px
            )
        )
    return tuple(entries)


def _plate_writer(plate: Plate) -> Writer:
    def write(file: Path) -> None:
        from translight.environment.plate_file import write_plate

        write_plate(file, plate.frames, plate.rate)

    return write


def _said_of(path: Path, folder: Path, error: FormatError) -> FormatError:
    """The error with the package's path for that of the folder it lay unpacked in."""
    return FormatError(f"{path}: {str(error).replace(f'{folder}{os.sep}', '')}")


def _bounds(cloud: SplatCloud) -> Bounds | None:
    if len(cloud) == 0:
        return None
    (ax, ay, az), (bx, by, bz) = (corner.tolist() for corner in cloud.bounds())
    return Bounds((ax, ay, az), (bx, by, bz))


def _copier(source: Path) -> Writer:
    def copy(file: Path) -> None:
        try:
            shutil.copyfile(source, file)
        except OSError as error:
            raise FormatError(f"{source}: cannot be copied: {error.strerror or error}") from error

    return copy


def _json_writer(values: Any) -> Writer:
    text = json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    def write(file: Path) -> None:
        file.write_bytes(text.encode())

    return write


def _jpeg_writer(pixels: UInt8[np.ndarray, "h w 3"]) -> Writer:
    return lambda file: save_image(file, pixels, jpeg_quality=_PICTURE_QUALITY)
