import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environment.plates import random_plate

from translight.core.camera import Camera, View
from translight.core.errors import ReconstructionError
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.plate import laid
from translight.reconstruction.edit import placing
from translight.reconstruction.edit.pictures import drawn
from translight.render.cameras import look_at
from translight.render.reference import open_backend
from translight.render.scene import scene_of

numbers = st.floats(-5.0, 5.0)
vectors = st.tuples(numbers, numbers, numbers).map(np.array)


@settings(max_examples=60, deadline=None)
@given(vectors.filter(lambda v: np.linalg.norm(v) > 1e-3))
def test_up_becomes_up_by_the_least_turn(up):
    move = placing.upright(up)
    up = up / np.linalg.norm(up)
    assert np.allclose(move.apply(up), (0, 0, 1), atol=1e-9)
    angle = np.arccos(np.clip((np.trace(move.pose.rotation()) - 1) / 2, -1, 1))
    assert np.isclose(angle, np.arccos(np.clip(up[2], -1, 1)), atol=1e-5)


def test_upside_down_keeps_left_and_right():
    move = placing.upright((0, 0, -2))
    assert np.allclose(move.apply((0, 0, -1)), (0, 0, 1))
    assert np.allclose(move.apply((1, 0, 0)), (1, 0, 0))


@settings(max_examples=60, deadline=None)
@given(vectors, vectors, vectors, st.sampled_from(["right", "forward"]))
def test_three_points_lie_on_the_floor(a, b, c, along):
    normal = np.cross(b - a, c - a)
    size = np.linalg.norm(b - a) * np.linalg.norm(c - a)
    if np.linalg.norm(normal) < 0.01 * size or abs(normal[2]) < 0.01 * np.linalg.norm(normal) or size < 1e-3:
        return
    move = placing.by_three_points(a, b, c, along)
    assert np.allclose(move.apply(a), 0, atol=1e-7)
    ahead = (1, 0, 0) if along == "right" else (0, 1, 0)
    assert np.allclose(move.apply(b), np.linalg.norm(b - a) * np.array(ahead), atol=1e-7)
    assert abs(move.apply(c)[2]) < 1e-7
    assert move.scale == 1.0
    # up stays the side that it was
    assert (move.apply(a + np.array([0, 0, 1])) - move.apply(a))[2] > 0


def test_points_that_tell_nothing_are_refused():
    with pytest.raises(ValueError, match=r"^the three points lie on one line"):
        placing.by_three_points((0, 0, 0), (1, 0, 0), (2, 0, 0), "right")
    with pytest.raises(ValueError, match=r"^the three points stand upright"):
        placing.by_three_points((0, 0, 0), (1, 0, 0), (0, 0, 1), "right")
    with pytest.raises(ValueError, match=r"^the line from A to B has no direction"):
        placing.by_three_points((1, 1, 1), (1, 1, 1), (0, 0, 1), "right")
    with pytest.raises(ValueError, match=r"^a scale is a finite number above 0, got 0$"):
        placing.scaled(0)


def test_heading_turns_to_the_left():
    assert np.allclose(placing.headed(90).apply((0, 1, 0)), (-1, 0, 0))


def _picture(environment, view):
    with open_backend() as renderer:
        return drawn(renderer, scene_of(environment), view)


def test_a_camera_that_moves_along_sees_the_same(cloud_of, placement_of, sky_of):
    environment = Environment("e", cloud_of(60, 3), placement_of(), sky_of(64))
    move = placing.headed(40) @ placing.scaled(1.5) @ placing.upright((0.3, 0.2, 1))
    view = View(look_at((0, -5, 1), (0, 0, 0)), Camera.from_fov(64, 48, horizontal_deg=70))
    stood = view.stage_from_camera
    along = View(move.pose @ Pose(stood.wxyz, stood.position_m * move.scale), view.camera, view.near_m * move.scale)
    placed = placing.placed_by(environment, move)
    assert placed.splats is environment.splats
    assert np.abs(_picture(placed, along) - _picture(environment, view)).max() < 0.01
    assert np.abs(_picture(placed, view) - _picture(environment, view)).max() > 0.1


def test_baking_changes_no_picture(cloud_of, placement_of, sky_of):
    environment = Environment("e", cloud_of(60, 3), placement_of(scale=2.0), sky_of(), metres_per_unit=3.0)
    baked = placing.baked(environment)
    view = View(look_at((0, -5, 1), (0, 0, 0)), Camera.from_fov(64, 48, horizontal_deg=70))
    assert np.abs(_picture(baked, view) - _picture(environment, view)).max() < 1e-4
    assert baked.stage_from_scene.scale == 1.0
    assert np.allclose(baked.stage_from_scene.apply((0, 0, 1)), (0, 1, 0))  # RDF's z is forward
    assert baked.metres_per_unit == 1.5
    assert np.allclose(
        baked.stage_from_scene.apply(baked.splats.means), environment.stage_from_scene.apply(environment.splats.means),
        atol=1e-5,
    )  # fmt: skip


def test_a_sky_is_untouched_where_nothing_turns(cloud_of, sky_of):
    environment = Environment("e", cloud_of(3), Similarity.identity(), sky_of())
    assert placing.placed_by(environment, placing.scaled(2.0)).sky is environment.sky


def test_plates_are_turned_with_their_sky(cloud_of):
    sky = np.linspace(0, 1, 8 * 16 * 3, dtype=np.float32).reshape(8, 16, 3)
    plate = random_plate(1, at=(14, 2))
    environment = Environment("e", cloud_of(1), Similarity.identity(), sky, plates=(plate,))
    turned = placing.placed_by(environment, placing.headed(90.0))  # to the left: a quarter of the columns
    assert turned.plates[0].left_px == 10
    (still, plates) = laid(sky, [plate]), laid(turned.sky, turned.plates)
    np.testing.assert_allclose(plates, np.roll(still, -4, axis=1), atol=1e-5)
    with pytest.raises(ReconstructionError, match=r"^'e' has plates: it is turned about the vertical alone$"):
        placing.placed_by(environment, placing.upright((0.1, 0.0, 1.0)))
