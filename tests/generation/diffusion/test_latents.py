"""Layouts against diffusers' own."""

import pytest
import torch
from diffusers import AutoencoderKL, Flux2KleinPipeline, FluxPipeline
from tests.generation.diffusion.conftest import Shelf

from translight.generation.diffusion.folder import Family
from translight.generation.diffusion.latents import close_seam, decode, noise, pack, unpack


def test_tokens_are_packed_as_flux_packs_them():
    latents = torch.randn(1, 3, 4, 6)
    tokens = pack(latents)
    assert torch.equal(tokens, FluxPipeline._pack_latents(latents, 1, 3, 4, 6))
    assert torch.equal(unpack(tokens, 4, 6), latents)


@pytest.mark.parametrize("family", ["sd", "flux", "z-image", "flux2"])
def test_noise_is_diffusers_own_and_repeats_its_first_columns(family: Family):
    plain = noise(torch.Generator().manual_seed(3), family, 4, (4, 8))
    shape = (1, 16, 2, 4) if family == "flux2" else (1, 4, 4, 8)
    assert torch.equal(plain, torch.randn(shape, generator=torch.Generator().manual_seed(3)))
    wide = noise(torch.Generator().manual_seed(3), family, 4, (4, 8), extra=4)
    repeated = 2 if family == "flux2" else 4
    assert torch.equal(wide, torch.cat([plain, plain[..., :repeated]], dim=-1))


@pytest.mark.parametrize("family", ["flux", "flux2", "z-image"])
def test_a_seam_closes_in_every_layout(family: Family):
    latents = torch.randn(1, 4, 4, 16)  # 5 tokens wide, and 3 more
    if family == "z-image":
        wide = close_seam(latents, family, 8)
        assert torch.equal(wide[..., 10:], wide[..., :6])
        return
    tokens = pack(latents) if family == "flux" else Flux2KleinPipeline._pack_latents(torch.randn(1, 16, 2, 8))
    out = close_seam(tokens, family, 8).reshape(1, 2, 8, 16)
    assert torch.equal(out[:, :, 5:], out[:, :, :3])
    assert torch.equal(out[:, :, 3:5], tokens.reshape(1, 2, 8, 16)[:, :, 3:5])


def test_half_a_decoder_decodes_in_float_and_stays_half(shelf: Shelf):
    """Its encoder is wanted again, in half precision, for the next picture to fill."""
    whole = AutoencoderKL.from_pretrained(shelf.model("sd") / "vae", local_files_only=True).to(torch.bfloat16).float()
    half = AutoencoderKL.from_pretrained(shelf.model("sd") / "vae", local_files_only=True).to(torch.bfloat16)
    before = [weight.clone() for weight in half.parameters()]
    latents = torch.randn(1, 4, 4, 8)
    assert torch.equal(decode(half, latents.bfloat16(), "sd", 4, 8), decode(whole, latents.bfloat16(), "sd", 4, 8))
    assert {weight.dtype for weight in half.parameters()} == {torch.bfloat16}
    assert all(torch.equal(a, b) for a, b in zip(before, half.parameters(), strict=True))
