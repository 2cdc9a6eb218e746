from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sph_harm_y

from translight.render.sh import SH_0, basis, colours


def sphere(n: int, seed: int = 0) -> np.ndarray:
    directions = np.random.default_rng(seed).normal(size=(n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def real_harmonic(degree: int, order: int, directions: np.ndarray) -> np.ndarray:
    """√2·Re or √2·Im of the complex harmonic of order |m|, whose Condon–Shortley phase INRIA's signs keep."""
    x, y, z = directions.T
    value = sph_harm_y(degree, abs(order), np.arccos(np.clip(z, -1, 1)), np.arctan2(y, x))
    if order == 0:
        return value.real
    return np.sqrt(2) * (value.imag if order < 0 else value.real)


@pytest.mark.parametrize("degree", range(4))
def test_basis_is_the_real_spherical_harmonics(degree):
    directions = sphere(500)
    expected = [real_harmonic(n, m, directions) for n in range(degree + 1) for m in range(-n, n + 1)]
    np.testing.assert_allclose(basis(directions, degree), np.stack(expected, axis=-1), atol=1e-13)


def test_basis_is_orthonormal():
    """Gauss–Legendre in z times equal steps in azimuth integrates products of degree 6 exactly."""
    z, weight = np.polynomial.legendre.leggauss(8)
    azimuth = np.arange(16) * 2 * np.pi / 16
    radius = np.sqrt(1 - z**2)
    directions = np.stack(
        [np.outer(radius, np.cos(azimuth)), np.outer(radius, np.sin(azimuth)), np.outer(z, np.ones(16))], axis=-1
    ).reshape(-1, 3)
    Y = basis(directions)
    gram = (Y * np.repeat(weight, 16)[:, None] * (2 * np.pi / 16)).T @ Y
    np.testing.assert_allclose(gram, np.eye(16), atol=1e-12)


def test_constants_are_inrias():
    """The first of each kind, as 3DGS prints them, read off where the other factors of a harmonic are 1."""
    assert basis([[0.0, 0, 1]])[0, [0, 2, 6, 12]] == pytest.approx(
        [0.28209479177387814, 0.4886025119029199, 2 * 0.31539156525252005, 2 * 0.3731763325901154]
    )
    assert basis([[0.0, 1, 0]])[0, [1, 8, 9]] == pytest.approx(
        [-0.4886025119029199, -0.5462742152960396, 0.5900435899266435]
    )


def test_colour_is_clamped_from_below_only():
    values = colours(np.array([[[-9.0, 0.0, 9.0]]]), [[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(values, [[0.0, 0.5, 0.5 + 9 * SH_0]])


@pytest.mark.parametrize("degree", [-1, 4])
def test_other_degrees_are_refused(degree):
    with pytest.raises(ValueError, match=f"0 to 3, got {degree}"):
        basis([[0.0, 0.0, 1.0]], degree)
