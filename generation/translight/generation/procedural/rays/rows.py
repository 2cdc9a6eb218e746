"""Rows of a picture: jittered rays from the eye, fewer where they agree, and the sums that filter.py finishes.

Adaptive sampling as Mitchell describes it ("Generating Antialiased Images at Low Sampling Densities", 1987): a pixel
whose first rays differ in contrast, or whose neighbours see something else, gets all its rays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import inlined, kernel, part, stays_apart
from translight.generation.procedural.rays.light import R1, R2
from translight.generation.procedural.rays.pixels import (
    ALBEDO,
    COLOUR,
    CX,
    CY,
    DISTANCE,
    DISTANCES,
    EYE,
    FLOATS_A_PIXEL,
    FX,
    FY,
    HEIGHT_PX,
    HIGH,
    IMAGE,
    LAMPLIGHT,
    LIGHT,
    LIT,
    LOW,
    NORMAL,
    PANORAMA,
    TILT,
    TURN,
    WIDTH_PX,
    add_ray,
)
from translight.generation.procedural.sky.white import LUMINANCE

_PI = np.pi
_RED, _GREEN, _BLUE = (float(share) for share in LUMINANCE)
_UNEVEN, _STEP, _JUMP, _TURNED = 0.06, 0.25, 0.02, 0.8
"""Contrast of a pixel's first rays, contrast to a neighbour, bend of the distance (shares), cosine between normals:
beyond these a pixel gets all its rays."""
_FAINTEST = 1e-20
"""A colour that thick fog leaves less of than this adds nothing; what is divided by so small a number is no number."""


@kernel
def trace_rows(
    F: Any, N: Any, view: Any, first: int, samples: int, depth: int, stack: Any, notes: Any, out: Any
) -> None:  # fmt: skip
    """Sums over each pixel's first rays, as many as ``notes`` holds distances of; scratch: meshes.STACK.

    Rows from ``first`` on; ``out`` (rows, width, FLOATS_A_PIXEL) and ``notes`` are what settle_rows finishes.
    """
    spread = _spread(view)
    for line in range(len(out)):
        row = first + line
        count = min(_count(view, row, samples), notes.shape[2] - DISTANCES)
        for column in range(out.shape[1]):
            pixel, note = out[line, column], notes[line, column]
            for c in range(FLOATS_A_PIXEL):
                pixel[c] = 0.0
            for c in range(LOW):
                note[c] = 0.0
            note[LOW] = note[LOW + 1] = np.inf
            note[HIGH] = note[HIGH + 1] = -np.inf
            for sample in range(count):
                seen, colour = _brightness(pixel, IMAGE), _brightness(pixel, COLOUR)
                note[DISTANCES + sample] = _one(
                    F, N, view, stack, column, row, sample, spread, depth, True, pixel, note
                )
                seen, colour = _brightness(pixel, IMAGE) - seen, _brightness(pixel, COLOUR) - colour
                note[LOW], note[HIGH] = min(note[LOW], seen), max(note[HIGH], seen)
                note[LOW + 1], note[HIGH + 1] = min(note[LOW + 1], colour), max(note[HIGH + 1], colour)
            for c in range(3):
                note[TILT + c] = pixel[NORMAL + c]
            _sorted(note, DISTANCES, count)


@kernel
def uneven_rows(
    view: Any, begin: int, first: int, last: int, samples: int, dark: float, notes: Any, flags: Any
) -> None:  # fmt: skip
    """Set ``flags`` (rows, width) where a pixel's first rays differ, or its neighbours see something else.

    Of rows ``first`` to ``last`` of notes that begin with the picture's row ``begin``. What is much darker than
    ``dark`` is all the same.
    """
    wraps = view[PANORAMA] != 0.0
    rows, width = notes.shape[0], notes.shape[1]
    for line in range(first, last):
        count = min(_count(view, begin + line, samples), notes.shape[2] - DISTANCES)
        middle = DISTANCES + (count - 1) // 2
        for x in range(width):
            note = notes[line, x]
            uneven = note[DISTANCES] < np.inf and note[DISTANCES + count - 1] == np.inf
            for c in range(2):
                low, high = note[LOW + c], note[HIGH + c]
                if high - low > _UNEVEN * (high + low + dark):
                    uneven = True
            left, right = x - 1, x + 1
            if wraps:
                left, right = (left + width) % width, right % width
            left, right = max(left, 0), min(right, width - 1)
            above, below = max(line - 1, 0), min(line + 1, rows - 1)
            if not uneven:
                uneven = _apart(notes, middle, line, left, line, x, line, right, dark) or _apart(
                    notes, middle, above, x, line, x, below, x, dark
                )
            flags[line - first, x] = uneven


@inlined
def _apart(
    notes: Any, middle: int, ya: int, xa: int, y: int, x: int, yb: int, xb: int, dark: float
) -> bool:  # fmt: skip
    """Whether of three pixels in a row the outer ones see something else than the middle one."""
    a, t, b = notes[ya, xa, middle], notes[y, x, middle], notes[yb, xb, middle]
    if (a < np.inf) != (t < np.inf) or (b < np.inf) != (t < np.inf):
        return True
    here = notes[y, x, LOW] + notes[y, x, HIGH]
    for k in range(2):
        v, u = (ya, xa) if k == 0 else (yb, xb)
        there = notes[v, u, LOW] + notes[v, u, HIGH]
        if abs(here - there) > _STEP * (here + there + 2.0 * dark):
            return True
    if not t < np.inf:
        return False
    if abs(a + b - 2.0 * t) > _JUMP * t:
        return True
    p, q, r = notes[ya, xa], notes[y, x], notes[yb, xb]
    return _turned(p, q) or _turned(q, r)


@inlined
def _turned(p: Any, q: Any) -> bool:
    dot = p[TILT] * q[TILT] + p[TILT + 1] * q[TILT + 1] + p[TILT + 2] * q[TILT + 2]
    pp = p[TILT] * p[TILT] + p[TILT + 1] * p[TILT + 1] + p[TILT + 2] * p[TILT + 2]
    qq = q[TILT] * q[TILT] + q[TILT + 1] * q[TILT + 1] + q[TILT + 2] * q[TILT + 2]
    return dot < _TURNED * np.sqrt(pp * qq)


@kernel
def settle_rows(
    F: Any, N: Any, view: Any, first: int, samples: int, depth: int, stack: Any, flags: Any, distances: Any, notes: Any,
    out: Any,
) -> None:  # fmt: skip
    """Trace the other rays of pixels that are flagged, and finish all; scratch: one distance a sample."""
    spread = _spread(view)
    for line in range(len(out)):
        row = first + line
        count = _count(view, row, samples)
        known = min(count, notes.shape[2] - DISTANCES)
        for column in range(out.shape[1]):
            pixel, note = out[line, column], notes[line, column]
            for k in range(known):
                distances[k] = note[DISTANCES + k]
            traced = known
            if flags[line, column]:
                for sample in range(known, count):
                    # Light of surroundings is smoothed afterwards: these rays are for edges, shadows and mirrors.
                    unlit = note[LIT] + note[LIT + 1] + note[LIT + 2] <= 0.0
                    distances[sample] = _one(F, N, view, stack, column, row, sample, spread, depth, unlit, pixel, note)
                traced = count
                _sorted(distances, 0, traced)
            _finish(distances[(traced - 1) // 2], traced, note, pixel)


@inlined
def _spread(view: Any) -> float:
    return _PI / view[HEIGHT_PX] if view[PANORAMA] != 0.0 else 1.0 / view[FX]


@inlined
def _count(view: Any, row: int, samples: int) -> int:
    """Pixels near the poles are narrow: there, fewer rays are as dense."""
    level = np.sin((row + 0.5) / view[HEIGHT_PX] * _PI) if view[PANORAMA] != 0.0 else 1.0
    return min(samples, max(int(np.ceil(samples * level)), 2))


@inlined
def _brightness(pixel: Any, at: int) -> float:
    return _RED * pixel[at] + _GREEN * pixel[at + 1] + _BLUE * pixel[at + 2]


@inlined
def _one(
    F: Any, N: Any, view: Any, stack: Any, column: int, row: int, sample: int, spread: float, depth: int,
    light_too: bool, pixel: Any, note: Any,
) -> float:  # fmt: skip
    """Add a pixel's next ray; ``light_too``: with the light of its surroundings. Returns its distance."""
    a, b = _within(sample)
    dx, dy, dz = _direction(view, column + a, row + b)
    return add_ray(
        F, N, stack, column, row, sample, view[EYE], view[EYE + 1], view[EYE + 2], dx, dy, dz, spread, depth, light_too,
        pixel, note,
    )  # fmt: skip


