import numpy as np
from tests.reconstruction.nerf import room

from translight.core.pose import angle_between
from translight.reconstruction.dataset import HELD_OUT_EVERY
from translight.reconstruction.nerf.views import baking_views, photograph_views


def test_photographs_are_seen_as_they_were_taken(tmp_path):
    dataset = room.dataset(tmp_path, 3)
    views = photograph_views(dataset.images, 32)
    assert [view.name for view in views] == ["photo_000", "photo_001", "photo_002"]
    assert views[1].camera == dataset.images[1].camera.resized(32, 24)
    assert views[1].scene_from_camera is dataset.images[1].scene_from_camera
    assert photograph_views(dataset.images, 1000)[0].camera == dataset.images[0].camera


def test_every_training_camera_bakes_and_what_measures_is_between(tmp_path):
    dataset = room.dataset(tmp_path, 10)
    training, held_out = dataset.split()
    views = baking_views(dataset, 64, 16)
    assert [view.name for view in views] == sorted(view.name for view in views)
    assert len(views) == 16
    own = [image.scene_from_camera for image in training]
    measuring = views[::HELD_OUT_EVERY]
    assert not any(view.scene_from_camera is pose for view in measuring for pose in own)
    assert sum(any(view.scene_from_camera is pose for pose in own) for view in views) == len(training)
    taken_away = [image.scene_from_camera for image in held_out]
    assert not any(view.scene_from_camera is pose for view in views for pose in taken_away)
    assert len(baking_views(dataset, 64, 1)) == 10  # all eight, and those that measure
    assert [view.wanted for view in views] == [True] * 9 + [False] * 7


def test_new_cameras_stand_near_the_photographs_and_look_where_they_did(tmp_path):
    dataset = room.dataset(tmp_path, 12)
    centres, step = dataset.centres(), np.linalg.norm(np.diff(dataset.centres(), axis=0), axis=1).max()
    for view in baking_views(dataset, 64, 40, seed=3):
        away = np.linalg.norm(centres - view.scene_from_camera.position_m, axis=1)
        nearest = dataset.images[int(np.argmin(away))].scene_from_camera
        assert away.min() < 2 * step
        assert np.degrees(angle_between(nearest, view.scene_from_camera)) < 60


def test_the_same_seed_gives_the_same_views(tmp_path):
    dataset = room.dataset(tmp_path, 5)
    first, second, other = (baking_views(dataset, 64, 12, seed) for seed in (1, 1, 2))

    def places(views):
        return np.array([view.scene_from_camera.position_m for view in views])

    assert np.array_equal(places(first), places(second))
    assert not np.array_equal(places(first), places(other))


def test_one_photograph_alone_is_looked_around(tmp_path):
    views = baking_views(room.dataset(tmp_path, 1), 64, 3)
    assert len(views) == 3
