"""Splats that come and go: relocation keeps a splat's light, gradients clone and split, the faint ones leave."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest

from translight.reconstruction.training.adaptive import Adaptive
from translight.reconstruction.training.mcmc import (
    MIDDLE,
    NOISE,
    SHAKEN_BELOW,
    STEEPNESS,
    Mcmc,
    displacements,
    relocated,
    rotations,
)
from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.shake_kernel import normals, shake_rows
from translight.reconstruction.training.splats import NAMES, TrainedSplats
from translight.splats.cloud import SplatCloud


def _splats(count: int, opacity: float | np.ndarray = 0.5, scale: float = 0.1) -> TrainedSplats:
    rng = np.random.default_rng(count)
    wxyz = rng.normal(size=(count, 4)).astype(np.float32)
    wxyz /= np.linalg.norm(wxyz, axis=1, keepdims=True)
    cloud = SplatCloud(
        rng.normal(size=(count, 3)).astype(np.float32),
        np.full((count, 3), scale, np.float32),
        wxyz,
        np.broadcast_to(np.asarray(opacity, np.float32), (count,)).copy(),
        rng.normal(size=(count, 1, 3)).astype(np.float32),
    )
    return TrainedSplats.of(cloud, 0, torch.device("cpu"))


def _optimiser(splats: TrainedSplats) -> Adam:
    """One that has stepped once."""
    optimiser = Adam()
    for name in NAMES:
        parameter = getattr(splats, name)
        parameter.grad = torch.ones_like(parameter)
        optimiser.step(name, parameter, [0.0] * (parameter[0].numel() if parameter.ndim > 1 else 1))
    return optimiser


def _agree(splats: TrainedSplats, optimiser: Adam) -> None:
    assert {len(getattr(splats, name)) for name in NAMES} == {len(splats)}
    for name in NAMES:
        assert getattr(splats, name).is_leaf
        assert getattr(splats, name).requires_grad
        assert all(moment.shape == getattr(splats, name).shape for moment in optimiser.moments[name])


@pytest.mark.parametrize("copies", [1, 2, 5, 51])
@pytest.mark.parametrize("opacity", [0.05, 0.6, 0.98])
def test_copies_together_are_as_opaque_and_as_large_as_the_one(copies: int, opacity: float):
    new, ratio = (float(t) for t in relocated(torch.tensor([opacity]), torch.tensor([copies])))
    assert 1 - (1 - new) ** copies == pytest.approx(opacity, rel=1e-4)

    def together(x: float) -> float:
        return 1 - (1 - new * np.exp(-0.5 * (x / ratio) ** 2)) ** copies

    found, _ = quad(together, -12 * max(1, ratio), 12 * max(1, ratio), limit=200)
    assert found == pytest.approx(opacity * np.sqrt(2 * np.pi), rel=1e-3)


def test_the_dead_go_where_the_living_are_and_the_count_grows_to_its_end():
    opacity = np.where(np.arange(100) < 30, 0.001, 0.8)
    splats = _splats(100, opacity)
    alive = splats.means.detach()[30:].clone()
    optimiser = _optimiser(splats)
    strategy = Mcmc(150, 1.3, torch.Generator().manual_seed(0))
    strategy.refine(splats, optimiser)
    assert len(splats) == 130
    _agree(splats, optimiser)
    distances = (splats.means.detach()[:, None] - alive).norm(dim=2).amin(dim=1)
    assert float(distances.max()) < 1e-6
    assert float(splats.opacities().detach().min()) >= 0.004
    strategy.refine(splats, optimiser)
    strategy.refine(splats, optimiser)
    assert len(splats) == 150


def test_only_the_faint_are_shaken_along_their_own_axes():
    opacity = np.where(np.arange(4000) < 2000, 0.0051, 0.5)
    splats = _splats(4000, opacity, scale=0.01)
    with torch.no_grad():
        splats.log_scales[:, 0] = np.log(0.1)
    before = splats.means.detach().clone()
    Mcmc(4000, 1.0, torch.Generator().manual_seed(0)).shake(splats, 1e-4)
    moved = splats.means.detach() - before
    assert not moved[2000:].any()
    along = torch.einsum("nji,nj->ni", rotations(splats.wxyz.detach()), moved)[:2000]
    # the noise's deviation is rate · 5e5 · sigmoid(100·((1 − o) − 0.995)) · variance along each axis
    expected = (
        1e-4 * 5e5 * float(torch.sigmoid(torch.tensor(100 * (1 - 0.0051 - 0.995)))) * np.array([0.01, 1e-4, 1e-4])
    )
    np.testing.assert_allclose(along.std(dim=0).numpy(), expected, rtol=0.1)


def test_the_kernel_shakes_as_torch_does():
    opacity = np.random.default_rng(0).uniform(0.002, 0.2, 3000)
    splats = _splats(3000, opacity, scale=0.05)
    with torch.no_grad():
        splats.log_scales += torch.randn(3000, 3, generator=torch.Generator().manual_seed(1))
        splats.wxyz *= 3.0
    arrays = [t.detach().numpy() for t in (splats.means, splats.log_scales, splats.wxyz, splats.logits)]
    key, noise = np.uint64(2**64 - 5), np.zeros((3000, 3))
    for row in range(3000):
        normals(key, row, noise[row])
    before = splats.means.detach().clone()
    expected = displacements(splats, torch.arange(3000), torch.from_numpy(noise).float(), 1e-6)
    shake_rows(*arrays, key, SHAKEN_BELOW, STEEPNESS, MIDDLE, 1e-6 * NOISE)
    moved = splats.means.detach() - before
    faint = torch.from_numpy(opacity < SHAKEN_BELOW)
    assert not moved[~faint].any()
    np.testing.assert_allclose(moved[faint].numpy(), expected[faint].numpy(), rtol=2e-3, atol=2e-7)
    assert float(moved[faint].abs().max()) > 1e-3


def test_the_kernels_noise_is_normal_and_independent():
    noise = np.zeros((40_000, 3))
    for row in range(len(noise)):
        normals(np.uint64(7), row, noise[row])
    for column in noise.T:
        assert kstest(column, "norm").pvalue > 0.01
    np.testing.assert_allclose(np.corrcoef(np.c_[noise, np.roll(noise, 1, axis=0)].T), np.eye(6), atol=0.02)


def test_what_is_pulled_about_is_cloned_when_small_and_split_when_large():
    splats = _splats(10, 0.5, scale=0.001)
    with torch.no_grad():
        splats.log_scales[1] = np.log(0.05)
    before = splats.means.detach().clone()
    optimiser = _optimiser(splats)
    strategy = Adaptive(100, 1.0, torch.Generator().manual_seed(0), absolute=False)
    screen = torch.zeros((10, 5))
    screen[:, 4] = 3
    screen[[0, 1], 0] = 2e-4 / 50 * 1.5  # half pictures are 50 and 40 pixels
    strategy.see(screen, 100, 80)
    strategy.see(screen, 100, 80)
    strategy.refine(splats, optimiser, huge_go=False)
    assert len(splats) == 12
    _agree(splats, optimiser)
    means, scales = splats.means.detach(), splats.scales().detach()
    np.testing.assert_array_equal(means[10].numpy(), before[0].numpy())
    np.testing.assert_allclose(scales[[1, 11]].numpy(), 0.05 / 1.6, rtol=1e-5)
    assert not torch.equal(means[1], means[11])
    assert float((means[[1, 11]] - before[1]).norm(dim=1).max()) < 5 * 0.05
    strategy.refine(splats, optimiser, huge_go=False)
    assert len(splats) == 12, "nothing has been seen since"


def test_the_strongest_pulls_come_first_where_room_is_short():
    splats = _splats(10, 0.5, scale=0.001)
    strategy = Adaptive(11, 1.0, torch.Generator().manual_seed(0), absolute=True)
    screen = torch.zeros((10, 5))
    screen[:, 4] = 1
    screen[:, 2] = torch.arange(10) * 1e-3
    strategy.see(screen, 100, 100)
    strategy.refine(splats, _optimiser(splats), huge_go=False)
    assert len(splats) == 11
    np.testing.assert_array_equal(splats.means.detach()[10].numpy(), splats.means.detach()[9].numpy())


def test_the_faint_and_the_huge_go_and_a_reset_makes_all_faint():
    splats = _splats(6, np.array([0.001, 0.5, 0.5, 0.5, 0.5, 0.002]))
    with torch.no_grad():
        splats.log_scales[2] = np.log(0.5)
    optimiser = _optimiser(splats)
    strategy = Adaptive(100, 1.0, torch.Generator(), absolute=False)
    for huge_go, left in ((False, 4), (True, 3)):
        strategy.see(torch.zeros((len(splats), 5)), 10, 10)
        strategy.refine(splats, optimiser, huge_go=huge_go)
        assert len(splats) == left
        _agree(splats, optimiser)
    strategy.reset(splats, optimiser)
    np.testing.assert_allclose(splats.opacities().detach().numpy(), 0.01, rtol=1e-4)
    assert not optimiser.moments["logits"][0].any()


def test_harmonics_grow_and_a_cloud_comes_back():
    splats = _splats(5)
    optimiser = _optimiser(splats)
    splats.grow(2, optimiser)
    _agree(splats, optimiser)
    assert splats.sh.shape == (5, 9, 3)
    assert not splats.sh.detach()[:, 1:].any()
    with torch.no_grad():
        splats.means[2, 1] = np.nan
    cloud = splats.cloud()
    assert len(cloud) == 4
    again = TrainedSplats.of(cloud, 2, torch.device("cpu")).cloud()
    np.testing.assert_allclose(again.scales, cloud.scales, rtol=1e-5)
    np.testing.assert_allclose(again.opacities, cloud.opacities, rtol=1e-5)
