"""A small package's worth of plain parts, written as a folder and as a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from translight.environment.manifest import Bounds, Manifest, Placement
from translight.environment.package_write import write_package

MANIFEST = Manifest(
    schema_version=1,
    name="Quarry",
    stage_from_scene=Placement(2.5, (0.5, -0.5, 0.5, 0.5), (1.0, 2.0, 3.0)),
    bounds=Bounds((-1.0, -2.0, -3.0), (1.0, 2.0, 3.0)),
    splat_count=3,
    colour_encoding="srgb",
    created_by="translight 0.1.0",
    parts={},
    metres_per_unit=1.25,
    antialiased=True,
)
SPLATS = bytes(range(256)) * 40
SKY = b"a sky"


@pytest.fixture
def manifest() -> Manifest:
    return MANIFEST


@pytest.fixture
def splat_bytes() -> bytes:
    return SPLATS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "quarry.tlenv"
    write_package(path, MANIFEST, _parts())
    return path


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / "quarry-zip.tlenv"
    write_package(path, MANIFEST, _parts(), zipped=True)
    return path


@pytest.fixture
def rezipped(folder: Path, tmp_path: Path):
    """Zip the package's folder by hand, with entries changed or added: name → bytes, or (ZipInfo, bytes)."""

    def make(extra: list[tuple[zipfile.ZipInfo | str, bytes]], *, without: str = "", prefix: str = "") -> Path:
        path = tmp_path / "made.tlenv"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                if file.name != without:
                    archive.write(file, prefix + file.name)
            for entry, data in extra:
                archive.writestr(entry, data)
        return path

    return make


def _parts():
    return {
        "splats": ("splats.ply", lambda path: path.write_bytes(SPLATS)),
        "sky": ("sky.exr", lambda path: path.write_bytes(SKY)),
    }
