"""A trained network at work on light of any brightness: what it does to colours, place by place; look.py lays it on.

The network sees a smaller picture, exposed and bent (upscale/range.py). Its result is kept as a gain: what it shows
over what it saw. So detail, highlights and the sun stay the candidate's own, in its own pixels; no texture is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from translight.colour.transfer import srgb_decode
from translight.core.errors import GenerationError
from translight.generation.candidate import Model
from translight.generation.look.cut.model import Description, device_named, load_generator, out_of_memory
from translight.generation.look.cut.network import STRIDE, Generator
from translight.generation.look.cut.stills import shrunk_to
from translight.generation.upscale.range import see

HEIGHTS = (32, 2048)
"""Of what the network sees; at 2048 a panorama takes some 10 GB."""

_DARK = 0.01
"""Added to both lights before they are divided."""
_MOST = 16.0


class CutTranslator:
    """Gains of a network. Look: at most ``height_px`` rows are shown to it."""

    def __init__(
        self, generator: Generator, description: Description, model: Model, height_px: int, device: torch.device
    ) -> None:
        if not HEIGHTS[0] <= height_px <= HEIGHTS[1] or height_px % STRIDE:
            raise GenerationError(
                f"--cut-height must be a multiple of {STRIDE} from {HEIGHTS[0]} to {HEIGHTS[1]}, got {height_px}"
            )
        self.model = model
        self._generator, self._steps = generator.to(device), description.steps
        self._height_px, self._device = height_px, device

    def facts(self) -> dict[str, Any]:
        """For the record."""
        return {
            "look": "cut",
            "network": self.model.name,
            "sha256": self.model.sha256,
            "steps": self._steps,
            "height_px": self._height_px,
        }

    def gain(self, light: Float32[np.ndarray, "h w 3"], *, panorama: bool) -> Float32[np.ndarray, "h2 w2 3"]:
        """What to multiply light by, from 1/16 to 16. Raises GenerationError on light that is not finite."""
        if not np.isfinite(light).all():
            raise GenerationError("the picture holds values that are not numbers: it cannot be translated")
        height, width = light.shape[:2]
        tall = max(2 * STRIDE, min(self._height_px, height) // STRIDE * STRIDE)
        wide = max(2 * STRIDE, round(tall * width / height / STRIDE) * STRIDE)
        seen = see(shrunk_to(light, tall, wide)).encoded
        picture = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1)))[None].to(self._device) * 2 - 1
        try:
            with torch.inference_mode():
                shown = self._generator(picture, wrap=panorama)[0].cpu().numpy()
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise GenerationError(
                f"the network does not fit into memory at {wide}x{tall} pixels: give a smaller --cut-height"
            ) from error
        before = srgb_decode(seen)
        after = srgb_decode((shown.transpose(1, 2, 0) + 1) / 2)
        return np.clip((after + _DARK) / (before + _DARK), 1 / _MOST, _MOST).astype(np.float32)


def open_translator(folder: Path, height_px: int, device: str) -> CutTranslator:
    """The network in a folder. Raises FormatError, GenerationError."""
    place = device_named(device)
    generator, description, model = load_generator(folder)
    return CutTranslator(generator, description, model, height_px, place)
