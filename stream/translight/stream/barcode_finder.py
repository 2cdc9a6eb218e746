"""Finds a burned-in barcode in a picture that was scaled, compressed or filmed at an angle; barcode.py reads it.

The black border is looked for at several scales: parts darker than their surroundings (a local mean), connected, whose
convex hull is a quadrilateral. Its sides are then fitted anew to where brightness crosses half way between quiet zone
and border, to a fraction of a pixel, and their four corners give the homography to the cells. What the cells say
must pass the barcode's check, so a wrong guess costs time only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import scipy.spatial
from jaxtyping import Float
from numpy.typing import NDArray

from translight.stream.barcode import COLUMNS, ROWS, Barcode, grey, read_barcode
from translight.stream.cell_reading import sampled

_COARSEST_PX = 480
_WINDOW_PX = 51
_DARKER = 0.03
_MIN_SIDE_PX = 18.0
_MIN_PIXELS = 120
_CANDIDATES = 40
_REFINEMENTS = 3
_SQUARE_CORNERS = np.array([[1, 1], [COLUMNS - 1, 1], [COLUMNS - 1, ROWS - 1], [1, ROWS - 1]], np.float64)
"""The border's outer corners in cells, clockwise from the upper left."""
_SIDE_POINTS = np.linspace(0.06, 0.94, 41)
_ACROSS = np.linspace(-0.9, 0.9, 37)


@dataclass(frozen=True, slots=True, eq=False)
class FoundBarcode:
    """A barcode, and where in the picture its border's outer corners are: clockwise from the code's upper left."""

    barcode: Barcode
    corners_px: Float[np.ndarray, "4 2"]
    """x, y of pixel centres."""


def find(picture: NDArray[np.generic]) -> FoundBarcode | None:
    """The barcode in a picture ((h w), (h w 3), (h w 4), or packed 10-bit), however it lies; None when none is read.

    A cell must be about 3 pixels or more, and the whole of it must be seen.
    """
    full = grey(picture)
    for level in _levels(full):
        found = _find_at(_shrunk(full, level))
        if found is not None:
            return FoundBarcode(found.barcode, (found.corners_px + 0.5) * level - 0.5)
    return None


def read_at(picture: NDArray[np.generic], corners_px: Float[np.ndarray, "4 2"]) -> Barcode | None:
    """Read a barcode where an earlier picture of the same size had one; far faster than ``find``."""
    x0, y0 = np.maximum(np.floor(corners_px.min(0)) - 64, 0).astype(int)
    x1, y1 = np.ceil(corners_px.max(0)).astype(int) + 64
    area = grey(picture[y0:y1, x0:x1])
    return read_barcode(area, _homography(_SQUARE_CORNERS, corners_px - (x0, y0)))


def _levels(full: NDArray[np.float32]) -> list[int]:
    """By how much to shrink it, the most first."""
    level, levels = 1, [1]
    while min(full.shape) // level > _COARSEST_PX:
        level *= 2
        levels.append(level)
    return levels[::-1]


