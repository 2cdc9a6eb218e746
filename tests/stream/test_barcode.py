"""A frame's number and time in its pixels: the layout, the round trip in every format, and what is refused."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.image import PixelFormat
from translight.stream.barcode import (
    LARGEST,
    MIN_CELL_PX,
    Barcode,
    BarcodePlace,
    Corner,
    burn,
    cells,
    decode,
    grey,
    locate,
)

_NUMBERS = st.integers(0, LARGEST)
_BARCODES = st.builds(Barcode, _NUMBERS, _NUMBERS)
_PLACES = st.builds(BarcodePlace, st.sampled_from(Corner), st.integers(MIN_CELL_PX, 16))


def test_the_layout_is_the_documented_one() -> None:
    """docs/streams/barcode.md, followed word by word."""
    frame, time_us = 107_000_000_123, 37_000_000_456
    white = cells(Barcode(frame, time_us))
    assert white.shape == (12, 20)
    assert white[0].all()
    assert white[-1].all()
    assert white[:, 0].all()
    assert white[:, -1].all()
    assert not white[1, 1:-1].any()
    assert not white[-2, 1:-1].any()
    assert not white[1:-1, 1].any()
    assert not white[1:-1, -2].any()
    text = "".join(str(int(cell)) for row in white[2:-2] for cell in row[2:-2])
    number = int(text, 2) ^ 0x9E3779B97F4A7C15F39CC0605CEDC834
    assert number >> 80 == frame
    assert number >> 32 & (1 << 48) - 1 == time_us
    assert number & 0xFFFFFFFF == zlib.crc32(b"TLB1" + (number >> 32).to_bytes(12, "big"))


@settings(max_examples=60, deadline=None)
@given(_BARCODES, _PLACES, st.sampled_from(PixelFormat), st.integers(0, 2**32))
def test_round_trip(barcode: Barcode, place: BarcodePlace, kind: PixelFormat, seed: int) -> None:
    width, height = 20 * 16 + 7, 12 * 16 + 3
    picture = np.zeros(kind.shape(width, height), kind.dtype)
    raw = picture.view(np.uint8)
    raw[...] = np.random.default_rng(seed).integers(0, 256, raw.shape, np.uint8)
    before = raw.copy()
    burn(picture, barcode, place)
    assert decode(picture, place) == barcode
    assert locate(picture) == place
    x, y = place.origin_px(width, height)
    w, h = place.size_px
    changed = (raw != before).reshape(height, width, -1).any(-1)
    changed[y : y + h, x : x + w] = False
    assert not changed.any()


@pytest.mark.parametrize("kind", [PixelFormat.RGBA8, PixelFormat.RGB10A2])
def test_black_and_white_are_opaque(kind: PixelFormat) -> None:
    picture = np.zeros(kind.shape(160, 96), kind.dtype)
    burn(picture, Barcode(1, 2), BarcodePlace(Corner.TOP_LEFT, 8))
    if kind is PixelFormat.RGBA8:
        assert {tuple(p) for p in np.unique(picture.reshape(-1, 4), axis=0)} == {(0, 0, 0, 255), (255, 255, 255, 255)}
    else:
        assert set(np.unique(picture).tolist()) == {0xC0000000, 0xFFFFFFFF}


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_floating_point_pictures(kind: type, channels: int) -> None:
    picture = np.full((96, 160, channels), 0.3, kind)
    burn(picture, Barcode(1, 2), BarcodePlace(Corner.TOP_LEFT, 8))
    assert decode(picture, BarcodePlace(Corner.TOP_LEFT, 8)) == Barcode(1, 2)
    assert set(np.unique(picture[..., :3]).tolist()) == {0.0, 1.0}
    assert (picture[..., 3:] == 1).all()


@settings(max_examples=30, deadline=None)
@given(_PLACES, st.lists(st.integers(0, 200), max_size=6))
def test_strip_by_strip_is_the_same(place: BarcodePlace, ends: list[int]) -> None:
    whole, strips = (np.full((200, 330, 4), 9, np.uint8) for _ in range(2))
    burn(whole, Barcode(3, 4), place)
    begin = 0
    for end in [*sorted(ends), 200]:
        before = strips[:begin].copy()
        burn(strips, Barcode(3, 4), place, (begin, end))
        assert (strips[:begin] == before).all()
        assert (strips[end:] == 9).all()
        begin = end
    assert (strips == whole).all()


def test_numbers_wrap() -> None:
    picture = np.zeros((96, 160, 4), np.uint8)
    burn(picture, Barcode(LARGEST + 3, 2 * LARGEST + 2), BarcodePlace(Corner.TOP_LEFT, 8))
    assert decode(picture, BarcodePlace(Corner.TOP_LEFT, 8)) == Barcode(2, 0)


def test_a_canvas_that_is_too_small() -> None:
    picture = np.zeros((95, 160, 4), np.uint8)
    place = BarcodePlace(Corner.TOP_LEFT, 8)
    with pytest.raises(ValueError, match=r"^a barcode of 160x96 pixels does not fit 160x95$"):
        burn(picture, Barcode(1, 2), place)
    assert decode(picture, place) is None
    with pytest.raises(ValueError, match=r"^a cell has 4 to 64 pixels, got 3$"):
        BarcodePlace(Corner.TOP_LEFT, 3)


def _flipped(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    changed = picture.copy()
    changed[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8, :3] ^= 255
    return changed


@settings(max_examples=40, deadline=None)
@given(_BARCODES)
def test_any_cell_the_wrong_way_round_is_noticed(barcode: Barcode) -> None:
    picture = np.zeros((96, 160, 4), np.uint8)
    place = BarcodePlace(Corner.TOP_LEFT, 8)
    burn(picture, barcode, place)
    rng = np.random.default_rng(barcode.frame % 1000)
    for row, column in zip(rng.integers(2, 10, 12), rng.integers(2, 18, 12), strict=True):
        assert decode(_flipped(picture, row, column), place) is None


def test_pictures_without_a_barcode_have_none() -> None:
    rng = np.random.default_rng(3)
    place = BarcodePlace(Corner.TOP_LEFT, 8)
    plain = [np.full((96, 160, 4), level, np.uint8) for level in (0, 128, 255)]
    ringed = np.zeros((96, 160, 4), np.uint8)
    burn(ringed, Barcode(0, 0), place)
    for picture in plain:
        assert decode(picture, place) is None
        assert locate(picture) is None
    for _ in range(300):  # a perfect border around random cells
        data = rng.integers(0, 2, (8, 16), np.uint8) * 255
        ringed[16:80, 16:144, :3] = np.kron(data, np.ones((8, 8), np.uint8))[..., None]
        assert decode(ringed, place) is None


def test_frames_mixed_by_a_rolling_shutter_are_refused() -> None:
    """Upper rows of one frame over lower rows of the next: one of the two, or nothing."""
    rng = np.random.default_rng(4)
    place = BarcodePlace(Corner.TOP_LEFT, 4)
    refused = 0
    for _ in range(40):
        frame, time_us = (int(n) for n in rng.integers(0, LARGEST // 2, 2))
        first, second = (Barcode(frame + k, time_us + 16_667 * k) for k in (0, 1))
        pictures = [np.zeros((48, 80, 4), np.uint8) for _ in range(2)]
        for picture, barcode in zip(pictures, (first, second), strict=True):
            burn(picture, barcode, place)
        for cut in range(0, 48, 2):
            mixed = np.concatenate([pictures[0][:cut], pictures[1][cut:]])
            found = decode(mixed, place)
            assert found in (None, first, second)
            refused += found is None
        for share in (0.3, 0.5, 0.6):
            mixed = (pictures[0] * share + pictures[1] * (1 - share)).astype(np.uint8)
            assert decode(mixed, place) in (None, first, second)
    assert refused > 40 * 10


def test_grey_agrees_between_layouts() -> None:
    rgba = np.array([[[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [255, 255, 255, 255]]], np.uint8)
    packed = np.array([[0xC00003FF, 0xC00FFC00, 0xFFF00000, 0xFFFFFFFF]], np.uint32)
    for levels in (grey(rgba), grey(packed), grey(rgba[..., :3].astype(np.float32) / 255)):
        assert levels == pytest.approx(np.array([[0.25, 0.5, 0.25, 1.0]]))
