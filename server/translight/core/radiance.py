"""Radiance HDR pictures (.hdr, .pic): RGBE pixels in run-length coding; image.py calls this by the file's suffix.

Format: G. Ward, "Real Pixels", Graphics Gems II (1991), and the Radiance reference manual, "Picture File Format".
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import FormatError

_MAX_HEADER = 64 * 1024
_MOST_LITERALS = 128
_BRIGHTEST, _DARKEST = 1e38, 1e-32
_RESOLUTION = re.compile(rb"([-+])([XY]) (\d{1,7}) ([-+])([XY]) (\d{1,7})")


def load_hdr(path: Path, *, max_pixels: int) -> Float32[np.ndarray, "h w 3"]:
    """Linear RGB radiance, top row first, turned upright and divided by the header's EXPOSURE as the manual says.

    A mantissa m of exponent e is (m + 0.5)·2^(e − 136), as in Radiance's own color.c, whose writer rounds down; e = 0
    is black. Raises FormatError on anything else: another FORMAT (XYZE too), a lying size, a cut-off or broken run.
    """
    data = Path(path).read_bytes()
    exposure, start = _header(path, data)
    line, _, _ = data[start : start + 100].partition(b"\n")
    matched = _RESOLUTION.fullmatch(line.rstrip(b"\r"))
    if matched is None or matched[2] == matched[5]:
        raise FormatError(f"{path}: no Radiance resolution line such as '-Y 512 +X 1024'")
    rows, columns = int(matched[3]), int(matched[6])
    if rows < 1 or columns < 1 or rows * columns > max_pixels:
        raise FormatError(f"{path}: {columns}x{rows} pixels; from 1 to {max_pixels} are allowed")
    rgbe = _scanlines(path, data, start + len(line) + 1, rows, columns)
    pixels = _decode(rgbe) / np.float32(exposure)
    flip = {b"Y": b"+", b"X": b"-"}  # the signs that run against ours: down, then right
    if matched[1] == flip[matched[2]]:
        pixels = pixels[::-1]
    if matched[4] == flip[matched[5]]:
        pixels = pixels[:, ::-1]
    if matched[2] == b"X":
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels)


def save_hdr(path: Path, pixels: Float32[np.ndarray, "h w 3"]) -> None:
    """Write linear RGB radiance, top row first; each pixel has 8 bits a channel of its brightest one.

    Negative values, which RGBE has no sign for, and what is not finite become 0; values above 1e38 are cut there.
    Scanlines of 8 to 32767 pixels are in the run-length form, without runs; others are plain.
    """
    height, width = pixels.shape[:2]
    rgbe = _encode(pixels)
    if 8 <= width < 32768:
        starts = range(0, width, _MOST_LITERALS)
        lengths = [min(_MOST_LITERALS, width - start) for start in starts]
        planes = np.empty((height, 4 + 4 * (width + len(lengths))), np.uint8)
        planes[:, :4] = (2, 2, width >> 8, width & 255)
        at = 4
        for plane in range(4):
            for start, length in zip(starts, lengths, strict=True):
                planes[:, at] = length
                planes[:, at + 1 : at + 1 + length] = rgbe[:, start : start + length, plane]
                at += 1 + length
        body = planes.tobytes()
    else:
        body = rgbe.tobytes()
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n"
    Path(path).write_bytes(head.encode() + body)


def _encode(pixels: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 4"]:
    """Mantissas rounded down, as Radiance's color.c does, under the exponent of the brightest channel."""
    known = np.where(np.isfinite(pixels), pixels, 0.0)
    rgb = np.clip(known, 0.0, _BRIGHTEST).astype(np.float64)
    brightest = rgb.max(axis=2)
    _, exponent = np.frexp(brightest)
    rgbe = np.empty((*pixels.shape[:2], 4), np.uint8)
    rgbe[..., :3] = np.minimum(np.ldexp(rgb, 8 - exponent[..., None]), 255.0)
    rgbe[..., 3] = np.clip(exponent + 128, 0, 255)
    rgbe[brightest < _DARKEST] = 0
    return rgbe


