"""Image-to-video models of a few thousand random weights, saved as folders as the real ones are; tiny.py has the stills'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLLTXVideo,
    AutoencoderKLTemporalDecoder,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXTransformer3DModel,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXImageToVideoPipeline,
    LTXVideoTransformer3DModel,
    StableVideoDiffusionPipeline,
    UNetSpatioTemporalConditionModel,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from tests.generation.diffusion.tiny import _WORDS, CROSS, _with_card, t5_tokenizer
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

CLIP_PX = 224


def svd(folder: Path) -> Path:
    """Stable Video Diffusion's classes: a UNet over space and time, no words."""
    torch.manual_seed(11)
    StableVideoDiffusionPipeline(
        vae=_temporal_vae(),
        image_encoder=CLIPVisionModelWithProjection(_vision(CROSS)),
        unet=UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 32),
            layers_per_block=1,
            sample_size=8,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            cross_attention_dim=CROSS,
            num_attention_heads=2,
            projection_class_embeddings_input_dim=24,
            addition_time_embed_dim=8,
        ),
        scheduler=svd_scheduler(),
        feature_extractor=clip_processor(),
    ).save_pretrained(folder)
    return _with_card(folder, "license: other\nlicense_name: stable-video-diffusion-nc-community")


def wan(folder: Path) -> Path:
    """Wan 2.1's classes: the first frame beside the noise, and through CLIP."""
    torch.manual_seed(12)
    WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=UMT5EncoderModel(UMT5Config(**_t5())),
        vae=AutoencoderKLWan(
            base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        image_processor=clip_processor(),
        image_encoder=CLIPVisionModel(_vision(8)),
        transformer=WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=36,
            out_channels=16,
            text_dim=CROSS,
            freq_dim=32,
            ffn_dim=32,
            num_layers=1,
            rope_max_seq_len=32,
            image_dim=8,
            added_kv_proj_dim=24,
        ),
    ).save_pretrained(folder)
    return _with_card(folder, "license: apache-2.0")


def ltx(folder: Path) -> Path:
    """LTX-Video's classes: the first frame's latents are kept while the others are drawn."""
    torch.manual_seed(13)
    LTXImageToVideoPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
        ),
        text_encoder=T5EncoderModel(T5Config(**_t5())),
        tokenizer=t5_tokenizer(),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=16,
            cross_attention_dim=CROSS,
            num_layers=1,
            caption_channels=CROSS,
        ),
    ).save_pretrained(folder)
    return _with_card(folder, "license: other\nlicense_name: ltx-video-open-weights")


def cogvideox(folder: Path) -> Path:
    """CogVideoX 1.0's classes: positions are learned, so there is one size."""
    torch.manual_seed(14)
    CogVideoXImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=T5EncoderModel(T5Config(**_t5())),
        vae=AutoencoderKLCogVideoX(
            block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2
        ),
        transformer=CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=8,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=CROSS,
            num_layers=1,
            sample_width=8,
            sample_height=4,
            sample_frames=9,
            use_rotary_positional_embeddings=True,
            use_learned_positional_embeddings=True,
        ),
        scheduler=CogVideoXDDIMScheduler(),
    ).save_pretrained(folder)
    return _with_card(folder, "license: other\nlicense_name: cogvideox-license")


def svd_scheduler() -> EulerDiscreteScheduler:
    """As stabilityai/stable-video-diffusion-img2vid has it."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        sigma_max=700.0,
        sigma_min=0.002,
        steps_offset=1,
        timestep_spacing="leading",
        timestep_type="continuous",
        use_karras_sigmas=True,
    )


def _temporal_vae() -> AutoencoderKLTemporalDecoder:
    """Three halvings, as the real one has."""
    return AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4, latent_channels=4
    )


def _vision(width: int) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=width,
        projection_dim=width,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=CLIP_PX,
        patch_size=CLIP_PX // 2,
    )


def clip_processor() -> CLIPImageProcessor:
    """As CLIP was trained with it."""
    return CLIPImageProcessor(size={"shortest_edge": CLIP_PX}, crop_size={"height": CLIP_PX, "width": CLIP_PX})


def _t5() -> dict[str, Any]:
    return {"vocab_size": len(_WORDS), "d_model": CROSS, "d_ff": 37, "d_kv": 8, "num_layers": 1, "num_heads": 4}