def _shrunk(full: NDArray[np.float32], level: int) -> NDArray[np.float32]:
    height, width = (n // level * level for n in full.shape)
    if level == 1:
        return full
    return full[:height, :width].reshape(height // level, level, width // level, level).mean((1, 3))


def _find_at(seen: NDArray[np.float32]) -> FoundBarcode | None:
    for quad in _quads(seen):
        refined = _settled(seen, quad)
        if refined is None:
            continue
        for turn in range(4):
            corners = np.roll(refined, -turn, 0)
            barcode = read_barcode(seen, _homography(_SQUARE_CORNERS, corners))
            if barcode is not None:
                return FoundBarcode(barcode, corners)
    return None


def _quads(seen: NDArray[np.float32]) -> Iterator[Float[np.ndarray, "4 2"]]:
    """Quadrilaterals that the outlines of dark parts resemble, the largest first."""
    around = scipy.ndimage.uniform_filter(seen, _WINDOW_PX, mode="nearest")
    labels, count = scipy.ndimage.label(seen < around - _DARKER)
    if not count:
        return
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    # Noise makes a million parts: only those that are large enough are looked at one by one, the largest first.
    large = np.flatnonzero(sizes >= _MIN_PIXELS)
    large = large[np.argsort(-sizes[large], kind="stable")]
    rank = np.zeros(count + 1, np.int32)
    rank[large] = np.arange(1, len(large) + 1)
    parts = rank[labels]
    tried = 0
    for k, box in enumerate(scipy.ndimage.find_objects(parts), 1):
        if not _box_fits(box, int(sizes[large[k - 1]])):
            continue
        quad = _quad_of(parts[box] == k)
        if quad is not None:
            yield quad + np.array([box[1].start, box[0].start])
        tried += 1
        if tried == _CANDIDATES:
            return


def _box_fits(box: tuple[slice, slice], size: int) -> bool:
    height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
    return min(height, width) >= _MIN_SIDE_PX and size >= 0.08 * height * width


def _quad_of(part: NDArray[np.bool_]) -> Float[np.ndarray, "4 2"] | None:
    """The convex hull's four corners, clockwise (y down), by dropping those whose triangles are smallest."""
    rows = np.flatnonzero(part.any(1))
    first, last = part[rows].argmax(1), part.shape[1] - 1 - part[rows, ::-1].argmax(1)
    points = np.concatenate([np.stack([first, rows], 1), np.stack([last, rows], 1)]).astype(np.float64)
    try:
        hull = scipy.spatial.ConvexHull(points)
    except scipy.spatial.QhullError:
        return None
    corners = points[hull.vertices]
    while len(corners) > 4:
        before, after = np.roll(corners, 1, 0) - corners, np.roll(corners, -1, 0) - corners
        corners = np.delete(corners, np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).argmin(), 0)
    if len(corners) < 4 or _area(corners) < 0.85 * hull.volume:
        return None
    sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    return corners if sides.min() >= 0.8 * _MIN_SIDE_PX else None


def _settled(seen: NDArray[np.float32], corners: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "4 2"] | None:
    """Corners refined as often as pays."""
    for _ in range(_REFINEMENTS):
        better = _refined(seen, corners)
        if better is None:
            return None
        corners = better
    return corners


def _refined(seen: NDArray[np.float32], corners: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "4 2"] | None:
    """Corners where lines meet that follow the edge between quiet zone and border; None where there is none."""
    cell = np.sqrt(_area(corners) / ((ROWS - 2) * (COLUMNS - 2)))
    lines = []
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        along = (end - start) / np.linalg.norm(end - start)
        outward = np.array([along[1], -along[0]])  # clockwise with y down: outside lies to the left
        points = start + _SIDE_POINTS[:, None] * (end - start)
        x, y = (points[:, None, k] + cell * _ACROSS[None, :] * outward[k] for k in (0, 1))
        profile = scipy.ndimage.uniform_filter1d(sampled(seen, x, y), 3, axis=1)
        offset = _crossings(profile)
        good = np.isfinite(offset)
        if good.sum() < len(_SIDE_POINTS) // 2:
            return None
        line = np.polyfit(_SIDE_POINTS[good], offset[good], 1)
        error = np.abs(np.polyval(line, _SIDE_POINTS) - offset)
        good &= error <= 2.5 * np.median(error[good]) + 1e-3
        line = np.polyfit(_SIDE_POINTS[good], offset[good], 1)
        lines.append(tuple(p + cell * np.polyval(line, t) * outward for p, t in ((start, 0.0), (end, 1.0))))
    return _meetings(lines)


def _crossings(profile: NDArray[np.float32]) -> NDArray[np.float64]:
    """By line of a profile from inside to outside, where it rises through half way, nearest to 0; NaN where not."""
    middle = len(_ACROSS) // 2
    dark, light = profile[:, :middle].min(1), profile[:, middle:].max(1)
    above = profile > ((dark + light) / 2)[:, None]
    rises = above[:, 1:] & ~above[:, :-1]
    distance = np.where(rises, np.abs(_ACROSS[1:] + _ACROSS[:-1])[None, :], np.inf)
    at = distance.argmin(1)
    line = np.arange(len(profile))
    low, high = profile[line, at], profile[line, at + 1]
    part = ((dark + light) / 2 - low) / np.maximum(high - low, 1e-6)
    offset = _ACROSS[at] + part * (_ACROSS[1] - _ACROSS[0])
    clear = np.isfinite(distance[line, at]) & (light - dark > 0.05)
    return np.where(clear, offset, np.nan)


def _meetings(lines: list[tuple[NDArray[np.float64], ...]]) -> Float[np.ndarray, "4 2"] | None:
    """Where each side meets the one before it."""
    corners = np.empty((4, 2))
    for k in range(4):
        (a, b), (c, d) = lines[k - 1], lines[k]
        matrix = np.stack([b - a, c - d], 1)
        if abs(np.linalg.det(matrix)) < 1e-9:
            return None
        corners[k] = a + np.linalg.solve(matrix, c - a)[0] * (b - a)
    return corners if np.isfinite(corners).all() and _area(corners) > _MIN_SIDE_PX**2 else None


def _area(corners: Float[np.ndarray, "n 2"]) -> float:
    x, y = corners.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _homography(source: Float[np.ndarray, "4 2"], target: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "3 3"]:
    """The projective map that takes four points to four others, last element 1 (Hartley and Zisserman, 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    try:
        return np.append(np.linalg.solve(np.array(rows), target.ravel()), 1.0).reshape(3, 3)
    except np.linalg.LinAlgError:
        return np.zeros((3, 3))
