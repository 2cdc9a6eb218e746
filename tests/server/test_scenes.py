"""From the environments of a show to scenes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import ShowError
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.render.clip import kept
from translight.server.places import Crop, EnvironmentPlace
from translight.server.scenes import Scenery
from translight.splats.cloud import SplatCloud
from translight.splats.files import save


def _cloud(seed: int, n: int = 300) -> SplatCloud:
    rng = np.random.default_rng(seed)
    return SplatCloud(
        means=rng.normal(0, 2, (n, 3)).astype(np.float32),
        scales=np.full((n, 3), 0.1, np.float32),
        wxyz=np.tile(np.array([[1, 0, 0, 0]], np.float32), (n, 1)),
        opacities=np.full(n, 0.9, np.float32),
        sh=rng.normal(size=(n, 1, 3)).astype(np.float32),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "one.ply", _cloud(0))
    save_environment(Environment("sky", _cloud(1), sky=np.full((8, 16, 3), 0.5, np.float32)), tmp_path / "sky.tlenv")
    save_environment(Environment("linear", _cloud(2), encoding="linear"), tmp_path / "linear.tlenv")
    return tmp_path


def test_one_file_is_opened_once_however_it_is_placed_and_lit(folder: Path) -> None:
    scenery = Scenery(folder)
    day = scenery.scene(EnvironmentPlace("sky.tlenv"))
    night = scenery.scene(EnvironmentPlace("sky.tlenv", (1, 2, 3), heading_deg=90, scale=2, tint=(0.1, 0.1, 0.3)))
    assert night.layers[0].splats is day.layers[0].splats
    assert night.sky is day.sky
    assert (night.layers[0].tint, night.sky_tint) == ((0.1, 0.1, 0.3), (0.1, 0.1, 0.3))
    assert night.layers[0].stage_from_scene.scale == 2
    np.testing.assert_allclose(night.layers[0].stage_from_scene.pose.position_m, [1, 2, 3])
    day_levels, night_levels = (scenery.detailed(scene, 2, lambda _: None) for scene in (day, night))
    assert [scene.count for scene in day_levels] == [300, 75]
    assert day_levels[1].layers[0].splats is night_levels[1].layers[0].splats
    assert night_levels[1].layers[0].tint == night.layers[0].tint


def test_layers_are_drawn_among_one_another_under_the_first_sky_there_is(folder: Path) -> None:
    layer = EnvironmentPlace("sky.tlenv", tint=(0.5, 0.5, 0.5))
    scene = Scenery(folder).scene(EnvironmentPlace("one.ply", layers=(layer, EnvironmentPlace("one.ply", (9, 0, 0)))))
    assert [len(layer.splats) for layer in scene.layers] == [300, 300, 300]
    assert scene.layers[0].splats is scene.layers[2].splats
    assert scene.sky is not None
    assert scene.sky_tint == (0.5, 0.5, 0.5)
    assert scene.layers[0].tint == (1, 1, 1)


def test_crops_are_boxes_on_the_stage_that_move_with_nothing(folder: Path) -> None:
    """Whatever the environment's own placement, the box is where the show file puts it."""
    place = EnvironmentPlace("one.ply", (0.5, 3, 1), heading_deg=40, scale=0.7)
    crops = Crop((0, 3, 1), (2, 3, 2), 90, inside=True), Crop((0, 3, 1), (1, 1, 1), 0, inside=False)
    (layer,) = Scenery(folder).scene(replace(place, crops=crops)).layers
    points = layer.splats.means.astype(np.float64)
    stage = layer.stage_from_scene.apply(points) - [0, 3, 1]
    # Turned by 90°, 2 × 3 × 2 m along X, Y, Z is 3 × 2 × 2.
    wanted = (np.abs(stage) <= [1.5, 1, 1]).all(axis=1) & ~(np.abs(stage) <= 0.5).all(axis=1)
    assert 5 < wanted.sum() < 200
    np.testing.assert_array_equal(kept(points, layer.clips), wanted)


def test_what_cannot_be_shown_is_one_line(folder: Path) -> None:
    with pytest.raises(ShowError) as caught:
        Scenery(folder).scene(EnvironmentPlace("none.ply"), "cues[night].environment")
    assert str(caught.value) == f"cues[night].environment.path: there is no {folder / 'none.ply'}"
    layered = EnvironmentPlace("one.ply", layers=(EnvironmentPlace("linear.tlenv"),))
    with pytest.raises(ShowError) as caught:
        Scenery(folder).scene(layered)
    assert str(caught.value) == (
        "environment.layers[0].path: linear.tlenv has linear colours, one.ply srgb: they cannot be blended"
    )
