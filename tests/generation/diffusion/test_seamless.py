"""No seam: what is rolled before is rolled after, whatever lies at the edge."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate
from tests.generation.diffusion import tiny
from tests.generation.diffusion.conftest import Shelf
from torch import nn

from translight.generation.diffusion.seamless import blend_columns, planes, resize, resized, wrap_columns


def _roll(picture: torch.Tensor, columns: int) -> torch.Tensor:
    return torch.roll(picture, columns, dims=-1)


def test_a_convolution_wraps_columns_and_pads_rows_as_scipy_does():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    wrap_columns(conv)
    picture = torch.randn(1, 1, 6, 9)
    kernel = conv.weight.detach()[0, 0].numpy()
    wanted = correlate(np.pad(picture[0, 0].numpy(), ((1, 1), (0, 0))), kernel, mode="wrap")[1:-1]
    np.testing.assert_allclose(conv(picture).detach()[0, 0].numpy(), wanted, atol=1e-6)


def test_padding_by_name_is_told():
    conv = nn.Conv2d(1, 1, 3, padding="same")
    wrap_columns(conv)
    with pytest.raises(ValueError, match="padding 'same' by name is not wrapped"):
        conv(torch.zeros(1, 1, 4, 4))


@torch.no_grad()
def test_a_vae_rolls_with_its_picture_both_ways(shelf: Shelf):
    vae = AutoencoderKL.from_pretrained(shelf.model("sd") / "vae", local_files_only=True)
    picture, latents = torch.rand(1, 3, 32, 64), torch.randn(1, 4, 4, 8)

    def differences() -> list[float]:
        code = vae.encode(picture).latent_dist.mean
        rolled = vae.encode(_roll(picture, 24)).latent_dist.mean
        seen = vae.decode(latents).sample
        return [
            (_roll(code, 3) - rolled).abs().max().item(),
            (_roll(seen, 24) - vae.decode(_roll(latents, 3)).sample).abs().max().item(),
        ]

    assert min(differences()) > 1e-2  # as it comes, it knows where its edges are
    wrap_columns(vae)
    assert max(differences()) < 1e-4


@torch.no_grad()
def test_a_unet_rolls_with_its_latents(shelf: Shelf):
    unet = UNet2DConditionModel.from_pretrained(shelf.model("sd") / "unet", local_files_only=True)
    latents, words = torch.randn(1, 4, 4, 8), torch.randn(1, 7, tiny.CROSS)

    def difference() -> float:
        plain, rolled = (unet(given, 500, words).sample for given in (latents, _roll(latents, 2)))
        return float((_roll(plain, 2) - rolled).abs().max())

    assert difference() > 1e-2
    wrap_columns(unet)
    assert difference() < 1e-4


@given(st.integers(1, 6), st.integers(0, 10), st.sampled_from([2, 3]))
def test_blended_columns_repeat_and_lead_over(extra: int, more: int, dim: int):
    width = extra + more
    shape = [1, 5, width + extra, 4] if dim == 2 else [1, 5, 4, width + extra]
    grid = torch.randn(shape)
    out = blend_columns(grid, extra, dim)
    assert out.shape == grid.shape
    assert torch.equal(out.narrow(dim, 0, extra), out.narrow(dim, width, extra))
    assert torch.equal(out.narrow(dim, extra, more), grid.narrow(dim, extra, more))
    share = 0.5 / extra  # the first of them still is what follows the last column, nearly
    first = grid.select(dim, width) * (1 - share) + grid.select(dim, 0) * share
    torch.testing.assert_close(out.select(dim, width), first)


def test_columns_that_agree_already_stay():
    grid = torch.randn(1, 3, 4, 8)
    grid = torch.cat([grid, grid[..., :3]], dim=-1)
    torch.testing.assert_close(blend_columns(grid, 3, 3), grid)


@pytest.mark.parametrize(("size", "columns"), [((8, 16), 4), ((30, 60), 15), ((64, 128), 32)])
def test_resizing_knows_no_edge(size: tuple[int, int], columns: int):
    picture = torch.rand(1, 2, 16, 32)
    out = resize(picture, *size)
    rolled = resize(_roll(picture, 8), *size)
    assert out.shape == (1, 2, *size)
    torch.testing.assert_close(_roll(out, columns), rolled, atol=1e-5, rtol=0)
    inner = slice(size[1] // 2 - 2, size[1] // 2 + 2)
    torch.testing.assert_close(out[..., inner], resize(picture, *size, wrap=False)[..., inner], atol=1e-5, rtol=0)
    assert not torch.allclose(out[..., :1], resize(picture, *size, wrap=False)[..., :1], atol=1e-3)


@pytest.mark.parametrize("wrap", [True, False])
def test_an_array_is_resized_as_its_tensor_is(wrap: bool):
    picture = np.random.default_rng(0).uniform(size=(8, 16, 3)).astype(np.float32)
    assert planes(picture).shape == (1, 3, 8, 16)
    found = resized(picture, 12, 24, wrap=wrap)
    wanted = resize(planes(picture), 12, 24, wrap=wrap)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, wanted)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(resized(picture, 8, 16, wrap=wrap), picture)
