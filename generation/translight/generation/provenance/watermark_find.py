"""Finding a watermark, the original not at hand: scale by autocorrelation, place by correlation, bits by Viterbi.

False alarms. At most MAX_TRIES words are tried for a picture. The key gives each chip that carries a bit a sign of its
own, drawn without regard to the picture and to the chips that tell the place; so, over keys, the soft value of each bit
is as likely positive as negative, whatever the picture shows. The code is linear: the nearest codeword is then equally
likely each of its 2⁸⁰, of which 2⁴⁸ pass the CRC-32. A try passes by chance with 2⁻³², and a picture without a mark is
taken for one with MAX_TRIES / 2³² = 3.9e-8 at most (union bound). Pictures that somebody made with the key in hand, as
everybody can with the open one, are another matter: a mark is no proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft, ndimage

from translight.colour.transfer import srgb_decode
from translight.core.errors import GenerationError
from translight.generation.provenance import watermark_code
from translight.generation.provenance.watermark import CHIPS, OPEN_KEY, Pattern, log_luminance, pattern

_HALVINGS, _SCALES, _PLAIN, _PLACES = 4, 14, 4, 3
MAX_TRIES = _HALVINGS * _SCALES * _PLACES
"""Halvings of the picture, scales of each, places of each: words that are tried at most."""

_WORK_PX = 1280
"""Of the shorter side: larger pictures are halved first."""
_PERIOD_PX = (50.0, 156.0)
"""Of a tile at one halving: chips of 0.8 to 2.4 pixels; the next halving has those of twice the size."""
_STEP_PX = 0.1
_MIN_PX = 48
_BINS = 2
"""For each chip, each way, where all tiles are laid on one another."""
_FOUND = 4.5
"""Deviations that the place must stand out by before its word is tried."""


@dataclass(frozen=True, slots=True)
class Found:
    """A mark. ``tile_px`` is a tile's size in this picture, ``deviations`` how far its place stood out of the noise."""

    identity: int
    tile_px: tuple[float, float]
    deviations: float


def find(picture: np.ndarray, key: bytes = OPEN_KEY) -> Found | None:
    """The mark in a picture: uint8 as sRGB encodes it, or float in linear light. None where there is none.

    Resized by 0.5 to 2, cropped, compressed, graded; not turned, mirrored or bent. Raises GenerationError on values
    that are not finite.
    """
    light = np.asarray(picture)
    if light.ndim == 2:
        light = np.repeat(light[..., None], 3, axis=2)
    light = light[..., :3]
    if light.dtype == np.uint8:
        light = srgb_decode(light.astype(np.float32) / np.float32(255))
    light = light.astype(np.float32)
    if not np.isfinite(light).all():
        raise GenerationError("the picture holds values that are not numbers")
    made, factor = pattern(key), 1
    seen = log_luminance(light)
    while min(seen.shape) > _WORK_PX:
        seen, factor = _halved(seen), 2 * factor
    for _ in range(_HALVINGS):
        if min(seen.shape) < _MIN_PX:
            break
        found = _at(seen, made, key)
        if found is not None:
            (height, width), deviations, identity = found
            return Found(identity, (height * factor, width * factor), deviations)
        seen, factor = _halved(seen), 2 * factor
    return None


def _at(seen: Float32[np.ndarray, "h w"], made: Pattern, key: bytes) -> tuple[tuple[float, float], float, int] | None:
    """The mark where its tiles have a size of _PERIOD_PX here: size, deviations, identity."""
    fine = _whitened(seen)
    sync = np.kron(made.chips(None), np.ones((_BINS, _BINS)))
    spectrum = np.conj(np.fft.rfft2(sync))
    for size in _sizes(fine):
        folded = _folded(fine, size)
        near = np.fft.irfft2(np.fft.rfft2(folded) * spectrum, s=folded.shape)
        near = (near - near.mean()) / max(float(near.std()), 1e-30)
        for place in np.argsort(near, axis=None)[: -_PLACES - 1 : -1]:
            row, column = divmod(int(place), folded.shape[1])
            deviations = float(near[row, column])
            if deviations < _FOUND:
                break
            tile = np.roll(folded, (-row, -column), axis=(0, 1))
            chips = tile.reshape(CHIPS, _BINS, CHIPS, _BINS).mean(axis=(1, 3))
            identity = watermark_code.decode(made.soft(chips), key)
            if identity is not None:
                return size, deviations, identity
    return None


