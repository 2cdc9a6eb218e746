"""A frame's number and time as black and white cells in its pixels; docs/streams/barcode.md draws the layout.

128 bits in 8 rows of 16: frame number (48), time in µs (48), CRC-32 over both; within a border of black cells, that
``barcode_finder.py`` looks for, and a quiet zone of white ones. So the number comes out of any screen, recording or
film, and a picture mixed of two frames fails the check: its rows belong to different numbers.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from translight.stream.cell_reading import read_cells

ROWS, COLUMNS = 12, 20
"""Cells of the whole, quiet zone and border included."""
DATA_ROWS, DATA_COLUMNS = 8, 16
MIN_CELL_PX, MAX_CELL_PX = 4, 64
LARGEST = (1 << 48) - 1
_FIELD_BITS = 48
_SEED = b"TLB1"
"""Goes into the check before the fields: other codes of this shape fail it."""
_MASK = np.frombuffer(bytes.fromhex("9e3779b97f4a7c15f39cc0605cedc834"), np.uint8)
"""Laid over the bits, so that a number full of zeros is no black field (the golden ratio's digits)."""


class Corner(StrEnum):
    """Where on the canvas."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


@dataclass(frozen=True, slots=True)
class Barcode:
    """What it says: a frame's number, and a time of the sender's clock in µs; each counted modulo 2⁴⁸."""

    frame: int
    time_us: int


@dataclass(frozen=True, slots=True)
class BarcodePlace:
    """Where it is burned in: flush with a corner of the canvas, ``cell_px`` pixels a cell."""

    corner: Corner
    cell_px: int

    def __post_init__(self) -> None:
        if not MIN_CELL_PX <= self.cell_px <= MAX_CELL_PX:
            raise ValueError(f"a cell has {MIN_CELL_PX} to {MAX_CELL_PX} pixels, got {self.cell_px}")

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return COLUMNS * self.cell_px, ROWS * self.cell_px

    def origin_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """x, y of its upper left pixel on a canvas. Raises ValueError where it does not fit."""
        width, height = self.size_px
        if width > width_px or height > height_px:
            raise ValueError(f"a barcode of {width}x{height} pixels does not fit {width_px}x{height_px}")
        right = self.corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT)
        below = self.corner in (Corner.BOTTOM_LEFT, Corner.BOTTOM_RIGHT)
        return (width_px - width) * right, (height_px - height) * below


def burn(
    picture: NDArray[np.generic], barcode: Barcode, place: BarcodePlace, rows: tuple[int, int] | None = None
) -> None:
    """Draw it into a finished picture in place: uint8 (h w 4), or packed 10-bit uint32 (h w) (``core.image``).

    Floating-point (h w c) pictures get 0 and 1, and 1 as alpha. ``rows`` (begin, end) draws what lies in those rows of
    the picture only, for one that is finished in strips. Raises ValueError where it does not fit.
    """
    height, width = picture.shape[:2]
    x, y = place.origin_px(width, height)
    cell = place.cell_px
    begin, end = (0, height) if rows is None else rows
    begin, end = max(begin, y), min(end, y + ROWS * cell)
    if begin >= end:
        return
    white = cells(barcode)
    area = picture[begin:end, x : x + COLUMNS * cell]
    if picture.dtype == np.uint8:
        area = area.view("<u4")[..., 0]  # one store a pixel
        tones = np.where(white, np.uint32(0xFFFFFFFF), np.uint32(0xFF000000))
    elif picture.dtype == np.uint32:
        tones = np.where(white, np.uint32(0xFFFFFFFF), np.uint32(0xC0000000))
    else:
        tones = np.repeat(white[..., np.newaxis], picture.shape[2], 2).astype(picture.dtype)
        tones[..., 3:] = 1
    # Splitting the columns' axis of a slice is a view: each cell is broadcast over its pixels of a row.
    split = area.reshape(end - begin, COLUMNS, cell, *area.shape[2:])
    np.copyto(split, tones[(np.arange(begin, end) - y) // cell][:, :, np.newaxis])


def decode(picture: NDArray[np.generic], place: BarcodePlace) -> Barcode | None:
    """Read it where it was burned in; None when there is none that passes its check."""
    height, width = picture.shape[:2]
    try:
        x, y = place.origin_px(width, height)
    except ValueError:
        return None
    cell = place.cell_px
    area = grey(picture[y : y + ROWS * cell, x : x + COLUMNS * cell])
    return read_barcode(area, np.array([[cell, 0, -0.5], [0, cell, -0.5], [0, 0, 1.0]]))


def locate(picture: NDArray[np.generic]) -> BarcodePlace | None:
    """Where a picture that was neither scaled nor filmed carries one: its quiet zone's width tells the cell's size."""
    height, width = picture.shape[:2]
    for corner in Corner:
        reach = min(MAX_CELL_PX + 1, height, width)
        steps = np.arange(reach)
        rows = steps if corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT) else height - 1 - steps
        columns = steps if corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT) else width - 1 - steps
        white = grey(picture[rows, columns][:, np.newaxis])[:, 0] > 0.5
        cell = int(np.argmin(white)) if not white.all() else 0
        if MIN_CELL_PX <= cell <= MAX_CELL_PX:
            place = BarcodePlace(corner, cell)
            if decode(picture, place) is not None:
                return place
    return None


def read_barcode(grey_picture: NDArray[np.float32], picture_from_cells: NDArray[np.float64]) -> Barcode | None:
    """Read it through a homography from its cells (x right, y down, the whole being 20 by 12) to pixel centres."""
    for white in read_cells(grey_picture, picture_from_cells):
        found = _checked(np.packbits(white[2 : 2 + DATA_ROWS, 2 : 2 + DATA_COLUMNS]))
        if found is not None:
            return found
    return None


def cells(barcode: Barcode) -> Bool[np.ndarray, "12 20"]:
    """Which cells are white."""
    frame, time_us = barcode.frame & LARGEST, barcode.time_us & LARGEST
    fields = (frame << _FIELD_BITS | time_us).to_bytes(12, "big")
    data = np.frombuffer(fields + struct.pack(">I", zlib.crc32(_SEED + fields)), np.uint8)
    white = np.ones((ROWS, COLUMNS), np.bool_)
    white[1:-1, 1:-1] = False
    white[2:-2, 2:-2] = np.unpackbits(data ^ _MASK).reshape(DATA_ROWS, DATA_COLUMNS)
    return white


def grey(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """A picture's brightness, black 0 to white 1: (h w) grey, (h w 3 or 4), or packed 10-bit uint32 (h w)."""
    if picture.dtype == np.uint32:
        packed = picture.astype(np.uint32)
        total = (packed & 0x3FF) + 2 * ((packed >> 10) & 0x3FF) + ((packed >> 20) & 0x3FF)
        return (total * np.float32(1 / 4092)).astype(np.float32)
    levels = picture.astype(np.float32)  # what is no number stays none, quietly: nothing is read from it
    whole = np.issubdtype(picture.dtype, np.integer)
    largest = float(np.iinfo(picture.dtype.str).max) if whole else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        if levels.ndim == 3:
            levels = (levels[..., 0] + 2 * levels[..., 1] + levels[..., 2]) * np.float32(0.25)
        return levels * np.float32(1 / largest)


def _checked(bits: UInt8[np.ndarray, "16"]) -> Barcode | None:
    data = (bits ^ _MASK).tobytes()
    fields, check = data[:12], data[12:]
    if struct.pack(">I", zlib.crc32(_SEED + fields)) != check:
        return None
    number = int.from_bytes(fields, "big")
    return Barcode(number >> _FIELD_BITS, number & LARGEST)
