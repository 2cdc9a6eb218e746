"""A model room: a folder that holds a base model and what goes with it; docs/generation/diffusers.md draws it.

::

    ROOM/
      base/              a diffusers folder that draws; ROOM itself may be one instead
      inpainting/        a diffusers folder that fills regions; the base does it otherwise
      controlnet-depth/  config.json and weights
      controlnet-edges/  config.json and weights
      ip-adapter/        one .safetensors file
      image-encoder/     config.json and weights: the CLIP image model that the IP-Adapter was trained with
      vae/               config.json and weights: used in place of the base's
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import GenerationError
from translight.generation.diffusion.folder import INDEX, UNET, ModelFolder, read_folder, read_part
from translight.generation.diffusion.weights import read_json, read_metadata

CONTROLS = ("depth", "edges")
_MAX_REFERENCE_PX = 2048


@dataclass(frozen=True, slots=True)
class ModelRoom:
    """What a room holds; None for what it has not."""

    path: Path
    base: ModelFolder
    controlnets: dict[str, ModelFolder]
    """By the map that each follows: ``depth``, ``edges``."""
    ip_adapter: ModelFolder | None
    image_encoder: ModelFolder | None
    vae: ModelFolder | None

    def reference_px(self) -> int:
        """Side of the squares that the image encoder takes. Raises GenerationError where its configuration lies."""
        if self.image_encoder is None:
            raise ValueError("the room has no image encoder")
        file = self.image_encoder.path / "config.json"
        side = read_json(file).get("image_size", 224)  # CLIP's, which transformers leaves out of its files
        if not isinstance(side, int) or not 1 <= side <= _MAX_REFERENCE_PX:
            raise GenerationError(f"{file}: image_size must be from 1 to {_MAX_REFERENCE_PX}, got {side}")
        return side

    def parts(self) -> tuple[tuple[str, ModelFolder], ...]:
        """(role, folder) of all that will take part, the base first."""
        others = (("ip-adapter", self.ip_adapter), ("image-encoder", self.image_encoder), ("vae", self.vae))
        return (
            ("text-to-image", self.base),
            *((f"controlnet-{name}", folder) for name, folder in self.controlnets.items()),
            *((role, folder) for role, folder in others if folder is not None),
        )


def read_room(path: Path) -> ModelRoom:
    """A room that can draw panoramas, or a bare diffusers folder that can.

    Raises GenerationError, in one line, on all that ``read_folder`` does, on a base of another purpose, and on parts
    that do not go with it.
    """
    base = read_folder(_base(path))
    family = base.family("text-to-image")
    if base.path == path:  # a bare model: what else is in its folder is its own
        return ModelRoom(path, base, {}, None, None, None)
    controlnets = {}
    for name in CONTROLS:
        folder = path / f"controlnet-{name}"
        if folder.is_dir():
            controlnets[name] = read_part(folder, "ControlNetModel")
    adapter = _adapter(path / "ip-adapter") if (path / "ip-adapter").is_dir() else None
    if family not in UNET and (controlnets or adapter):
        extra = f"controlnet-{next(iter(controlnets))}" if controlnets else "ip-adapter"
        raise GenerationError(
            f"{path / extra}: goes with a StableDiffusionPipeline or StableDiffusionXLPipeline, "
            f"the base is a {base.pipeline}"
        )
    encoder = None
    if adapter is not None:
        if not (path / "image-encoder").is_dir():
            raise GenerationError(f"{path / 'image-encoder'}: missing; the ip-adapter needs its image encoder")
        encoder = read_part(path / "image-encoder", "CLIPVisionModelWithProjection")
    vae = read_part(path / "vae", "AutoencoderKL") if (path / "vae").is_dir() else None
    return ModelRoom(path, base, controlnets, adapter, encoder, vae)


def inpainting_folder(path: Path) -> ModelFolder:
    """The model of a room, or of a bare folder, that fills regions. Raises as ``read_room`` does."""
    own = path / "inpainting"
    found = read_folder(own if own.is_dir() else _base(path))
    found.family("inpainting")
    return found


def _base(path: Path) -> Path:
    if not path.is_dir() or (path / INDEX).is_file() or not (path / "base").is_dir():
        return path  # read_folder says what is wrong
    return path / "base"


def _adapter(folder: Path) -> ModelFolder:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise GenerationError(f"{folder}: one .safetensors file is wanted, got {len(files)}")
    read_metadata(files[0])
    return ModelFolder(folder, "IP-Adapter", files[0].stem, (files[0],), None)
