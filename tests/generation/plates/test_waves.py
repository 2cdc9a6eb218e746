"""The sea's loop against the physics of deep water, and the splats that make room for it."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from translight.core.errors import GenerationError
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.generation.brief.brief import Brief
from translight.generation.brief.read import read_brief
from translight.generation.plates.waves import Waves, speed_error, turned, waves, whole_turns, without_sea
from translight.generation.plates.window import Window
from translight.generation.procedural.families.ground import exposure
from translight.generation.procedural.families.ocean import sea_and_coast
from translight.generation.procedural.scene import Material, Scene, Water
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.trace import Panorama, draw
from translight.splats.cloud import SplatCloud

BRIEFS = Path(__file__).parents[3] / "docs" / "briefs"


@pytest.fixture(scope="module")
def brief() -> Brief:
    return read_brief(BRIEFS / "ocean.toml")


@pytest.fixture(scope="module")
def made(brief: Brief) -> Waves:
    return waves(brief, 11, 256, Window(-20, 20, -20, 0), 24, 6.0, 10.0)


def height(water: Water, x: float, y: float) -> float:
    amplitude, kx, ky, phase = water.waves.T
    return float(np.sum(amplitude * np.sin(kx * x + ky * y + phase)))


def test_a_wave_runs_its_way_at_the_speed_of_deep_water() -> None:
    """A wave of 10 s is 156.1 m long and runs at 15.6 m/s; in a loop of 20 s nothing is rounded."""
    k = (2 * np.pi / 10) ** 2 / 9.81
    water = Water(0.0, np.array([[1.0, 0.6 * k, 0.8 * k, 0.3]]), 1.0, (0, 0, 0), (1, 1, 1))
    assert whole_turns(water, 20.0) == 2
    later = turned(water, 3.0, 20.0)
    gone_m = 3.0 * 9.81 * 10 / (2 * np.pi)
    for x, y in ((0.0, 0.0), (7.0, -30.0)):
        assert height(later, x + 0.6 * gone_m, y + 0.8 * gone_m) == pytest.approx(height(water, x, y), abs=1e-9)


def test_after_the_loop_the_sea_is_the_first_again_and_not_before(made: Waves) -> None:
    again, half = turned(made.water, 6.0, 6.0), turned(made.water, 3.0, 6.0)
    for x, y in ((3.0, 20.0), (-50.0, 200.0)):
        assert height(again, x, y) == pytest.approx(height(made.water, x, y), abs=1e-9)
        assert abs(height(half, x, y) - height(made.water, x, y)) > 0.01
    assert 0.0 < speed_error(made.water, 60.0) < speed_error(made.water, 6.0) / 5 < 0.1


@pytest.mark.slow
def test_the_sea_is_drawn_where_its_texels_look(brief: Brief, made: Waves) -> None:
    """Against trace.py's own panorama of the same sea."""
    _, water = sea_and_coast(brief, 11)
    scene = Scene(sky_for(brief, 11, 256), made.eye_m, (Material((1, 1, 1), (1, 1, 1)),), water=water,
                  air=air_for(brief), exposure=exposure(brief))  # fmt: skip
    whole = draw(scene, Panorama(256, made.eye_m), samples=16, seed=3).image
    there = whole[made.area.rows][:, made.area.columns(512)]
    ours = made.frame(0)
    assert ours.shape == there.shape
    np.testing.assert_allclose(ours.mean(axis=(0, 1)), there.mean(axis=(0, 1)), rtol=0.04)
    # glints differ from sample to sample, so bands are compared, from the horizon down
    bands = [picture.reshape(6, -1, picture.shape[1], 3).mean(axis=(1, 2, 3)) for picture in (ours, there)]
    np.testing.assert_allclose(bands[0], bands[1], rtol=0.06)
    # from two metres lower the same sea comes to about 0.5
    near = [picture[12:].mean(axis=-1) for picture in (ours, there)]
    assert np.corrcoef(near[0].ravel(), near[1].ravel())[0, 1] > 0.7
    assert bands[0][0] > 1.5 * bands[0][-1]
    assert np.abs(made.frame(12) - ours).mean() > 0.02 * ours.mean()


def environment_at(points: np.ndarray) -> Environment:
    """Splats at stage positions."""
    stage_from_scene = Similarity(1.0, STAGE_FROM_RDF)
    means = (points - stage_from_scene.pose.position_m) @ stage_from_scene.pose.rotation()
    n = len(points)
    cloud = SplatCloud(
        means.astype(np.float32),
        np.full((n, 3), 0.1, np.float32),
        np.tile(np.array([[1, 0, 0, 0]], np.float32), (n, 1)),
        np.full(n, 0.8, np.float32),
        np.zeros((n, 1, 3), np.float32),
    )
    return Environment("Sea", cloud, stage_from_scene)


def test_the_far_seas_splats_make_room_and_no_others(made: Waves) -> None:
    level = made.water.level_m
    points = np.array(
        [
            (0.0, 60.0, level),  # the far sea: gone
            (9.0, 3000.0, level + 15.0),  # at the horizon, within a texel: gone
            (0.0, 5.0, level),  # near: stays
            (0.0, 60.0, level + 9.0),  # a ship's mast: stays
            (-90.0, 60.0, level),  # beside the window: stays
            (0.0, -60.0, level),  # behind: stays
            (60.0 * np.tan(np.radians(19.3)), 60.0, level),  # at the window's edge: fainter
        ]
    )
    cleared, gone = without_sea(environment_at(points), made)
    assert gone == 2
    np.testing.assert_allclose(cleared.splats.opacities[:4], 0.8, atol=1e-6)
    assert 0.1 < cleared.splats.opacities[4] < 0.7
    with pytest.raises(GenerationError) as caught:
        without_sea(environment_at(points[2:6]), made)
    assert str(caught.value) == "Sea: has no splats of this sea there: is it of this candidate?"


def test_what_is_no_sea(brief: Brief) -> None:
    desert = replace(brief, place=replace(brief.place, family="dunes"))
    for given, window, said in (
        (desert, Window(-40, 40, -20, 0), "waves are an ocean's: the brief's family is dunes"),
        (brief, Window(-80, 80, -20, 0), "waves are drawn up to 120° wide: the window is wider"),
        (
            brief,
            Window(-40, 40, -20, 0),
            "the window is 28x1 texels of a sky 128 wide: make it larger, or the sky finer",
        ),
    ):
        with pytest.raises(GenerationError) as caught:
            waves(given, 11, 64, window, 24, 6.0, 100.0)
        assert str(caught.value) == said
