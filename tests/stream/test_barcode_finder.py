"""A barcode found again in pictures that were scaled, compressed, blurred, filmed: read right, or not at all."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from tests.stream import film

from translight.stream.barcode import LARGEST, Barcode, BarcodePlace, Corner, burn
from translight.stream.barcode_finder import find, read_at

WIDTH, HEIGHT = 640, 360
Treatment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _fresh(rng: np.random.Generator, place: BarcodePlace) -> tuple[np.ndarray, Barcode]:
    picture = film.texture(rng, WIDTH, HEIGHT)
    barcode = Barcode(*(int(n) for n in rng.integers(0, LARGEST, 2)))
    burn(picture, barcode, place)
    return picture[..., :3], barcode


TREATMENTS: dict[str, Treatment] = {
    "none": lambda p, _: p,
    "JPEG 60": lambda p, _: film.as_jpeg(p, 60),
    "half size": lambda p, _: film.resized(p, 0.5),
    "1.7 times the size": lambda p, _: film.resized(p, 1.7),
    "blur of a third of a cell": lambda p, _: film.blurred(p, 2.7),
    "noise": lambda p, rng: film.noisy(p, rng, 30),
    "gamma 0.45": lambda p, _: film.with_gamma(p, 0.45),
    "gamma 2.4": lambda p, _: film.with_gamma(p, 2.4),
    "upside down": lambda p, _: np.ascontiguousarray(p[::-1, ::-1]),
    "dim": lambda p, _: (p * 0.25 + 20).astype(np.uint8),
    "vignette": lambda p, _: (p * np.linspace(1, 0.3, WIDTH)[None, :, None]).astype(np.uint8),
}


@pytest.mark.parametrize("name", TREATMENTS)
def test_it_survives(name: str) -> None:
    rng = np.random.default_rng(11)
    for corner in Corner:
        picture, barcode = _fresh(rng, BarcodePlace(corner, 8))
        found = find(TREATMENTS[name](picture, rng))
        assert found is not None, corner
        assert found.barcode == barcode


def test_where_it_lies_is_found_to_a_fraction_of_a_pixel() -> None:
    """Against the homography that the picture was filmed with."""
    rng = np.random.default_rng(5)
    for corner in Corner:
        place = BarcodePlace(corner, 8)
        picture, barcode = _fresh(rng, place)
        angles = rng.uniform(-15, 15, 3)
        turned = film.turned(WIDTH, HEIGHT, *angles)
        seen = film.filmed(picture, turned)
        found = find(seen)
        assert found is not None, (corner, angles)
        assert found.barcode == barcode
        x, y = place.origin_px(WIDTH, HEIGHT)
        border = [(x + 8, y + 8), (x + 152, y + 8), (x + 152, y + 88), (x + 8, y + 88)]
        expected = np.array([turned @ (u, v, 1) for u, v in border])
        expected = expected[:, :2] / expected[:, 2:] - 0.5  # Pillow counts from pixels' corners
        assert np.abs(found.corners_px - expected).max() < 0.5
        assert read_at(seen, found.corners_px) == barcode


def test_filmed_with_all_that_a_camera_adds() -> None:
    rng = np.random.default_rng(6)
    read = 0
    for k in range(8):
        picture, barcode = _fresh(rng, BarcodePlace(list(Corner)[k % 4], 10))
        seen = film.filmed(picture, film.turned(WIDTH, HEIGHT, *rng.uniform(-15, 15, 3)))
        seen = film.with_gamma((film.blurred(seen, 1.2) * 0.6 + 30).astype(np.uint8), 1.3)
        found = find(film.as_jpeg(film.noisy(seen, rng, 6), 60))
        if found is not None:
            assert found.barcode == barcode
            read += 1
    assert read >= 7


def test_h264_at_a_low_bitrate() -> None:
    """8 bits, 4:2:0, by x264 at less than a hundredth of a bit for each bit of the picture."""
    rng = np.random.default_rng(8)
    place = BarcodePlace(Corner.BOTTOM_LEFT, 8)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, 60)
    encoder.bit_rate = 1_500_000
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    scene = film.texture(rng, WIDTH, HEIGHT)
    sent, got, bits = [], [], 0
    for frame in range(48):
        picture = np.roll(scene, 3 * frame, 1)
        barcode = Barcode(10**11 + frame, 37 * 10**9 + 16_667 * frame)
        burn(picture, barcode, place)
        sent.append(barcode)
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., :3]), format="rgb24")
        image.pts = frame
        for packet in encoder.encode(image):
            bits += 8 * packet.size
            got += [decoded.to_ndarray(format="rgb24") for decoded in decoder.decode(packet)]
    for packet in encoder.encode(None):
        got += [decoded.to_ndarray(format="rgb24") for decoded in decoder.decode(packet)]
    got += [decoded.to_ndarray(format="rgb24") for decoded in decoder.decode(None)]
    assert bits < 48 * WIDTH * HEIGHT * 24 / 100
    first = find(got[0])
    assert first is not None
    read = [read_at(picture, first.corners_px) for picture in got]
    assert read == sent


def test_two_frames_on_one_film_are_never_a_third() -> None:
    """A rolling shutter's mix, and a long exposure's: either frame, or nothing."""
    rng = np.random.default_rng(9)
    place = BarcodePlace(Corner.TOP_LEFT, 8)
    scene = film.texture(rng, WIDTH, HEIGHT)
    refused = 0
    for _ in range(10):
        number, time_us = (int(n) for n in rng.integers(0, LARGEST // 2, 2))
        barcodes = [Barcode(number + k, time_us + 16_667 * k) for k in (0, 1)]
        pictures = []
        for barcode in barcodes:
            picture = scene.copy()
            burn(picture, barcode, place)
            pictures.append(picture[..., :3])
        turned = film.turned(WIDTH, HEIGHT, *rng.uniform(-10, 10, 3))
        first, second = (film.filmed(picture, turned) for picture in pictures)
        whole = find(first)
        assert whole is not None
        top, bottom = whole.corners_px[:, 1].min(), whole.corners_px[:, 1].max()
        cut = int(top + (bottom - top) * rng.uniform(0.45, 0.75))  # between the numbers' low bits and the check's end
        share = rng.uniform(0.2, 0.8)
        rolled, blended = (
            find(np.concatenate([first[:cut], second[cut:]])),
            find((first * share + second * (1 - share)).astype(np.uint8)),
        )
        assert all(found is None or found.barcode in barcodes for found in (rolled, blended))
        refused += rolled is None
    assert refused >= 6


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(10)
    squares = np.kron(rng.integers(0, 2, (30, 40), np.uint8) * 255, np.ones((12, 12), np.uint8))
    for picture in (
        film.texture(rng, WIDTH, HEIGHT),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8),
        squares,
        np.zeros((1, 1), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.full((64, 64, 3), np.nan, np.float32),
    ):
        assert find(picture) is None


def test_a_cut_one_is_not_read() -> None:
    picture, _ = _fresh(np.random.default_rng(12), BarcodePlace(Corner.TOP_LEFT, 8))
    assert find(picture[:, 24:]) is None
    assert find(picture[24:]) is None


def test_a_large_one_in_a_large_picture() -> None:
    rng = np.random.default_rng(13)
    picture, barcode = _fresh(rng, BarcodePlace(Corner.TOP_LEFT, 20))
    found = find(film.resized(picture, 4.0))
    assert found is not None
    assert found.barcode == barcode
    sides = [np.linalg.norm(b - a) for a, b in pairwise([*found.corners_px, found.corners_px[0]])]
    assert sides == pytest.approx([18 * 80, 10 * 80, 18 * 80, 10 * 80], abs=2.0)
