"""The networks that a lift may use from local folders: distances of a picture, and colours behind things.

depth_model.py and diffusion/inpaint.py run them; here they come with their records and the brief's word on licences.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from translight.core.progress import Progress
from translight.generation.brief.brief import Avoid, Brief
from translight.generation.brief.parameters import Parameters
from translight.generation.candidate import Model, View
from translight.generation.diffusion import licences
from translight.generation.diffusion.engine import check_libraries
from translight.generation.diffusion.folder import ModelFolder
from translight.generation.diffusion.room import inpainting_folder
from translight.generation.diffusion.weights import digest, find_weights
from translight.generation.lift.depth_model import estimate, kind_of, open_depth_model
from translight.generation.lift.fill import Inpaint


def with_distances(panorama: View, folder: Path, brief: Brief, progress: Progress) -> tuple[View, Model]:
    """The panorama with distances by the depth network of ``folder``, and the network's record.

    Raises GenerationError where the folder holds no such network or the brief forbids its licence; MissingExtra.
    """
    check_libraries()
    kind_of(folder)
    licences.permit(
        (licences.record("depth", ModelFolder(folder, "depth", folder.name, (), None), ""),), brief.avoid, progress
    )
    weights = find_weights(folder)
    model = _record("depth", ModelFolder(folder, "depth", folder.name, weights.files, weights.variant), progress)
    network = open_depth_model(folder)
    distance_m = estimate(panorama, network, brief.lens.height_m, progress)
    return replace(panorama, distance_m=distance_m, sky=None), model


def inpainting(
    folder: Path, parameters: Parameters, avoid: Avoid, seed: int, progress: Progress
) -> tuple[Inpaint, Model]:
    """What draws hidden or masked colours by words, guidance and steps, and the record of the model of ``folder``.

    Raises GenerationError where the folder holds no such model or the brief forbids its licence; MissingExtra.
    """
    check_libraries()
    found = inpainting_folder(folder)
    licences.permit((licences.record("inpainting", found, ""),), avoid, progress)
    model = _record("inpainting", found, progress)
    filler = import_module("translight.generation.diffusion.inpaint").Inpainter(folder, progress)

    def draw(image: Float32[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
        drawn: Float32[np.ndarray, "h w 3"] = filler.fill(image, mask, parameters, seed, progress)
        return drawn

    return draw, model


def _record(role: str, folder: ModelFolder, progress: Progress) -> Model:
    """The model as the report names it; all of its weights are read."""
    return licences.record(role, folder, digest(folder.weights, folder.name, progress))
