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

from translight.core.errors import FormatError
from translight.core.image import MAX_PIXELS, load_image, save_image
from translight.environment.environment import Environment
from translight.environment.manifest import SCHEMA_VERSION, Bounds, Manifest, Role, placement_of
from translight.environment.package import is_package, open_package
from translight.environment.package_write import Writer, write_package
from translight.environment.package_zip import PackageLimits
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
    return Environment(
        manifest.name,
        cloud,
        manifest.similarity(),
        sky,
        manifest.colour_encoding,
        manifest.metres_per_unit,
        manifest.antialiased,
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
        schema_version=SCHEMA_VERSION,
        name=environment.name,
        stage_from_scene=placement_of(environment.stage_from_scene),
        bounds=_bounds(environment.splats),
        splat_count=len(environment.splats),
        colour_encoding=environment.encoding,
        created_by=created_by or f"translight {version('translight')}",
        parts={},
        metres_per_unit=environment.metres_per_unit,
        antialiased=environment.antialiased,
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
