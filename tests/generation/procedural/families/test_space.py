"""The plain is flat where one walks, its grids nest, rocks keep clear, and the planet is lit by the same sun."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.brief.brief import Block, Brief, Light, Place
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.families.space import build
from translight.generation.procedural.scene import Scene
from translight.generation.procedural.skies import direction_of
from translight.generation.procedural.space.ground import height_at
from translight.generation.procedural.space.heaven import sky

pytestmark = pytest.mark.slow

BRIEF = Brief(
    name="a",
    intent="b",
    place=Place(family="space"),
    light=Light(sun_azimuth_deg=60.0, sun_elevation_deg=14.0),
    blocking=(Block(name="hero", position_m=(2.0, 6.0)), Block(name="slab", kind="wall", position_m=(-4.0, 9.0))),
)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build(BRIEF, 1, 64)


def test_the_floor_is_walkable_where_actors_are(scene: Scene) -> None:
    assert scene.land is not None
    grid = scene.land.grids[0]
    rows, columns = np.mgrid[: grid.height_m.shape[0], : grid.height_m.shape[1]]
    xy = np.stack([columns, rows], axis=-1).reshape(-1, 2) * grid.cell_m + np.array(grid.origin_m)
    free = clearance_m(BRIEF, xy) <= 0.4
    assert free.sum() > 500
    assert np.abs(grid.height_m.ravel()[free]).max() <= 0.03
    assert np.ptp(grid.height_m) > 0.3


def test_grids_nest_and_agree(scene: Scene) -> None:
    assert scene.land is not None
    for finer, coarser in zip(scene.land.grids[:-1], scene.land.grids[1:], strict=True):
        assert coarser.origin_m[0] < finer.origin_m[0]
        assert finer.cell_m < coarser.cell_m
        middle = finer.height_m.shape[0] // 2
        assert finer.height_m[middle, middle] == pytest.approx(coarser.height_m[middle, middle], abs=0.03)


def test_craters_are_as_deep_as_pike_found() -> None:
    # Pike (1977): fresh ones a fifth of their width; older ones less. The deepest hollow within a kilometre is one.
    steps = np.linspace(-600.0, 600.0, 241)
    xy = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    height = height_at(BRIEF, 3, xy, 2.5)[:, 0]
    assert 3.0 < np.ptp(height) < 120.0


def test_rocks_keep_clear_of_actors_and_lie_on_the_ground(scene: Scene) -> None:
    rocks = scene.placed[:-1]
    assert sum(len(kind.tint) for kind in rocks) > 300
    for kind in rocks:
        at = kind.stage_from_mesh[:, :, 3]
        radius = np.cbrt(np.linalg.det(kind.stage_from_mesh[:, :, :3]))
        assert (clearance_m(BRIEF, at[:, :2]) > 0.3 + radius).all()
        above = at[:, 2] - height_at(BRIEF, 1, at[:, :2], 0.1)[:, 0]
        assert (above >= 0).all()
        assert (above < 0.5 * radius).all()
    assert len(scene.placed[-1].mesh.vertices) == 8, "the slab of the block-out"


def test_another_seed_is_another_place(scene: Scene) -> None:
    xy = np.random.default_rng(1).uniform(-80, 80, (200, 2))
    assert np.abs(height_at(BRIEF, 1, xy, 0.1) - height_at(BRIEF, 2, xy, 0.1))[:, 0].mean() > 0.05


def test_the_sky_is_black_with_a_planet_and_a_hard_sun(scene: Scene) -> None:
    radiance = scene.sky.radiance
    np.testing.assert_allclose(scene.sky.sun_direction, direction_of(60.0, 14.0))
    assert scene.sky.sun_irradiance.mean() == pytest.approx(np.pi, rel=0.1)
    assert np.median(radiance) < 0.005
    planet = radiance.max(axis=2) > 0.05
    assert 0.002 < planet.mean() < 0.15


def test_no_sun_shines_from_under_the_ground() -> None:
    below = BRIEF.__class__(name="a", intent="b", light=Light(sun_elevation_deg=-10.0))
    assert (sky(below, 1, 16).sun_irradiance == 0).all()
