"""RGBA8 and RGB10A2 to planar Y′CbCr and back, BT.709, limited range (ITU-R BT.709-6, clauses 3 and 4), by rows.

Every function works on a band of rows, so that a compositor can call it for the rows it has just made. Chroma of 4:2:0
and 4:2:2 lies on the left luma sample (the default of H.264 and HEVC, Annex E): a triangle of three columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from jaxtyping import UInt32
from numpy.typing import NDArray

from translight.core.image import PixelFormat

KR, KB = 0.2126, 0.0722
KG = 1 - KR - KB


@dataclass(frozen=True, slots=True)
class Subsampling:
    """How many luma columns and rows share one chroma sample."""

    columns: int
    rows: int


YUV420, YUV422, YUV444 = Subsampling(2, 2), Subsampling(2, 1), Subsampling(1, 1)


def planes(frame: Any, bits: int) -> list[NDArray[Any]]:
    """The planes of a PyAV frame, with the columns that pad their rows; no copy."""
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    return [
        np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
        for plane in frame.planes
    ]


def words(picture: NDArray[np.generic]) -> UInt32[np.ndarray, "h w"]:
    """A finished picture of either format as one 32-bit word a pixel; no copy."""
    return picture.view(np.uint32).reshape(picture.shape[0], -1)


def convert(
    picture: NDArray[np.generic],
    source: PixelFormat,
    y: NDArray[np.generic],
    cb: NDArray[np.generic],
    cr: NDArray[np.generic],
    bits: int,
    sampling: Subsampling = YUV420,
    first_row: int = 0,
    end_row: int | None = None,
) -> None:
    """Rows ``first_row`` to ``end_row`` of a picture into planes of ``bits`` (8 or 10: uint8 or uint16), in one pass.

    Planes may be wider than the picture. Both rows must be multiples of ``sampling.rows``; ValueError otherwise.
    """
    pixels = words(picture)
    height, width = pixels.shape
    end_row = height if end_row is None else end_row
    if first_row % sampling.rows or end_row % sampling.rows or width % sampling.columns:
        raise ValueError(f"rows {first_row} to {end_row} of {width} columns do not suit {sampling}")
    depth = 8 if source is PixelFormat.RGBA8 else 10
    _convert(
        pixels,
        np.uint32(depth),
        np.uint32((1 << depth) - 1),
        _weights(depth, bits, sampling),
        np.int32(sampling.columns),
        np.int32(sampling.rows),
        first_row,
        end_row,
        y,
        cb,
        cr,
    )


def _weights(depth: int, bits: int, sampling: Subsampling) -> NDArray[np.float32]:
    """Weights of red, green, blue and 1 for Y′ and, of summed samples, Cb and Cr (rows of four); ½ rounds."""
    scale = (1 << (bits - 8)) / ((1 << depth) - 1)
    # Sums of 1, or of 1 + 2 + 1 in each of the rows.
    taps = (4 if sampling.columns == 2 else 1) * sampling.rows
    luma = np.array([KR, KG, KB]) * 219 * scale
    blue = np.array([-KR, -KG, 1 - KB]) / (2 * (1 - KB)) * 224 * scale / taps
    red = np.array([1 - KR, -KG, -KB]) / (2 * (1 - KR)) * 224 * scale / taps
    step = 1 << (bits - 8)
    return np.array([[*luma, 16 * step + 0.5], [*blue, 128 * step + 0.5], [*red, 128 * step + 0.5]], np.float32)


# Float rather than fixed point: Numba widens int32 products to 64 bits, which halves the lanes twice over.
@numba.njit(nogil=True, cache=True, boundscheck=False, fastmath={"contract", "nsz", "nnan", "ninf"})
def _convert(pixels, shift, mask, weights, columns, rows, first_row, end_row, y, cb, cr):  # type: ignore[no-untyped-def]
    width = pixels.shape[1]
    wr, wg, wb, w1 = weights[0]
    br, bg, bb, b1 = weights[1]
    rr, rg, rb, r1 = weights[2]
    two = np.float32(2)
    reds = np.empty(width + 1, np.float32)
    greens = np.empty(width + 1, np.float32)
    blues = np.empty(width + 1, np.float32)
    for row in range(first_row, end_row, rows):
        for step in range(rows):
            source = pixels[row + step]
            target = y[row + step]
            for x in range(width):
                word = source[x]
                r = np.float32(np.int32(word & mask))
                g = np.float32(np.int32((word >> shift) & mask))
                b = np.float32(np.int32((word >> (shift + shift)) & mask))
                target[x] = np.int32(wr * r + wg * g + wb * b + w1)
                if step == 0:
                    reds[x + 1] = r
                    greens[x + 1] = g
                    blues[x + 1] = b
                else:
                    reds[x + 1] += r
                    greens[x + 1] += g
                    blues[x + 1] += b
        blue = cb[row // rows]
        red = cr[row // rows]
        if columns == 1:
            for x in range(width):
                r, g, b = reds[x + 1], greens[x + 1], blues[x + 1]
                blue[x] = np.int32(br * r + bg * g + bb * b + b1)
                red[x] = np.int32(rr * r + rg * g + rb * b + r1)
        else:
            reds[0], greens[0], blues[0] = reds[1], greens[1], blues[1]
            for x in range(width // 2):
                k = 2 * x
                r = reds[k] + two * reds[k + 1] + reds[k + 2]
                g = greens[k] + two * greens[k + 1] + greens[k + 2]
                b = blues[k] + two * blues[k + 1] + blues[k + 2]
                blue[x] = np.int32(br * r + bg * g + bb * b + b1)
                red[x] = np.int32(rr * r + rg * g + rb * b + r1)


def restore(
    y: NDArray[np.generic],
    cb: NDArray[np.generic],
    cr: NDArray[np.generic],
    bits: int,
    target: PixelFormat,
    picture: NDArray[np.generic],
) -> None:
    """4:2:0 planes of ``bits`` as a finished picture; chroma is interpolated along rows and repeated down them."""
    depth = 8 if target is PixelFormat.RGBA8 else 10
    largest = (1 << depth) - 1
    step = 1 << (bits - 8)
    luma, chroma = largest / (219 * step), largest / (224 * step)
    green_blue = -2 * (1 - KB) * KB / KG * chroma
    green_red = -2 * (1 - KR) * KR / KG * chroma
    weights = np.array(
        [luma, 2 * (1 - KR) * chroma, green_blue, green_red, 2 * (1 - KB) * chroma, 16 * step, 128 * step], np.float32
    )
    opaque = np.uint32(255 << 24 if depth == 8 else 3 << 30)
    _restore(y, cb, cr, weights, np.float32(largest), np.uint32(depth), opaque, words(picture))


@numba.njit(nogil=True, cache=True, boundscheck=False, fastmath={"contract", "nsz", "nnan", "ninf"})
def _restore(y, cb, cr, weights, largest, shift, opaque, out):  # type: ignore[no-untyped-def]
    height, width = out.shape
    luma, red_cr, green_cb, green_cr, blue_cb, black, grey = weights
    half, zero = np.float32(0.5), np.float32(0)
    reds = np.empty(width, np.float32)
    greens = np.empty(width, np.float32)
    blues = np.empty(width, np.float32)
    us = np.empty(width // 2 + 1, np.float32)
    vs = np.empty(width // 2 + 1, np.float32)
    for pair in range(height // 2):
        blue, red = cb[pair], cr[pair]
        for k in range(width // 2):
            us[k] = np.float32(blue[k]) - grey
            vs[k] = np.float32(red[k]) - grey
        us[width // 2] = us[width // 2 - 1]
        vs[width // 2] = vs[width // 2 - 1]
        for k in range(width // 2):
            u, v = us[k], vs[k]
            reds[2 * k] = red_cr * v
            greens[2 * k] = green_cb * u + green_cr * v
            blues[2 * k] = blue_cb * u
            u, v = (u + us[k + 1]) * half, (v + vs[k + 1]) * half
            reds[2 * k + 1] = red_cr * v
            greens[2 * k + 1] = green_cb * u + green_cr * v
            blues[2 * k + 1] = blue_cb * u
        for row in range(2 * pair, 2 * pair + 2):
            source, target = y[row], out[row]
            for x in range(width):
                light = (np.float32(source[x]) - black) * luma + half
                r = np.int32(min(max(light + reds[x], zero), largest))
                g = np.int32(min(max(light + greens[x], zero), largest))
                b = np.int32(min(max(light + blues[x], zero), largest))
                target[x] = np.uint32(r) | (np.uint32(g) << shift) | (np.uint32(b) << (shift + shift)) | opaque
