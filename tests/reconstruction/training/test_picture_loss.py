"""The fused loss against torch's operations in float64, and those against finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.reconstruction.training.picture_loss import PictureLoss, Truth
from translight.reconstruction.training.torch_loss import picture_loss, similarity


def _pair(planes: int, height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((planes, height, width), dtype=np.float32)
    return np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32), truth


@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.2, 1.0]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_loss_and_gradient_are_those_of_autograd_in_float64(
    planes: int, height: int, width: int, ssim_weight: float, seed: int
):
    picture, truth = _pair(planes, height, width, seed)
    gradient = np.empty_like(picture)
    loss, squares = PictureLoss().gradient(picture, Truth.of(truth), ssim_weight, gradient)
    leaf = torch.from_numpy(picture).double().requires_grad_()
    expected = picture_loss(leaf, torch.from_numpy(truth).double(), ssim_weight)
    expected.backward()  # type: ignore[no-untyped-call]
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    assert squares == pytest.approx(float(((picture - truth) ** 2).mean()), rel=1e-4, abs=1e-9)
    assert leaf.grad is not None
    found = leaf.grad.numpy()
    np.testing.assert_allclose(gradient, found, atol=2e-4 * np.abs(found).max())


def test_the_oracle_agrees_with_finite_differences():
    picture, truth = (torch.from_numpy(planes).double() for planes in _pair(2, 9, 13, 1))
    assert torch.autograd.gradcheck(lambda x: picture_loss(x, truth, 0.2), picture.requires_grad_())


def test_similarity_is_that_of_two_constant_pictures():
    # in the middle of large constant pictures the window is whole: only the luminance term is left (Wang et al., eq. 6)
    a, b = torch.full((1, 30, 30), 0.2, dtype=torch.float64), torch.full((1, 30, 30), 0.6, dtype=torch.float64)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert similarity(a, b)[0, 15, 15].item() == pytest.approx(expected, abs=1e-9)


def test_a_picture_that_is_the_truth_costs_nothing_and_room_is_used_again():
    judge = PictureLoss()
    for size in (40, 20):
        _, truth = _pair(3, size, size, 2)
        gradient = np.full_like(truth, np.nan)
        loss, squares = judge.gradient(truth.copy(), Truth.of(truth), 0.2, gradient)
        assert loss == pytest.approx(0, abs=1e-5)
        assert squares == 0
        assert np.abs(gradient).max() < 1e-6
