"""The reduced pictures that COLMAP looks at: upright, in RGB, with plain names; made of a capture's stills."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from translight.core.errors import FormatError
from translight.core.files import whole_file
from translight.core.progress import Progress
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.stills import load_still
from translight.reconstruction.structure_from_motion.jobs import CameraEntry, PictureEntry

_JPEG_QUALITY = 97
_THREADS = 2
"""More would hold more full pictures in memory, 12 bytes a pixel each."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """``entries`` are in the order of the capture's stills; ``masks`` is None where no still has one."""

    folder: Path
    masks: Path | None
    cameras: tuple[CameraEntry, ...]
    entries: tuple[PictureEntry, ...]


def reduced_size(still: Still, longest_px: int) -> tuple[int, int]:
    """(width, height) with the longer side ``longest_px``, never larger than the still."""
    scale = min(1.0, longest_px / max(still.width_px, still.height_px))
    return max(1, round(still.width_px * scale)), max(1, round(still.height_px * scale))


def prepare_pictures(capture: Capture, folder: Path, longest_px: int, progress: Progress) -> Pictures:
    """Write the reduced pictures and masks that are not there yet, and say what they are.

    Raises FormatError, with the still's path, on one that cannot be read or is not of the size that the capture says.
    """
    pictures, masks = folder / "pictures", folder / "masks"
    for made in (pictures, masks):
        made.mkdir(parents=True, exist_ok=True)
    files = [f"{i:06d}.jpg" for i in range(len(capture.stills))]

    def prepare(still: Still, file: str) -> None:
        size = reduced_size(still, longest_px)
        if not (pictures / file).exists():
            _write(_reduced(still, still.file, size, Image.Resampling.LANCZOS), pictures / file)
        mask = masks / f"{file}.png"  # COLMAP's name for a picture's mask
        if still.mask is not None and not mask.exists():
            pixels = _reduced(still, still.mask, size, Image.Resampling.NEAREST).max(axis=-1)
            _write(np.where(pixels > 0, np.uint8(255), np.uint8(0)), mask)

    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as threads:
        work = [threads.submit(prepare, still, file) for still, file in zip(capture.stills, files, strict=True)]
        try:
            for done, one in enumerate(work):
                progress("reading photographs", done / len(work))
                one.result()
        finally:
            for one in work:
                one.cancel()
    progress("reading photographs", 1.0)
    cameras, of_still = _cameras(capture, longest_px)
    masked = any(still.mask is not None for still in capture.stills)
    entries = tuple(PictureEntry(file, camera) for file, camera in zip(files, of_still, strict=True))
    return Pictures(pictures, masks if masked else None, cameras, entries)


def load_reduced(pictures: Pictures, place: int) -> UInt8[np.ndarray, "h w 3"]:
    """The reduced picture of a still."""
    with Image.open(pictures.folder / pictures.entries[place].file) as picture:
        return np.asarray(picture.convert("RGB"))


def _cameras(capture: Capture, longest_px: int) -> tuple[tuple[CameraEntry, ...], list[int]]:
    """One camera for each ``Still.camera`` and size, and each still's place among them."""
    keys = [(still.camera, still.width_px, still.height_px) for still in capture.stills]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    cameras = []
    for key in places:
        stills = [still for still, of in zip(capture.stills, keys, strict=True) if of == key]
        width, height = reduced_size(stills[0], longest_px)
        focals = [still.focal_px for still in stills if still.focal_px]
        focal = median(focals) * max(width, height) / max(key[1:]) if focals else None
        cameras.append(CameraEntry(width, height, focal))
    return tuple(cameras), [places[key] for key in keys]


def _reduced(still: Still, file: Path, size: tuple[int, int], filter_: Image.Resampling) -> UInt8[np.ndarray, "h w 3"]:
    pixels = load_still(file)
    height, width = pixels.shape[:2]
    if (width, height) != (still.width_px, still.height_px):
        raise FormatError(f"{file}: {width}x{height} pixels, {still.name} is {still.width_px}x{still.height_px}")
    picture = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    return np.asarray(picture.resize(size, filter_))


def _write(pixels: UInt8[np.ndarray, "h w *c"], file: Path) -> None:
    with whole_file(file) as aside:
        if file.suffix == ".png":
            Image.fromarray(pixels).save(aside, compress_level=1)
        else:
            Image.fromarray(pixels).save(aside, quality=_JPEG_QUALITY, subsampling=0)
