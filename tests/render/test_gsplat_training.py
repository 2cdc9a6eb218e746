"""gsplat's rasteriser for training against our own, without a GPU: gsplat's PyTorch restatements, with a way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.render.gsplat_on_cpu import OPERATORS
from torch import Tensor

from translight.core.camera import Camera
from translight.render.contract import ALPHA_CUT, ALPHA_MAX, TRANSMITTANCE_STOP
from translight.render.differentiable import Rasterised, Rasteriser
from translight.render.gsplat.training import GsplatRasteriser

CAMERA = Camera(16, 12, 20.0, 19.0, 7.5, 6.5)
"""One tile, so that the list of splats is the same for every pixel."""
GROUPS = ("means", "scales", "wxyz", "opacities", "sh", "scene_from_camera")


def rasterize_to_pixels(
    means2d: Tensor, conics: Tensor, colors: Tensor, opacities: Tensor, image_width: int, image_height: int,
    tile_size: int, isect_offsets: Tensor, flatten_ids: Tensor, backgrounds: Tensor | None = None,
    masks: Tensor | None = None, packed: bool = False, absgrad: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """A tile's pixels and splats at once; each pixel sees the centres by itself, so that magnitudes can be summed."""
    assert isect_offsets.shape == (1, 1, 1)
    ids = flatten_ids.long()
    y, x = torch.meshgrid(torch.arange(image_height) + 0.5, torch.arange(image_width) + 0.5, indexing="ij")
    seen = means2d[None].expand(image_height * image_width, -1, -1)
    if absgrad and means2d.requires_grad:
        seen.register_hook(lambda gradient: setattr(means2d, "absgrad", gradient.abs().sum(dim=0)))
    dx, dy = x.reshape(-1, 1) - seen[:, ids, 0], y.reshape(-1, 1) - seen[:, ids, 1]
    a, b, c = conics[ids].T
    sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
    alpha = (opacities[ids] * torch.exp(-sigma)).clamp_max(ALPHA_MAX)
    alpha = torch.where((alpha >= ALPHA_CUT) & (sigma >= 0), alpha, 0)
    after = torch.cumprod(1 - alpha, dim=1)
    counted = after > TRANSMITTANCE_STOP
    before = torch.cat([torch.ones(len(after), 1), after[:, :-1]], dim=1)
    weights = torch.where(counted, before * alpha, 0)
    shape = (1, image_height, image_width, -1)
    return (weights @ colors[ids]).reshape(shape), weights.sum(dim=1).reshape(shape)


@pytest.fixture
def theirs() -> GsplatRasteriser:
    return GsplatRasteriser(replace(OPERATORS, rasterize_to_pixels=rasterize_to_pixels))


def leaves(seed: int = 0, n: int = 60) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    sh = rng.normal(0, 0.25, (n, 16, 3))
    sh[:, 0] = rng.uniform(-1.7, 1.7, (n, 3))
    pose = np.array([0.9, 0.05, -0.1, 0.02, 0.1, -0.2, -4.0])
    arrays = (
        rng.normal(size=(n, 3)), 0.2 * np.exp(rng.normal(0, 0.5, (n, 3))), rng.normal(size=(n, 4)),
        rng.uniform(0.05, 0.95, n), sh, pose,
    )  # fmt: skip
    return [torch.from_numpy(array.astype(np.float32)).requires_grad_() for array in arrays]


def came_back(rasteriser: Any, **options: Any) -> tuple[Rasterised, list[np.ndarray]]:
    """A picture, and the gradients of a loss on all of it."""
    of = leaves()
    picture = rasteriser.rasterise(*of, CAMERA, **options)
    planes = torch.cat([picture.rgb, picture.alpha[None], picture.depth[None]])
    weight = torch.from_numpy(np.random.default_rng(9).normal(0.2, 1, planes.shape).astype(np.float32))
    (planes * weight).sum().backward()
    return picture, [tensor.grad.numpy() for tensor in of]  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [{}, {"degree": 1}, {"antialiased": True}, {"absolute": True}, {"near_m": 3.5}])
def test_both_rasterisers_agree(theirs, options):
    picture, gradients = came_back(theirs, **options)
    own_picture, own = came_back(Rasteriser(), **options)
    for name in ("rgb", "alpha", "depth"):
        pair = (getattr(p, name).detach().numpy() for p in (picture, own_picture))
        np.testing.assert_allclose(*pair, atol=3e-3, err_msg=name)
    for name, ours, other in zip(GROUPS, own, gradients, strict=True):
        assert np.linalg.norm(ours - other) < 2e-3 * np.linalg.norm(other), name
    screen, own_screen = picture.screen.numpy(), own_picture.screen.numpy()  # type: ignore[union-attr]
    columns = slice(0, 4) if "absolute" in options else slice(0, 2)
    assert np.linalg.norm((screen - own_screen)[:, columns]) < 2e-3 * np.linalg.norm(own_screen[:, columns])
    both = own_screen[:, 4] > 0
    assert (screen[both, 4] >= own_screen[both, 4] - 0.05).all()
    # gsplat's PyTorch code does not know of opacities, by which its kernels and we bound a splat's reach.
    assert (screen[both, 4] < 3 * own_screen[both, 4] + 2).all()


def test_without_gradients_nothing_is_told_of_the_screen(theirs):
    with torch.no_grad():
        assert theirs.rasterise(*leaves(), CAMERA).screen is None
