"""Diffusion models of a few thousand random weights, saved as folders as the real ones are: same classes, same files.

Every weight is drawn from a fixed seed; pictures are noise, but whatever a wire between two parts does shows in them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoModel,
    ControlNetModel,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxPipeline,
    FluxTransformer2DModel,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

CROSS = 32
"""Width of a text token."""


def sd(folder: Path, *, inpainting: bool = False, card: str | None = "license: openrail++") -> Path:
    """Stable Diffusion's classes."""
    torch.manual_seed(0)
    kind = StableDiffusionInpaintPipeline if inpainting else StableDiffusionPipeline
    kind(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text()),
        tokenizer=clip_tokenizer(),
        unet=_unet(in_channels=9 if inpainting else 4),
        scheduler=sd_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return _with_card(folder, card)


def sdxl(folder: Path, *, card: str | None = "license: openrail++") -> Path:
    """Stable Diffusion XL's classes: two text encoders, sizes as conditions."""
    torch.manual_seed(1)
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text()),
        text_encoder_2=CLIPTextModelWithProjection(_text()),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=_unet(
            cross=2 * CROSS,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + CROSS,
        ),
        scheduler=sd_scheduler(),
        add_watermarker=False,
    ).save_pretrained(folder)
    return _with_card(folder, card)


def flux(folder: Path, *, card: str | None = "license: other\nlicense_name: flux-1-dev-non-commercial-license") -> Path:
    """FLUX.1's classes: a transformer over packed latents with rotary positions."""
    torch.manual_seed(2)
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=CLIPTextModel(_text()),
        tokenizer=clip_tokenizer(),
        text_encoder_2=T5EncoderModel(T5Config(vocab_size=len(_WORDS), d_model=CROSS, d_ff=37, d_kv=8, num_layers=1)),
        tokenizer_2=t5_tokenizer(),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=CROSS,
            pooled_projection_dim=CROSS,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        ),
    ).save_pretrained(folder)
    return _with_card(folder, card)


def z_image(folder: Path, *, card: str | None = "license: apache-2.0") -> Path:
    """Z-Image's classes: a transformer over unpacked latents, words by a language model."""
    torch.manual_seed(6)
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=Qwen3Model(_qwen3()),
        tokenizer=qwen_tokenizer(),
        transformer=ZImageTransformer2DModel(
            in_channels=4,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=CROSS,
            axes_dims=[4, 4, 8],
            axes_lens=[256, 64, 64],
        ),
    ).save_pretrained(folder)
    return _with_card(folder, card)


def flux2(folder: Path, *, card: str | None = "license: apache-2.0") -> Path:
    """FLUX.2 [klein]'s classes: its VAE normalises tokens, its words come from three layers of a language model."""
    torch.manual_seed(7)
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLFlux2(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            norm_num_groups=4,
            layers_per_block=1,
        ),
        text_encoder=Qwen3ForCausalLM(_qwen3(layers=28)),
        tokenizer=qwen_tokenizer(),
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=3 * CROSS,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=True,
    ).save_pretrained(folder)
    return _with_card(folder, card)


def controlnet(folder: Path, unet_folder: Path, *, seed: int = 3) -> Path:
    """A ControlNet for the UNet in ``unet_folder``; its last layers, zero when training begins, are given weights."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel.from_pretrained(unet_folder, local_files_only=True)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 8, 8))
    with torch.no_grad():
        for block in (net.controlnet_cond_embedding.conv_out, *net.controlnet_down_blocks, net.controlnet_mid_block):
            block.weight.normal_(std=0.3)
    net.save_pretrained(folder)
    return folder


def ip_adapter(room: Path, unet_folder: Path) -> None:
    """An IP-Adapter file for the UNet in ``unet_folder``, and its image encoder, put where a room has them."""
    torch.manual_seed(4)
    unet = UNet2DConditionModel.from_pretrained(unet_folder, local_files_only=True)
    projection, tokens, cross = 16, 4, unet.config.cross_attention_dim
    state: dict[str, torch.Tensor] = {
        "image_proj.proj.weight": torch.randn(cross * tokens, projection) * 0.5,
        "image_proj.proj.bias": torch.randn(cross * tokens) * 0.1,
        "image_proj.norm.weight": torch.ones(cross),
        "image_proj.norm.bias": torch.zeros(cross),
    }
    key = 1
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            module: Any = unet.get_submodule(name.removesuffix(".processor"))
            for part in ("to_k_ip", "to_v_ip"):
                state[f"ip_adapter.{key}.{part}.weight"] = torch.randn(module.to_q.out_features, cross) * 0.5
            key += 2
    (room / "ip-adapter").mkdir()
    save_file(state, room / "ip-adapter" / "ip-adapter.safetensors")
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=16,
            projection_dim=projection,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
        )
    ).save_pretrained(room / "image-encoder")


def lora(file: Path, folder: Path) -> Path:
    """A LoRA over the queries and values of attention in what draws in ``folder``, as diffusers writes them."""
    torch.manual_seed(5)
    part = "unet" if (folder / "unet").is_dir() else "transformer"
    drawing = AutoModel.from_pretrained(str(folder / part), local_files_only=True)
    state = {}
    for name, module in drawing.named_modules():
        if name.endswith((".to_q", ".to_v")):
            state[f"{part}.{name}.lora_A.weight"] = torch.randn(2, module.in_features)
            state[f"{part}.{name}.lora_B.weight"] = torch.randn(module.out_features, 2)
    save_file(state, file)
    return file


_WORDS = ["<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz,.- 0123456789"]


def _vae(**more: Any) -> AutoencoderKL:
    """Three halvings, as real ones have: a ControlNet expects the factor 8."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
        **more,
    )


def _unet(*, in_channels: int = 4, cross: int = CROSS, **more: Any) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=8,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
        norm_num_groups=4,
        cross_attention_dim=cross,
        **more,
    )


def _text() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(_letters()),
        hidden_size=CROSS,
        intermediate_size=37,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=77,
        projection_dim=CROSS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _letters() -> dict[str, int]:
    letters = "abcdefghijklmnopqrstuvwxyz,.-0123456789"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return {word: i for i, word in enumerate(words)}


def clip_tokenizer() -> CLIPTokenizer:
    """One token a letter."""
    return CLIPTokenizer(vocab=_letters(), merges=[], model_max_length=77)


def t5_tokenizer() -> T5TokenizerFast:
    """One token a letter."""
    return T5TokenizerFast(vocab=[(word, -float(i)) for i, word in enumerate(_WORDS)], extra_ids=0)


def _qwen3(layers: int = 2) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=300,
        hidden_size=CROSS,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=512,
    )


def qwen_tokenizer() -> Qwen2Tokenizer:
    """One token a byte, as its alphabet begins; a template that puts the words alone."""
    words = [*sorted(ByteLevel.alphabet()), "<|endoftext|>"]
    tokenizer = Qwen2Tokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=512)
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    return tokenizer


def sd_scheduler() -> DDIMScheduler:
    """As Stable Diffusion and SDXL have it."""
    return DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
    )


def _with_card(folder: Path, card: str | None) -> Path:
    if card is not None:
        (folder / "README.md").write_text(f"---\n{card}\n---\n# Tiny\n", encoding="utf-8")
    return folder


def classes(folder: Path, name: str) -> None:
    """Rename the pipeline class that a folder says it is."""
    index = folder / "model_index.json"
    written = json.loads(index.read_text(encoding="utf-8"))
    index.write_text(json.dumps({**written, "_class_name": name}), encoding="utf-8")
