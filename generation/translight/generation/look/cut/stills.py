"""Folders of stills as a network is taught with them: small, encoded, known by SHA-256; training.py crops them.

The stills that are to change are seen as candidates will be (upscale/range.py: exposed to grey, highlights bent); the
stills that are wanted are seen as they are shown, so their brightness is learned with their colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch.nn import functional

from translight.colour.transfer import srgb_encode
from translight.core.errors import GenerationError
from translight.core.files import sha256_of
from translight.core.progress import Progress
from translight.generation.look.recipe import linear_picture
from translight.generation.upscale.range import see

SUFFIXES = (".jpg", ".jpeg", ".png", ".exr", ".hdr", ".pic")
MAX_STILLS = 1000
"""Of a folder; at --size 128 they take 120 MB."""

_ROOM = 1.5
"""Times a crop's side that a still's short side is shrunk to: crops differ, and see much of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Stills:
    """Pictures from −1 to 1 (3 h w), and their files' digests by name."""

    pictures: tuple[torch.Tensor, ...]
    digests: dict[str, str]

    def crop(self, size_px: int, dice: torch.Generator) -> torch.Tensor:
        """A square out of one of them (1 3 s s), mirrored by chance."""
        picture = self.pictures[_drawn(len(self.pictures), dice)]
        top, left = (_drawn(side - size_px + 1, dice) for side in picture.shape[1:])
        part = picture[None, :, top : top + size_px, left : left + size_px]
        return part.flip(3) if _drawn(2, dice) else part


def read_stills(folder: Path, size_px: int, progress: Progress, *, exposed: bool) -> Stills:
    """All pictures of a folder, in the order of their names. Raises GenerationError, FormatError."""
    if not folder.is_dir():
        raise GenerationError(f"{folder}: no such folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not 1 <= len(files) <= MAX_STILLS:
        raise GenerationError(f"{folder}: {len(files)} pictures; from 1 to {MAX_STILLS} are wanted")
    pictures, digests = [], {}
    for number, file in enumerate(files):
        progress(f"reading {folder.name}", number / len(files))
        light = linear_picture(file)
        if min(light.shape[:2]) < size_px:
            size = f"{light.shape[1]}x{light.shape[0]}"
            raise GenerationError(f"{file}: {size} pixels; at least {size_px} on each side are wanted (--size)")
        if not np.isfinite(light).all():
            raise GenerationError(f"{file}: holds values that are not numbers")
        bright = exposed or file.suffix.lower() in (".exr", ".hdr", ".pic")
        share = min(1.0, _ROOM * size_px / min(light.shape[:2]))
        small = shrunk_to(light, *(max(size_px, round(side * share)) for side in light.shape[:2]))
        encoded = see(small).encoded if bright else np.clip(srgb_encode(small), 0, 1).astype(np.float32)
        pictures.append(torch.from_numpy(np.ascontiguousarray(encoded.transpose(2, 0, 1))) * 2 - 1)
        digests[file.name] = sha256_of(file)
    return Stills(tuple(pictures), digests)


def shrunk_to(light: Float32[np.ndarray, "h w 3"], height_px: int, width_px: int) -> Float32[np.ndarray, "h2 w2 3"]:
    """A picture in fewer pixels, each the mean of those that it covers in whole or part."""
    planes = torch.from_numpy(np.ascontiguousarray(light.transpose(2, 0, 1)))[None]
    return np.ascontiguousarray(
        functional.adaptive_avg_pool2d(planes, (height_px, width_px))[0].numpy().transpose(1, 2, 0)
    )


def _drawn(count: int, dice: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=dice))
