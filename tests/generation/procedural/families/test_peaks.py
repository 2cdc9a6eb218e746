"""Snow peaks: carved mountains of the right size, snow only where the rule says, a level stage."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.brief.brief import Block, Brief, Place
from translight.generation.procedural.families.erosion import TALUS, carved
from translight.generation.procedural.families.ground import Patch
from translight.generation.procedural.families.peaks import SCREE, SNOW, Massif, massif, painted, snow_limit
from translight.generation.procedural.families.surface import Surface

BRIEF = Brief(name="pass", intent="snow peaks", place=Place(wind_from_deg=270.0, wind_m_s=12.0),
              blocking=(Block(name="climber", position_m=(-1.0, 5.0)),))  # fmt: skip


@pytest.fixture(scope="module")
def mountains() -> Massif:
    return massif(BRIEF, 3, corners=128)


def _patch(slope_x: np.ndarray, slope_y: np.ndarray, cell_m: float = 1.0, x_m: float = 3000.0) -> Patch:
    n = len(slope_x)
    x = np.full(n, x_m) + np.linspace(0, 900, n)
    return Patch(x, x, np.full(n, 700.0), slope_x, slope_y, cell_m)


def test_a_cubic_spline_keeps_planes_and_never_overshoots() -> None:
    axis = np.linspace(-10, 10, 21)
    plane = Surface((0.3 * axis[None, :] - 0.2 * axis[:, None] + 1).astype(np.float32), 10.0)
    x, y = np.random.default_rng(1).uniform(-8, 8, (2, 500))
    np.testing.assert_allclose(plane.at(x, y), 0.3 * x - 0.2 * y + 1, atol=1e-5)
    step = Surface(np.where(axis[None, :] > 0, 5.0, 0.0).repeat(21, axis=0).astype(np.float32), 10.0)
    line = step.at(np.linspace(-30, 30, 400), np.zeros(400))
    assert line.min() == 0.0
    assert line.max() == pytest.approx(5.0)
    assert (np.diff(line) >= -1e-9).all()


def test_rivers_run_down_to_the_border_and_no_slope_is_past_the_talus() -> None:
    surface = carved(lambda x, y: np.full(len(x), 5e-4), 8000.0, 64, 1)
    z = surface.height_m
    assert np.abs(np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])).max() == 0.0
    assert 300 < z.max() < 6000
    around = np.stack([np.roll(z, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j])
    run = np.array([np.hypot(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j])[:, None, None] * surface.cell_m
    inside = np.s_[1:-1, 1:-1]
    # every cell has a way down, but for what sediment has yet to fill
    assert np.mean((around.min(axis=0) < z)[inside]) > 0.99
    steepest = ((z - around) / run).max(axis=0)[inside]
    assert np.quantile(steepest, 0.98) <= TALUS * 1.001 + 0.02


def test_peaks_are_as_high_as_peaks_and_the_seed_moves_them(mountains: Massif) -> None:
    turn, away = np.meshgrid(np.linspace(0, 2 * np.pi, 90), np.linspace(3000, 15_000, 120))
    z = mountains.height((away * np.sin(turn)).ravel(), (away * np.cos(turn)).ravel(), 100.0).reshape(turn.shape)
    assert 1400 < z.max() < 3300
    skyline_deg = np.degrees(np.arctan2(z, away)).max(axis=0)
    assert 5 < np.median(skyline_deg) < 30
    assert np.ptp(skyline_deg) > 6
    np.testing.assert_array_equal(
        massif(BRIEF, 3, corners=32).carved.height_m, massif(BRIEF, 3, corners=32).carved.height_m
    )
    assert not np.allclose(massif(BRIEF, 4, corners=32).carved.height_m, massif(BRIEF, 3, corners=32).carved.height_m)


def test_the_stage_is_level_among_sastrugi(mountains: Massif) -> None:
    x, y = np.random.default_rng(5).uniform(-1.5, 1.5, (2, 2000))
    assert np.abs(mountains.height(x, y, 0.02)).max() < 0.03
    assert np.abs(mountains.height(-1 + 0.2 * x, 5 + 0.13 * y, 0.02)).max() < 0.03
    x, y = 40 + 8 * x, 40 + 8 * y
    assert 0.01 < np.std(mountains.sastrugi(x, y, 0.02)) < 0.1


def test_snow_lies_where_it_holds_and_nowhere_else(mountains: Massif) -> None:
    slope = np.tan(np.radians(np.linspace(0, 80, 400)))
    colour, material = painted(_patch(np.zeros(400), slope), mountains)
    white = colour.min(axis=1) > 0.7
    deg = np.degrees(np.arctan(slope))
    assert white[deg < 28].mean() > 0.9
    assert not white[deg > 62].any()
    assert (material[white] != SCREE).all()
    assert (material[deg < 20] == SNOW).mean() > 0.9


def test_wind_strips_its_side_and_snowfall_lets_more_lie() -> None:
    steep = np.full(1, 0.8)
    level = np.zeros(1)
    # the wind comes from −X: ground that falls towards −X (rises with x) faces it
    windward, lee = snow_limit(_patch(steep, level), BRIEF), snow_limit(_patch(-steep, level), BRIEF)
    assert windward[0] < 0.9 < 1.1 < lee[0]
    snowing = Brief(name="a", intent="b", place=Place(weather="snow", wind_from_deg=270.0, wind_m_s=12.0))
    assert snow_limit(_patch(steep, level), snowing)[0] > windward[0]
    coarse = snow_limit(_patch(steep, level, cell_m=32.0), BRIEF)
    assert coarse[0] < windward[0]
