"""Films from elsewhere as linear frames: a movie that FFmpeg reads, or a folder of numbered EXR pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import Float16, Float32

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
_OPAQUE = 0xFF00
"""255 of 8 bits, however FFmpeg widens it to 16."""
_UNTOLD, _HIGH_DEFINITION_PX = 2, 720
"""Matrix coefficients that are not told: of pictures from this height on BT.709's, as players take them."""
_CLEAR = "is see-through in places, which a plate's film is not: lay it over something first"


def read_film(
    path: Path, wanted: Callable[[Fraction], int], rate: Fraction | None, progress: Progress
) -> tuple[list[Float16[np.ndarray, "h w 3"]], Fraction]:
    """Up to as many frames from the beginning as are ``wanted`` at their rate, linear Rec.709, and that rate: ``rate``
    where it is given.

    Movies are decoded by the sRGB curve unless they say that they are linear; where their rate varies, their frames
    stand and fall out so that it does not. Raises FormatError in one line on what cannot be read, is too large, is
    encoded in another way (PQ, HLG) or see-through, and where an EXR folder comes without a rate.
    """
    if path.is_dir():
        if rate is None:
            raise FormatError(f"{path}: a folder of pictures has no rate of its own: give --rate")
        frames: Iterator[np.ndarray] = _pictures(path)
    elif path.is_file():
        frames, own = _movie(path)
        rate = rate or own
    else:
        raise FormatError(f"{path}: no such file or folder")
    most = min(wanted(rate), MAX_FRAMES)
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
            start, done, shown = None, 0, None
            for frame in container.decode(stream):
                if frame.width * frame.height > _MAX_PIXELS:
                    raise FormatError(f"{path}: a frame of {frame.width}x{frame.height} pixels")
                if frame.pts is not None and frame.time_base:
                    time = frame.pts * Fraction(frame.time_base)
                    start = time if start is None else start
                    # of a rate that varies: the one before stands until this one's time
                    while shown is not None and done < round((time - start) * stream.average_rate):
                        yield shown
                        done += 1
                elif shown is not None:
                    yield shown
                    done += 1
                light = _codes(path, frame)
                shown = light if linear else srgb_decode(light)
            if shown is not None:
                yield shown
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: is damaged ({getattr(error, 'strerror', None) or error})") from error


def _codes(path: Path, frame: Any) -> Float32[np.ndarray, "h w 3"]:
    """0 to 1, as encoded."""
    more = {}
    if frame.colorspace == _UNTOLD and frame.height >= _HIGH_DEFINITION_PX:
        more["src_colorspace"] = "ITU709"
    clear = any(component.is_alpha for component in frame.format.components)
    codes = frame.to_ndarray(format="rgba64le" if clear else "rgb48le", **more)
    if clear and int(codes[..., 3].min()) < _OPAQUE:
        raise FormatError(f"{path}: {_CLEAR}")
    return codes[..., :3].astype(np.float32) / np.float32(_CODES)


def _pictures(folder: Path) -> Iterator[np.ndarray]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".exr")
    if not files:
        raise FormatError(f"{folder}: holds no .exr pictures")
    for file in files:
        picture = load_image(file, max_pixels=_MAX_PIXELS)
        if picture.ndim != 3:
            raise FormatError(f"{file}: a picture of three channels is wanted")
        if picture.shape[2] > 3 and float(picture[..., 3].min()) < 1:
            raise FormatError(f"{file}: {_CLEAR}")
        yield picture[..., :3]
