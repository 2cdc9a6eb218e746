"""Diffusion models in the sizes that are published, with random weights: what drawing costs, whatever it would show.

Sizes are those of the ``config.json`` files of stabilityai/stable-diffusion-xl-base-1.0, black-forest-labs/FLUX.1-dev
(black-forest-labs/flux, ``util.py``) and stabilityai/stable-video-diffusion-img2vid; tests/generation/diffusion/tiny.py
has the same classes tiny. Weights are made where torch puts them, in half precision, and saved as the real ones are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    ControlNetModel,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    StableDiffusionXLPipeline,
    StableVideoDiffusionPipeline,
    UNet2DConditionModel,
    UNetSpatioTemporalConditionModel,
)
from tests.generation.diffusion.tiny import clip_tokenizer, sd_scheduler, t5_tokenizer
from tests.generation.diffusion.tiny_video import clip_processor, svd_scheduler
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
)

_CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}
_VAE_CHANNELS = (128, 256, 512, 512)


def sdxl(folder: Path) -> Path:
    """A room of SDXL with its ControlNet for depth: 2.6 and 1.3 billion weights beside 0.8 of text encoders."""
    torch.manual_seed(1)
    with _made_in(torch.float16):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=2,
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
        control = ControlNetModel.from_unet(unet)
        first, second = _text(_CLIP_L, 768), _text(_CLIP_G, 1280)
        parts = {
            "vae": _vae(latent_channels=4, scaling_factor=0.13025),
            "text_encoder": CLIPTextModel(first),
            "text_encoder_2": CLIPTextModelWithProjection(second),
        }
    StableDiffusionXLPipeline(
        **parts,
        unet=unet,
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        scheduler=sd_scheduler(),
        add_watermarker=False,
    ).to(dtype=torch.float16).save_pretrained(folder / "base")
    control.to(dtype=torch.float16).save_pretrained(folder / "controlnet-depth")
    return folder


def flux(folder: Path) -> Path:
    """FLUX.1: 11.9 billion weights that draw, 4.7 of T5."""
    torch.manual_seed(2)
    with _made_in(torch.bfloat16):
        parts = {
            "vae": _vae(
                latent_channels=16,
                scaling_factor=0.3611,
                shift_factor=0.1159,
                use_quant_conv=False,
                use_post_quant_conv=False,
            ),
            "text_encoder": CLIPTextModel(_text(_CLIP_L, 768)),
            "text_encoder_2": T5EncoderModel(
                T5Config(
                    vocab_size=32128,
                    d_model=4096,
                    d_ff=10240,
                    d_kv=64,
                    num_layers=24,
                    num_heads=64,
                    feed_forward_proj="gated-gelu",
                )
            ),
            "transformer": FluxTransformer2DModel(guidance_embeds=True),  # diffusers' defaults are FLUX.1's sizes
        }
    FluxPipeline(
        **parts,
        tokenizer=clip_tokenizer(),
        tokenizer_2=t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
    ).to(dtype=torch.bfloat16).save_pretrained(folder)
    return folder


def svd(folder: Path) -> Path:
    """Stable Video Diffusion: 1.5 billion weights, the first frame through CLIP ViT-H."""
    torch.manual_seed(3)
    with _made_in(torch.float16):
        parts = {
            "vae": AutoencoderKLTemporalDecoder(
                block_out_channels=_VAE_CHANNELS,
                down_block_types=("DownEncoderBlock2D",) * 4,
                layers_per_block=2,
                latent_channels=4,
                sample_size=768,
            ),
            "image_encoder": CLIPVisionModelWithProjection(
                CLIPVisionConfig(**_CLIP_G, projection_dim=1024, image_size=224, patch_size=14)
            ),
            "unet": UNetSpatioTemporalConditionModel(),  # diffusers' defaults are SVD's sizes
        }
    StableVideoDiffusionPipeline(
        **parts,
        scheduler=svd_scheduler(),
        feature_extractor=clip_processor(),
    ).to(dtype=torch.float16).save_pretrained(folder)
    return folder


@contextmanager
def _made_in(dtype: torch.dtype, device: str = "cuda") -> Iterator[None]:
    """Weights are made there and so, that billions of them take seconds and not minutes."""
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def _vae(**more: Any) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=_VAE_CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        sample_size=1024,
        **more,
    )


def _text(size: dict[str, int], projection: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        **size, vocab_size=49408, projection_dim=projection, bos_token_id=0, eos_token_id=1, pad_token_id=1
    )
