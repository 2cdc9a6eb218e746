"""A plate's frames as a film: FFV1 in Matroska, the bits of half floats in 16-bit planes, so nothing is lost.

Half floats above 0 grow with their bits, and their bits grow nearly as the logarithm: a player that knows nothing of
them shows a pale log picture. FFV1 is RFC 9043; the planes are FFmpeg's gbrap16le, alpha being what the plate covers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import Float16, UInt16

from translight.core.errors import FormatError

_FORMAT, _CODEC = "gbrap16le", "ffv1"
_PLANES = (1, 2, 0, 3)
"""The channel that each plane holds: G, B, R, A."""
_NEGATIVE, _LARGEST, _ONE = np.uint16(0x8000), np.uint16(0x7BFF), np.uint16(0x3C00)
"""Bits of half floats: the sign, the largest finite one, 1."""
_THREADS = 2
_FEWEST_SLICED_PX = 64 * 64
"""Smaller pictures are not cut into slices."""


def write_plate(path: Path, frames: Float16[np.ndarray, "n h w 4"], rate: Fraction) -> None:
    """Write a film. Raises ValueError on values that are not finite, negative, or cover more than 1.

    Raises FormatError when the file cannot be written.
    """
    _check_bits(frames.view(np.uint16), "a plate")
    _, height, width, _ = frames.shape
    slices = {"slices": "4"} if width * height >= _FEWEST_SLICED_PX else {}
    try:
        with av.open(str(path), "w", format="matroska") as container:
            # Whole milliseconds are Matroska's own times; the manifest's rate is what counts.
            options = {"level": "3", "slicecrc": "1", **slices}
            stream: Any = container.add_stream(_CODEC, rate=rate, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, _FORMAT
            for number, halves in enumerate(frames):
                frame = av.VideoFrame(width, height, _FORMAT)
                for plane, channel in zip(frame.planes, _PLANES, strict=True):
                    room = np.zeros((height, plane.line_size // 2), np.uint16)
                    room[:, :width] = halves[..., channel].view(np.uint16)
                    plane.update(room.tobytes())
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_plate(path: Path, count: int, width_px: int, height_px: int) -> Float16[np.ndarray, "n h w 4"]:
    """The frames of a film that is known, by its manifest, to have so many of that size.

    Nothing is decoded before the file has said that it holds such pictures, and no more than ``count`` are. The caller
    has looked at what they take. Raises FormatError on another film, a damaged one, and on values that are not finite,
    negative, or cover more than 1.
    """
    try:
        with av.open(f"file:{path}", format="matroska", options={"protocol_whitelist": "file"}) as container:
            if len(container.streams) != 1 or len(container.streams.video) != 1:
                raise FormatError(f"{path}: one film and nothing else is wanted")
            stream = container.streams.video[0]
            context = stream.codec_context
            found = (context.name, context.pix_fmt, context.width, context.height)
            if found != (_CODEC, _FORMAT, width_px, height_px):
                raise FormatError(
                    f"{path}: {found[0]} {found[1]} of {found[2]}x{found[3]} pixels, the manifest says "
                    f"{_CODEC} {_FORMAT} of {width_px}x{height_px}"
                )
            context.thread_type, context.thread_count = "SLICE", _THREADS
            # taken only now; the system gives it page by page as frames come
            frames = _room(path, (count, height_px, width_px, 4))
            read = 0
            for frame in container.decode(stream):
                if read == count:
                    raise FormatError(f"{path}: more than the {count} frames that the manifest says")
                if (frame.width, frame.height, frame.format.name) != (width_px, height_px, _FORMAT):
                    raise FormatError(f"{path}: frame {read} is of another size or kind than the first")
                for plane, channel in zip(frame.planes, _PLANES, strict=True):
                    lines = np.frombuffer(memoryview(plane), np.uint16).reshape(height_px, plane.line_size // 2)
                    frames[read, ..., channel] = lines[:, :width_px]
                read += 1
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: not a readable film ({getattr(error, 'strerror', None) or error})") from error
    if read != count:
        raise FormatError(f"{path}: {read} frames, the manifest says {count}")
    try:
        _check_bits(frames, str(path))
    except ValueError as error:
        raise FormatError(str(error)) from error
    return frames.view(np.float16)


def _room(path: Path, shape: tuple[int, int, int, int]) -> UInt16[np.ndarray, "n h w 4"]:
    try:
        return np.empty(shape, np.uint16)
    except MemoryError as error:
        taken = 2 * math.prod(shape) / 2**30
        raise FormatError(f"{path}: {taken:.1f} GiB of frames, and there is no memory for them") from error


def _check_bits(bits: UInt16[np.ndarray, "n h w 4"], what: str) -> None:
    """Frame by frame, for a loop may be as large as memory lets it."""
    for number, frame in enumerate(bits):
        # the sign makes bits larger than any other's, and so does what is not finite
        if int(frame.max()) > _LARGEST:
            raise ValueError(f"{what}: frame {number} holds values that are negative or not finite")
        if int(frame[..., 3].max()) > _ONE:
            raise ValueError(f"{what}: frame {number} covers more than 1 somewhere")
