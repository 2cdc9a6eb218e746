"""Pictures between RGB and the Y′CbCr packings that NDI takes (yuv.py has the planes that encoders take), and smaller.

Narrow range, integer code values of 8 or 10 bits: ITU-R BT.601-7, BT.709-6 and BT.2020-2, equations for E′Y, E′CB, E′CR
and their quantisation. A chroma sample is the mean of the pixels it stands for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16, UInt32
from numba import njit

LUMA = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in luma."""

_serial = njit(error_model="numpy", nogil=True, cache=True, fastmath={"contract"})


def p216_from_rgb10a2(rgb: UInt32[np.ndarray, "h w"], out: UInt16[np.ndarray, "h2 w"], matrix: str) -> None:
    """RGB10A2 to P216 (``out``: h rows of Y, then h rows of Cb Cr pairs; 10-bit codes times 64). The width is even."""
    _p216_from_rgb10a2(rgb, out, *LUMA[matrix])


def rgb10a2_from_p216(planes: UInt16[np.ndarray, "h2 w"], out: UInt32[np.ndarray, "h w"], matrix: str) -> None:
    """P216 to RGB10A2, clipped; the inverse of the above up to rounding where a pair of pixels has one colour."""
    _rgb10a2_from_p216(planes, out, *LUMA[matrix])


def rgba8_from_rgb10a2(rgb: UInt32[np.ndarray, "h w"], out: UInt8[np.ndarray, "h w 4"]) -> None:
    """The upper 8 of each 10 bits."""
    _rgba8_from_rgb10a2(rgb, out.view("<u4")[..., 0])


def uyvy_from_rgba8(rgb: UInt8[np.ndarray, "h w 4"], out: UInt32[np.ndarray, "h w2"], matrix: str) -> None:
    """RGBA8 (contiguous) to UYVY: a word a pair of pixels, its bytes Cb, Y, Cr, Y. The width is even."""
    _uyvy_from_rgba8(rgb.reshape(len(rgb), -1).view("<u8"), out, *LUMA[matrix])


def shrink_rgba8(rgb: UInt8[np.ndarray, "h w 4"], out: UInt8[np.ndarray, "h2 w2 4"], factor: int) -> None:
    """Each pixel of ``out`` is the mean of ``factor`` by ``factor``; a rest to the right and below is left out."""
    _shrink_rgba8(rgb, out, factor)


# Rows are walked in plain loops over whole words, which LLVM turns into vectors; what two or four pixels share is put
# into a row of its own first.


