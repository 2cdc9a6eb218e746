"""A diffusers folder: which pipeline it holds and whether all of it is there, not loaded; room.py joins several.

Layout: https://huggingface.co/docs/diffusers/using-diffusers/loading, ``model_index.json`` and a folder a component.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from translight.core.errors import GenerationError
from translight.generation.diffusion.weights import find_weights, read_json

INDEX = "model_index.json"
Family = Literal["sd", "sdxl", "flux", "flux2", "z-image"]
"""What is drawn alike: the first two by a UNet, the rest by a transformer with rotary positions."""
UNET: tuple[Family, ...] = ("sd", "sdxl")
Task = Literal["text-to-image", "inpainting"]

TEXT_TO_IMAGE: dict[str, Family] = {
    "StableDiffusionPipeline": "sd",
    "StableDiffusionXLPipeline": "sdxl",
    "FluxPipeline": "flux",
    "Flux2KleinPipeline": "flux2",
    "ZImagePipeline": "z-image",
}
"""Pipeline classes that draw panoramas."""
INPAINTING: dict[str, Family] = {
    **{name: family for name, family in TEXT_TO_IMAGE.items() if family in ("sd", "sdxl", "flux")},
    "StableDiffusionInpaintPipeline": "sd",
    "StableDiffusionXLInpaintPipeline": "sdxl",
}
"""Pipeline classes that fill regions; those of text-to-image do it too."""
IMAGE_TO_VIDEO = (
    "WanImageToVideoPipeline",
    "LTXImageToVideoPipeline",
    "LTXConditionPipeline",
    "CogVideoXImageToVideoPipeline",
    "StableVideoDiffusionPipeline",
)

_LIBRARIES = ("diffusers", "transformers")
_WITHOUT_WEIGHTS = (
    "Tokenizer",
    "TokenizerFast",
    "Scheduler",
    "Processor",
    "ProcessorFast",
    "ProcessorPil",
    "FeatureExtractor",
)
_NOT_LOADED = ("safety_checker", "feature_extractor")
"""A person looks at every candidate; a safety checker would hand out black pictures instead."""

_ROLES = ("base", "inpainting", "controlnet-depth", "controlnet-edges", "image-encoder", "vae")
"""Folder names of a room: they say what a model is for and not which it is."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A diffusers pipeline on disk, all of whose weights are there."""

    path: Path
    pipeline: str
    """Class in diffusers."""
    name: str
    """What it calls itself, or its folder's name."""
    weights: tuple[Path, ...]
    variant: str | None

    def family(self, task: Task) -> Family:
        """How it draws. Raises GenerationError where it does something else than ``task``, naming both."""
        table = TEXT_TO_IMAGE if task == "text-to-image" else INPAINTING
        if self.pipeline not in table:
            raise GenerationError(
                f"{self.path}: holds a {self.pipeline}{_purpose(self.pipeline)}; "
                f"for {task} one of {', '.join(table)} is wanted"
            )
        return table[self.pipeline]


def read_folder(path: Path) -> ModelFolder:
    """What a folder holds. Raises GenerationError, in one line: it is missing, incomplete or wants to run code."""
    if not path.is_dir():
        raise GenerationError(f"{path}: no such folder; a diffusers model's folder is wanted, with {INDEX}")
    if not (path / INDEX).is_file():
        raise GenerationError(f"{path}: not a diffusers folder, it has no {INDEX}{_instead(path)}")
    index = read_json(path / INDEX)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise GenerationError(f"{path / INDEX}: wants code of its own to run ({pipeline}), which is not allowed")
    components = [
        path / name
        for name, entry in sorted(index.items())
        if not name.startswith("_") and isinstance(entry, list) and entry != [None, None] and name not in _NOT_LOADED
        if _has_weights(path, name, entry)
    ]
    found = [find_weights(component) for component in components]
    variant = next((weights.variant for weights in found if weights.variant), None)
    if variant:  # of one component: diffusers then takes it of every one that has it
        found = [find_weights(component, variant_first=True) for component in components]
    files = tuple(file for weights in found for file in weights.files)
    if not files:
        raise GenerationError(f"{path / INDEX}: names no component with weights")
    return ModelFolder(path, pipeline, _name(path, index), files, variant)


def read_part(path: Path, wanted: str) -> ModelFolder:
    """A folder of a single model (a ControlNet, a VAE, an image encoder) whose configuration says class ``wanted``."""
    if not (path / "config.json").is_file():
        raise GenerationError(f"{path}: not a model's folder, it has no config.json")
    config = read_json(path / "config.json")
    architectures = config.get("architectures")  # where transformers writes the class
    found = config.get("_class_name") or (
        architectures[0] if isinstance(architectures, list) and architectures else "?"
    )
    if found != wanted:
        raise GenerationError(f"{path}: holds a {found}, a {wanted} is wanted")
    _refuse_code(path)
    weights = find_weights(path)
    return ModelFolder(path, str(found), _name(path, config), weights.files, weights.variant)


def _has_weights(path: Path, name: str, entry: list[Any]) -> bool:
    """Whether the class of a component has weights. Raises GenerationError where the component cannot be loaded."""
    if len(entry) != 2 or not all(isinstance(part, str) for part in entry) or Path(name).name != name:
        raise GenerationError(f"{path / INDEX}: component {name!r} is [library, class], got {entry}")
    library, kind = entry
    if library not in _LIBRARIES:
        raise GenerationError(
            f"{path / INDEX}: component {name!r} wants code from {library!r}; "
            f"only classes of {' and '.join(_LIBRARIES)} are loaded"
        )
    folder = path / name
    if not folder.is_dir():
        raise GenerationError(f"{folder}: missing, and {INDEX} names it ({kind})")
    _refuse_code(folder)
    return not kind.endswith(_WITHOUT_WEIGHTS)


def _refuse_code(folder: Path) -> None:
    """A configuration with auto_map names Python files of its own."""
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file() and read_json(folder / name).get("auto_map"):
            raise GenerationError(f"{folder / name}: wants code of its own to run (auto_map), which is not allowed")


def _purpose(pipeline: str) -> str:
    if pipeline in IMAGE_TO_VIDEO:
        return " (image-to-video)"
    return " (inpainting)" if pipeline in INPAINTING else ""


def _instead(path: Path) -> str:
    """What a folder without an index looks like."""
    if any((path / role).is_dir() for role in _ROLES):
        return "; a model room has base/ with it"
    singles = sorted(path.glob("*.safetensors"))
    return f"; {singles[0].name} alone is not enough: diffusers' own layout is wanted" if singles else ""


def _name(path: Path, config: dict[str, Any]) -> str:
    said = config.get("_name_or_path")
    if isinstance(said, str) and said.count("/") == 1 and not said.startswith((".", "/")):
        return said[:200]
    for part in reversed(path.resolve().parts):  # as the hub's cache names it: models--owner--name/snapshots/commit
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    whole = path.resolve()
    return f"{whole.parent.name}/{whole.name}" if whole.name in _ROLES else whole.name
