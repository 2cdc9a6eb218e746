import shutil

import numpy as np
import pytest
from tests.reconstruction.photographs import exif_of, save_photograph, texture

from translight.core.errors import FormatError
from translight.reconstruction.capture import GeoPosition
from translight.reconstruction.masks import find_masks
from translight.reconstruction.read_capture import read_capture, scan
from translight.reconstruction.stills import load_still


def names(capture):
    return [still.name for still in capture.stills]


def test_what_each_still_says_of_itself(tmp_path):
    exif = exif_of(focal_mm=4, focal_35mm=26, f_number=2, seconds=0.01, iso=100, taken="2024:01:01 00:00:00",
                   orientation=6, position=(50, 8, 120))  # fmt: skip
    save_photograph(tmp_path / "b.jpg", texture(48, 64), exif)
    save_photograph(tmp_path / "a.PNG", texture(48, 64))
    (tmp_path / "notes.txt").touch()
    save_photograph(tmp_path / "._b.jpg", texture(8, 8))
    told = []
    capture = read_capture(tmp_path, progress=lambda what, share: told.append((what, share)))
    assert names(capture) == ["a.PNG", "b.jpg"]
    a, b = capture.stills
    assert (a.width_px, a.height_px, a.camera) == (64, 48, "unknown camera 64x48")
    assert a.focal_px is a.geo is a.exposure_ev is a.taken_s is a.mask is None
    assert (b.width_px, b.height_px, b.camera) == (48, 64, "Acme One 4 mm 48x64")
    assert b.geo == GeoPosition(50, 8, 120)
    assert b.exposure_ev == pytest.approx(8.64, abs=0.01)
    assert b.focal_px == pytest.approx(26 / 43.2666 * 80, rel=1e-4)
    assert told == [("reading photographs", 0.5), ("reading photographs", 1.0)]
    assert not capture.sequential


def test_heights_are_level_only_where_no_still_has_one(tmp_path):
    save_photograph(tmp_path / "a.jpg", texture(8, 8), exif_of(position=(50, 8, None)))
    assert read_capture(tmp_path).stills[0].geo == GeoPosition(50, 8, 0)
    save_photograph(tmp_path / "b.jpg", texture(8, 8), exif_of(position=(50, 8, 70)))
    assert [still.geo for still in read_capture(tmp_path).stills] == [None, GeoPosition(50, 8, 70)]


def test_folders_below_are_read_when_there_is_nothing_above(tmp_path):
    for name in ("100/a.jpg", "101/a.jpg", "masks/101/a.png", ".trash/a.jpg", "__MACOSX/a.jpg"):
        save_photograph(tmp_path / name, texture(8, 8))
    assert names(read_capture(tmp_path)) == ["100/a.jpg", "101/a.jpg"]
    shutil.rmtree(tmp_path / "masks")
    save_photograph(tmp_path / "images/c.jpg", texture(8, 8))
    save_photograph(tmp_path / "images_2/c.jpg", texture(4, 4))
    assert names(read_capture(tmp_path)) == ["c.jpg"]
    save_photograph(tmp_path / "d.jpg", texture(8, 8))
    assert names(read_capture(tmp_path)) == ["d.jpg"]


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_masks_by_both_kinds_of_names(tmp_path, where):
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save_photograph(folder / name, texture(8, 12))
    masks = (folder if where == "inside" else tmp_path) / "masks"
    for name in ("a.jpg.png", "b.png"):
        save_photograph(masks / name, np.zeros((8, 12), np.uint8))
    assert [still.mask for still in read_capture(folder).stills] == [masks / "a.jpg.png", masks / "b.png", None]


def test_masks_that_fit_nothing_are_told(tmp_path):
    save_photograph(tmp_path / "a.jpg", texture(8, 12))
    save_photograph(tmp_path / "masks/other.png", np.zeros((8, 12), np.uint8))
    with pytest.raises(FormatError, match=r"masks: no mask of any still; a\.jpg would have a\.jpg\.png or a\.png$"):
        read_capture(tmp_path)
    save_photograph(tmp_path / "masks/a.png", np.zeros((8, 10), np.uint8))
    with pytest.raises(FormatError, match=r"a\.png: 10x8 pixels, its still a\.jpg has 12x8$"):
        read_capture(tmp_path)
    assert find_masks(tmp_path / "elsewhere", {"b.jpg": (1, 1)}) == {}


