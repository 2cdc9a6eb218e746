"""Pipelines from a model room, loaded without a network; the one module that calls diffusers' loaders."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before huggingface_hub reads it: nothing here asks a server

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from translight.core.errors import GenerationError
from translight.generation.brief.brief import LoraChoice
from translight.generation.diffusion.first_line import first_line
from translight.generation.diffusion.folder import UNET, Family, ModelFolder
from translight.generation.diffusion.latents import TOKEN
from translight.generation.diffusion.room import ModelRoom
from translight.generation.diffusion.seamless import wrap_columns

_NATIVE_PX = 1024
"""Height that transformers' panoramas are drawn at, at most: 2:1 of it is the 2 megapixels they were trained up to."""
_FREE_SHARE = 0.7
"""Of a GPU's free memory that weights may take; above, parts wait in main memory for their turn."""

_LOGS: tuple[Any, ...] = (diffusers.utils.logging, transformers.utils.logging)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A pipeline, ready on its device."""

    pipe: Any
    family: Family
    device: str
    dtype: torch.dtype
    factor: int
    """Pixels on a side of a latent."""
    multiple_px: int
    """Sizes are multiples of it: whole tokens, or whole cells of the UNet's coarsest level."""
    native_px: int
    """Height of the largest picture that it was trained for."""
    channels: int
    """Of its latents."""


def load(
    room: ModelRoom, *, controls: tuple[str, ...] = (), references: int = 0, loras: tuple[LoraChoice, ...] = ()
) -> Loaded:
    """The room's base with the ControlNets, as many IP-Adapters as references, and LoRAs; columns wrap.

    Raises GenerationError where a part cannot be loaded, or does not fit the base.
    """
    family = room.base.family("text-to-image")
    device, dtype = _place(family)
    parts: dict[str, Any] = {}
    name = room.base.pipeline
    if controls:
        name = {"sd": "StableDiffusionControlNetPipeline", "sdxl": "StableDiffusionXLControlNetPipeline"}[family]
        nets = [_part(diffusers.ControlNetModel, room.controlnets[control], dtype) for control in controls]
        parts["controlnet"] = nets  # a list also of one: weights and pictures then come as lists
    if room.vae is not None:
        parts["vae"] = _part(diffusers.AutoencoderKL, room.vae, dtype)
    if references and room.image_encoder is not None:
        parts["image_encoder"] = _part(transformers.CLIPVisionModelWithProjection, room.image_encoder, dtype)
    pipe = _pipeline(getattr(diffusers, name), room.base, family, dtype, parts)
    if references and room.ip_adapter is not None:
        file = room.ip_adapter.weights[0]
        with _blamed(file):
            # one for each reference, so that each has its own weight
            pipe.load_ip_adapter(
                str(file.parent),
                subfolder=[""] * references,
                weight_name=[file.name] * references,
                image_encoder_folder=None,  # it is in the pipeline; by name it would not be found in a local folder
                local_files_only=True,
            )
    for number, lora in enumerate(loras):
        _add_lora(pipe, lora.file, f"lora{number}")
    if loras:
        pipe.set_adapters([f"lora{number}" for number in range(len(loras))], [lora.weight for lora in loras])
    return _settled(pipe, family, device, dtype, room.base, wrap=True)


def load_inpainting(folder: ModelFolder, *, wrap: bool) -> Loaded:
    """The pipeline of a folder that fills regions; its columns wrap only where ``wrap``. Raises as ``load`` does."""
    family = folder.family("inpainting")
    device, dtype = _place(family)
    mapped = {
        "sd": "StableDiffusionInpaintPipeline",
        "sdxl": "StableDiffusionXLInpaintPipeline",
        "flux": "FluxInpaintPipeline",
    }
    pipe = _pipeline(getattr(diffusers, mapped[family]), folder, family, dtype, {})
    return _settled(pipe, family, device, dtype, folder, wrap=wrap)