def _whitened(seen: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """What is finer than a few pixels, equally strong everywhere, outliers cut: most of the picture is gone."""
    fine = seen - ndimage.gaussian_filter(seen, 2.0)
    fine /= np.sqrt(ndimage.gaussian_filter(fine * fine, 5.0)) + np.float32(0.003)
    fine = np.clip(fine, -2.0, 2.0)
    return fine - fine.mean()


def _sizes(fine: Float32[np.ndarray, "h w"]) -> Iterator[tuple[float, float]]:
    """Sizes of a tile, rows and columns, that repeat in the picture, the likeliest first."""
    height, width = fine.shape
    shape = tuple(fft.next_fast_len(2 * side, real=True) for side in fine.shape)
    power = fft.rfft2(fine, shape)
    own = fft.irfft2(power * power.conj(), shape).astype(np.float32)
    own -= ndimage.uniform_filter(own, 7, mode="wrap")
    periods = np.arange(*_PERIOD_PX, _STEP_PX)
    score = _repeats(own, fine.shape, periods, periods, 3)
    score = score - ndimage.median_filter(score, 41, mode="nearest")
    peaks = np.flatnonzero(score == ndimage.maximum_filter1d(score, 9))
    best = periods[peaks[np.argsort(score[peaks])[::-1]]][: _SCALES - _PLAIN]
    # a picture that was not resized has one of these
    plain = np.unique([CHIPS * chip / 2**halved for chip in (2, 3, 4, 5, 6, 7) for halved in (0, 1, 2)])
    plain = plain[(plain >= _PERIOD_PX[0]) & (plain < _PERIOD_PX[1])]
    plain = plain[np.argsort(_repeats(own, fine.shape, plain, plain, 3))[::-1]][:_PLAIN]
    nearby = np.stack(np.meshgrid(np.arange(-2, 3), np.arange(-2, 3), indexing="ij")).reshape(2, -1)
    for period in (*best, *plain):
        rows, columns = float(period), float(period)
        for reach in (3, 8, 16):
            tries = np.array([[rows], [columns]]) + nearby * (0.35 / reach)
            limit = max(1, min(reach, int(0.7 * min(height / rows, width / columns))))
            rows, columns = tries[:, int(np.argmax(_repeats(own, fine.shape, tries[0], tries[1], limit)))]
        yield float(rows), float(columns)


def _repeats(
    own: Float32[np.ndarray, "h w"],
    shape: tuple[int, ...],
    rows: Float64[np.ndarray, "n"],
    columns: Float64[np.ndarray, "n"],
    reach: int,
) -> Float64[np.ndarray, "n"]:
    """How alike the picture is to itself moved by whole tiles of each size, up to ``reach`` of them."""
    i, j = np.mgrid[0 : reach + 1, -reach : reach + 1]
    half = (i > 0) | (j > 0)
    y, x = np.multiply.outer(rows, i[half]), np.multiply.outer(columns, j[half])
    inside = (y < 0.75 * shape[0]) & (np.abs(x) < 0.75 * shape[1])
    overlap = np.maximum((shape[0] - y) * (shape[1] - np.abs(x)), 1.0)
    each = np.where(inside, _between(own, y, x) / np.sqrt(overlap), 0.0)
    return each.sum(axis=1) / np.sqrt(np.maximum(inside.sum(axis=1), 1))


def _between(own: Float32[np.ndarray, "h w"], y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values between pixels, the picture going on at its other side."""
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    height, width = own.shape
    rows, columns = (top % height, (top + 1) % height), (left % width, (left + 1) % width)
    return (1 - down) * ((1 - right) * own[rows[0], columns[0]] + right * own[rows[0], columns[1]]) + down * (
        (1 - right) * own[rows[1], columns[0]] + right * own[rows[1], columns[1]]
    )


def _folded(fine: Float32[np.ndarray, "h w"], size: tuple[float, float]) -> Float64[np.ndarray, "n n"]:
    """All tiles laid on one another: the mean of each bin."""
    count = CHIPS * _BINS
    row, column = (
        np.floor((np.arange(side) + 0.5) / period * count).astype(np.int64) % count
        for side, period in zip(fine.shape, size, strict=True)
    )
    where = (row[:, None] * count + column).reshape(-1)
    total = np.bincount(where, fine.reshape(-1), count * count)
    return (total / np.maximum(np.bincount(where, minlength=count * count), 1)).reshape(count, count)


def _halved(seen: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h2 w2"]:
    height, width = (side // 2 * 2 for side in seen.shape)
    even = seen[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)
