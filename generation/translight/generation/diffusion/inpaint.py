"""Filling a region of a picture with an inpainting model: what the mask spares stays as it was, to the bit.

Hidden layers of a lift and a reviewer's variations ask for it; the model comes from a room (room.py) or a bare folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch.nn import functional

from translight.colour.transfer import srgb_encode
from translight.core.progress import Progress
from translight.generation.brief.parameters import Parameters
from translight.generation.diffusion.drawing import Words, draw, size_for
from translight.generation.diffusion.loading import Loaded, load_inpainting
from translight.generation.diffusion.room import inpainting_folder
from translight.generation.diffusion.seamless import planes, resize, resized


class Inpainter:
    """A loaded inpainting model, for many regions; nothing of one region is kept for the next."""

    def __init__(self, folder: Path, progress: Progress, *, wrap: bool = True) -> None:
        """With ``wrap`` images are panoramas and their edges neighbours. Raises GenerationError as the engine does."""
        model = inpainting_folder(Path(folder))
        progress(f"loading {model.name}", 0.0)
        self._loaded: Loaded = load_inpainting(model, wrap=wrap)
        self._wrap = wrap

    def fill(
        self,
        image: Float32[np.ndarray, "h w 3"],
        mask: Bool[np.ndarray, "h w"],
        parameters: Parameters,
        seed: int,
        progress: Progress,
    ) -> Float32[np.ndarray, "h w 3"]:
        """``image``, linear Rec.709, with what ``mask`` marks drawn anew by ``parameters``' words, guidance and steps.

        The model sees the image cut off at 1; what it draws lies from 0 to 1, and outside the mask the image's own
        values return. Equal arguments give equal pictures. Raises ValueError on arrays that do not fit together,
        GenerationError as the engine does.
        """
        if image.ndim != 3 or image.shape[2] != 3 or mask.shape != image.shape[:2] or mask.dtype != np.bool_:
            raise ValueError(
                f"an image (h w 3) and a bool mask (h w) are wanted, got {image.shape}, {mask.dtype} {mask.shape}"
            )
        if not mask.any():
            return image.copy()
        height, width = mask.shape
        size_px = size_for(self._loaded, height, width)
        encoded = np.clip(srgb_encode(np.nan_to_num(image, posinf=1.0)), 0, 1).astype(np.float32)
        marked = planes(mask[..., None].astype(np.float32))
        extra = {
            "image": resize(planes(encoded), *size_px, wrap=self._wrap).clamp(0, 1),
            "mask_image": _whole_latents(resize(marked, *size_px, wrap=self._wrap), self._loaded.factor),
            "strength": 1.0,
        }
        drawn = draw(
            self._loaded,
            Words.of(parameters),
            size_px,
            seed,
            lambda share: progress("filling", share),
            wrap=self._wrap,
            extra=extra,
        )
        filled = np.maximum(resized(drawn, height, width, wrap=self._wrap), 0)
        return np.where(mask[..., None], filled, image).astype(np.float32)


def _whole_latents(mask: torch.Tensor, factor: int) -> torch.Tensor:
    """The mask grown to whole latents: pipelines look at one pixel of each, and would miss a thin region.

    What is drawn too much is not used: the image itself comes back there.
    """
    touched = (functional.max_pool2d(mask, factor) > 0).float()
    return functional.interpolate(touched, scale_factor=factor, mode="nearest")
