from itertools import pairwise

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.environment.files import load_environment
from translight.reconstruction.edit.motion import taken
from translight.reconstruction.edit.pictures import drawn, mean_psnr_db
from translight.reconstruction.edit.pruning import Goal, expected_loss_db, pruned
from translight.reconstruction.edit.views import views_of
from translight.reconstruction.evaluate.metrics import BEST_PSNR_DB
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.contract import Scene
from translight.render.scene import scene_of
from translight.splats.cloud import SplatCloud
from translight.splats.motion import joined

EYES = [(4 * np.sin(a), -4 * np.cos(a), 1.0) for a in np.arange(4) * np.pi / 2]
VIEWS = [View(look_at(eye, (0, 0, 0)), Camera.from_fov(96, 64, horizontal_deg=50)) for eye in EYES]


@pytest.fixture(scope="module")
def renderer():
    with open_renderer() as opened:
        yield opened


def test_down_to_a_number_each_step_measured(cloud_of, renderer):
    scene = Scene.of(cloud_of(600, 1))
    cloud, steps = pruned(scene, VIEWS[::2], VIEWS[1::2], renderer, Goal(splats=250, step=0.3))
    assert [step.splats for step in steps] == [600, 420, 294, 250]
    assert len(cloud) == 250
    assert all(a.psnr_db > b.psnr_db for a, b in pairwise(steps))
    truths = [drawn(renderer, scene, view) for view in VIEWS[1::2]]
    again = mean_psnr_db(renderer, scene.with_clouds([cloud]), VIEWS[1::2], truths)
    assert again == steps[-1].psnr_db
    # a part of the cloud, in its order
    rows = [int(np.flatnonzero((scene.layers[0].splats.means == mean).all(axis=1))[0]) for mean in cloud.means]
    assert rows == sorted(rows)


def test_it_stops_before_a_least_psnr(cloud_of, renderer):
    scene = Scene.of(cloud_of(400))
    cloud, steps = pruned(scene, VIEWS[::2], VIEWS[1::2], renderer, Goal(psnr_db=30, step=0.4))
    assert steps[-1].psnr_db >= 30
    assert len(cloud) == steps[-1].splats < 400
    harder, _ = pruned(scene, VIEWS[::2], VIEWS[1::2], renderer, Goal(psnr_db=40, step=0.4))
    assert len(harder) > len(cloud)


def test_it_stops_before_db_are_lost(cloud_of, renderer):
    goal = Goal(db_lost=0.5, quality_db=24, step=0.4)
    _, steps = pruned(Scene.of(cloud_of(400)), VIEWS[::2], VIEWS[1::2], renderer, goal)
    assert 0 < steps[-1].db_lost <= 0.5
    assert all(step.db_lost == expected_loss_db(24, step.psnr_db) for step in steps)


def test_what_is_hidden_goes_first_and_costs_nothing(cloud_of, renderer):
    shell = cloud_of(2000, extent=1.0, size=0.2)
    shell.means[:] /= np.linalg.norm(shell.means, axis=1, keepdims=True)
    shell.opacities[:] = 0.98
    inside = cloud_of(1000, seed=8, extent=0.2, size=0.01)
    scene = Scene.of(joined([shell, inside]))
    _, steps = pruned(scene, VIEWS[::2], VIEWS[1::2], renderer, Goal(splats=2000, step=0.34))
    assert steps[-1].splats == 2000
    assert steps[-1].psnr_db > 50


def test_squared_errors_add():
    assert expected_loss_db(30, BEST_PSNR_DB) < 1e-6
    assert np.isclose(expected_loss_db(30, 30), 10 * np.log10(2))
    rng = np.random.default_rng(0)
    truth, error, change = rng.normal(size=(3, 200_000)) * np.array([[1], [0.03], [0.02]])
    psnr = [-10 * np.log10(np.mean(e**2)) for e in (error, change, error + change)]
    assert truth.size
    assert np.isclose(psnr[0] - psnr[2], expected_loss_db(psnr[0], psnr[1]), atol=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "pruning wants to know when to stop: a number of splats, dB lost, or a least PSNR"),
        ({"splats": 0}, "at least 1 splat is left, got 0"),
        ({"splats": 5, "step": 1.0}, "a step is a share of the splats between 0 and 1, got 1"),
        ({"db_lost": 0}, "the dB that may be lost are above 0, got 0"),
        ({"psnr_db": 200}, "the least PSNR is between 0 and 100 dB, got 200"),
        ({"db_lost": 1, "quality_db": -1}, "the quality to lose from is between 0 and 100 dB, got -1"),
        ({"db_lost": float("nan")}, "the dB that may be lost are above 0, got nan"),
    ],
)
def test_goals_that_are_none(arguments, message):
    with pytest.raises(ValueError) as caught:
        Goal(**arguments)
    assert str(caught.value) == message


@pytest.mark.slow
def test_a_capture_loses_less_than_by_opacity_or_size(capture, renderer):
    scene = scene_of(load_environment(capture("plant_114k.splat")))
    cloud = scene.layers[0].splats
    views = views_of(scene, [], 12, 256)
    _, steps = pruned(scene, views[::2], views[1::2], renderer, Goal(splats=len(cloud) // 2, step=0.25))
    truths = [drawn(renderer, scene, view) for view in views[1::2]]
    area = np.sort(cloud.scales, axis=1)[:, 1:].prod(axis=1)
    for worth in (cloud.opacities, cloud.opacities * area):
        best: SplatCloud = taken(cloud, np.argsort(-worth)[: len(cloud) // 2])
        other = mean_psnr_db(renderer, scene.with_clouds([best]), views[1::2], truths)
        assert steps[-1].psnr_db > other + 5
