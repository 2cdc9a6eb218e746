"""Nested grids of scene.Land around the eye from functions of height and paint; a family says what the ground is.

Each level has twice the cell of the one within. A level's outermost band blends into the next one's surface and its
border lies on it, so no crack opens; where levels overlap they share heights at common corners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt16

from translight.environment.noise import smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.rays.workers import share_rows, worker_count
from translight.generation.procedural.scene import Grid, Land

PX_PER_CELL = 1.5
"""Pixels that a cell spans, across, at the inner edge of its level, where the ground is what is seen."""
_NADIR_PX_PER_CELL = 3.0
_MOST_CELLS = 1024
"""From the eye to a level's border: 76 MB a level, 1.1 GB for the 14 of an 8K panorama out to 32 km."""
_FINEST_M = 0.002
_BAND = 0.125
"""Share of a level's half width in which it blends into the next."""
_CHUNK_POINTS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Points of the ground to be painted: place, height, slope (rise over run along x and y), and their spacing."""

    x_m: Float64[np.ndarray, "n"]
    y_m: Float64[np.ndarray, "n"]
    z_m: Float64[np.ndarray, "n"]
    slope_x: Float64[np.ndarray, "n"]
    slope_y: Float64[np.ndarray, "n"]
    cell_m: float

    def steepness(self) -> Float64[np.ndarray, "n"]:
        """Rise over run, downhill."""
        return np.hypot(self.slope_x, self.slope_y)


Height = Callable[[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"], float], Float64[np.ndarray, "n"]]
"""Height in metres at x, y, without detail below twice the footprint (the third argument, in metres)."""
Paint = Callable[[Patch], tuple[Float32[np.ndarray, "n 3"], UInt16[np.ndarray, "n"]]]
"""Colour (linear albedo) and index of material."""


def levels(
    eye_height_m: float, height_px: int, radius_m: float, px_per_cell: float = PX_PER_CELL
) -> list[tuple[float, int]]:
    """Cell in metres and cells from the eye to the border (a multiple of 4), finest first, out to ``radius_m``."""
    pixel_rad = np.pi / height_px
    cells = min(_MOST_CELLS, 4 * max(8, round(2.0 / (px_per_cell * pixel_rad) / 4)))
    cell = max(_FINEST_M, _NADIR_PX_PER_CELL * eye_height_m * pixel_rad)
    found = [(cell, cells)]
    while found[-1][0] * cells < radius_m:
        found.append((2 * found[-1][0], cells))
    return found


def lay(
    height: Height,
    paint: Paint,
    *,
    eye_height_m: float,
    height_px: int,
    radius_m: float,
    px_per_cell: float = PX_PER_CELL,
) -> Land:
    """Grids around stage (0, 0), fine enough for a panorama of ``height_px`` from ``eye_height_m``."""
    plan = levels(eye_height_m, height_px, radius_m, px_per_cell)
    heights: list[Float32[np.ndarray, "n n"]] = []
    for k in reversed(range(len(plan))):
        cell, cells = plan[k]
        hole = 0 if k == 0 else int(cells // 2 * (1 - _BAND)) - 2
        surface = _evaluated(height, cell, cells, hole)
        if heights:
            _join(surface, heights[0], cells)
        heights.insert(0, surface)
    grids: list[Grid] = []
    for (cell, cells), surface in zip(plan, heights, strict=True):
        inner = slice(cells // 2, cells // 2 + cells + 1)
        if grids:
            surface[inner, inner] = grids[-1].height_m[::2, ::2]
        colour, material = _painted(paint, surface, cell, cells, cells // 2 - 1 if grids else 0)
        if grids:
            colour[inner, inner] = grids[-1].colour[::2, ::2]
            material[inner, inner] = grids[-1].material[::2, ::2]
        grids.append(Grid((-cell * cells, -cell * cells), cell, surface, colour, material))
    return Land(tuple(grids))


def stage_share(
    brief: Brief, x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], fade_m: float
) -> Float64[np.ndarray, "n"]:
    """1 where the stage's floor must be level (the camera's reach, blocking), down to 0 at ``fade_m`` around it."""
    return 1.0 - smoothstep(0.35, 0.35 + fade_m, clearance_m(brief, np.stack([x, y], axis=-1)))


def exposure(brief: Brief) -> float:
    """What a camera adds where the ground is level and the sun low: up to 1.8 by day, 1 at night."""
    sine = np.sin(np.radians(brief.light.sun_elevation_deg))
    return float(np.clip(0.85 / (0.85 * max(sine, 0.0) + 0.25), 1.0, 1.8)) if sine > 0 else 1.0


def _parts(cells: int, hole: int) -> list[tuple[slice, slice]]:
    """Rows and columns of a level outside its middle ``±hole`` corners, in pieces of bounded size."""
    size = 2 * cells + 1
    step = max(1, _CHUNK_POINTS // size)
    low, high = cells - hole, cells + hole + 1
    if hole <= 0:
        bands = [(0, size, [slice(0, size)])]
    else:
        sides = [slice(0, low), slice(high, size)]
        bands = [(0, low, [slice(0, size)]), (low, high, sides), (high, size, [slice(0, size)])]
    return [
        (slice(at, min(at + step, last)), columns)
        for first, last, spans in bands
        for at in range(first, last, step)
        for columns in spans
    ]


def _evaluated(height: Height, cell: float, cells: int, hole: int) -> Float32[np.ndarray, "n n"]:
    """Heights of a level, zero in its hole."""
    axis = (np.arange(2 * cells + 1) - cells) * cell
    surface = np.zeros((2 * cells + 1, 2 * cells + 1), np.float32)

    def evaluate(rows: slice, columns: slice) -> None:
        y, x = np.meshgrid(axis[rows], axis[columns], indexing="ij")
        surface[rows, columns] = height(x.ravel(), y.ravel(), cell).reshape(x.shape)

    _each(_parts(cells, hole), evaluate)
    return surface


def _join(fine: Float32[np.ndarray, "n n"], coarse: Float32[np.ndarray, "n n"], cells: int) -> None:
    """Blend the band of ``fine`` into ``coarse``, in place; its border becomes the coarse surface exactly."""
    inner = coarse[cells // 2 : cells // 2 + cells + 1, cells // 2 : cells // 2 + cells + 1]
    band = int(cells * _BAND)
    size = 2 * cells + 1
    strips = (
        (slice(0, 2 * (band // 2) + 1), slice(0, size)),
        (slice(size - 2 * (band // 2) - 1, size), slice(0, size)),
        (slice(0, size), slice(0, 2 * (band // 2) + 1)),
        (slice(0, size), slice(size - 2 * (band // 2) - 1, size)),
    )
    reach = np.abs(np.arange(size) - cells)
    blended = []
    for rows, columns in strips:
        part = inner[rows.start // 2 : rows.stop // 2 + 1, columns.start // 2 : columns.stop // 2 + 1]
        outer = np.maximum(reach[rows, None], reach[None, columns])
        share = smoothstep(cells - band, cells, outer.astype(np.float32))
        blended.append(fine[rows, columns] * (1 - share) + _doubled(part) * share)
    # corners belong to two strips: all are blended from the untouched surface before any is written
    for (rows, columns), values in zip(strips, blended, strict=True):
        fine[rows, columns] = values


def _doubled(coarse: Float32[np.ndarray, "n m"]) -> Float32[np.ndarray, "2n-1 2m-1"]:
    """Bilinear values at and between corners."""
    n, m = coarse.shape
    out = np.empty((2 * n - 1, 2 * m - 1), np.float32)
    out[::2, ::2] = coarse
    out[1::2, ::2] = 0.5 * (coarse[1:] + coarse[:-1])
    out[:, 1::2] = 0.5 * (out[:, :-2:2] + out[:, 2::2])
    return out


def _painted(
    paint: Paint, surface: Float32[np.ndarray, "n n"], cell: float, cells: int, hole: int
) -> tuple[Float32[np.ndarray, "n n 3"], UInt16[np.ndarray, "n n"]]:
    """Colour and material of a level, undefined in its hole."""
    size = len(surface)
    colour, material = np.empty((size, size, 3), np.float32), np.empty((size, size), np.uint16)
    axis = (np.arange(size) - cells) * cell

    def cover(rows: slice, columns: slice) -> None:
        # a corner more on each side, for slopes
        around = slice(max(rows.start - 1, 0), min(rows.stop + 1, size))
        beside = slice(max(columns.start - 1, 0), min(columns.stop + 1, size))
        z = surface[around, beside].astype(np.float64)
        own = (
            slice(rows.start - around.start, rows.stop - around.start),
            slice(columns.start - beside.start, columns.stop - beside.start),
        )
        slope_x, slope_y = np.gradient(z, cell, axis=1)[own].ravel(), np.gradient(z, cell, axis=0)[own].ravel()
        y, x = np.meshgrid(axis[rows], axis[columns], indexing="ij")
        seen = paint(Patch(x.ravel(), y.ravel(), z[own].ravel(), slope_x, slope_y, cell))
        colour[rows, columns], material[rows, columns] = seen[0].reshape(*x.shape, 3), seen[1].reshape(x.shape)

    _each(_parts(cells, hole), cover)
    return colour, material


def _each(parts: list[tuple[slice, slice]], work: Callable[[slice, slice], None]) -> None:
    """Do every part, shared among threads."""
    share_rows(worker_count(), len(parts), 1, lambda _worker, first, _last: work(*parts[first]))
