"""A depth network from a local folder, run over the views of a panorama; depth_merge.py brings its maps together.

transformers' AutoModelForDepthEstimation: Depth Anything and DPT classes (relative inverse depth, or metres where the
configuration says so), DepthPro and ZoeDepth (metres). Nothing is downloaded. Needs the extra ``generate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera
from translight.core.errors import GenerationError, MissingExtra
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.generation.candidate import View
from translight.generation.diffusion.first_line import first_line
from translight.generation.diffusion.weights import read_json
from translight.generation.lift.depth_merge import DepthView, merged, ring_of_views, scaled_to_floor
from translight.generation.panorama import perspective

CLASSES = ("depth_anything", "depth_pro", "dpt", "zoedepth")
"""``model_type`` of configurations that are run."""
_METRIC = ("depth_pro", "zoedepth")
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_EXPOSED = 0.32
"""What the median light of a view is brought to: a code value of 0.6."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthModel:
    """A network in memory, and how it wants its pictures."""

    network: Any
    torch: Any
    metric: bool
    size_px: int
    """Side of the square that it sees."""
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def inverse(self, picture: Float32[np.ndarray, "s s 3"]) -> Float32[np.ndarray, "s s"]:
        """Inverse depth of a linear picture of ``size_px`` a side: 1/m where ``metric``, up to scale and shift else.

        Raises GenerationError when the network gives what is not finite.
        """
        torch = self.torch
        light = max(float(np.median(picture.max(axis=2))), 1e-6)  # networks know photographs, not radiance
        code = srgb_encode(np.clip(picture * (_EXPOSED / light), 0, 1)).astype(np.float32)
        normal = (code - np.array(self.mean, np.float32)) / np.array(self.deviation, np.float32)
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(normal.transpose(2, 0, 1)[None]))
            depth = self.network(pixel_values=batch).predicted_depth
            depth = torch.nn.functional.interpolate(
                depth.reshape(1, 1, *depth.shape[-2:]).float(), size=picture.shape[:2], mode="bilinear"
            )
        found: Float32[np.ndarray, "s s"] = depth[0, 0].numpy()
        if not np.isfinite(found).all():
            raise GenerationError("the depth model gave values that are not finite")
        return (1 / np.maximum(found, 1e-3)).astype(np.float32) if self.metric else found


def kind_of(folder: Path) -> str:
    """``model_type`` of a folder's network, of which its configuration is read alone.

    Raises GenerationError where that is no depth model.
    """
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in CLASSES:
        raise GenerationError(f"{folder}: config.json: model_type {kind!r} is no depth model: {', '.join(CLASSES)} are")
    return str(kind)


def open_depth_model(folder: Path) -> DepthModel:
    """The network of a folder as transformers saves one: config.json, model.safetensors, preprocessor_config.json.

    Raises GenerationError in one line where that is not what is there, MissingExtra without transformers.
    """
    kind, config = kind_of(folder), read_json(folder / "config.json")
    try:
        torch, transformers = import_module("torch"), import_module("transformers")
    except ImportError as error:
        raise MissingExtra("transformers", "generate") from error
    try:
        network = transformers.AutoModelForDepthEstimation.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        ).eval()
    except Exception as error:  # whatever transformers makes of a damaged folder
        raise GenerationError(f"{folder}: cannot be loaded as a depth model: {first_line(error)}") from error
    metric = kind in _METRIC or config.get("depth_estimation_type") == "metric"
    preprocessor = folder / "preprocessor_config.json"
    shown = read_json(preprocessor) if preprocessor.is_file() else {}
    mean, deviation = _IMAGENET if kind == "depth_anything" else _HALF
    return DepthModel(
        network, torch, metric, _size(shown, config, folder),
        tuple(shown.get("image_mean", mean)), tuple(shown.get("image_std", deviation)),
    )  # fmt: skip


def estimate(
    panorama: View, model: DepthModel, eye_height_m: float, progress: Progress = silent
) -> Float32[np.ndarray, "h w"]:
    """Distances of a panorama in metres, by a network over its views; relative ones are scaled to the floor.

    What is as far as the network tells comes out as ``depth_merge.FARTHEST_M`` or nearly; sky_mask.py finds the sky.
    """
    views = []
    ring = ring_of_views(model.size_px)
    for number, (camera, pose) in enumerate(ring):
        progress("estimating depth", number / len(ring))
        views.append(DepthView(camera, pose, model.inverse(_seen(panorama.image, camera, pose)), model.metric))
    distance = merged(views, panorama.image.shape[0])
    progress("estimating depth", 1.0)
    return distance if model.metric else scaled_to_floor(distance, eye_height_m)


def _seen(image: Float32[np.ndarray, "h w 3"], camera: Camera, pose: Pose) -> Float32[np.ndarray, "ch cw 3"]:
    """A view of the panorama, shrunk first where it is much finer than the view."""
    while image.shape[0] > 4 * camera.height_px and image.shape[0] % 2 == 0:
        image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / np.float32(4)
    return perspective(image, camera, pose).astype(np.float32)


def _size(shown: dict[str, Any], config: dict[str, Any], folder: Path) -> int:
    """The side that pictures are given at: as the preprocessor says, in whole patches."""
    size = shown.get("size", {})
    side = size.get("height", size.get("shortest_edge", 518)) if isinstance(size, dict) else size
    backbone = config.get("backbone_config") or {}
    patch = backbone.get("patch_size") or config.get("patch_size") or 14
    if not isinstance(side, int) or not isinstance(patch, int) or not 1 <= patch <= side <= 4096:
        raise GenerationError(f"{folder}: sizes {side!r} and patches {patch!r} cannot be")
    return max(side // patch, 1) * patch
