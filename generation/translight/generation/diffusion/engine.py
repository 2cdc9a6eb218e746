"""The engine ``diffusers``: panoramas from a text-to-image model in a local folder (room.py), through drawing.py.

torch and diffusers are imported when candidates are asked for, not when the engine opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.errors import GenerationError, MissingExtra
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.generation.brief.brief import Reference
from translight.generation.brief.parameters import Parameters
from translight.generation.candidate import Candidate, Model, View
from translight.generation.diffusion import licences
from translight.generation.diffusion.folder import UNET, ModelFolder
from translight.generation.diffusion.room import CONTROLS, ModelRoom, read_room
from translight.generation.diffusion.weights import digest, read_metadata
from translight.generation.engines.engine import Order

LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors")


def open(source: Path | None) -> Diffusers:
    """The engine for a model room or a diffusers folder.

    Raises GenerationError in one line for a folder that is missing, incomplete or of another purpose; MissingExtra.
    """
    check_libraries()
    if source is None:
        raise GenerationError("the engine diffusers needs a model's folder, with model_index.json or base/ in it")
    return Diffusers(read_room(Path(source)))


def check_libraries() -> None:
    """Raises MissingExtra for the first library that is not installed."""
    for library in LIBRARIES:
        if find_spec(library) is None:
            raise MissingExtra(library, "generate")


class Diffusers:
    """Engine of engines/engine.py. Draws one panorama a seed. Models are loaded for each order and let go after it."""

    name = "diffusers"

    def __init__(self, room: ModelRoom) -> None:
        self._room = room
        self._digests: dict[tuple[tuple[str, int, int], ...], str] = {}

    def models(self) -> tuple[Model, ...]:
        """Those in the room; a brief's LoRAs come with its candidates. Reads all weights the first time."""
        return self._models(self._room.parts(), silent)

    def seeds(self, order: Order, /) -> tuple[int, ...]:
        """The order's own."""
        return order.parameters.seeds

    def candidates(self, order: Order, progress: Progress) -> Iterator[Candidate]:
        """One for each seed. Raises GenerationError, before loading anything, on what the brief forbids or lacks."""
        parameters, room = order.parameters, self._room
        controls = _controls(parameters, room)
        references = parameters.references if room.ip_adapter is not None else ()
        used = [
            (role, folder)
            for role, folder in room.parts()
            if (role.removeprefix("controlnet-") in controls or not role.startswith("controlnet-"))
            and (references or role not in ("ip-adapter", "image-encoder"))
        ]
        used += [("lora", _lora(lora.file)) for lora in parameters.loras]
        licences.permit((licences.record(role, folder, "") for role, folder in used), order.brief.avoid, progress)
        models = self._models(used, progress)
        loading, drawing = (import_module(f"translight.generation.diffusion.{name}") for name in ("loading", "drawing"))
        resized = import_module("translight.generation.diffusion.seamless").resized
        seen = [drawing.reference_picture(one.file, room.reference_px()) for one in references]
        progress(f"loading {room.base.name}", 0.0)
        loaded = loading.load(room, controls=controls, references=len(references), loras=parameters.loras)
        words = drawing.Words.of(parameters)
        drawn_px = drawing.size_for(loaded, order.height_px, 2 * order.height_px)[0]
        size_px = (drawn_px, 2 * drawn_px)
        extra = _control_pictures(drawing, parameters, controls, size_px)
        if references:
            loaded.pipe.set_ip_adapter_scale([one.weight for one in references])
            extra["ip_adapter_image"] = seen
        ignored = [*_ignored(parameters, room), *drawing.unheard(loaded, words)]
        if drawn_px < order.height_px:
            ignored.append(f"the height of {order.height_px} px: drawn at {drawn_px}, the model's own, and enlarged")
        for what in ignored:
            progress(f"not followed: {what}", 0.0)
        settings = {
            **_settings(loaded, parameters, controls, references, size_px, ignored),
            "height_px": order.height_px,
            "libraries": loading.versions(),
        }
        eye = Pose.from_wxyz((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, order.brief.lens.height_m))
        for number, seed in enumerate(parameters.seeds):
            name = f"{self.name}-{number:04d}"

            def step(share: float, name: str = name, number: int = number) -> None:
                progress(f"drawing {name}", (number + share) / len(parameters.seeds))

            picture = drawing.draw(loaded, words, size_px, seed, step, extra=extra)
            image = np.maximum(resized(picture, order.height_px, 2 * order.height_px), 0)
            yield Candidate(
                name=name,
                engine=self.name,
                seed=seed,
                views=(View(image, None, eye),),
                models=models,
                settings={**settings, "seed": seed},
            )

    def _models(self, parts: Iterable[tuple[str, ModelFolder]], progress: Progress) -> tuple[Model, ...]:
        return tuple(licences.record(role, folder, self._digest(folder, progress)) for role, folder in parts)

    def _digest(self, folder: ModelFolder, progress: Progress) -> str:
        """Read once, and again only after a file changed."""
        try:
            stats = [(str(path), path.stat()) for path in folder.weights]
        except OSError as error:
            raise GenerationError(f"{error.filename}: cannot be read ({error.strerror})") from error
        key = tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)
        if key not in self._digests:
            self._digests[key] = digest(folder.weights, folder.name, progress)
        return self._digests[key]


