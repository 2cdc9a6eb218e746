"""One picture from a loaded pipeline: seeds, guidance and steps in, linear light out; for engine.py and inpaint.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.errors import FormatError, GenerationError
from translight.core.image import load_image, to_u8
from translight.generation.brief.parameters import Parameters
from translight.generation.diffusion.first_line import first_line
from translight.generation.diffusion.folder import UNET
from translight.generation.diffusion.latents import TOKEN, close_seam, decode, noise, pack
from translight.generation.diffusion.loading import Loaded
from translight.generation.diffusion.prompts import encoded
from translight.generation.diffusion.seamless import EXTRA_TOKENS, resize

Step = Callable[[float], None]
"""Called with the share of the steps that are done; what it raises ends the drawing."""

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""What CLIP's image encoders were trained with (openai/CLIP, clip.py)."""


_TRANSFORMER_TOKENS = 512
"""That the pipelines of transformers read of a prompt, by default and at most."""


@dataclass(frozen=True, slots=True)
class Words:
    """What to draw and what not, and how hard to try."""

    prompt: str
    negative_prompt: str
    guidance: float
    steps: int

    @classmethod
    def of(cls, parameters: Parameters) -> Words:
        """Those of a translated brief."""
        return cls(parameters.prompt, parameters.negative_prompt, parameters.guidance, parameters.steps)


def size_for(loaded: Loaded, height_px: int, width_px: int) -> tuple[int, int]:
    """Height and width to draw a picture of that size at: no larger than the model's own, in whole multiples."""
    scale = min(1.0, loaded.native_px / height_px)
    multiple = loaded.multiple_px
    return multiple * math.ceil(height_px * scale / multiple), multiple * math.ceil(width_px * scale / multiple)


def draw(
    loaded: Loaded,
    words: Words,
    size_px: tuple[int, int],
    seed: int,
    step: Step,
    *,
    wrap: bool = True,
    extra: dict[str, Any] | None = None,
) -> Float32[np.ndarray, "h w 3"]:
    """A picture of ``size_px`` (h, w), linear Rec.709 from 0 to 1.

    ``extra``: arguments of the pipeline beside these; pictures among them, (1 c h w), are widened as the latents are.
    Raises GenerationError when the pipeline fails or its picture is not finite.
    """
    family, pipe = loaded.family, loaded.pipe
    height, width = size_px[0] // loaded.factor, size_px[1] // loaded.factor
    more = TOKEN * EXTRA_TOKENS if wrap and family not in UNET else 0
    generator = torch.Generator("cpu").manual_seed(seed)  # the same noise whatever device draws
    start = noise(generator, family, loaded.channels, (height, width), extra=more).to(loaded.device)
    filling = extra is not None and "mask_image" in extra
    if family == "flux" and not filling:
        start = pack(start)
    if family != "z-image":
        start = start.to(loaded.dtype)

    stopped: list[bool] = []

    def after(_pipe: Any, number: int, _time: Any, found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        try:
            step((number + 1) / max(1, pipe.num_timesteps))
        except BaseException:
            stopped.append(True)
            raise
        if more:
            found["latents"] = close_seam(found["latents"], family, (width + more) // TOKEN)
        return found

    arguments = {
        "num_inference_steps": words.steps,
        "height": size_px[0],
        "width": size_px[1] + more * loaded.factor,
        "latents": start,
        "generator": generator,
        "output_type": "latent",
        "callback_on_step_end": after,
        **guided(loaded, words),
        **{name: _widened(value, more * loaded.factor) for name, value in (extra or {}).items()},
    }
    try:
        if family in UNET:
            arguments |= encoded(pipe, words.prompt, words.negative_prompt, loaded.device)
        else:
            arguments["prompt"] = words.prompt
        latents = pipe(**arguments).images
        picture = decode(pipe.vae, latents, family, height, width).cpu().numpy()
    except (torch.OutOfMemoryError, RuntimeError, ValueError, TypeError, IndexError) as error:
        if stopped:  # by the caller: what it raised is its own
            raise
        raise GenerationError(f"{type(pipe).__name__} cannot draw this: {first_line(error)}") from error
    if not np.isfinite(picture).all():
        raise GenerationError(f"{type(pipe).__name__} drew values that are not numbers: its weights are damaged")
    return np.ascontiguousarray(srgb_decode(np.moveaxis(picture, 0, -1)).astype(np.float32))


def guided(loaded: Loaded, words: Words) -> dict[str, Any]:
    """Guidance and what to keep away from, as the family takes them; a UNet's words are encoded by prompts.py.

    FLUX was taught its guidance and has no use for a negative prompt at one evaluation a step: where there is one, each
    step is evaluated twice (true classifier-free guidance) with the taught guidance at its neutral 1.
    """
    if loaded.family == "z-image":
        return {"guidance_scale": words.guidance, "negative_prompt": words.negative_prompt or None}
    if loaded.family == "flux" and words.negative_prompt and words.guidance > 1:
        return {"guidance_scale": 1.0, "true_cfg_scale": words.guidance, "negative_prompt": words.negative_prompt}
    return {"guidance_scale": words.guidance}


def unheard(loaded: Loaded, words: Words) -> list[str]:
    """What of the words the pipeline will not take in, in plain words."""
    found = []
    if words.negative_prompt and loaded.family == "flux2":
        found.append("the negative prompt: a Flux2KleinPipeline takes none")
    elif words.negative_prompt and words.guidance <= (least := 0.0 if loaded.family == "z-image" else 1.0):
        found.append(f"the negative prompt: it acts from a guidance above {least:g}, got {words.guidance:g}")
    if loaded.family not in UNET:
        reader = getattr(loaded.pipe, "tokenizer_2", None) or loaded.pipe.tokenizer
        for name, prompt in (("prompt", words.prompt), ("negative prompt", words.negative_prompt)):
            tokens = len(reader(prompt, verbose=False).input_ids)
            if tokens > _TRANSFORMER_TOKENS:
                found.append(f"the end of the {name}: it has {tokens} tokens, the model reads {_TRANSFORMER_TOKENS}")
    return found


def control_picture(map_u8: UInt8[np.ndarray, "h w"], size_px: tuple[int, int]) -> torch.Tensor:
    """A control map as a ControlNet takes it: (1 3 h w) from 0 to 1, at the size that is drawn."""
    grey = torch.from_numpy(np.ascontiguousarray(map_u8)).float()[None, None] / 255
    return resize(grey, *size_px).clamp(0, 1).expand(1, 3, *size_px).contiguous()


def reference_picture(file: Path, side_px: int) -> torch.Tensor:
    """A still as CLIP's image encoder takes it: its middle square, (1 3 side side), normalised.

    Raises GenerationError where the file is not a readable picture.
    """
    try:
        pixels = load_image(file)
    except FormatError as error:
        raise GenerationError(str(error)) from error
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype != np.uint8:  # scene light: CLIP saw encoded pictures only
        pixels = to_u8(srgb_encode(pixels[..., :3]))
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = torch.from_numpy(np.ascontiguousarray(pixels[top : top + side, left : left + side, :3]))
    small = resize(square.permute(2, 0, 1)[None].float() / 255, side_px, side_px, wrap=False).clamp(0, 1)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_CLIP_MEAN, _CLIP_STD))
    return (small - mean) / std


def _widened(value: Any, columns_px: int) -> Any:
    """A picture (1 c h w) followed by its first columns; anything else as it is."""
    if columns_px and isinstance(value, torch.Tensor):
        return torch.cat([value, value[..., :columns_px]], dim=-1)
    return value
