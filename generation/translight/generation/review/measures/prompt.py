"""Whether a picture shows what the brief says, by a CLIP model from a local folder; measures.py comes here lazily.

The cosine between picture and text is CLIPScore's core (Hessel et al., "CLIPScore: A Reference-free Evaluation Metric
for Image Captioning", 2021). What is usual differs between models: compare candidates, not models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from jaxtyping import Float32

from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.core.progress import Progress
from translight.generation.brief.brief import Brief
from translight.generation.brief.optics import field_of_view_deg
from translight.generation.candidate import Candidate, Model
from translight.generation.diffusion import licences
from translight.generation.diffusion.folder import read_part
from translight.generation.diffusion.weights import digest
from translight.generation.panorama import perspective
from translight.generation.preview import shrunk, tone_mapped
from translight.generation.review.measures.measure import Measure, graded, panorama_of, unknown

GOOD, BAD = 0.24, 0.18
"""Cosines (ours): a picture and its own caption reach 0.25 to 0.35 with OpenAI's models, strangers 0.10 to 0.18;
Schuhmann et al., "LAION-400M" (2021), kept pairs from 0.3 on."""

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""What OpenAI's CLIP models were normalised by."""
_AROUND_DEG = (0.0, 90.0, -90.0)
"""Azimuths that are looked to; the first is where the lens looks."""
_LEAST_FIELD_DEG = 40.0
"""A long lens's field is too little of a place to be told by."""


class Clip:
    """A loaded model, and its record."""

    def __init__(self, folder: Path, brief: Brief, progress: Progress) -> None:
        """Raises GenerationError where the folder holds no CLIP model or the brief forbids its licence."""
        found = read_part(Path(folder), "CLIPModel")
        self.model: Model = licences.record("clip", found, digest(found.weights, found.name, progress))
        licences.permit((self.model,), brief.avoid, progress)
        progress(f"loading {found.name}", 0.0)
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        try:
            self._network: Any = transformers.CLIPModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            ).eval()
            self._tokenizer: Any = transformers.CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # whatever transformers makes of a damaged folder
            line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise GenerationError(f"{folder}: cannot be loaded as a CLIP model: {line[:200]}") from error
        self._side = int(self._network.config.vision_config.image_size)

    def cosines(self, pictures: Sequence[Float32[np.ndarray, "s s 3"]], words: str) -> list[float]:
        """Of each square picture, sRGB-encoded from 0 to 1, with a text; only the first 77 tokens are read."""
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (_MEAN, _STD))
        batch = torch.stack([(torch.from_numpy(np.moveaxis(p, -1, 0).copy()) - mean) / std for p in pictures])
        tokens = self._tokenizer(words, truncation=True, max_length=77, return_tensors="pt", verbose=False)
        with torch.inference_mode():
            out = self._network(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], pixel_values=batch
            )
        text, image = out.text_embeds.double(), out.image_embeds.double()
        near = image @ text[0] / (image.norm(dim=1) * text[0].norm())
        return [float(value) for value in near]

    def measure(self, candidate: Candidate, brief: Brief) -> Measure:
        """The cosine of what the lens sees with the brief's intent; of a panorama's sides too, in the details."""
        pictures = seen(candidate, brief, self._side)
        if not pictures:
            return unknown("prompt", "cosine", "no picture")
        words = ", ".join(part for part in (brief.intent, brief.place.where) if part)
        found = self.cosines(pictures, words)
        verdict = graded(found[0], GOOD, BAD)
        said = {"good": "shows what was asked", "look": "may show what was asked", "bad": "shows something else"}
        details = {f"view_{i}": round(value, 4) for i, value in enumerate(found)}
        why = f"{said[verdict]}: {found[0]:.2f} by {self.model.name} ({GOOD:g} is good)"
        return Measure("prompt", round(found[0], 4), "cosine", verdict, why, details)


def seen(candidate: Candidate, brief: Brief, side_px: int) -> list[Float32[np.ndarray, "s s 3"]]:
    """Square pictures as CLIP takes them: the lens's field ahead and to both sides, or the middle of a still."""
    if not candidate.views:
        return []
    view, image = panorama_of(candidate), candidate.views[0].image
    if view is None:
        side = min(image.shape[:2])
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        square = shrunk(image[top : top + side, left : left + side], side_px)
        at = ((np.arange(side_px) + 0.5) * square.shape[0] / side_px).astype(np.int64)
        return [_encoded(square[at[:, None], at[None]])]
    field = max(_LEAST_FIELD_DEG, min(90.0, field_of_view_deg(brief.lens)[0]))
    camera = Camera.from_fov(side_px, side_px, horizontal_deg=field)
    fine = shrunk(image, max(64, int(2 * side_px * 360 / field)))
    return [_encoded(perspective(fine, camera, _toward(azimuth)).astype(np.float32)) for azimuth in _AROUND_DEG]


def _encoded(linear: Float32[np.ndarray, "s s 3"]) -> Float32[np.ndarray, "s s 3"]:
    return tone_mapped(np.nan_to_num(linear, posinf=65504.0)).astype(np.float32) / 255


def _toward(azimuth_deg: float) -> Pose:
    """A camera that looks level towards an azimuth, to the right of +Y."""
    half = -math.radians(azimuth_deg) / 2
    turn = Pose.from_wxyz((math.cos(half), 0.0, 0.0, math.sin(half)))
    return turn @ Pose(STAGE_FROM_RDF.wxyz, np.zeros(3))
