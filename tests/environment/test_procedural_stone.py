"""Ruins: closed where they should be, open where arches are, and facing outwards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from translight.environment.procedural_stone import Arcade, block, column
from translight.environment.surfels import Surface, Surfels, cut

ARCADE = Arcade((2.0, 5.0), 0.0, 4, 4.1, 1.45, 3.0, 6.2, 1.2, 1.4, 7, missing=(2,))


def cells(surfaces: list[Surface], count: int = 6000) -> Surfels:
    """Cells seen from everywhere around."""
    eyes = np.array([[x, y, z] for x in (-30.0, 40.0) for y in (-30.0, 60.0) for z in (-20.0, 30.0)])
    return cut(surfaces, eyes, count, np.random.default_rng(1))[0]


def test_the_wall_keeps_to_its_line_and_openings_are_open() -> None:
    surfels = cells(ARCADE.surfaces())
    p = surfels.point
    assert 2.0 - 0.3 < p[:, 0].min() < p[:, 0].max() < 3.2 + 0.3
    assert 5.0 - 0.2 < p[:, 1].min() < p[:, 1].max() < 5.0 + 4 * 4.1 + 0.2
    assert -0.01 < p[:, 2].min() < p[:, 2].max() < 6.4
    along = (p[:, 1] - 5.0) % 4.1 - 2.05
    whole = ((p[:, 1] - 5.0) // 4.1) != 2
    inside_arch = np.hypot(along, np.maximum(p[:, 2] - 3.0, 0)) < 1.3
    assert not (inside_arch & whole).any()


def test_of_a_missing_bay_only_stumps_stand() -> None:
    surfels = cells(ARCADE.surfaces())
    bay = (surfels.point[:, 1] - 5.0) / 4.1
    gap = surfels.point[(bay > 2.02) & (bay < 2.98)]
    assert len(gap) > 0
    assert gap[:, 2].max() < 2.4


@pytest.mark.parametrize("heading", [0.0, 0.7, np.pi / 2])
def test_faces_look_outwards(heading: float) -> None:
    wall = Arcade((0.0, 10.0), heading, 2, 4.0, 1.4, 3.0, 6.0, 1.2, 1.0, 3)
    near, far = wall.surfaces()[:2]
    right = np.array([np.cos(heading), -np.sin(heading), 0.0])
    assert (np.median(cells([near], 800).normal @ right)) == pytest.approx(-1, abs=0.01)
    assert (np.median(cells([far], 800).normal @ right)) == pytest.approx(1, abs=0.01)


def test_columns_are_round_and_blocks_have_six_sides() -> None:
    surfels = cells(column((1.0, 2.0), 5.0, 0.5, 3, capital=True), 3000)
    offset = surfels.point[:, :2] - [1.0, 2.0]
    assert np.hypot(*offset.T).max() < 0.9
    shaft = (surfels.point[:, 2] > 1) & (surfels.point[:, 2] < 3)
    assert (np.einsum("ij,ij->i", surfels.normal[shaft, :2], offset[shaft]) > 0).all()

    surfels = cells(block((0.0, 0.0, 1.0), (2.0, 1.0, 0.5), 0.0, 3), 3000)
    middle = np.array([1.0, 0.5, 1.25])
    assert (np.einsum("ij,ij->i", surfels.normal, surfels.point - middle) > 0).all()
    axis = np.argmax(np.abs(surfels.normal), axis=1)
    area = np.linalg.norm(np.cross(surfels.span_u, surfels.span_v), axis=1)
    sums = [area[axis == i].sum() for i in range(3)]
    np.testing.assert_allclose(sums, [1.0, 2.0, 4.0], rtol=0.1)


def test_paint_is_an_albedo_with_courses() -> None:
    surface = ARCADE.surfaces()[0]
    z = np.linspace(0.9, 2.8, 400)
    points = np.column_stack([np.full(400, 2.0), np.full(400, 5.3), z])
    colour = surface.paint(points, np.tile([-1.0, 0.0, 0.0], (400, 1)))
    assert 0.05 < colour.min() < colour.max() < 0.95
    dark = colour[:, 0] < 0.75 * np.median(colour[:, 0])
    gaps = sum(b and not a for a, b in pairwise(dark))
    assert gaps >= 3  # mortar every 0.46 m
