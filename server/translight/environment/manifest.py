"""The manifest of an environment package, ``environment.json``; docs/environment_package.md has every field.

What it describes is put on disk and checked by package.py.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

import msgspec
import numpy as np

from translight.core.clock import parse_rate
from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.environment.environment import ColourEncoding
from translight.environment.plate import MAX_FRAMES, TEXEL_BYTES

SCHEMA_VERSION = 1
"""Of a package without plates, which programs that know no plates read too."""
PLATES_VERSION = 2
"""Of one with plates, and the latest that is read."""
FILE_NAME = "environment.json"
Role = Literal[
    "splats", "sky", "proxy", "cameras", "poses", "report", "contact_sheet", "thumbnail", "provenance",
    "plate_1", "plate_2", "plate_3", "plate_4",
]  # fmt: skip
"""What a part of a package is for; ``splats`` is the one that must be there."""
PLATE_ROLES: tuple[Role, ...] = ("plate_1", "plate_2", "plate_3", "plate_4")
"""Of the manifest's plates, in their order."""

_PART_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._-]{0,120}")
_Triple = tuple[float, float, float]
_UNIT_TOLERANCE = 1e-4
_LARGEST_PX = 1 << 16


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


class PlateEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A loop over a part of the sky (plate.py): its film is the part ``plate_1`` for the first entry, and so on.

    It covers ``width_px`` by ``height_px`` of the sky's texels, from column ``left_px`` on to the right, and around,
    and from row ``top_px`` down. ``rate`` is its own: 24, 24000/1001.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    rate: Annotated[str, msgspec.Meta(max_length=40)]
    frames: Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAMES)]
    left_px: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_PX)]
    top_px: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_PX)]
    width_px: Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_PX)]
    height_px: Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_PX)]

    @property
    def nbytes(self) -> int:
        """What its frames take in memory."""
        return self.frames * self.width_px * self.height_px * TEXEL_BYTES


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
    plates: tuple[PlateEntry, ...] = ()

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
        if not SCHEMA_VERSION <= version <= PLATES_VERSION:
            known = f"versions {SCHEMA_VERSION} and {PLATES_VERSION}"
            raise FormatError(
                f"{where}: schema version {version}, this program reads {known}: update the program"
                if version > PLATES_VERSION
                else f"{where}: schema version {version} does not exist, {known} do"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{where}: {error}") from error
    _check(manifest, where)
    return manifest


def dump_manifest(manifest: Manifest) -> bytes:
    """``environment.json`` as it is written: indented, fields in the order of the schema."""
    _check(manifest, FILE_NAME)
    fields = msgspec.to_builtins(manifest)
    if not manifest.plates:
        del fields["plates"]  # so that it is what version 1 always was
    return msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"


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
    _check_plates(manifest, where)
    seen: set[str] = set()
    for role, part in manifest.parts.items():
        if not _PART_FILE.fullmatch(part.file) or part.file.lower() == FILE_NAME:
            raise FormatError(f"{where}: part {role!r} names {part.file!r}: a plain file name beside it is wanted")
        if part.file.lower() in seen:
            raise FormatError(f"{where}: part {role!r} names {part.file!r}, which another part already is")
        seen.add(part.file.lower())


def _check_plates(manifest: Manifest, where: str) -> None:
    plates = manifest.plates
    if bool(plates) != (manifest.schema_version == PLATES_VERSION):
        raise FormatError(f"{where}: a package has plates where its schema version is {PLATES_VERSION}, and only there")
    for number, role in enumerate(PLATE_ROLES):
        if (role in manifest.parts) != (number < len(plates)):
            raise FormatError(
                f"{where}: {len(plates)} plates, whose parts must be {', '.join(PLATE_ROLES[: len(plates)])}"
            )
    if len(plates) > len(PLATE_ROLES):
        raise FormatError(f"{where}: {len(plates)} plates, up to {len(PLATE_ROLES)} are allowed")
    if plates and "sky" not in manifest.parts:
        raise FormatError(f"{where}: plates lie on a sky, and parts has no 'sky'")
    for plate in plates:
        try:
            parse_rate(plate.rate)
        except ValueError as error:
            raise FormatError(f"{where}: plate {plate.name!r}: {error}") from error