@part
def _sorted(values: Any, first: int, count: int) -> None:
    stays_apart()
    for k in range(first + 1, first + count):
        value, j = values[k], k - 1
        while j >= first and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@part
def _finish(distance: float, samples: int, note: Any, out: Any) -> None:
    """Sums into means."""
    stays_apart()
    share = 1.0 / samples
    for c in range(3):
        out[LIGHT + c] = out[LIGHT + c] / note[LIT + c] if note[LIT + c] > _FAINTEST else 0.0
        if out[COLOUR + c] > _FAINTEST:
            out[LAMPLIGHT + c] /= out[COLOUR + c]
        else:
            out[LIGHT + c] = out[LAMPLIGHT + c] = out[COLOUR + c] = 0.0
        out[IMAGE + c] *= share
        out[COLOUR + c] *= share
        out[ALBEDO + c] *= share
    length = np.sqrt(out[NORMAL] ** 2 + out[NORMAL + 1] ** 2 + out[NORMAL + 2] ** 2)
    if length > 0.0:
        for c in range(3):
            out[NORMAL + c] /= length
    # The lower median: one that a ray has met, so no distance lies between an edge and what is behind it.
    out[DISTANCE] = distance


@inlined
def _within(sample: int) -> Any:
    """Where in its pixel a sample lies: the same in all pixels, so edges are even; the first is the centre."""
    a, b = 0.5 + sample * R1, 0.5 + sample * R2
    return a - np.floor(a), b - np.floor(b)


@inlined
def _direction(view: Any, column: float, row: float) -> Any:
    if view[PANORAMA] != 0.0:
        elevation, azimuth = (0.5 - row / view[HEIGHT_PX]) * _PI, (column / view[WIDTH_PX] - 0.5) * 2.0 * _PI
        level = np.cos(elevation)
        return level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)
    x, y = (column - view[CX]) / view[FX], (row - view[CY]) / view[FY]
    norm = 1.0 / np.sqrt(x * x + y * y + 1.0)
    r = TURN
    return (
        (view[r] * x + view[r + 1] * y + view[r + 2]) * norm,
        (view[r + 3] * x + view[r + 4] * y + view[r + 5]) * norm,
        (view[r + 6] * x + view[r + 7] * y + view[r + 8]) * norm,
    )
