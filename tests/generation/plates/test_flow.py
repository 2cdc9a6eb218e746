"""Flow against motion that is known: pictures moved by Fourier's shift theorem, turned and enlarged."""

import numpy as np
import pytest
from scipy import ndimage

from translight.generation.plates.flow import flow, warped


def texture(seed: int = 0, size: tuple[int, int] = (80, 112), grain: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=size)
    smooth = ndimage.gaussian_filter(noise, grain, mode="wrap") + 2 * ndimage.gaussian_filter(
        noise, 4 * grain, mode="wrap"
    )
    return (0.5 + 0.15 * smooth / smooth.std()).astype(np.float32)


def shifted(picture: np.ndarray, columns: float, rows: float) -> np.ndarray:
    """Exactly, around the borders."""
    turned = np.fft.fft2(picture, axes=(0, 1))
    u, v = np.fft.fftfreq(picture.shape[1]), np.fft.fftfreq(picture.shape[0])
    phase = np.exp(-2j * np.pi * (u[None, :] * columns + v[:, None] * rows))
    return np.fft.ifft2(turned * (phase if picture.ndim == 2 else phase[..., None]), axes=(0, 1)).real.astype(
        np.float32
    )


@pytest.mark.parametrize("by", [(0.0, 0.0), (0.4, -0.7), (3.25, 1.5), (-9.0, 6.0)])
def test_a_shift_is_found_to_a_tenth_of_a_pixel(by: tuple[float, float]) -> None:
    first = texture()
    found = flow(first, shifted(first, *by))[24:-24, 24:-24]
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), by, atol=0.03)
    assert np.sqrt(np.mean((found - by) ** 2)) < 0.1


def test_a_turn_and_a_zoom_are_found() -> None:
    first = texture(3)
    height, width = first.shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    x, y = columns - width / 2, rows - height / 2
    angle, zoom = np.radians(2.0), 1.03
    wanted = np.stack(
        [zoom * (np.cos(angle) * x - np.sin(angle) * y) - x, zoom * (np.sin(angle) * x + np.cos(angle) * y) - y],
        axis=-1,
    )
    # second(p + wanted(p)) = first(p): the second at q is the first at the inverse motion of q
    inverse = np.linalg.inv(zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))
    at = np.einsum("ij,hwj->hwi", inverse, np.stack([x, y], axis=-1))
    second = ndimage.map_coordinates(first, [at[..., 1] + height / 2, at[..., 0] + width / 2], order=3, mode="nearest")
    off = (flow(first, second) - wanted)[12:-12, 12:-12]
    assert np.sqrt(np.mean(off**2)) < 0.12


def test_warping_brings_the_second_onto_the_first() -> None:
    first = texture(5)
    second = shifted(first, 1.5, -0.5)
    by = np.broadcast_to(np.array([1.5, -0.5], np.float32), (*first.shape, 2))
    inner = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(warped(second, by)[inner], first[inner], atol=0.02)
    np.testing.assert_array_equal(warped(np.stack([second] * 3, axis=-1), by)[..., 1], warped(second, by))


def test_two_sizes() -> None:
    with pytest.raises(
        ValueError, match=r"^flow: two grey pictures of one size are wanted, got \(8, 8\) and \(8, 9\)$"
    ):
        flow(np.zeros((8, 8), np.float32), np.zeros((8, 9), np.float32))
