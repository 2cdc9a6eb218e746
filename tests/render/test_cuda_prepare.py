"""What the cuda backend keeps of a cloud, and of a sky."""

import math

import numpy as np
import pytest
from tests.render.test_conformance import cloud, sky

from translight.core.device import THREADS
from translight.render.cuda.prepare import HALF_ERROR, half_errors, halves, lay_out, lay_out_sky
from translight.render.cuda.source import GROUP
from translight.render.sh import basis, colours


@pytest.mark.parametrize("n", [0, 1, 255, 256, 300])
def test_planes_hold_the_cloud(n):
    splats = cloud(1, n, 2, opacity=(0.1, 1.0))
    layout = lay_out(splats)
    assert layout.count == n
    assert layout.stride == max(THREADS, -(-n // THREADS) * THREADS)
    assert (splats.means == layout.geometry[:3, :n].T).all()
    axes = layout.geometry[3:12, :n].T.reshape(n, 3, 3).astype(np.float64)
    assert np.allclose(np.linalg.norm(axes, axis=1), splats.scales, rtol=1e-5)
    assert np.allclose(2.0 ** layout.geometry[12, :n], splats.opacities, rtol=1e-6)
    assert np.isneginf(layout.geometry[12, n:]).all()
    assert (splats.sh[:, 0] == layout.base[:, :n].T).all()


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_harmonics_are_packed_in_pairs(degree):
    splats = cloud(2, 70, degree, opacity=(0.5, 1.0))
    layout = lay_out(splats)
    values = 3 * ((degree + 1) ** 2 - 1)
    assert layout.half
    assert layout.rest.shape[0] == -(-values // 2)
    halves = layout.rest.T.copy().view("<f2")[:70, :values]
    assert (halves == splats.sh[:, 1:].reshape(70, values).astype(np.float16)).all()


def test_harmonics_that_halves_would_change_stay_floats():
    splats = cloud(3, 70, 3, opacity=(0.5, 1.0))
    splats.sh[17, 5] = 30.01
    layout = lay_out(splats)
    assert not layout.half
    assert (layout.rest.T.copy().view(np.float32)[:70] == splats.sh[:, 1:].reshape(70, 45)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_what_no_half_holds_stays_a_float(value):
    splats = cloud(9, 3, 1, opacity=(0.5, 1.0))
    splats.sh[1, 2, 0] = value
    assert not lay_out(splats).half


def test_the_bound_on_what_halves_change_holds_in_every_direction():
    """And is not far above what is found, so that it does not keep scenes from being packed."""
    rng = np.random.default_rng(4)
    sh = rng.normal(0, 0.3, (40, 16, 3)).astype(np.float32)
    sh[:, 0] = 0
    packed = sh.astype(np.float16).astype(np.float32)
    directions = rng.normal(size=(20000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    changed = np.abs(np.einsum("dk,nkc->ndc", basis(directions), sh.astype(float) - packed.astype(float))).max(axis=1)
    bound = half_errors(sh[:, 1:], halves(sh[:, 1:]))
    assert (changed <= bound).all()
    assert (changed >= 0.3 * bound).mean() > 0.9


def test_halves_change_no_colour_by_half_a_level():
    """Of a cloud as trainers write them, by the bound and in fact."""
    splats = cloud(5, 3000, 3)
    assert lay_out(splats).half
    packed = splats.sh.copy()
    packed[:, 1:] = packed[:, 1:].astype(np.float16)
    directions = np.random.default_rng(0).normal(size=(3000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.abs(colours(packed, directions) - colours(splats.sh, directions)).max() <= HALF_ERROR < 1 / 255


def test_group_bounds_hold_their_splats():
    splats = cloud(6, 3 * GROUP + 5, 0, opacity=(0.1, 1.0))
    groups = lay_out(splats).groups
    for group in range(4):
        own = slice(group * GROUP, min((group + 1) * GROUP, len(splats)))
        assert (np.abs(splats.means[own] - groups[:3, group]) <= groups[3:6, group] + 1e-6).all()
        assert groups[6, group] == splats.scales[own].max()
    assert np.isneginf(groups[3:6, 4:]).all()


def test_unusable_splats_are_left_out():
    splats = cloud(7, 6, 1, opacity=(0.5, 1.0))
    splats.means[0, 1], splats.scales[2, 0], splats.opacities[4] = np.nan, np.inf, 0.003
    layout = lay_out(splats)
    assert layout.count == 3
    assert (splats.means[[1, 3, 5]] == layout.geometry[:3, :3].T).all()
    assert math.isclose(layout.geometry[12, 1], math.log2(splats.opacities[3]), rel_tol=1e-6)


def test_a_sky_gets_a_fourth_channel():
    picture = sky(1, 3, 5)
    laid = lay_out_sky(picture)
    assert (laid[..., :3] == picture).all()
    assert (laid[..., 3] == 0).all()
