"""Films from a still, in linear light: the image-to-video models that a local folder may hold, by their class.

Classes and their arguments: https://huggingface.co/docs/diffusers/api/pipelines/overview
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from PIL import Image

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.errors import GenerationError
from translight.core.image import to_u8
from translight.core.progress import Progress
from translight.generation.brief.brief import Avoid
from translight.generation.candidate import Model
from translight.generation.diffusion import licences
from translight.generation.diffusion.first_line import first_line
from translight.generation.diffusion.folder import ModelFolder, read_folder
from translight.generation.diffusion.loading import load_video
from translight.generation.diffusion.seamless import planes, resize, resized
from translight.generation.diffusion.weights import digest

MAX_FRAMES = 1000
"""Of one film; a model's own limit is far below, and what it makes stays in memory."""
ROLE = "image-to-video"

_CHUNK_FRAMES = 8
"""That Stable Video Diffusion decodes at once."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a class is called."""

    pipeline: str
    """Class that is loaded."""
    area_px: int
    """Of the pictures that it was trained for."""
    multiple_px: int
    """That its sides must be multiples of, whatever the model's own cells are."""
    rate_fps: float
    """That its motion is drawn for."""
    steps: int
    guidance: float
    tokens: int
    """Of a text that are read; 0 where none is."""


VIDEO = {
    "StableVideoDiffusionPipeline": _Kind("StableVideoDiffusionPipeline", 576 * 1024, 8, 7.0, 25, 3.0, 0),
    "WanImageToVideoPipeline": _Kind("WanImageToVideoPipeline", 480 * 832, 16, 16.0, 40, 5.0, 512),
    "LTXImageToVideoPipeline": _Kind("LTXImageToVideoPipeline", 512 * 704, 32, 25.0, 40, 3.0, 128),
    "LTXPipeline": _Kind(
        "LTXImageToVideoPipeline", 512 * 704, 32, 25.0, 40, 3.0, 128
    ),  # the same weights, as published
    "CogVideoXImageToVideoPipeline": _Kind("CogVideoXImageToVideoPipeline", 480 * 720, 8, 8.0, 50, 6.0, 226),
}
"""By the class that a folder's model_index.json names."""


