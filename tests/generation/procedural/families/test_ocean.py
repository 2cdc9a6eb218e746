"""The ocean's shores: what words choose, dry ground for the stage, water where it should be, planks under feet."""

from __future__ import annotations

import numpy as np
import pytest
from tests.generation.procedural.families.test_dunes import plain_sky

from translight.generation.brief.brief import Block, Brief, Place
from translight.generation.procedural.families import ocean
from translight.generation.procedural.families.coast import TIMBER, TURF, WET, Shore, free_box, shore_of
from translight.generation.procedural.families.ground import Patch
from translight.generation.procedural.families.ocean import pier, sea_and_coast
from translight.generation.procedural.families.waves import whitecap_share


def _brief(words: str, wind_m_s: float = 6.0) -> Brief:
    return Brief(name="sea", intent=words, place=Place(wind_m_s=wind_m_s),
                 blocking=(Block(name="swimmer", position_m=(2.0, 5.0)),))  # fmt: skip


@pytest.mark.parametrize(
    ("words", "shore"),
    [("A foggy harbour at dawn", "pier"), ("a beach under palms", "beach"), ("the open sea", "rocks"),
     ("sand below an old pier", "pier"), ("cliffs", "rocks"),
     ("a thousand miles of sea", "rocks"), ("sailors decked-out in white", "rocks"), ("pierced rock", "rocks"),
     ("two old jetties", "pier"), ("sandy shore", "beach")],
)  # fmt: skip
def test_words_choose_the_shore(words: str, shore: Shore) -> None:
    assert shore_of(_brief(words)) == shore


@pytest.mark.parametrize("shore", ["beach", "rocks"])
@pytest.mark.parametrize("wind_m_s", [2.0, 14.0])
def test_the_stage_is_level_and_dry_and_the_sea_lies_before_it(shore: str, wind_m_s: float) -> None:
    coast, water = sea_and_coast(_brief(shore, wind_m_s), 4)
    x, y = np.random.default_rng(1).uniform(-1.5, 1.5, (2, 1000))
    assert np.abs(coast.height(x, y, 0.02)).max() < 0.03
    assert np.abs(coast.height(2 + 0.2 * x, 5 + 0.13 * y, 0.02)).max() < 0.03
    # crests of three standard deviations stay below the floor
    assert water.level_m + 3 * np.sqrt(0.5 * np.sum(water.waves[:, 0] ** 2)) < 0.1
    out = np.linspace(60, 140, 200)
    sea = coast.height(out * np.sin(coast.seaward_rad), out * np.cos(coast.seaward_rad), 0.5)
    assert np.mean(sea < water.level_m - 0.5) > 0.8
    assert np.mean(coast.height(-out * np.sin(coast.seaward_rad), -out * np.cos(coast.seaward_rad), 0.5) > -0.5) > 0.8


def test_a_pier_carries_the_stage_over_water() -> None:
    brief = _brief("pier")
    coast, water = sea_and_coast(brief, 4)
    mesh = pier(brief, water.level_m)
    low, high = free_box(brief)
    deck = mesh.vertices[mesh.vertices[:, 2] > -0.01]
    assert deck[:, 2].max() <= 0.0
    assert deck[:, 0].min() < low[0] - 0.3
    assert deck[:, 0].max() > high[0] + 0.3
    assert deck[:, 1].max() > high[1] + 0.3
    assert (mesh.material == TIMBER).all()
    assert coast.height(np.zeros(1), np.zeros(1), 0.1)[0] < water.level_m - 0.5
    assert coast.height(np.zeros(1), np.array([-45.0]), 0.1)[0] > water.level_m  # the landward end stands on the beach


def test_sand_is_wet_and_dark_by_the_water_and_grass_grows_inland() -> None:
    coast, water = sea_and_coast(_brief("beach"), 4)
    s, c = np.sin(coast.seaward_rad), np.cos(coast.seaward_rad)
    along = np.linspace(-20, 20, 300)

    def seen(out_m: float, above_m: float) -> tuple[np.ndarray, np.ndarray]:
        flat = np.zeros(300)
        x, y = out_m * s + along * c, out_m * c - along * s
        return coast.painted(Patch(x, y, np.full(300, water.level_m + above_m), flat, flat, 0.1))

    wet, wet_of = seen(coast.shoreline_m, 0.05)
    dry, _ = seen(0.0, 1.2)
    _, inland_of = seen(-70.0, 4.0)
    assert wet.mean() < 0.6 * dry.mean()
    assert (wet_of == WET).mean() > 0.9
    assert (inland_of == TURF).mean() > 0.5


def test_a_scene_is_whole_and_wind_raises_the_sea(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocean, "sky_for", plain_sky)
    scene = ocean.build(_brief("rocks"), 2, 64)
    assert scene.water is not None
    assert scene.land is not None
    assert scene.water.foam == whitecap_share(6.0)
    assert all(grid.material.max() < len(scene.materials) for grid in scene.land.grids)
    calm, rough = (sea_and_coast(_brief("rocks", wind), 2)[1] for wind in (3.0, 15.0))
    assert np.sum(rough.waves[:, 0] ** 2) > 4 * np.sum(calm.waves[:, 0] ** 2)
    assert rough.level_m < calm.level_m
    again = ocean.build(_brief("rocks"), 2, 64)
    assert again.land is not None
    for one, two in zip(scene.land.grids, again.land.grids, strict=True):
        np.testing.assert_array_equal(one.height_m, two.height_m)
        np.testing.assert_array_equal(one.colour, two.colour)