@_serial
def _p216_from_rgb10a2(rgb: Any, out: Any, red: float, blue: float) -> None:
    height, width = rgb.shape
    green = np.float32(1 - red - blue)
    kr, kb = np.float32(red), np.float32(blue)
    y_scale = np.float32(876 / 1023)
    half = np.float32(0.5)
    # of the sum over two pixels
    b_scale, r_scale = np.float32(896 / 1023 / (4 * (1 - blue))), np.float32(896 / 1023 / (4 * (1 - red)))
    luma, blues, reds = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(height):
        line, y_line, c_line = rgb[row], out[row], out[height + row]
        for column in range(width):
            pixel = line[column]
            r = np.float32(np.int32(pixel & np.uint32(0x3FF)))
            g = np.float32(np.int32((pixel >> np.uint32(10)) & np.uint32(0x3FF)))
            b = np.float32(np.int32((pixel >> np.uint32(20)) & np.uint32(0x3FF)))
            y = kr * r + green * g + kb * b
            luma[column], blues[column], reds[column] = y, b - y, r - y
            y_line[column] = np.uint16(np.int32(np.float32(64) + y_scale * y + half) << 6)
        for pair in range(width // 2):
            b = np.float32(512.5) + b_scale * (blues[2 * pair] + blues[2 * pair + 1])
            r = np.float32(512.5) + r_scale * (reds[2 * pair] + reds[2 * pair + 1])
            c_line[2 * pair] = np.uint16(np.int32(b) << 6)
            c_line[2 * pair + 1] = np.uint16(np.int32(r) << 6)


@_serial
def _rgb10a2_from_p216(planes: Any, out: Any, red: float, blue: float) -> None:
    height, width = out.shape
    kr, kb = np.float32(red / (1 - red - blue)), np.float32(blue / (1 - red - blue))
    # planes hold 10-bit codes times 64
    y_scale = np.float32(1023 / 876 / 64)
    b_scale, r_scale = np.float32(1023 / 896 / 64 * 2 * (1 - blue)), np.float32(1023 / 896 / 64 * 2 * (1 - red))
    half, low, high = np.float32(0.5), np.int32(0), np.int32(1023)
    blues, reds = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(height):
        line, y_line, c_line = out[row], planes[row], planes[height + row]
        for pair in range(width // 2):
            b = b_scale * (np.float32(c_line[2 * pair]) - np.float32(512 * 64))
            r = r_scale * (np.float32(c_line[2 * pair + 1]) - np.float32(512 * 64))
            blues[2 * pair] = blues[2 * pair + 1] = b
            reds[2 * pair] = reds[2 * pair + 1] = r
        for column in range(width):
            y = y_scale * (np.float32(y_line[column]) - np.float32(64 * 64)) + half
            b, r = blues[column], reds[column]
            # green takes up what red and blue have over luma
            ri = min(max(np.int32(y + r), low), high)
            gi = min(max(np.int32(y - kr * r - kb * b), low), high)
            bi = min(max(np.int32(y + b), low), high)
            line[column] = np.uint32(ri | (gi << 10) | (bi << 20)) | np.uint32(0xC0000000)


@_serial
def _rgba8_from_rgb10a2(rgb: Any, words: Any) -> None:
    height, width = rgb.shape
    for row in range(height):
        line, out = rgb[row], words[row]
        for column in range(width):
            pixel = line[column]
            red, green = (pixel >> np.uint32(2)) & np.uint32(0xFF), (pixel >> np.uint32(4)) & np.uint32(0xFF00)
            out[column] = red | green | ((pixel >> np.uint32(6)) & np.uint32(0xFF0000)) | np.uint32(0xFF000000)


@_serial
def _shrink_rgba8(rgb: Any, out: Any, factor: int) -> None:
    height, width, _ = out.shape
    area = np.uint32(factor * factor)
    for row in range(height):
        for column in range(width):
            r = g = b = area // np.uint32(2)
            for k in range(factor):
                for m in range(factor):
                    r += np.uint32(rgb[row * factor + k, column * factor + m, 0])
                    g += np.uint32(rgb[row * factor + k, column * factor + m, 1])
                    b += np.uint32(rgb[row * factor + k, column * factor + m, 2])
            out[row, column, 0] = np.uint8(r // area)
            out[row, column, 1] = np.uint8(g // area)
            out[row, column, 2] = np.uint8(b // area)
            out[row, column, 3] = np.uint8(255)


@_serial
def _uyvy_from_rgba8(words: Any, out: Any, red: float, blue: float) -> None:
    height, pairs = words.shape
    # 16-bit fixed point: 219/255 and 224/255 with the weights, rounded by the half that is added; chroma of the sum
    # over two pixels
    yr, yb = np.int32(round(65536 * red * 219 / 255)), np.int32(round(65536 * blue * 219 / 255))
    yg = np.int32(round(65536 * 219 / 255)) - yr - yb
    bs, rs = 65536 * 224 / 255 / (2 * (1 - blue)), 65536 * 224 / 255 / (2 * (1 - red))
    bb, br = np.int32(round(bs * (1 - blue))), np.int32(round(-bs * red))
    rr, rb = np.int32(round(rs * (1 - red))), np.int32(round(-rs * blue))
    bg, rg = -bb - br, -rr - rb
    luma, chroma = np.int32((16 << 16) + 32768), np.int32((128 << 17) + (1 << 16))
    byte = np.uint32(0xFF)
    for row in range(height):
        line, out_line = words[row], out[row]
        for pair in range(pairs):
            both = line[pair]
            one, two = np.uint32(both), np.uint32(both >> np.uint64(32))
            r1, g1 = np.int32(one & byte), np.int32((one >> np.uint32(8)) & byte)
            b1 = np.int32((one >> np.uint32(16)) & byte)
            r2, g2 = np.int32(two & byte), np.int32((two >> np.uint32(8)) & byte)
            b2 = np.int32((two >> np.uint32(16)) & byte)
            y1, y2 = (yr * r1 + yg * g1 + yb * b1 + luma) >> 16, (yr * r2 + yg * g2 + yb * b2 + luma) >> 16
            r, g, b = r1 + r2, g1 + g2, b1 + b2
            u, v = (bb * b + bg * g + br * r + chroma) >> 17, (rr * r + rg * g + rb * b + chroma) >> 17
            out_line[pair] = np.uint32(u | (y1 << 8) | (v << 16) | (y2 << 24))
