from dataclasses import replace

import numpy as np
import pytest
from tests.reconstruction.nerf import room

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.reconstruction.nerf.bake import bake, far_from, surface_pixels, unprojected
from translight.reconstruction.nerf.run import NerfPicture
from translight.reconstruction.nerf.views import NerfView
from translight.render.backends import open_renderer
from translight.render.contract import Scene

CAMERA = Camera.from_fov(96, 72, horizontal_deg=75)


def views(count, camera=CAMERA):
    return [NerfView(f"v{k:02}", camera, pose) for k, pose in enumerate(room.poses(count))]


@pytest.fixture(scope="module")
def pictures():
    return [room.picture(view) for view in views(10)]


def test_pixels_lie_on_the_surfaces_with_their_normals(pictures):
    points = unprojected(pictures[3], np.inf)
    assert len(points) > 0.75 * CAMERA.width_px * CAMERA.height_px
    assert room.off_surface(points.xyz).max() < 1e-5
    on_ball = np.linalg.norm(points.xyz - room.BALL, axis=1) < room.RADIUS + 1e-4
    truth = (points.xyz - room.BALL) / room.RADIUS
    cosines = np.einsum("ij,ij->i", points.normal, truth)[on_ball]
    assert np.median(cosines) > 0.98  # outward, not inward
    walls = ~on_ball
    axis = np.abs(points.xyz[walls] / room.HALF).argmax(axis=1)
    inward = -np.sign(points.xyz[walls][np.arange(walls.sum()), axis])
    assert np.median(points.normal[walls][np.arange(walls.sum()), axis] * inward) > 0.999


def test_a_pixels_size_is_what_it_covers():
    """A wall seen head-on from 3 units away."""
    wall = np.full((72, 96), 3.0, np.float32)
    view = NerfView("wall", CAMERA, Pose.identity())
    flat = NerfPicture(view, np.zeros((72, 96, 3), np.float32), wall, wall, np.ones_like(wall))
    points = unprojected(flat, np.inf)
    assert np.allclose(points.normal, [0, 0, -1], atol=1e-6)
    middle = np.abs(points.xyz[:, :2]).max(axis=1) < 0.1
    assert np.allclose(points.size[middle], 3.0 / CAMERA.fx, rtol=0.01)


def test_edges_fog_and_the_far_are_no_surface(pictures):
    picture = pictures[0]
    kept = surface_pixels(picture, np.inf)
    jump = np.abs(np.diff(picture.depth, axis=1)) > 0.4
    assert jump.any()
    assert not (kept[:, 1:] & jump).any()
    assert not (kept[:, :-1] & jump).any()
    assert not surface_pixels(replace(picture, accumulation=np.full_like(picture.depth, 0.5)), np.inf).any()
    assert not surface_pixels(replace(picture, expected_depth=picture.depth * 1.3), np.inf).any()
    assert not surface_pixels(picture, 0.5).any()


def test_the_bake_looks_like_what_was_baked(pictures):
    baked = bake(pictures, 30_000)
    assert baked.pixels == 10 * 96 * 72
    assert baked.pixels > baked.surface > baked.agreed * 0.99
    between = room.poses(20)[5]
    rgb, depth = room.cast(CAMERA, between)
    with open_renderer("cpu") as renderer:
        (frame,) = renderer.render(Scene.of(baked.cloud), [View(between, CAMERA)])
    error = np.square(np.clip(frame.rgba[..., :3], 0, 1) - rgb)
    assert -10 * np.log10(np.median(error)) > 35
    assert -10 * np.log10(error.mean()) > 20  # corners and rims are left to the refining
    assert np.median(np.abs(frame.depth - depth) / depth) < 0.03  # discs overlap towards the eye


@pytest.mark.parametrize("splats", [1, 100, 2_000])
def test_the_budget_is_kept(pictures, splats):
    cloud = bake(pictures, splats).cloud
    assert 0 < len(cloud) <= splats
    assert splats == 1 or len(cloud) > splats / 3
    assert np.isfinite(cloud.means).all()
    assert np.allclose(np.linalg.norm(cloud.wxyz, axis=1), 1, atol=1e-5)


def test_nearer_views_leave_finer_splats(pictures):
    near = NerfView("near", CAMERA, Pose.from_wxyz([1, 0, 0, 0], [0.0, 0.7, -1.6]))
    far_only, both = bake(pictures, 10**6), bake([*pictures, room.picture(near)], 10**6)

    def finest(baked):
        front = np.linalg.norm(baked.cloud.means - (room.BALL - np.array([0, 0, room.RADIUS])), axis=1) < 0.2
        return np.median(baked.cloud.scales[front].max(axis=1)), front.sum()

    assert finest(both)[0] < 0.6 * finest(far_only)[0]
    assert finest(both)[1] > 2 * finest(far_only)[1]


def test_a_floater_that_others_see_through_is_left_out(pictures):
    eye = pictures[4]
    depth = eye.depth.copy()
    depth[20:40, 30:50] = 0.5
    liar = replace(eye, depth=depth, expected_depth=depth)
    cloud = bake([*pictures[:4], liar, *pictures[5:]], 10**6).cloud
    assert room.off_surface(cloud.means).max() < 0.05
    alone = bake([liar], 10**6).cloud  # nobody contradicts it
    assert room.off_surface(alone.means).max() > 0.3


def test_fog_alone_gives_no_splat(pictures):
    assert len(bake([replace(pictures[0], accumulation=np.zeros_like(pictures[0].depth))], 100).cloud) == 0


def test_nothing_to_bake_is_refused(pictures):
    with pytest.raises(ValueError, match="a bake takes a picture and a splat or more, got 0 and 10"):
        bake([], 10)
    with pytest.raises(ValueError, match="got 1 and 0"):
        bake(pictures[:1], 0)


def test_far_is_counted_in_radii_of_the_cameras_places():
    assert far_from([np.array([1.0, 0, 0]), np.array([-1.0, 0, 0])]) == 30.0
    assert far_from([np.zeros(3)]) == np.inf


def test_a_picture_of_one_row():
    camera = Camera(5, 1, 4, 4, 2.5, 0.5)
    row = np.ones((1, 5), np.float32)
    picture = NerfPicture(NerfView("v", camera, Pose.identity()), np.zeros((1, 5, 3), np.float32), row, row, row)
    assert 2 < len(bake([picture], 100).cloud) <= 5
