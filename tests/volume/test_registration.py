"""The estimator of shifts against shifts that are known."""

from __future__ import annotations

import numpy as np
import pytest

from translight.volume.registration import shifts


def fourier_shifted(picture: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """``picture`` moved right by dx and down by dy pixels, exactly, going round at the edges."""
    v, u = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])
    return np.fft.ifft2(np.fft.fft2(picture) * np.exp(-2j * np.pi * (u * dx + v * dy))).real


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    """Noise without the uppermost half of its frequencies."""
    noise = np.random.default_rng(5).standard_normal((192, 256))
    v, u = np.fft.fftfreq(192)[:, None], np.fft.fftfreq(256)
    smooth = np.fft.ifft2(np.fft.fft2(noise) * (np.hypot(u, v) < 0.25)).real
    return 0.5 + 0.15 * smooth / smooth.std()


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.0), (0.01, 0.0), (0.05, -0.03), (-0.3, 0.45), (1.7, -2.2)])
def test_known_shifts_are_found_to_a_few_thousandths(texture: np.ndarray, dx: float, dy: float) -> None:
    found = shifts(texture, fourier_shifted(texture, dx, dy))
    assert found.shape == (3, 4, 2)
    np.testing.assert_allclose(found, np.broadcast_to([dx, dy], found.shape), atol=0.004)


def test_noise_brightness_and_blur_do_not_pass_for_a_shift(texture: np.ndarray) -> None:
    noisy = 0.95 * texture + 0.04 + 0.01 * np.random.default_rng(6).standard_normal(texture.shape)
    blurred = (fourier_shifted(noisy, 0.5, 0) + fourier_shifted(noisy, -0.5, 0)) / 2
    assert np.abs(shifts(texture, blurred)).max() < 0.02


def test_one_moved_window_is_found_among_still_ones(texture: np.ndarray) -> None:
    moved = texture.copy()
    moved[64:128, 64:128] = fourier_shifted(texture, 0.2, 0)[64:128, 64:128]
    lengths = np.linalg.norm(shifts(texture, moved), axis=-1)
    assert lengths[1, 1] == pytest.approx(0.2, abs=0.01)
    assert np.delete(lengths.ravel(), 5).max() < 0.02


def test_what_cannot_be_measured_is_not_a_number(texture: np.ndarray) -> None:
    assert np.isnan(shifts(np.full((64, 64), 0.5), np.full((64, 64), 0.5))).all()
    stripes = np.broadcast_to(0.5 + 0.4 * np.sin(np.arange(64) / 3), (64, 64))
    assert np.isnan(shifts(stripes, stripes)).all()  # no hold along the stripes
    valid = np.ones(texture.shape, bool)
    valid[10, 10] = False
    found = shifts(texture, texture, valid)
    assert np.isnan(found[0, 0]).all()
    assert np.isfinite(found.reshape(-1, 2)[1:]).all()
    assert np.isnan(shifts(texture, np.random.default_rng(7).uniform(size=texture.shape))).any()
