"""Films that other programs wrote, as linear light; and those that are not read."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from translight.colour.transfer import srgb_decode
from translight.core.errors import FormatError
from translight.core.image import save_image
from translight.core.progress import silent
from translight.generation.plates.film import read_film

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg, which writes the films")


def written(path: Path, *more: str, colour: str = "0x804020", seconds: str = "0.4", codec: str = "libx264") -> Path:
    source = f"color=c={colour}:s=64x36:r=24000/1001:d={seconds},format=rgb24"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", codec, *more, str(path)], check=True, timeout=60
    )
    return path


@needs_ffmpeg
def test_a_movie_is_decoded_to_light(tmp_path: Path) -> None:
    film, rate = read_film(written(tmp_path / "a.mp4", "-crf", "1"), 7, None, silent)
    assert (len(film), rate, film[0].shape) == (7, Fraction(24000, 1001), (36, 64, 3))
    expected = srgb_decode(np.array([0x80, 0x40, 0x20]) / 255)
    np.testing.assert_allclose(film[3].astype(np.float32), np.broadcast_to(expected, (36, 64, 3)), atol=0.012)
    assert len(read_film(tmp_path / "a.mp4", 100, None, silent)[0]) == 10
    assert read_film(tmp_path / "a.mp4", 3, Fraction(30), silent)[1] == 30


@needs_ffmpeg
def test_a_film_in_pq_is_not_guessed_at(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mkv", "-color_trc", "smpte2084", codec="ffv1")
    with pytest.raises(FormatError) as caught:
        read_film(path, 7, None, silent)
    said = "its transfer characteristics are 16 (ITU-T H.273), sRGB, BT.709 or linear are read: make EXRs of it"
    assert str(caught.value) == f"{path}: {said}"


def test_a_folder_of_exr_pictures_is_light_already(tmp_path: Path) -> None:
    for k in (2, 0, 1):
        save_image(tmp_path / f"f.{k:04d}.exr", np.full((4, 6, 3), 30.0 * k, np.float16))
    film, rate = read_film(tmp_path, 9, Fraction(25), silent)
    assert [float(frame[1, 1, 1]) for frame in film] == [0.0, 30.0, 60.0]
    assert rate == 25
    save_image(tmp_path / "f.0003.exr", np.zeros((4, 7, 3), np.float16))
    for given, said in (
        (Fraction(25), "frame 3 is of another size than the first"),
        (None, "a folder of pictures has no rate of its own: give --rate"),
    ):
        with pytest.raises(FormatError) as caught:
            read_film(tmp_path, 9, given, silent)
        assert str(caught.value) == f"{tmp_path}: {said}"


def test_what_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"not a film" * 100)
    for name, said in (
        ("none.mp4", "no such file or folder"),
        ("empty", "holds no .exr pictures"),
        ("a.mp4", "not a readable film (Invalid data found when processing input)"),
    ):
        with pytest.raises(FormatError) as caught:
            read_film(tmp_path / name, 9, Fraction(24), silent)
        assert str(caught.value) == f"{tmp_path / name}: {said}"
