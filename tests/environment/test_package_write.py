"""Writing is whole or not at all."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from translight.core.errors import FormatError
from translight.environment.manifest import FILE_NAME, Manifest
from translight.environment.package import open_package
from translight.environment.package_write import pack_stored, write_package


def write_text(text: str):
    return lambda path: path.write_text(text)


@pytest.mark.parametrize("zip_it", [False, True])
@pytest.mark.parametrize("before", [None, "folder", "zip", "empty"])
def test_a_failure_in_the_middle_leaves_what_was_there(
    tmp_path: Path, manifest: Manifest, zip_it: bool, before: str | None
) -> None:
    path = tmp_path / "a.tlenv"
    if before == "empty":
        path.mkdir()
    elif before is not None:
        write_package(path, manifest, {"splats": ("splats.ply", write_text("old"))}, zipped=before == "zip")
    there = sorted(os.listdir(tmp_path))

    def fail(part: Path) -> None:
        part.write_text("half")
        assert sorted(set(os.listdir(tmp_path)) - set(there)) == [part.parent.name]  # only the hidden name is new
        assert part.parent.name.startswith(".a.tlenv.")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_package(
            path, manifest, {"splats": ("splats.ply", write_text("new")), "sky": ("sky.exr", fail)}, zipped=zip_it
        )
    assert sorted(os.listdir(tmp_path)) == there
    if before in ("folder", "zip"):
        with open_package(path) as package:
            assert (package.folder / "splats.ply").read_text() == "old"


@pytest.mark.parametrize("zip_it", [False, True])
@pytest.mark.parametrize("before", ["folder", "zip", "empty"])
def test_a_package_is_replaced(tmp_path: Path, manifest: Manifest, zip_it: bool, before: str) -> None:
    path = tmp_path / "a.tlenv"
    if before == "empty":
        path.mkdir()
    else:
        write_package(path, manifest, {"splats": ("splats.ply", write_text("old"))}, zipped=before == "zip")
    written = write_package(path, manifest, {"splats": ("splats.ply", write_text("new"))}, zipped=zip_it)
    assert path.is_dir() is not zip_it
    with open_package(path) as package:
        assert package.manifest == written
        assert (package.folder / "splats.ply").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.tlenv"]


def test_the_old_folder_comes_back_when_the_rename_fails(
    folder: Path, manifest: Manifest, splat_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if str(source).endswith(".partial"):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="no"):
        write_package(folder, manifest, {"splats": ("splats.ply", write_text("new"))})
    with open_package(folder) as package:
        assert (package.folder / "splats.ply").read_bytes() == splat_bytes
    assert os.listdir(folder.parent) == [folder.name]


def test_other_things_are_not_replaced(tmp_path: Path, manifest: Manifest) -> None:
    parts = {"splats": ("splats.ply", write_text("new"))}
    holiday = tmp_path / "holiday"
    holiday.mkdir()
    (holiday / "photo.jpg").write_text("dear to someone")
    text = tmp_path / "notes.txt"
    text.write_text("dear to someone")
    link = tmp_path / "link"
    link.symlink_to(holiday)
    for path in (holiday, text, link):
        with pytest.raises(FormatError) as error:
            write_package(path, manifest, parts)
        assert str(error.value) == f"{path}: exists and is not an environment package: choose another name"
    assert (holiday / "photo.jpg").read_text() == text.read_text() == "dear to someone"


def test_equal_parts_give_equal_zips(tmp_path: Path, manifest: Manifest) -> None:
    parts = {"splats": ("splats.ply", write_text("x" * 5000)), "sky": ("sky.exr", write_text("sky"))}
    for name in ("a", "b"):
        write_package(tmp_path / name / "same.tlenv", manifest, parts, zipped=True)
    assert (tmp_path / "a" / "same.tlenv").read_bytes() == (tmp_path / "b" / "same.tlenv").read_bytes()


def test_a_bad_manifest_is_not_written(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(FormatError, match="a plain file name beside it is wanted"):
        write_package(tmp_path / "a.tlenv", manifest, {"splats": (".hidden", write_text("x"))})
    assert os.listdir(tmp_path) == []
    assert FILE_NAME == "environment.json"


@pytest.mark.parametrize("zip_it", [False, True])
def test_a_package_is_packed_without_compression(tmp_path: Path, manifest: Manifest, zip_it: bool) -> None:
    path, packed = tmp_path / "a.tlenv", tmp_path / "b.tlenv"
    write_package(path, manifest, {"splats": ("splats.ply", write_text("old" * 999))}, zipped=zip_it)
    pack_stored(path, packed)
    with zipfile.ZipFile(packed) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        manifest_now = archive.read(FILE_NAME)
    if zip_it:
        with zipfile.ZipFile(path) as archive:
            assert archive.read(FILE_NAME) == manifest_now
    with open_package(packed) as package:
        assert (package.folder / "splats.ply").read_text() == "old" * 999
    with pytest.raises(FileExistsError):
        pack_stored(path, packed)