def test_a_damaged_picture_is_refused_by_name_or_left_out(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.png"):
        save_photograph(tmp_path / name, texture(200, 300))
    whole = (tmp_path / "b.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) * 2 // 3])  # its header is whole
    with pytest.raises(FormatError) as caught:
        read_capture(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path}: 1 picture is damaged: b.jpg (not a readable picture (image file is truncated"
    )
    assert str(caught.value).endswith("; repair or remove, or skip damaged pictures")
    assert names(read_capture(tmp_path, skip_damaged=True)) == ["a.jpg", "c.png"]
    found = scan(tmp_path)
    assert list(found.damaged) == ["b.jpg"]
    for name in ("d", "e", "f", "g"):
        (tmp_path / f"{name}.jpg").touch()
    with pytest.raises(FormatError, match=r"5 pictures are damaged: b\.jpg, d\.jpg, e\.jpg and 2 more; repair"):
        read_capture(tmp_path)
    for name in ("a.jpg", "c.png"):
        (tmp_path / name).unlink()
    with pytest.raises(FormatError, match=r"all 5 pictures are damaged: b\.jpg, d\.jpg, e\.jpg and 2 more$"):
        read_capture(tmp_path, skip_damaged=True)


def test_damaged_exif_is_no_damaged_picture(tmp_path):
    exif = exif_of(orientation=6, focal_35mm=26, position=(50, 8, 1))
    whole = save_photograph(tmp_path / "a.jpg", texture(48, 64), exif).read_bytes()
    at = whole.index(b"Exif\0\0") + 6
    for name, data in (("a", b"XX"), ("b", b"MM\0*\xff\xff\xff\xff"), ("c", whole[at : at + 8] + b"\xff" * 60)):
        (tmp_path / f"{name}.jpg").write_bytes(whole[:at] + data + whole[at + len(data) :])
    stills = read_capture(tmp_path).stills
    assert [(still.name, still.focal_px, still.geo) for still in stills] == [(f"{n}.jpg", None, None) for n in "abc"]
    assert all(load_still(still.file).shape == (48, 64, 3) for still in stills)


def test_folders_without_photographs_say_what_is_there(tmp_path):
    with pytest.raises(FormatError, match=r"absent: no such folder$"):
        read_capture(tmp_path / "absent")
    with pytest.raises(FormatError) as caught:
        read_capture(tmp_path)
    assert str(caught.value) == f"{tmp_path}: no photographs; .jpg, .png, .tif and .heic are read"
    (tmp_path / "readme").touch()
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt").touch()
    with pytest.raises(FormatError, match=r"are read \(here: 2 \.txt, 1 without a suffix\)$"):
        read_capture(tmp_path)
    (tmp_path / "a.DNG").touch()
    with pytest.raises(FormatError, match=r"are read, and the 1 raw files here only once developed to one of these$"):
        read_capture(tmp_path)
    with pytest.raises(FormatError, match=r"a\.txt: not a folder$"):
        read_capture(tmp_path / "a.txt")


def test_a_huge_folder_is_not_walked_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("translight.reconstruction.read_capture.MAX_FILES", 3)
    for i in range(4):
        (tmp_path / f"{i}.txt").touch()
    with pytest.raises(FormatError, match=r"more than 3 files below it; give the folder of the photographs$"):
        read_capture(tmp_path)


def test_real_photographs(photos, tmp_path):
    capture = read_capture(photos("brighton"))
    assert len(capture.stills) == 18
    first = capture.stills[0]
    assert (first.name, first.camera) == ("dji_0018.jpg", "DJI FC300S 3.61 mm 1600x900")
    assert first.focal_px == pytest.approx(936, rel=0.03)  # 3.61 mm on a sensor 6.17 mm wide
    assert first.geo == GeoPosition(pytest.approx(46.842607, abs=1e-6), pytest.approx(-91.994560, abs=1e-6), 198.309)
    taken = [still.taken_s for still in capture.stills]
    assert taken == sorted(taken)
    shutil.copy(first.file, tmp_path)
    assert len(read_capture(tmp_path).stills) == 1
