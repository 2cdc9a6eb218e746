"""PSNR, SSIM and colour correction against analytic truths and second implementations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.reconstruction.evaluate.metrics import BEST_PSNR_DB, colour_corrected, psnr_db, ssim


def _pair(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(size=(height, width, 3)).astype(np.float32)
    picture = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32)
    return picture, truth


def _ssim_by_torch(picture: np.ndarray, truth: np.ndarray) -> torch.Tensor:
    """The map as 3DGS's loss computes it (a grouped convolution with a 2D window), its border cut off; float64."""
    x, y = (torch.from_numpy(a).double().permute(2, 0, 1)[None] for a in (picture, truth))
    i = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-(i**2) / 4.5)
    line /= line.sum()
    window = torch.outer(line, line).expand(3, 1, 11, 11).contiguous()

    def blurred(t: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(t, window, groups=3)

    mx, my = blurred(x), blurred(y)
    sx, sy, sxy = blurred(x * x) - mx * mx, blurred(y * y) - my * my, blurred(x * y) - mx * my
    return ((2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (sx + sy + 9e-4)))[0]


@given(st.floats(0.001, 0.9))
@settings(max_examples=30, deadline=None)
def test_psnr_of_a_constant_error_is_its_logarithm(error: float):
    truth = np.zeros((7, 9, 3), np.float32)
    assert psnr_db(np.full_like(truth, error), truth) == pytest.approx(-20 * math.log10(error), abs=1e-4)


def test_psnr_of_equal_pictures_is_a_number_that_json_holds():
    picture, _ = _pair(5, 5)
    assert psnr_db(picture, picture) == BEST_PSNR_DB


@pytest.mark.parametrize("shape", [(11, 11), (40, 23), (64, 80)])
def test_ssim_is_that_of_a_convolution(shape: tuple[int, int]):
    picture, truth = _pair(*shape)
    assert ssim(picture, truth) == pytest.approx(float(_ssim_by_torch(picture, truth).mean()), abs=1e-10)


def test_ssim_window_by_window():
    picture, truth = _pair(13, 12, seed=3)
    i = np.arange(11) - 5
    window = np.exp(-(i[:, None] ** 2 + i[None] ** 2) / 4.5)[..., None]
    window /= window.sum()
    values = []
    for row in range(3):
        for column in range(2):
            x = picture[row : row + 11, column : column + 11].astype(float)
            y = truth[row : row + 11, column : column + 11].astype(float)
            mx, my = (window * x).sum((0, 1)), (window * y).sum((0, 1))
            vx, vy = (window * (x - mx) ** 2).sum((0, 1)), (window * (y - my) ** 2).sum((0, 1))
            covariance = (window * (x - mx) * (y - my)).sum((0, 1))
            luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
            values.append(luminance * (2 * covariance + 9e-4) / (vx + vy + 9e-4))
    assert ssim(picture, truth) == pytest.approx(np.mean(values), abs=1e-10)


def test_ssim_is_one_of_equal_pictures_and_symmetric():
    picture, truth = _pair(20, 20)
    assert ssim(truth, truth) == pytest.approx(1.0)
    assert ssim(picture, truth) == pytest.approx(ssim(truth, picture))


def test_what_has_no_weight_is_not_looked_at():
    picture, truth = _pair(40, 40)
    weight = np.ones((40, 40), np.float32)
    weight[:12] = 0
    spoilt = picture.copy()
    spoilt[:12] = 7.0
    assert psnr_db(spoilt, truth, weight) == psnr_db(picture[12:], truth[12:])
    assert ssim(spoilt, truth, weight) == pytest.approx(ssim(picture[12:], truth[12:]), abs=1e-12)
    np.testing.assert_allclose(
        colour_corrected(spoilt, truth, weight)[12:], colour_corrected(picture[12:], truth[12:]), atol=1e-6
    )


def test_where_nothing_has_weight_there_is_no_value():
    picture, truth = _pair(20, 20)
    nothing = np.zeros((20, 20), np.float32)
    assert psnr_db(picture, truth, nothing) is None
    assert ssim(picture, truth, nothing) is None
    np.testing.assert_array_equal(colour_corrected(picture, truth, nothing), picture)


def test_a_picture_smaller_than_the_window_has_no_ssim():
    picture, truth = _pair(10, 30)
    assert ssim(picture, truth) is None


def test_colour_correction_undoes_exposure_and_white_balance():
    rng = np.random.default_rng(5)
    truth = rng.uniform(0.2, 0.8, (30, 30, 3)).astype(np.float32)
    mixed = np.array([[0.8, 0.05, 0.0], [0.02, 0.7, 0.1], [0.0, 0.03, 0.9]])
    picture = (truth @ mixed + [0.05, -0.02, 0.04]).astype(np.float32)
    before = psnr_db(picture, truth)
    assert before is not None
    assert before < 25
    assert psnr_db(colour_corrected(picture, truth), truth) == BEST_PSNR_DB


def test_colour_correction_of_one_colour_everywhere_is_finite():
    truth = np.full((8, 8, 3), 0.4, np.float32)
    np.testing.assert_allclose(colour_corrected(np.full_like(truth, 0.9), truth), truth, atol=1e-6)


def test_pictures_of_two_sizes_are_refused():
    a, b = np.zeros((4, 5, 3), np.float32), np.zeros((5, 4, 3), np.float32)
    with pytest.raises(ValueError, match=r"pictures to compare are \(h w 3\) of one size, got \(4, 5, 3\) and"):
        psnr_db(a, b)
    with pytest.raises(ValueError, match=r"weights are \(h w\) as the picture, got \(5, 4\) for \(4, 5, 3\)"):
        ssim(a, a, b[..., 0])
