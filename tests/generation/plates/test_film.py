"""Films that other programs wrote, as linear light; and those that are not read."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from translight.colour.transfer import srgb_decode, srgb_encode
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
    film, rate = read_film(
        written(tmp_path / "a.mp4", "-crf", "1"), lambda rate: int(rate * Fraction(7 * 1001, 24000)), None, silent
    )
    assert (len(film), rate, film[0].shape) == (7, Fraction(24000, 1001), (36, 64, 3))
    expected = srgb_decode(np.array([0x80, 0x40, 0x20]) / 255)
    np.testing.assert_allclose(film[3].astype(np.float32), np.broadcast_to(expected, (36, 64, 3)), atol=0.012)
    assert len(read_film(tmp_path / "a.mp4", lambda _: 100, None, silent)[0]) == 10
    assert read_film(tmp_path / "a.mp4", lambda _: 3, Fraction(30), silent)[1] == 30


@needs_ffmpeg
def test_a_rate_that_varies_is_made_even(tmp_path: Path) -> None:
    """Ten greys, of which all after the fourth stand twice as long: each is seen as long as before."""
    path = tmp_path / "a.mkv"
    source = "color=c=black:s=16x16:r=24:d=0.42,format=rgb24,geq=r=20*N:g=20*N:b=20*N"
    late = "setpts='if(lt(N,4),N,2*N-4)/24/TB'"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-vf", late, "-fps_mode", "vfr", "-c:v", "ffv1"]
    subprocess.run([*command, str(path)], check=True, timeout=60)
    film, rate = read_film(path, lambda _: 100, None, silent)
    seen = [round(float(srgb_encode(np.float32(frame[8, 8, 1]))) * 255 / 20) for frame in film]
    times = {grey: float(seen.index(grey) / rate) for grey in (3, 6, 9)}
    for grey, at in times.items():
        wanted = (grey if grey < 4 else 2 * grey - 4) / 24
        assert at == pytest.approx(wanted, abs=0.6 / float(rate)), grey


@needs_ffmpeg
def test_a_film_that_is_seen_through_is_not_read(tmp_path: Path) -> None:
    said = "is see-through in places, which a plate's film is not: lay it over something first"
    for colour, fine in (("0x804020@0.5", False), ("0x804020@1.0", True)):
        path = tmp_path / f"{fine}.mkv"
        source = f"color=c={colour}:s=16x16:r=24:d=0.1,format=rgba"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "ffv1", str(path)], check=True)
        if fine:
            assert read_film(path, lambda _: 2, None, silent)[0][0].shape == (16, 16, 3)
            continue
        with pytest.raises(FormatError) as caught:
            read_film(path, lambda _: 2, None, silent)
        assert str(caught.value) == f"{path}: {said}"
    save_image(tmp_path / "exr.exr", np.full((4, 6, 4), 0.5, np.float16))
    with pytest.raises(FormatError) as caught:
        read_film(tmp_path, lambda _: 2, Fraction(24), silent)
    assert str(caught.value) == f"{tmp_path / 'exr.exr'}: {said}"


@needs_ffmpeg
def test_high_definition_that_tells_no_matrix_is_bt709(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    source = "color=c=0x20C020:s=1280x720:r=24:d=0.05,format=rgb24"
    matrix = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-vf", matrix, "-colorspace", "unknown"]
    subprocess.run([*command, "-c:v", "libx264", "-crf", "1", str(path)], check=True, timeout=60)
    (frame, *_), _ = read_film(path, lambda _: 1, None, silent)
    np.testing.assert_allclose(srgb_encode(frame[9, 9].astype(np.float32)) * 255, [0x20, 0xC0, 0x20], atol=2)


@needs_ffmpeg
def test_a_film_in_pq_is_not_guessed_at(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mkv", "-color_trc", "smpte2084", codec="ffv1")
    with pytest.raises(FormatError) as caught:
        read_film(path, lambda _: 7, None, silent)
    said = "its transfer characteristics are 16 (ITU-T H.273), sRGB, BT.709 or linear are read: make EXRs of it"
    assert str(caught.value) == f"{path}: {said}"


def test_a_folder_of_exr_pictures_is_light_already(tmp_path: Path) -> None:
    for k in (2, 0, 1):
        save_image(tmp_path / f"f.{k:04d}.exr", np.full((4, 6, 3), 30.0 * k, np.float16))
    film, rate = read_film(tmp_path, lambda _: 9, Fraction(25), silent)
    assert [float(frame[1, 1, 1]) for frame in film] == [0.0, 30.0, 60.0]
    assert rate == 25
    save_image(tmp_path / "f.0003.exr", np.zeros((4, 7, 3), np.float16))
    for given, said in (
        (Fraction(25), "frame 3 is of another size than the first"),
        (None, "a folder of pictures has no rate of its own: give --rate"),
    ):
        with pytest.raises(FormatError) as caught:
            read_film(tmp_path, lambda _: 9, given, silent)
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
            read_film(tmp_path / name, lambda _: 9, Fraction(24), silent)
        assert str(caught.value) == f"{tmp_path / name}: {said}"
