import os
import stat
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError, ReconstructionError
from translight.core.progress import silent
from translight.reconstruction.archive import DEFAULT_LIMITS, ArchiveLimits, open_archive, read_entry, unpack


def make(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def refused(path, limits=DEFAULT_LIMITS):
    with pytest.raises(FormatError) as caught, open_archive(path, limits):
        raise AssertionError("it was opened")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["../a", "/a", "b/../../a", "c:\\a", "a\\..\\b", "c:a"])
def test_paths_that_escape(tmp_path, name):
    path = make(tmp_path / "a.zip", [(name, b"x")])
    assert refused(path).endswith("would unpack outside its folder")
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_links_twins_and_ciphers(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refused(make(tmp_path / "a.zip", [(link, "/etc/passwd")])) == (
        "'link' is a symbolic link, only plain files are allowed"
    )
    with pytest.warns(UserWarning, match="Duplicate"):
        path = make(tmp_path / "b.zip", [("a", b"1"), ("a", b"2")])
    assert refused(path) == "'a' is in the zip twice"
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1")
    assert refused(tmp_path / "c.zip") == "'a' is neither stored nor deflated, unencrypted"


def test_bombs(tmp_path):
    path = make(tmp_path / "a.zip", [("a", bytes(5000)), ("b", bytes(5000))])
    assert refused(path, ArchiveLimits(max_entries=1)) == "2 files in the zip, the limit is 1"
    assert refused(path, ArchiveLimits(max_file_bytes=4999)) == "'a' unpacks to 5,000 bytes, the limit is 4,999"
    wanted = {"a": tmp_path / "x", "b": tmp_path / "y"}
    with open_archive(path) as archive:
        with pytest.raises(FormatError, match=r"a\.zip: unpacks to 10,000 bytes, the limit is 9,999$"):
            unpack(path, archive, wanted, silent, ArchiveLimits(max_bytes=9999))
        with pytest.raises(FormatError, match=r"a\.zip: a unpacks to more than 4,999 bytes$"):
            read_entry(path, archive, "a", 4999)
        with pytest.raises(FormatError, match=r"a\.zip: no c inside$"):
            read_entry(path, archive, "c", 1)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_a_size_that_lies(tmp_path):
    path = make(tmp_path / "a.zip", [("a", bytes(100_000))])
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # the uncompressed size in the central directory
    data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FormatError, match="a damaged zip"), open_archive(path) as archive:
        unpack(path, archive, {"a": tmp_path / "x"}, silent)
    assert not (tmp_path / "x").exists()


def test_what_is_there_stays_and_the_rest_comes(tmp_path):
    path = make(tmp_path / "a.zip", [("a", b"one"), ("b", b"two"), ("c", b"three")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"one")
    os.utime(tmp_path / "out/a", (1, 1))
    (tmp_path / "out/b").write_bytes(b"TWO")  # as long, but not the same
    told = []
    with open_archive(path) as archive:
        unpack(path, archive, {n: tmp_path / "out" / n for n in "ab"}, lambda *words: told.append(words))
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == {"a": b"one", "b": b"two"}
    assert (tmp_path / "out/a").stat().st_mtime == 1
    assert told == [("unpacking a.zip", 0.5), ("unpacking a.zip", 1.0)]
    (tmp_path / "file").touch()
    with pytest.raises(ReconstructionError, match=r"cannot be written"), open_archive(path) as archive:
        unpack(path, archive, {"a": tmp_path / "file" / "a"}, silent)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_raises_nothing_but_format_errors(tmp_path, data):
    whole = bytearray(make(tmp_path / "a.zip", [("a", b"some text" * 20), ("b/c", b"more")]).read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.zip"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        with open_archive(path) as archive:
            wanted = {name: tmp_path / f"{i}" for i, name in enumerate(archive.namelist()) if not name.endswith("/")}
            unpack(path, archive, wanted, silent)
    except FormatError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 - some damage is harmless
