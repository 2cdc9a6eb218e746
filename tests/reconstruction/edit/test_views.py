import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.environment.environment import Environment
from translight.environment.procedural import demo_environment
from translight.reconstruction.edit.views import views_of
from translight.render.cameras import NamedView, look_at
from translight.render.scene import scene_of


def test_own_cameras_evenly_and_no_wider(cloud_of):
    camera = Camera.from_fov(800, 600, horizontal_deg=50)
    own = [NamedView(str(i), View(look_at((i, -5, 1), (0, 0, 0)), camera)) for i in range(11)]
    views = views_of(scene_of(Environment("e", cloud_of(5))), own, 6, 400)
    assert [view.stage_from_camera.position_m[0] for view in views] == [0, 2, 4, 6, 8, 10]
    assert {(view.camera.width_px, view.camera.height_px, view.camera.fx) for view in views} == {
        (400, 300, camera.fx / 2)
    }
    assert len(views_of(scene_of(Environment("e", cloud_of(5))), own, 99, 4000)) == 11


def test_around_a_thing_all_see_it(cloud_of):
    scene = scene_of(Environment("e", cloud_of(200)))
    views = views_of(scene, [], 8, 320)
    eyes = np.array([view.stage_from_camera.position_m for view in views])
    middle = scene.layers[0].stage_from_scene.apply(scene.layers[0].splats.means).mean(axis=0)
    assert np.ptp(np.linalg.norm(eyes - middle, axis=1)) < 0.5
    assert np.ptp(np.arctan2(*(eyes - middle)[:, :2].T)) > 5
    for view in views:
        pixel = view.camera.project(view.stage_from_camera.inverse().apply(middle))
        assert np.abs(pixel - (160, 90)).max() < 40


def test_in_the_midst_they_look_all_around_and_stand_apart():
    scene = scene_of(demo_environment(splats=20_000, sky_height_px=64))
    views = views_of(scene, [], 8, 160)
    eyes = np.array([view.stage_from_camera.position_m for view in views])
    assert np.allclose(np.hypot(eyes[:, 0], eyes[:, 1]), 1.0)
    ahead = np.array([view.stage_from_camera.rotation()[:, 2] for view in views])
    assert np.allclose(ahead.sum(axis=0), 0, atol=1e-9)


def test_no_views_is_an_error(cloud_of):
    with pytest.raises(ValueError, match=r"^an environment is judged from at least one view, got 0$"):
        views_of(scene_of(Environment("e", cloud_of(5))), [], 0, 320)