def _lora(file: Path) -> ModelFolder:
    """A LoRA's file, which is whole, as the record takes models."""
    read_metadata(file)
    return ModelFolder(file.parent, licences.LORA, file.stem, (file,), None)


def _controls(parameters: Parameters, room: ModelRoom) -> tuple[str, ...]:
    """The maps that will be followed: there is one, it has weight, and the room has its ControlNet."""
    control = parameters.control
    if control is None:
        return ()
    weights = {"depth": control.depth_weight, "edges": control.edges_weight}
    return tuple(name for name in CONTROLS if weights[name] > 0 and name in room.controlnets)


def _ignored(parameters: Parameters, room: ModelRoom) -> list[str]:
    """What of the brief has no model here to follow it."""
    found = []
    if parameters.control is not None:
        weights = {"depth": parameters.control.depth_weight, "edges": parameters.control.edges_weight}
        found += [
            f"the block-out's {name}: no controlnet-{name}/ beside {room.base.path.name}/"
            for name in CONTROLS
            if weights[name] > 0 and name not in room.controlnets
        ]
    if parameters.references and room.ip_adapter is None:
        found.append(
            f"the reference pictures ({len(parameters.references)}): no ip-adapter/ beside {room.base.path.name}/"
        )
    return found


def _control_pictures(
    drawing: Any, parameters: Parameters, controls: tuple[str, ...], size_px: tuple[int, int]
) -> dict[str, Any]:
    """Control maps as arguments of the pipeline."""
    extra: dict[str, Any] = {}
    control = parameters.control
    if control is not None and controls:
        maps = {"depth": (control.depth, control.depth_weight), "edges": (control.edges, control.edges_weight)}
        extra["image"] = [drawing.control_picture(maps[name][0], size_px) for name in controls]
        extra["controlnet_conditioning_scale"] = [maps[name][1] for name in controls]
    return extra


def _settings(
    loaded: Any,
    parameters: Parameters,
    controls: tuple[str, ...],
    references: tuple[Reference, ...],
    size_px: tuple[int, int],
    ignored: list[str],
) -> dict[str, Any]:
    """What the pictures were made with, as JSON values."""
    control = parameters.control
    weights = {} if control is None else {"depth": control.depth_weight, "edges": control.edges_weight}
    return {
        "pipeline": type(loaded.pipe).__name__,
        "scheduler": type(loaded.pipe.scheduler).__name__,
        "device": loaded.device,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "drawn_px": list(size_px),
        "seam": "columns wrap" if loaded.family in UNET else "columns wrap in the VAE, blended in latents",
        "prompt": parameters.prompt,
        "negative_prompt": parameters.negative_prompt,
        "guidance": parameters.guidance,
        "steps": parameters.steps,
        "control": {name: weights[name] for name in controls},
        "references": [
            {"file": str(one.file), "weight": one.weight, "sha256": digest([one.file], one.file.name, silent)}
            for one in references
        ],
        "loras": [{"file": str(one.file), "weight": one.weight} for one in parameters.loras],
        "not_followed": ignored,
    }
