"""Films from elsewhere as linear frames: a movie that FFmpeg reads, or a folder of numbered EXR pictures."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import Float16

from translight.colour.transfer import srgb_decode
from translight.core.errors import FormatError
from translight.core.image import load_image
from translight.core.progress import Progress
from translight.environment.plate import MAX_FRAMES
from translight.generation.plates.kept import HALF_MAX

MAX_BYTES = 4 << 30
"""Security: of a film's frames in memory, as half floats."""
_MAX_PIXELS = 1 << 25
_DISPLAY, _LINEAR = (1, 2, 6, 13), 8
"""Transfer characteristics of ITU-T H.273: BT.709, not told, BT.601 and sRGB, which are shown alike; and linear."""
_CODES = 65535.0


def read_film(
    path: Path, most: int, rate: Fraction | None, progress: Progress
) -> tuple[list[Float16[np.ndarray, "h w 3"]], Fraction]:
    """Up to ``most`` frames from the beginning, linear Rec.709, and their rate: ``rate`` where it is given.

    Movies are decoded by the sRGB curve unless they say that they are linear. Raises FormatError in one line on what
    cannot be read, is too large, or is encoded in another way (PQ, HLG), and where an EXR folder comes without a rate.
    """
    most = min(most, MAX_FRAMES)
    if path.is_dir():
        if rate is None:
            raise FormatError(f"{path}: a folder of pictures has no rate of its own: give --rate")
        frames: Iterator[np.ndarray] = _pictures(path)
    elif path.is_file():
        frames, own = _movie(path)
        rate = rate or own
    else:
        raise FormatError(f"{path}: no such file or folder")
    found: list[Float16[np.ndarray, "h w 3"]] = []
    for frame in frames:
        if found and frame.shape != found[0].shape:
            raise FormatError(f"{path}: frame {len(found)} is of another size than the first")
        if (len(found) + 1) * frame.size * 2 > MAX_BYTES:
            raise FormatError(f"{path}: more than {MAX_BYTES >> 30} GiB of frames: make it smaller or shorter")
        found.append(np.clip(np.nan_to_num(frame, posinf=HALF_MAX), 0, HALF_MAX).astype(np.float16))
        progress("reading the film", len(found) / most)
        if len(found) == most:
            break
    if not found:
        raise FormatError(f"{path}: holds no frames")
    assert rate is not None
    return found, rate


def _movie(path: Path) -> tuple[Iterator[np.ndarray], Fraction]:
    try:
        container: Any = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: not a readable film ({getattr(error, 'strerror', None) or error})") from error
    if not container.streams.video:
        container.close()
        raise FormatError(f"{path}: holds no pictures")
    stream = container.streams.video[0]
    rate, trc = stream.average_rate, int(stream.codec_context.color_trc)
    size = stream.codec_context.width * stream.codec_context.height
    said = ""
    if not 1 <= size <= _MAX_PIXELS:
        said = f"{size} pixels a frame, from 1 to {_MAX_PIXELS} are allowed"
    elif rate is None or not 1 <= rate <= 1000:
        said = f"{rate} frames a second, from 1 to 1000 are allowed"
    elif trc not in (*_DISPLAY, _LINEAR):
        said = f"its transfer characteristics are {trc} (ITU-T H.273), sRGB, BT.709 or linear are read: make EXRs of it"
    if said:
        container.close()
        raise FormatError(f"{path}: {said}")
    return _decoded(path, container, stream, linear=trc == _LINEAR), rate


def _decoded(path: Path, container: Any, stream: Any, *, linear: bool) -> Iterator[np.ndarray]:
    try:
        with container:
            for frame in container.decode(stream):
                if frame.width * frame.height > _MAX_PIXELS:
                    raise FormatError(f"{path}: a frame of {frame.width}x{frame.height} pixels")
                codes = frame.to_ndarray(format="rgb48le").astype(np.float32) / np.float32(_CODES)
                yield codes if linear else srgb_decode(codes)
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: is damaged ({getattr(error, 'strerror', None) or error})") from error


def _pictures(folder: Path) -> Iterator[np.ndarray]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".exr")
    if not files:
        raise FormatError(f"{folder}: holds no .exr pictures")
    for file in files:
        picture = load_image(file, max_pixels=_MAX_PIXELS)
        if picture.ndim != 3:
            raise FormatError(f"{file}: a picture of three channels is wanted")
        yield picture[..., :3]
