"""Dunes: the angle of repose, gentle windward slopes across the wind, a level stage, and the seed's part."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.brief.brief import Block, Brief, Place
from translight.generation.procedural.families import dunes
from translight.generation.procedural.families.dunes import Sand, sand_colour, sand_sea
from translight.generation.procedural.families.repose import FAR_M, SLOPE, slip_faces
from translight.generation.procedural.scene import Sky

BRIEF = Brief(name="sea of sand", intent="dunes at dawn", blocking=(Block(name="rider", position_m=(1.0, 6.0)),))


@pytest.fixture(scope="module")
def sand() -> Sand:
    return sand_sea(BRIEF, 4, corners=257)


def plain_sky(brief: Brief, seed: int, height_px: int) -> Sky:
    """What the ground's tests need of a sky."""
    grey = np.full((height_px, 2 * height_px, 3), 0.2, np.float32)
    return Sky(grey, np.array([0.0, 0.6, 0.8]), np.full(3, 2.0))


def _grid(half_m: float, n: int) -> tuple[np.ndarray, np.ndarray, float]:
    axis = np.linspace(-half_m, half_m, n)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return x, y, axis[1] - axis[0]


def test_a_step_slides_to_a_plane_at_the_angle_of_repose() -> None:
    """A wall of 5 m along x = 0.37: what is left of it is the plane 0 + (0.37 − x)·tan(33°), up to the top."""
    faces = slip_faces(lambda x, y: np.where(x < 0.37, 5.0, 0.0), 16.0, 65)
    x, y, _ = _grid(12.0, 41)
    left = np.minimum(np.where(x < 0.37, 5.0, 0.0), faces.at(x.ravel(), y.ravel()).reshape(x.shape))
    truth = np.minimum(np.where(x < 0.37, 5.0, 0.0), np.maximum((0.37 - x) * SLOPE, 0.0))
    np.testing.assert_allclose(left, truth, atol=0.13)  # a third of a cell's rise, where the spline meets the foot
    np.testing.assert_allclose(left[:, x[0] < -1.5], truth[:, x[0] < -1.5], atol=0.01)


def test_faces_round_a_mound_and_none_where_all_is_gentle() -> None:
    round_ = slip_faces(lambda x, y: np.where(np.hypot(x, y) < 6.0, 10.0, 0.0), 16.0, 129)
    turn = np.linspace(0, 2 * np.pi, 50)
    np.testing.assert_allclose(round_.at(3 * np.cos(turn), 3 * np.sin(turn)), 3 * SLOPE, atol=0.12)
    gentle = slip_faces(lambda x, y: 0.1 * x, 16.0, 33)
    assert gentle.height_m.min() == FAR_M


def test_faces_come_in_from_beyond_a_smaller_square() -> None:
    def cliff(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x < 5.0, 30.0, 0.0)

    outer = slip_faces(cliff, 32.0, 129)
    inner = slip_faces(cliff, 4.0, 65, outer)
    np.testing.assert_allclose(inner.at(np.array([-2.0, 0.0, 2.0]), np.zeros(3)), np.array([7, 5, 3]) * SLOPE, atol=0.2)


@pytest.mark.parametrize(("half_m", "n"), [(60.0, 481), (400.0, 401)])
def test_no_slope_exceeds_the_angle_of_repose(sand: Sand, half_m: float, n: int) -> None:
    x, y, cell = _grid(half_m, n)
    z = sand.height(x.ravel(), y.ravel(), cell).reshape(x.shape)
    across, along = np.gradient(z, cell)
    slope_deg = np.degrees(np.arctan(np.hypot(across, along)))
    assert np.quantile(slope_deg, 0.9995) < 36.0
    assert slope_deg.max() < 40.0
    assert 4.0 < np.median(slope_deg) < 15.0  # windward
    if half_m > 100:
        steep = slope_deg > 31.0
        assert 0.02 < steep.mean() < 0.3
        # slip faces look down the wind
        to = np.radians(BRIEF.place.wind_from_deg + 180.0)
        assert np.mean(along[steep] * np.sin(to) + across[steep] * np.cos(to) < 0) > 0.9


def test_the_stage_and_blocking_stand_on_level_ground(sand: Sand) -> None:
    x, y, _ = _grid(1.5, 31)
    assert np.abs(sand.height(x.ravel(), y.ravel(), 0.02)).max() < 0.03
    assert np.abs(sand.height(1.0 + 0.2 * x.ravel(), 6.0 + 0.13 * y.ravel(), 0.02)).max() < 0.03


def test_the_same_heights_whatever_the_detail(sand: Sand) -> None:
    x, y = np.random.default_rng(2).uniform(-300, 300, (2, 4000))
    off = np.abs(sand.height(x, y, 1.0) - sand.height(x, y, 0.01))
    assert np.median(off) < 0.02
    assert np.quantile(off, 0.99) < 0.3


def test_seed_and_wind_change_the_dunes_and_words_their_colour(sand: Sand) -> None:
    x, y = np.random.default_rng(3).uniform(-300, 300, (2, 2000))
    laid = sand.laid(x, y, 1.0)
    again = sand_sea(BRIEF, 4, corners=9)
    np.testing.assert_array_equal(again.laid(x, y, 1.0), laid)
    other = sand_sea(BRIEF, 5, corners=9)
    assert abs(np.corrcoef(other.laid(x, y, 1.0), laid)[0, 1]) < 0.5
    turned = sand_sea(Brief(name="a", intent="b", place=Place(wind_from_deg=30.0)), 4, corners=9)
    assert turned.trains[0].to_rad - sand.trains[0].to_rad == pytest.approx(np.radians(-270.0))
    red, white = (sand_colour(Brief(name="a", intent=words), 1) for words in ("red dunes", "white gypsum"))
    assert red[0] / red[2] > 3 > 1.5 > white[0] / white[2]


@pytest.mark.parametrize("words", ["tired riders on dunes", "a crusted marshy pan", "impaled banners"])
def test_parts_of_words_colour_no_sand(words: str) -> None:
    plain, said = (sand_colour(Brief(name="a", intent=text), 1) for text in ("dunes", words))
    np.testing.assert_array_equal(said, plain)


@pytest.mark.parametrize("words", ["Red.", "on Mars", "rusty sand"])
def test_a_word_colours_sand_wherever_it_stands(words: str) -> None:
    red, said = (sand_colour(Brief(name="a", intent=text), 1) for text in ("red dunes", words))
    np.testing.assert_array_equal(said, red)


def test_a_scene_has_ripples_before_the_eye_and_walls_of_the_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dunes, "CORNERS", 33)
    monkeypatch.setattr(dunes, "sky_for", plain_sky)
    brief = Brief(
        name="a", intent="b", blocking=(Block(name="ruin", kind="wall", size_m=(4, 1, 3), position_m=(0, 9)),)
    )
    scene = dunes.build(brief, 1, 64)
    assert scene.land is not None
    finest = scene.land.grids[0]
    middle = len(finest.height_m) // 2
    assert scene.materials[finest.material[middle, middle]].pattern.name == "RIPPLES"
    assert scene.placed[-1].mesh.vertices.max(axis=0).tolist() == [2.0, 9.5, 3.0]
    assert all(grid.material.max() < len(scene.materials) for grid in scene.land.grids)
    assert scene.land.grids[-1].height_m.max() > 100  # ranges