def load_video(folder: ModelFolder, name: str) -> tuple[Any, str]:
    """The pipeline of class ``name`` in a folder, and its device. Raises as ``load`` does."""
    cuda = torch.cuda.is_available()
    kind = torch.float32 if not cuda else torch.float16 if "Stable" in name else torch.bfloat16
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "torch_dtype": kind}
    if folder.variant:
        options["variant"] = folder.variant
    with _blamed(folder.path):
        pipe = getattr(diffusers, name).from_pretrained(str(folder.path), **options)
    pipe.set_progress_bar_config(disable=True)
    if cuda:
        _place_on_gpu(pipe, folder)
    return pipe, "cuda" if cuda else "cpu"


def versions() -> dict[str, str]:
    """Of the libraries that a picture depends on."""
    return {
        "torch": str(torch.__version__),
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
    }


def _pipeline(kind: Any, folder: ModelFolder, family: Family, dtype: torch.dtype, parts: dict[str, Any]) -> Any:
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "torch_dtype": dtype, **parts}
    if folder.variant:
        options["variant"] = folder.variant
    if family == "sd":
        options |= {"safety_checker": None, "requires_safety_checker": False, "feature_extractor": None}
    if family == "sdxl":
        options |= {"add_watermarker": False}  # marks are put on on purpose, elsewhere
    with _blamed(folder.path):
        pipe = kind.from_pretrained(str(folder.path), **options)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _part(kind: Any, folder: ModelFolder, dtype: torch.dtype) -> Any:
    options: dict[str, Any] = {"variant": folder.variant} if folder.variant else {}
    # transformers calls it dtype; diffusers has both names, one of them on its way out
    options["torch_dtype" if kind.__module__.startswith("diffusers") else "dtype"] = dtype
    with _blamed(folder.path):
        return kind.from_pretrained(str(folder.path), local_files_only=True, use_safetensors=True, **options)


def _add_lora(pipe: Any, file: Path, name: str) -> None:
    with _blamed(file):
        pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name, local_files_only=True)
    if name not in {adapter for found in pipe.get_list_adapters().values() for adapter in found}:
        raise GenerationError(f"{file}: holds no LoRA for a {type(pipe).__name__}")


def _settled(pipe: Any, family: Family, device: str, dtype: torch.dtype, folder: ModelFolder, *, wrap: bool) -> Loaded:
    """The pipeline on its device, and its measures."""
    factor = int(pipe.vae_scale_factor)
    if family in UNET:
        multiple = factor * 2 ** (len(pipe.unet.config.block_out_channels) - 1)
        native = int(pipe.unet.config.sample_size) * factor
        drawing = [pipe.unet, *getattr(getattr(pipe, "controlnet", None), "nets", [])]
    else:
        multiple, native, drawing = factor * TOKEN, _NATIVE_PX, []
    if wrap:
        for model in (pipe.vae, *drawing):
            wrap_columns(model)
    if device == "cuda":
        _place_on_gpu(pipe, folder)
    channels = int(pipe.vae.config.latent_channels)
    return Loaded(pipe, family, device, dtype, factor, multiple, native, channels)


def _place(family: Family) -> tuple[str, torch.dtype]:
    """Where to draw, and in what: half precision on a GPU, in the kind that the family was trained in."""
    if not torch.cuda.is_available():
        return "cpu", torch.float32
    return "cuda", torch.float16 if family in UNET else torch.bfloat16


def _place_on_gpu(pipe: Any, folder: ModelFolder) -> None:
    """All of it where there is room, else each part in its turn."""
    free = torch.cuda.mem_get_info()[0]
    if sum(path.stat().st_size for path in folder.weights) > _FREE_SHARE * free:
        pipe.enable_model_cpu_offload()
    else:
        pipe.to("cuda")


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    """What a library raises about ``path`` becomes one line; what it prints and warns of is not the user's concern."""
    for log in _LOGS:
        log.disable_progress_bar()
        log.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, ImportError) as error:
        raise GenerationError(f"{path}: cannot be loaded ({first_line(error)})") from error
