"""A flip is right when a flipped cloud, seen from the flipped direction, shows the same colour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.frames import RDF_FROM_RUB
from translight.splats.axes import RUB_TO_RDF, mean_signs, sh_signs, wxyz_signs

FLIPS = st.tuples(*[st.sampled_from([1, -1])] * 3)
DIRECTIONS = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1)


def basis(direction):
    """INRIA's real SH basis of degree 3 at a direction, from the polynomials (gaussian-splatting, sh_utils.py)."""
    x, y, z = np.array(direction) / np.linalg.norm(direction)
    xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
    return np.array(
        [
            0.28209479177387814,
            *(-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x),
            *(1.0925484305920792 * xy, -1.0925484305920792 * yz, 0.31539156525252005 * (2 * zz - xx - yy)),
            *(-1.0925484305920792 * xz, 0.5462742152960396 * (xx - yy)),
            *(-0.5900435899266435 * y * (3 * xx - yy), 2.890611442640554 * xy * z),
            *(-0.4570457994644658 * y * (4 * zz - xx - yy), 0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy)),
            *(-0.4570457994644658 * x * (4 * zz - xx - yy), 1.445305721320277 * z * (xx - yy)),
            -0.5900435899266435 * x * (xx - 3 * yy),
        ]
    )


def rotation(wxyz):
    w, x, y, z = wxyz
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@given(flips=FLIPS, direction=DIRECTIONS, seed=st.integers(0, 2**32 - 1))
def test_colour_in_a_direction_is_the_flipped_clouds_in_the_flipped_direction(flips, direction, seed):
    sh = np.random.default_rng(seed).normal(size=(16, 3))
    flipped = sh.copy()
    flipped[1:] *= sh_signs(flips, 15)
    assert np.allclose(basis(direction) @ sh, basis(np.array(direction) * flips) @ flipped, atol=1e-9)


@given(flips=FLIPS, seed=st.integers(0, 2**32 - 1))
def test_covariance_is_flipped(flips, seed):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=4)
    q /= np.linalg.norm(q)
    scales = np.diag(rng.uniform(0.1, 2.0, 3) ** 2)
    F = np.diag(mean_signs(flips))
    before, after = rotation(q), rotation(q * wxyz_signs(flips))
    assert np.allclose(F @ before @ scales @ before.T @ F, after @ scales @ after.T, atol=1e-6)


@given(flips=FLIPS)
def test_a_flip_is_its_own_inverse(flips):
    for signs in (mean_signs(flips), wxyz_signs(flips), sh_signs(flips, 15)):
        assert (signs * signs == 1).all()


def test_rub_to_rdf_is_the_rotation_of_the_frames_table():
    assert np.allclose(np.diag(mean_signs(RUB_TO_RDF)), RDF_FROM_RUB.rotation())


@pytest.mark.parametrize("rest", [0, 3, 8, 15])
def test_shapes(rest):
    assert sh_signs(RUB_TO_RDF, rest).shape == (rest, 1)
