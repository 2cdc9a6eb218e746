"""Numbers in the pixels against the headers'."""

import numpy as np

from translight.core.image import PixelFormat
from translight.stream.barcode import Barcode, BarcodePlace, Corner, burn
from translight.stream.contract import ReceivedFrame
from translight.stream.header import FrameHeader
from translight.stream.pixel_numbers import PixelCounts, PixelNumbers


def _frame(number: int, burned: int | None) -> ReceivedFrame:
    pixels = np.zeros((60, 100, 4), np.uint8)
    if burned is not None:
        burn(pixels, Barcode(burned, 0), BarcodePlace(Corner.BOTTOM_LEFT, 5))
    return ReceivedFrame(FrameHeader(number, 100, 60, PixelFormat.RGBA8), pixels, 0, 0)


def test_without_a_barcode_there_is_nothing_to_say() -> None:
    numbers = PixelNumbers()
    for number in range(130):
        numbers.add(_frame(number, None))
    assert numbers.counts == PixelCounts()
    assert numbers.said == ""


def test_numbers_are_compared() -> None:
    numbers = PixelNumbers()
    for number, burned in ((1, 1), (2, 2), (3, 2), (4, None), (2**48 + 5, 5)):
        numbers.add(_frame(number, burned))
    assert numbers.counts == PixelCounts(read=4, mismatched=1, unread=1, newest=5)
    assert numbers.said == "   pixels say 5, mismatched 1"


def test_a_barcode_that_is_turned_on_later_is_seen() -> None:
    numbers = PixelNumbers()
    for number in range(130):
        numbers.add(_frame(number, number if number > 70 else None))
    assert numbers.counts == PixelCounts(read=10, newest=129)
