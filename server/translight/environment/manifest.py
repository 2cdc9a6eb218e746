"""The manifest of an environment package, ``environment.json``; docs/environment_package.md has every field.

What it describes is put on disk and checked by package.py.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

import msgspec
import numpy as np

from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.environment.environment import ColourEncoding

SCHEMA_VERSION = 1
"""Written, and the only one that is read."""
FILE_NAME = "environment.json"
Role = Literal["splats", "sky", "proxy", "cameras", "poses", "report", "contact_sheet", "thumbnail", "provenance"]
"""What a part of a package is for; ``splats`` is the one that must be there."""

_PART_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._-]{0,120}")
_Triple = tuple[float, float, float]
_UNIT_TOLERANCE = 1e-4


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a package: its name beside the manifest, and what its bytes must be."""

    file: str
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Placement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``stage_from_scene``: stage point = scale · R(wxyz) · scene point + position_m."""

    scale: float
    wxyz: tuple[float, float, float, float]
    position_m: _Triple


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lower and upper corner of the splats' means, in scene units."""

    lower: _Triple
    upper: _Triple


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``environment.json``."""

    schema_version: int
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    stage_from_scene: Placement
    bounds: Bounds | None
    splat_count: Annotated[int, msgspec.Meta(ge=0)]
    colour_encoding: ColourEncoding
    created_by: Annotated[str, msgspec.Meta(max_length=200)]
    parts: dict[Role, Part]
    metres_per_unit: float | None = None
    antialiased: bool = False

    def similarity(self) -> Similarity:
        """The placement as a transform."""
        placement = self.stage_from_scene
        return Similarity(placement.scale, Pose.from_wxyz(placement.wxyz, placement.position_m))


class _Version(msgspec.Struct):
    """Read before anything else, so that a later schema is named rather than found to be malformed."""

    schema_version: int


def parse_manifest(data: bytes, where: str = FILE_NAME) -> Manifest:
    """The manifest in ``data``. Raises FormatError, in one line that begins with ``where``, on anything not allowed."""
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            raise FormatError(
                f"{where}: schema version {version}, this program reads version {SCHEMA_VERSION}: update the program"
                if version > SCHEMA_VERSION
                else f"{where}: schema version {version} does not exist, {SCHEMA_VERSION} does"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{where}: {error}") from error
    _check(manifest, where)
    return manifest


def dump_manifest(manifest: Manifest) -> bytes:
    """``environment.json`` as it is written: indented, fields in the order of the schema."""
    _check(manifest, FILE_NAME)
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def placement_of(stage_from_scene: Similarity) -> Placement:
    """A transform as the manifest writes it."""
    w, x, y, z = (float(c) for c in stage_from_scene.pose.wxyz)
    px, py, pz = (float(c) for c in stage_from_scene.pose.position_m)
    return Placement(float(stage_from_scene.scale), (w, x, y, z), (px, py, pz))


def _check(manifest: Manifest, where: str) -> None:
    """What types cannot say."""
    placement = manifest.stage_from_scene
    if not (math.isfinite(placement.scale) and placement.scale > 0):
        raise FormatError(f"{where}: stage_from_scene.scale must be above 0, got {placement.scale:g}")
    norm = float(np.linalg.norm(placement.wxyz))
    if not abs(norm - 1.0) <= _UNIT_TOLERANCE:
        raise FormatError(f"{where}: stage_from_scene.wxyz must have length 1, got {norm:g}")
    metres = manifest.metres_per_unit
    if metres is not None and not (math.isfinite(metres) and metres > 0):
        raise FormatError(f"{where}: metres_per_unit must be above 0 or null, got {metres:g}")
    bounds = manifest.bounds
    if bounds is not None and not all(low <= high for low, high in zip(bounds.lower, bounds.upper, strict=True)):
        raise FormatError(f"{where}: bounds.lower must not pass bounds.upper, got {bounds.lower} and {bounds.upper}")
    if "splats" not in manifest.parts:
        raise FormatError(f"{where}: parts has no 'splats', which every environment needs")
    seen: set[str] = set()
    for role, part in manifest.parts.items():
        if not _PART_FILE.fullmatch(part.file) or part.file.lower() == FILE_NAME:
            raise FormatError(f"{where}: part {role!r} names {part.file!r}: a plain file name beside it is wanted")
        if part.file.lower() in seen:
            raise FormatError(f"{where}: part {role!r} names {part.file!r}, which another part already is")
        seen.add(part.file.lower())
