"""Rocks and table mountains: in their place, of their size, facing outwards."""

from __future__ import annotations

import numpy as np

from translight.environment.procedural_rock import butte, rocks
from translight.environment.surfels import cut

EYES = np.array([[x, y, 200.0] for x in (-900.0, 900.0) for y in (-900.0, 900.0)])


def test_every_rock_is_where_it_was_put() -> None:
    centres = np.array([[0.0, 5.0, 0.2], [3.0, 8.0, 0.1], [-4.0, 9.0, 0.0]])
    sizes = np.array([[1.0, 0.8, 0.6], [0.1, 0.1, 0.1], [0.5, 0.5, 0.5]])
    surfels, _ = cut([rocks(centres, sizes, 3)], EYES, 3000, np.random.default_rng(1))
    for k in range(3):
        offset = surfels.point[surfels.patch == k] - centres[k]
        assert len(offset) >= 8
        reach = np.linalg.norm(offset / sizes[k], axis=1)
        assert 0.4 < reach.min() < reach.max() < 2.1
    outwards = np.einsum("ij,ij->i", surfels.normal, surfels.point - centres[surfels.patch])
    assert (outwards > 0).mean() > 0.97


def test_a_butte_is_steep_above_its_foot_and_flat_on_top() -> None:
    surfels, _ = cut(butte((100.0, 250.0), 20.0, 40.0, 1.5, 5), EYES, 6000, np.random.default_rng(1))
    height = (surfels.point[:, 2] + 1.5) / 40.0
    wall = (height > 0.45) & (height < 0.68)
    assert np.median(np.abs(surfels.normal[wall, 2])) < 0.35
    top = surfels.surface == 1
    assert np.median(surfels.normal[top, 2]) > 0.95
    assert 36 < surfels.point[top, 2].mean() < 41
    across = np.ptp(surfels.point, axis=0)
    assert across[0] > 1.2 * across[1]