def _header(path: Path, data: bytes) -> tuple[float, int]:
    """The product of the EXPOSURE lines, and where the resolution line starts."""
    if not data.startswith((b"#?RADIANCE", b"#?RGBE", b"#?AUTOPANO")):
        raise FormatError(f"{path}: not a Radiance picture: it does not start with #?RADIANCE")
    exposure, at = 1.0, 0
    while True:
        end = data.find(b"\n", at, _MAX_HEADER)
        if end < 0:
            raise FormatError(f"{path}: the Radiance header does not end")
        line = data[at:end].strip()
        at = end + 1
        if not line:
            return exposure, at
        key, _, value = line.partition(b"=")
        if key == b"FORMAT" and value != b"32-bit_rle_rgbe":
            raise FormatError(
                f"{path}: FORMAT is {value.decode('ascii', 'replace')!r}, only 32-bit_rle_rgbe can be read"
            )
        if key == b"EXPOSURE":
            exposure *= _exposure(path, value)


def _exposure(path: Path, value: bytes) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 1e-30 < number < 1e30:
        raise FormatError(f"{path}: EXPOSURE is {value.decode('ascii', 'replace')!r}, a positive number is wanted")
    return number


def _scanlines(path: Path, data: bytes, at: int, rows: int, columns: int) -> UInt8[np.ndarray, "rows columns 4"]:
    """Every scanline, whichever of the two run-length codings each is in."""
    # a coded scanline takes at least 4 bytes: refuse a size that the file cannot hold before making room for it
    if len(data) - at < 4 * rows:
        raise FormatError(f"{path}: {len(data) - at} bytes of pixels cannot be {columns}x{rows} pixels")
    rgbe = np.empty((rows, columns, 4), np.uint8)
    marker = bytes((2, 2, columns >> 8, columns & 255)) if 8 <= columns < 32768 else None
    try:
        for row in range(rows):
            if marker is not None and data[at : at + 4] == marker:
                planes, at = _component_runs(data, at + 4, columns)
                rgbe[row] = np.frombuffer(planes, np.uint8).reshape(4, columns).T
            else:
                line, at = _pixel_runs(data, at, columns)
                rgbe[row] = np.frombuffer(line, np.uint8).reshape(columns, 4)
    except (IndexError, ValueError):
        raise FormatError(f"{path}: scanline {row} of {rows} is cut off or broken") from None
    return rgbe


def _component_runs(data: bytes, at: int, columns: int) -> tuple[bytearray, int]:
    """One scanline as four planes (R, G, B, E); a length over 128 repeats one byte, others are literal."""
    planes = bytearray()
    for plane in range(1, 5):
        full = plane * columns
        while len(planes) < full:
            count = data[at]
            if count > 128:
                planes += data[at + 1 : at + 2] * (count - 128)
                at += 2
            else:
                planes += data[at + 1 : at + 1 + count]
                at += 1 + count
            if count == 0:
                raise ValueError("an empty run")
        if len(planes) != full:
            raise ValueError("a run passes the end of its scanline")
    if at > len(data):
        raise IndexError
    return planes, at


def _pixel_runs(data: bytes, at: int, columns: int) -> tuple[bytearray, int]:
    """One scanline pixel by pixel; the pixel (1, 1, 1, n) repeats the last one n times, shifted 8 bits a repetition."""
    line = bytearray()
    shift = 0
    while len(line) < 4 * columns:
        pixel = data[at : at + 4]
        if len(pixel) < 4:
            raise IndexError
        at += 4
        if pixel[:3] == b"\x01\x01\x01":
            count = pixel[3] << shift
            if not line or len(line) + 4 * count > 4 * columns:
                raise ValueError("a run without a pixel, or past the end of its scanline")
            line += line[-4:] * count
            shift += 8
        else:
            line += pixel
            shift = 0
    return line, at


def _decode(rgbe: UInt8[np.ndarray, "h w 4"]) -> Float32[np.ndarray, "h w 3"]:
    scale = np.ldexp(np.float32(1.0), np.arange(256, dtype=np.int32) - 136).astype(np.float32)
    scale[0] = 0.0
    return (rgbe[..., :3].astype(np.float32) + np.float32(0.5)) * scale[rgbe[..., 3]][..., None]
