"""The same photographs have the same fingerprint, and any change another."""

import os
from pathlib import Path

import pytest

from translight.core.errors import FormatError
from translight.reconstruction.run.fingerprint import fingerprint


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "masks").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "masks/a.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_it_is_stable_and_counts_files(photos: Path, monkeypatch: pytest.MonkeyPatch):
    first = fingerprint(photos)
    assert (first.files, first.path) == (3, str(photos.resolve()))
    monkeypatch.chdir(photos.parent)
    assert fingerprint(Path("photos")) == first


@pytest.mark.parametrize("change", ["content", "time", "name", "more", "less"])
def test_any_change_is_seen(photos: Path, change: str):
    before = fingerprint(photos)
    if change == "content":
        (photos / "a.jpg").write_bytes(b"longer than it was")
    elif change == "time":
        os.utime(photos / "a.jpg", ns=(1, 1))
    elif change == "name":
        (photos / "a.jpg").rename(photos / "c.jpg")
    elif change == "more":
        (photos / "masks" / "b.png").write_bytes(b"")
    else:
        (photos / "b.jpg").unlink()
    assert fingerprint(photos).digest != before.digest


def test_hidden_files_are_the_systems_own(photos: Path):
    before = fingerprint(photos)
    (photos / ".DS_Store").write_bytes(b"x")
    (photos / ".beach.tlenv.work").mkdir()
    (photos / ".beach.tlenv.work" / "run.json").write_bytes(b"x")
    assert fingerprint(photos) == before


def test_a_video_is_one_file(photos: Path):
    found = fingerprint(photos / "a.jpg")
    assert found.files == 1
    os.utime(photos / "a.jpg", ns=(5, 5))
    assert fingerprint(photos / "a.jpg") != found


def test_what_is_not_there(tmp_path: Path):
    with pytest.raises(FormatError, match=r"gone: no such file or folder$"):
        fingerprint(tmp_path / "gone")
