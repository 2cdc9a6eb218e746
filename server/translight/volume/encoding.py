"""An output transform as numbers for compositors' kernels, and the canvas that they fill, as 32- or 64-bit words."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt

from translight.colour import lookup
from translight.colour.depth_curve import FARTHEST_M, DepthCurve
from translight.colour.output import LARGEST_CODES, OPAQUE, OutputTransform, rounding
from translight.core.image import PixelFormat
from translight.volume.canvas import Canvas

PLAIN: Final = 0
TABLE: Final = 1
MIXING: Final = 2

HALVES: Final = 16
"""The shift that stands for half floats: a pixel is four of them, the last being 1, in a 64-bit word."""


_SHIFTS = {PixelFormat.RGBA8: 8, PixelFormat.RGB10A2: 10, PixelFormat.RGBA16F: HALVES}


class Encoding(NamedTuple):
    """How a picture's colours become words: code = min(f(colour) · scale, limit), its fraction cut off after rounding.

    ``kind`` says what f is: PLAIN, the colour itself; TABLE, ``direct`` of it; MIXING, ``encode`` of ``matrix`` times
    ``decode`` of it. Tables are ``colour/lookup.py``'s by pieces: value at the first node, step to the next. Channel c
    is shifted by c · ``shift`` bits, and ``opaque`` is set; where ``shift`` is HALVES, codes are rounded to half floats
    instead.
    """

    kind: int
    scale: np.float32
    limit: np.float32
    direct: Float32[np.ndarray, "n 2"]
    decode: Float32[np.ndarray, "n 2"]
    encode: Float32[np.ndarray, "n 2"]
    matrix: Float32[np.ndarray, "3 3"]
    rounding: Float32[np.ndarray, "8 8"]
    shift: np.uint32
    opaque: np.uint32


def encoding_of(output: OutputTransform) -> Encoding:
    """What kernels take of an output transform."""
    tables = output.tables()
    plain = output.wall == output.encoding and np.array_equal(output.grade.matrix(), np.eye(3))
    kind = PLAIN if plain else MIXING if tables.mixes else TABLE
    shift = _SHIFTS[output.pixel_format]
    return Encoding(
        kind,
        np.float32(output.largest_code if kind == PLAIN else 1),
        np.float32(tables.limit),
        _pieces(tables.direct),
        _pieces(tables.decode),
        _pieces(tables.encode),
        tables.matrix,
        tables.rounding,
        np.uint32(shift),
        np.uint32(OPAQUE.get(output.pixel_format, 0) << 3 * shift % 32),
    )


def depth_encoding_of(curve: DepthCurve, pixel_format: PixelFormat) -> Encoding:
    """The same for depth, in all three channels: metres in half floats, else codes by the curve."""
    halves = pixel_format is PixelFormat.RGBA16F
    largest, shift = LARGEST_CODES[pixel_format], _SHIFTS[pixel_format]
    first = lookup.nodes()[1]
    table = lookup.tabulate(lambda depth_m: curve.unlimited(np.maximum(depth_m, first)) * largest)
    return Encoding(
        PLAIN if halves else TABLE,
        np.float32(1),
        np.float32(FARTHEST_M if halves else largest),
        _pieces(table),
        _pieces(table),
        _pieces(table),
        np.eye(3, dtype=np.float32),
        rounding(dither=False),
        np.uint32(shift),
        np.uint32(OPAQUE.get(pixel_format, 0) << 3 * shift % 32),
    )


def lane_encoding(encoding: Encoding) -> Encoding:
    """As the processor's kernels unpack it: rounding is eight pixels and again eight, four channels each."""
    return encoding._replace(rounding=np.ascontiguousarray(np.repeat(np.tile(encoding.rounding, 2), 4, axis=1)))


def canvas_words(out: np.ndarray, pixel_format: PixelFormat, canvas: Canvas) -> UInt[np.ndarray, "h w"]:
    """A picture of the whole canvas, a word a pixel. Raises ValueError where it is of another shape, type or layout."""
    return picture_words(out, pixel_format, canvas.width_px, canvas.height_px, "canvas")


def picture_words(
    out: np.ndarray, pixel_format: PixelFormat, width_px: int, height_px: int, name: str
) -> UInt[np.ndarray, "h w"]:
    """The same of any picture, which errors call by its ``name``."""
    shape = pixel_format.shape(width_px, height_px)
    if out.shape != shape or out.dtype != pixel_format.dtype or not out.flags.c_contiguous:
        raise ValueError(f"the {name} is C-contiguous {pixel_format.dtype} {shape}, got {out.dtype} {out.shape}")
    return out.view(word_type(pixel_format)).reshape(height_px, width_px)


def word_type(pixel_format: PixelFormat) -> np.dtype[np.generic]:
    """Type of a finished pixel's word."""
    return np.dtype(f"u{pixel_format.pixel_bytes}")


def _pieces(table: Float32[np.ndarray, "nodes"]) -> Float32[np.ndarray, "n 2"]:
    return np.ascontiguousarray(np.stack([table[:-1], np.diff(table)], axis=-1))


def addressed(encoding: Encoding) -> tuple[Any, ...]:
    """A lane encoding as kernels take it: tables by their addresses, which stay valid while the encoding lives."""
    tables = (encoding.direct, encoding.decode, encoding.encode)
    return (
        encoding.kind, encoding.scale, encoding.limit, *(_address(table) for table in tables), encoding.matrix,
        _address(encoding.rounding), encoding.shift, encoding.opaque,
    )  # fmt: skip


def _address(array: np.ndarray[Any, Any]) -> np.uint64:
    return np.uint64(array.ctypes.data)
