import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.reconstruction.photographs import save_photograph, texture

from translight.core.errors import FormatError
from translight.core.progress import silent
from translight.reconstruction.look import LOOKED_AT_PX, THUMBNAIL_PX, alike, look_at
from translight.reconstruction.read_capture import read_capture
from translight.reconstruction.sharpness import blur_effect, grey_of
from translight.reconstruction.stills import load_reduced

WHOLE = texture(300, 400, cell=4)


def effect(pixels):
    return blur_effect(grey_of(np.asarray(pixels)))


def test_blur_grows_with_blur_in_one_direction_too():
    picture = Image.fromarray(WHOLE)
    values = [effect(picture.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4, 8)]
    assert (np.diff(values) > 0.02).all()
    for axis in (0, 1):
        shaken = np.stack([np.roll(WHOLE.astype(float), shift, axis) for shift in range(-4, 5)]).mean(axis=0)
        assert effect(shaken.astype(np.uint8)) > values[0] + 0.1


def test_blur_does_not_depend_on_contrast_and_plain_parts():
    assert effect((WHOLE // 2 + 60).astype(np.uint8)) == pytest.approx(effect(WHOLE), abs=0.02)
    sky = WHOLE.copy()
    sky[:150] = 200
    assert effect(sky) == pytest.approx(effect(WHOLE), abs=0.03)
    focused = np.asarray(Image.fromarray(WHOLE).filter(ImageFilter.GaussianBlur(4))).copy()
    focused[100:250, 100:300] = WHOLE[100:250, 100:300]
    assert effect(focused) < effect(WHOLE) + 0.1


def test_a_picture_of_nothing_is_all_blur():
    assert effect(np.full((100, 100, 3), 90, np.uint8)) == 1.0
    assert effect(np.full((3, 3, 3), 90, np.uint8)) == 1.0


def test_blur_sets_real_photographs_apart(photos):
    """What docs/reconstruction/capture.md says of Brighton."""
    files = [still.file for still in read_capture(photos("brighton")).stills[::3]]
    pictures = [Image.fromarray(load_reduced(file, LOOKED_AT_PX)) for file in files]
    sharp = [effect(picture) for picture in pictures]
    assert np.ptp(sharp) < 0.02
    for radius, least in ((1, 0.16), (2, 0.35)):
        assert min(effect(p.filter(ImageFilter.GaussianBlur(radius))) for p in pictures[:3]) > max(sharp) + least


def test_looks(tmp_path):
    save_photograph(tmp_path / "a.png", WHOLE)
    half = np.zeros((300, 400, 3), np.uint8)
    half[:, :100] = 255
    save_photograph(tmp_path / "b.png", half)
    save_photograph(tmp_path / "c.png", np.roll(WHOLE, 1, axis=1))
    save_photograph(tmp_path / "d.png", texture(300, 400, 9))
    told = []
    looks = look_at(read_capture(tmp_path).stills, lambda *words: told.append(words))
    assert list(looks) == ["a.png", "b.png", "c.png", "d.png"]
    b = looks["b.png"]
    assert (b.white, b.black) == (0.25, 0.75)
    assert b.light == pytest.approx(0.25, abs=1e-3)
    assert max(b.thumbnail.shape) == THUMBNAIL_PX
    same = alike(list(looks.values()))
    assert same[0, 2] > 0.98 > 0.5 > abs(same[0, 3])
    assert same.diagonal().tolist() == [0] * 4
    assert told[-1] == ("looking at photographs", 1.0)


def test_a_file_that_went_bad_is_told(tmp_path):
    save_photograph(tmp_path / "a.png", WHOLE)
    stills = read_capture(tmp_path).stills
    (tmp_path / "a.png").write_bytes(b"gone")
    with pytest.raises(FormatError, match=r"a\.png: not a readable picture"):
        look_at(stills, silent)
