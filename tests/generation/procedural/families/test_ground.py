"""Nested grids: no crack between levels, the same heights at every detail, bounded, level where the stage is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from translight.generation.brief.brief import Block, Brief, Light, Stage
from translight.generation.procedural.families.ground import Patch, exposure, lay, levels, stage_share
from translight.generation.procedural.families.relief import relief
from translight.generation.procedural.scene import Land


def _hills(x: np.ndarray, y: np.ndarray, footprint_m: float) -> np.ndarray:
    return 40 * relief(x, y, 3, wavelength_m=500.0, footprint_m=footprint_m) + 0.02 * x


def _slope(patch: Patch) -> tuple[np.ndarray, np.ndarray]:
    steep = patch.steepness()
    return np.repeat(steep[:, None], 3, axis=1).astype(np.float32), (steep > 0.3).astype(np.uint16)


@pytest.fixture(scope="module")
def land() -> Land:
    return lay(_hills, _slope, eye_height_m=1.7, height_px=256, radius_m=2000.0)


def test_borders_lie_on_the_coarser_surface(land: Land) -> None:
    assert len(land.grids) >= 6
    for fine, coarse in itertools.pairwise(land.grids):
        assert coarse.cell_m == 2 * fine.cell_m
        corners = coarse.origin_m[0] + coarse.cell_m * np.arange(len(coarse.height_m))
        surface = RegularGridInterpolator((corners, corners), coarse.height_m.astype(np.float64))
        inside = fine.origin_m[0] + fine.cell_m * np.arange(len(fine.height_m))
        for edge, heights in ((0, fine.height_m[0]), (-1, fine.height_m[-1])):
            there = surface(np.column_stack([np.full_like(inside, inside[edge]), inside]))
            np.testing.assert_allclose(heights, there, atol=2e-5)
        for edge, heights in ((0, fine.height_m[:, 0]), (-1, fine.height_m[:, -1])):
            there = surface(np.column_stack([inside, np.full_like(inside, inside[edge])]))
            np.testing.assert_allclose(heights, there, atol=2e-5)


def test_common_corners_share_height_and_paint(land: Land) -> None:
    for fine, coarse in itertools.pairwise(land.grids):
        cells = len(fine.height_m) // 2
        inner = slice(cells // 2, cells // 2 + cells + 1)
        np.testing.assert_allclose(coarse.height_m[inner, inner], fine.height_m[::2, ::2], atol=2e-5)
        np.testing.assert_array_equal(coarse.colour[inner, inner], fine.colour[::2, ::2])


def test_heights_are_the_functions_away_from_borders_and_colours_see_the_slope(land: Land) -> None:
    grid = land.grids[-1]
    axis = grid.origin_m[0] + grid.cell_m * np.arange(len(grid.height_m))
    y, x = np.meshgrid(axis[1:8], axis, indexing="ij")
    z = _hills(x, y, grid.cell_m)
    np.testing.assert_allclose(grid.height_m[1:8], z, atol=1e-4)
    across, along = np.gradient(z, grid.cell_m)
    np.testing.assert_allclose(grid.colour[3, 4:-4, 0], np.hypot(across, along)[2, 4:-4], atol=1e-4)
    finest = land.grids[0]
    cells = len(finest.height_m) // 2
    assert finest.height_m[cells, cells] == pytest.approx(_hills(np.zeros(1), np.zeros(1), finest.cell_m)[0], abs=1e-5)


def test_detail_is_added_below_a_coarse_height_that_stays() -> None:
    x, y = np.random.default_rng(1).uniform(-900, 900, (2, 4000))
    coarse, fine = _hills(x, y, 10.0), _hills(x, y, 0.1)
    assert 0.05 < np.std(coarse - fine) < 1.0
    assert np.corrcoef(coarse, fine)[0, 1] > 0.995
    np.testing.assert_array_equal(_hills(x, y, 0.1), fine)


@pytest.mark.parametrize("height_px", [256, 1024, 2048, 4096, 8192])
def test_memory_is_bounded_and_a_cell_stays_near_a_pixel(height_px: int) -> None:
    plan = levels(1.7, height_px, 30_000.0)
    assert sum((2 * cells + 1) ** 2 for _, cells in plan) * 18 < 1.2e9
    pixel_rad = np.pi / height_px
    for (cell, cells), (outer, _) in itertools.pairwise(plan):
        assert outer / (cell * cells) / pixel_rad < (1.6 if height_px <= 2048 else 5.5)
    assert plan[-1][0] * plan[-1][1] >= 30_000.0


def test_the_share_of_the_stage_is_whole_below_reach_and_blocking() -> None:
    brief = Brief(name="a", intent="b", stage=Stage(reach_m=(3.0, 2.0, 1.0)), blocking=(Block(name="actor"),))
    x, y = np.array([0.0, 1.8, 0.0, 40.0, 4.0]), np.array([0.0, 0.0, 4.3, 0.0, 0.0])
    share = stage_share(brief, x, y, 10.0)
    np.testing.assert_array_equal(share[:4], [1.0, 1.0, 1.0, 0.0])
    assert 0 < share[4] < 1


def test_a_low_sun_is_exposed_for_and_the_night_is_not() -> None:
    by_height = [exposure(Brief(name="a", intent="b", light=Light(sun_elevation_deg=e))) for e in (-10, 5, 25, 60)]
    assert by_height == pytest.approx([1.0, 1.8, 1.395, 1.0], abs=0.01)
