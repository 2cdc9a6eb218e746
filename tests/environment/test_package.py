"""Packages read back whole, and refused, each with its one line, when anything about them is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.environment.manifest import FILE_NAME, Manifest
from translight.environment.package import PackageLimits, is_package, open_package, read_manifest

Rezip = Callable[..., Path]


@pytest.mark.parametrize("form", ["folder", "zipped"])
def test_round_trip(form: str, request: pytest.FixtureRequest, manifest: Manifest, splat_bytes: bytes) -> None:
    path: Path = request.getfixturevalue(form)
    with open_package(path) as package:
        assert package.manifest.name == manifest.name
        assert package.manifest.stage_from_scene == manifest.stage_from_scene
        splats, sky = package.part("splats"), package.part("sky")
        assert splats is not None
        assert sky is not None
        assert (splats.name, splats.read_bytes()) == ("splats.ply", splat_bytes)
        assert sky.read_bytes() == b"a sky"
        assert package.part("proxy") is None
        assert read_manifest(path) == package.manifest
    assert is_package(path)
    assert splats.exists() is (form == "folder")  # an unpacked zip is gone again


def test_a_zip_of_the_folder_itself_is_read(rezipped: Rezip, splat_bytes: bytes) -> None:
    extra = [("__MACOSX/quarry.tlenv/._sky.exr", b"junk")]
    with open_package(rezipped(extra, prefix="quarry.tlenv/")) as package:
        part = package.part("splats")
        assert part is not None
        assert part.read_bytes() == splat_bytes


def test_what_is_not_listed_is_left_alone(rezipped: Rezip, folder: Path) -> None:
    with open_package(rezipped([("notes.txt", b"hello"), ("more/", b"")])) as package:
        assert sorted(os.listdir(package.folder)) == ["sky.exr", "splats.ply"]
    (folder / "notes.txt").write_text("hello")
    with open_package(folder) as package:
        assert package.manifest.name == "Quarry"


def test_other_things_are_no_packages(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text("{}")
    assert not is_package(tmp_path)
    (tmp_path / "plant.splat").write_bytes(b"1234")
    assert not is_package(tmp_path / "plant.splat")
    with zipfile.ZipFile(tmp_path / "robot.sog", "w") as archive:
        archive.writestr("meta.json", "{}")
    assert not is_package(tmp_path / "robot.sog")


def refusal(path: Path, limits: PackageLimits | None = None) -> str:
    with pytest.raises(FormatError) as error, open_package(path, limits or PackageLimits()):
        pass
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message[len(str(path)) :]


class TestFolder:
    def test_not_there(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "gone.tlenv") == ": no such file or folder"

    def test_neither_folder_nor_zip(self, tmp_path: Path) -> None:
        (tmp_path / "text.tlenv").write_text("hello")
        assert refusal(tmp_path / "text.tlenv") == ": neither a folder nor a zip, as an environment package is"

    def test_no_manifest(self, folder: Path) -> None:
        (folder / FILE_NAME).unlink()
        assert refusal(folder) == ": environment.json is missing: no 'environment.json' inside"

    def test_a_huge_manifest(self, folder: Path) -> None:
        (folder / FILE_NAME).write_bytes(b" " * 2000)
        limits = PackageLimits(max_manifest_bytes=1000)
        assert refusal(folder, limits) == "/environment.json: 2000 bytes, the limit is 1000"

    def test_a_later_schema(self, folder: Path) -> None:
        fields = json.loads((folder / FILE_NAME).read_text())
        (folder / FILE_NAME).write_text(json.dumps(fields | {"schema_version": 7}))
        message = "/environment.json: schema version 7, this program reads versions 1 and 2: update the program"
        assert refusal(folder) == message

    def test_a_missing_part(self, folder: Path) -> None:
        (folder / "sky.exr").unlink()
        assert refusal(folder) == ": part 'sky' is missing: no 'sky.exr' inside"

    def test_a_changed_part(self, folder: Path) -> None:
        (folder / "sky.exr").write_bytes(b"a SKY")
        message = ": sky.exr: its SHA-256 is not the manifest's: the file was changed or damaged"
        assert refusal(folder) == message

    def test_a_shorter_and_a_longer_part(self, folder: Path) -> None:
        (folder / "sky.exr").write_bytes(b"a s")
        assert refusal(folder) == ": sky.exr: 3 bytes, the manifest says 5"
        (folder / "sky.exr").write_bytes(b"a sky above")
        assert refusal(folder) == ": sky.exr: longer than the 5 bytes in the manifest"

    def test_a_linked_part(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"a sky")
        (folder / "sky.exr").unlink()
        (folder / "sky.exr").symlink_to(tmp_path / "secret")
        assert refusal(folder) == ": part 'sky' is a symbolic link, only plain files are allowed"

    def test_a_folder_for_a_part(self, folder: Path) -> None:
        (folder / "sky.exr").unlink()
        (folder / "sky.exr").mkdir()
        assert refusal(folder) == ": part 'sky' is not a file, only plain files are allowed"

    def test_more_than_the_limit(self, folder: Path) -> None:
        assert refusal(folder, PackageLimits(max_bytes=1000)) == ": 10245 bytes of parts, the limit is 1000"


class TestZip:
    @pytest.mark.parametrize(
        "name", ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\..\\evil", "./evil", "a//evil"]
    )
    def test_names_that_leave_the_package(self, rezipped: Rezip, name: str) -> None:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        assert refusal(rezipped([(entry, b"x")])) == f": {name!r} would unpack outside the package"

    def test_a_symbolic_link(self, rezipped: Rezip) -> None:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        message = ": 'link' is a symbolic link, only plain files are allowed"
        assert refusal(rezipped([(entry, b"/etc/passwd")])) == message

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_the_same_name_twice(self, rezipped: Rezip) -> None:
        assert refusal(rezipped([("sky.exr", b"other")])) == ": 'sky.exr' is in the zip twice"

    def test_the_same_name_in_other_letters(self, rezipped: Rezip) -> None:
        assert refusal(rezipped([("SKY.exr", b"other")])) == ": 'SKY.exr' is in the zip twice"

    def test_a_bomb_by_its_ratio(self, rezipped: Rezip) -> None:
        message = refusal(rezipped([("bomb", bytes(8 << 20))]))
        assert message.startswith(": 'bomb' unpacks to ")
        assert message.endswith(" times its size, the limit is 200")

    def test_a_bomb_that_lies_about_its_size(self, zipped: Path) -> None:
        """The declared size passes every check; unpacking still ends at the manifest's byte count."""
        data = bytearray(zipped.read_bytes())
        with zipfile.ZipFile(zipped) as archive:
            entry = archive.getinfo("sky.exr")
        at = data.rindex(b"PK\x01\x02")  # the last entry of the directory
        assert data[at + 46 : at + 53] == b"sky.exr"
        struct.pack_into("<I", data, at + 24, entry.file_size - 2)
        zipped.write_bytes(data)
        message = refusal(zipped)
        assert message in {": sky.exr: 3 bytes, the manifest says 5", ": a damaged zip: Bad CRC-32 for file 'sky.exr'"}

    def test_too_many_files(self, rezipped: Rezip) -> None:
        path = rezipped([(f"{i}.txt", b"") for i in range(20)])
        assert refusal(path, PackageLimits(max_entries=10)) == ": 23 files in the zip, the limit is 10"

    def test_more_than_the_limit(self, zipped: Path) -> None:
        assert refusal(zipped, PackageLimits(max_bytes=1000)) == ": 10245 bytes of parts, the limit is 1000"

    def test_a_huge_manifest(self, zipped: Path) -> None:
        message = refusal(zipped, PackageLimits(max_manifest_bytes=100))
        assert message.startswith(": environment.json is ")
        assert message.endswith(" bytes, the limit is 100")

    def test_no_manifest(self, rezipped: Rezip) -> None:
        message = ": no environment.json inside, which every environment package has"
        assert refusal(rezipped([], without=FILE_NAME)) == message

    def test_two_manifests(self, rezipped: Rezip) -> None:
        path = rezipped([("a/environment.json", b"{}"), ("b/environment.json", b"{}")], without=FILE_NAME)
        assert refusal(path) == ": no environment.json inside, which every environment package has"

    def test_a_missing_part(self, rezipped: Rezip) -> None:
        assert refusal(rezipped([], without="sky.exr")) == ": part 'sky' is missing: no 'sky.exr' inside"

    def test_a_changed_part(self, rezipped: Rezip) -> None:
        path = rezipped([("sky.exr", b"a SKY")], without="sky.exr")
        assert refusal(path) == ": sky.exr: its SHA-256 is not the manifest's: the file was changed or damaged"

    def test_encrypted(self, zipped: Path) -> None:
        data = bytearray(zipped.read_bytes())
        at = data.rindex(b"PK\x01\x02")
        struct.pack_into("<H", data, at + 8, struct.unpack_from("<H", data, at + 8)[0] | 1)
        zipped.write_bytes(data)
        message = refusal(zipped)
        assert message == ": 'sky.exr' is neither stored nor deflated, unencrypted, as a package's files are"

    def test_cut_short(self, zipped: Path) -> None:
        zipped.write_bytes(zipped.read_bytes()[:-30])
        assert refusal(zipped) == ": a damaged zip: File is not a zip file"

    def test_a_name_that_is_not_text(self, zipped: Path) -> None:
        data = bytearray(zipped.read_bytes())
        at = data.rindex(b"PK\x01\x02")
        struct.pack_into("<H", data, at + 8, 1 << 11)  # the names are UTF-8, it says
        data[at + 46] = 0xFF
        zipped.write_bytes(data)
        assert refusal(zipped).startswith(": a damaged zip: 'utf-8' codec can't decode")

    def test_entries_before_the_file_begins(self, zipped: Path) -> None:
        """A directory said to lie further on than it does moves every entry towards the front."""
        data = bytearray(zipped.read_bytes())
        at = data.rindex(b"PK\x05\x06") + 16
        struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 300)
        zipped.write_bytes(data)
        message = refusal(zipped)
        assert message == f": a damaged zip: 'environment.json' would lie at byte -300 of {len(data)}"

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
    @given(at=st.integers(4, 10_000_000), value=st.integers(0, 255))
    def test_a_changed_byte_is_refused_or_harmless(self, zipped: Path, splat_bytes: bytes, at: int, value: int) -> None:
        original = zipped.read_bytes()
        data = bytearray(original)
        data[4 + at % (len(data) - 4)] = value
        zipped.write_bytes(data)
        try:
            with contextlib.suppress(FormatError), open_package(zipped) as package:
                part = package.part("splats")
                assert part is not None
                assert part.read_bytes() == splat_bytes
        finally:
            zipped.write_bytes(original)


def test_the_readers_own_errors_pass_through(zipped: Path) -> None:
    with pytest.raises(EOFError, match="mine"), open_package(zipped):
        raise EOFError("mine")