class VideoModel:
    """A loaded image-to-video model, for any number of films; nothing of one is kept for the next."""

    def __init__(self, folder: Path, avoid: Avoid, progress: Progress) -> None:
        """Loads it. Raises GenerationError in one line: no such model, another kind, a licence that ``avoid`` bars."""
        found = _checked(Path(folder))
        self._kind = VIDEO[found.pipeline]
        licences.permit([licences.record(ROLE, found, "")], avoid, progress)
        self.model: Model = licences.record(ROLE, found, digest(found.weights, found.name, progress))
        progress(f"loading {found.name}", 0.0)
        self._pipe, self._device = load_video(found, self._kind.pipeline)
        self.rate_fps = self._kind.rate_fps

    def not_followed(self, prompt: str, negative_prompt: str) -> list[str]:
        """What the model will not take in, in plain words."""
        said = [(name, text) for name, text in (("prompt", prompt), ("negative prompt", negative_prompt)) if text]
        most = self._kind.tokens
        if not most:
            return [f"the {name}: a {self._kind.pipeline} takes none" for name, _ in said]
        counts = [(name, len(self._pipe.tokenizer(text, verbose=False).input_ids)) for name, text in said]
        return [
            f"the end of the {name}: it has {tokens} tokens, the model reads {most}"
            for name, tokens in counts
            if tokens > most
        ]

    def frames(
        self,
        first: Float32[np.ndarray, "h w 3"],
        prompt: str,
        negative_prompt: str,
        count: int,
        seed: int,
        progress: Progress,
        *,
        steps: int | None = None,
        guidance: float | None = None,
    ) -> Iterator[Float32[np.ndarray, "h w 3"]]:
        """``count`` frames that begin with ``first``, linear Rec.709 from 0 to 1, at its size and ``rate_fps``.

        The model sees the first frame cut off at 1 and draws at a size of its own; the first frame that comes back is
        its drawing of it. All is drawn before the first is handed out. Equal arguments give equal frames on one
        machine.
        Raises ValueError on an image or count that is not allowed, GenerationError where the model fails.
        """
        if first.ndim != 3 or first.shape[2] != 3 or min(first.shape[:2]) < 8:
            raise ValueError(f"a picture (h w 3) of at least 8x8 pixels is wanted, got {first.shape}")
        if not 1 <= count <= MAX_FRAMES:
            raise ValueError(f"from 1 to {MAX_FRAMES} frames are drawn, got {count}")
        height, width = first.shape[:2]
        size = self._size(height, width)
        encoded = np.clip(srgb_encode(np.nan_to_num(first, posinf=1.0)), 0, 1).astype(np.float32)
        drawn = self._draw(
            resize(planes(encoded), *size, wrap=False).clamp(0, 1),
            {
                "prompt": prompt,
                "negative_prompt": negative_prompt,
                "num_frames": 1 + math.ceil((count - 1) / self._stride()) * self._stride(),
                "num_inference_steps": self._kind.steps if steps is None else steps,
                "guidance_scale": self._kind.guidance if guidance is None else guidance,
                "generator": torch.Generator("cpu").manual_seed(seed),
            },
            progress,
        )
        return (_linear(frame, height, width) for frame in drawn[:count])

    def _stride(self) -> int:
        """Frames that one step in the latents' time stands for; a film is a multiple of them and one."""
        pipe = self._pipe
        for name in ("vae_scale_factor_temporal", "vae_temporal_compression_ratio"):
            if hasattr(pipe, name):
                return int(getattr(pipe, name))
        return 1

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that the model draws such a picture at."""
        pipe, name = self._pipe, self._kind.pipeline
        if name == "StableVideoDiffusionPipeline":
            multiple = int(pipe.vae_scale_factor) * 2 ** (len(pipe.unet.config.block_out_channels) - 1)
        elif name == "WanImageToVideoPipeline":
            multiple = int(pipe.vae_scale_factor_spatial) * int(pipe.transformer.config.patch_size[1])
        elif name == "LTXImageToVideoPipeline":
            multiple = int(pipe.vae_spatial_compression_ratio) * int(pipe.transformer.config.patch_size)
        else:
            config, factor = pipe.transformer.config, int(pipe.vae_scale_factor_spatial)
            if config.use_learned_positional_embeddings:  # which exist for one size
                return int(config.sample_height) * factor, int(config.sample_width) * factor
            multiple = factor * int(config.patch_size)
        multiple = math.lcm(multiple, self._kind.multiple_px)
        scale = min(1.0, math.sqrt(self._kind.area_px / (height * width)))
        rows, columns = (max(1, round(side * scale / multiple)) * multiple for side in (height, width))
        return rows, columns

    def _draw(
        self, image: torch.Tensor, arguments: dict[str, Any], progress: Progress
    ) -> Float32[np.ndarray, "n h w 3"]:
        """Frames, sRGB-encoded, of the picture (1 3 h w)."""
        pipe, stopped = self._pipe, False

        def after(_pipe: Any, number: int, _time: Any, found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            nonlocal stopped
            try:
                progress("drawing frames", (number + 1) / max(1, pipe.num_timesteps))
            except BaseException:
                stopped = True
                raise
            return found

        if self._kind.pipeline == "StableVideoDiffusionPipeline":
            guidance = arguments.pop("guidance_scale")
            del arguments["prompt"], arguments["negative_prompt"]
            arguments |= {
                "num_frames": max(2, arguments["num_frames"]),  # guidance grows from the first to the last
                "max_guidance_scale": guidance,
                "min_guidance_scale": min(1.0, guidance),
                "fps": int(self.rate_fps),
                "decode_chunk_size": _CHUNK_FRAMES,
            }
        height, width = image.shape[-2:]
        arguments |= {"image": image, "height": height, "width": width}
        try:
            with _seen_by_clip(pipe), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of libraries, to each other
                out = pipe(**arguments, output_type="np", callback_on_step_end=after).frames[0]
        except (torch.OutOfMemoryError, RuntimeError, ValueError, TypeError, IndexError) as error:
            if stopped:  # by the caller: what it raised is its own
                raise
            raise GenerationError(f"{type(pipe).__name__} cannot draw this: {first_line(error)}") from error
        drawn = np.asarray(out, np.float32)
        if not np.isfinite(drawn).all():
            raise GenerationError(f"{type(pipe).__name__} drew values that are not numbers: its weights are damaged")
        return drawn


def _checked(folder: Path) -> ModelFolder:
    found = read_folder(folder)
    if found.pipeline not in VIDEO:
        raise GenerationError(
            f"{folder}: holds a {found.pipeline}; for image-to-video one of {', '.join(VIDEO)} is wanted"
        )
    return found


def _linear(frame: Float32[np.ndarray, "h w 3"], height: int, width: int) -> Float32[np.ndarray, "h2 w2 3"]:
    sized = np.clip(resized(frame, height, width, wrap=False), 0, 1)
    return np.ascontiguousarray(srgb_decode(sized).astype(np.float32))


@contextmanager
def _seen_by_clip(pipe: Any) -> Iterator[None]:
    """While a film is drawn, CLIP's image encoder is shown the picture as it was taught to see pictures.

    Handed a tensor, as the VAE needs it, SVD does not shrink it to the encoder's size, and some of Wan's processors
    divide it by 255 once more. Wan's takes nothing but 8 bits well, which do for an embedding.
    """
    shown: tuple[tuple[str, Callable[[torch.Tensor], Any]], ...] = (
        ("_encode_image", lambda image: 255 * image[0].permute(1, 2, 0).numpy()),  # then it goes the way of PIL's
        ("encode_image", lambda image: Image.fromarray(to_u8(image[0].permute(1, 2, 0).numpy()))),
    )
    replaced = [(name, as_taught) for name, as_taught in shown if hasattr(pipe, name)]
    for name, as_taught in replaced:
        setattr(pipe, name, _shown(getattr(pipe, name), as_taught))
    try:
        yield
    finally:
        for name, _ in replaced:
            delattr(pipe, name)  # the class's own comes back


def _shown(own: Callable[..., torch.Tensor], shown: Callable[[torch.Tensor], Any]) -> Callable[..., Any]:
    return lambda image, *rest, **named: own(shown(image), *rest, **named)
