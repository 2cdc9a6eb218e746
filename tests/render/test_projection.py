from __future__ import annotations

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.contract import ALPHA_CUT, Layer, Scene
from translight.render.projection import clamp_limits, image_covariances, project


def random_cloud(cloud_of, n=300, seed=0):
    rng = np.random.default_rng(seed)
    return cloud_of(
        rng.normal([0, 0, 4], 1.0, (n, 3)), np.exp(rng.normal(-2, 1, (n, 3))), rng.normal(size=(n, 4)), rng.random(n)
    )


def test_clamp_is_1_3_times_half_the_field_of_view():
    camera = Camera.from_fov(120, 80, horizontal_deg=90)
    np.testing.assert_allclose(clamp_limits(camera), [-1.3, 1.3, -1.3 * 2 / 3, 1.3 * 2 / 3])


def test_clamp_off_the_axis():
    """gsplat 1.5's persp_proj with its numbers: lim_x_pos = (W - cx) / fx + 0.3·W / 2fx, lim_x_neg = cx / fx + that."""
    camera = Camera(100, 60, 50.0, 40.0, -30.0, 90.0)
    expected = [-(-30 / 50 + 0.3), 130 / 50 + 0.3, -(90 / 40 + 0.3 * 0.75), -30 / 40 + 0.3 * 0.75]
    np.testing.assert_allclose(clamp_limits(camera), expected)


def test_covariance_is_the_projections_linearisation():
    """J·Σ·Jᵀ + 0.3·I with J by finite differences of the pinhole, for centres within the clamp."""
    rng = np.random.default_rng(1)
    camera = Camera(200, 120, 150.0, 140.0, 70.0, 80.0)
    points = np.column_stack([rng.uniform(-0.4, 0.8, 20), rng.uniform(-0.5, 0.2, 20), np.ones(20)])
    points *= rng.uniform(0.5, 9.0, (20, 1))
    axes = rng.normal(size=(20, 3, 3)) * 0.1
    step = 1e-6
    for point, axis, (xx, xy, yy) in zip(points, axes, image_covariances(points, axes, camera), strict=True):
        moved = camera.project(point + step * np.eye(3)) - camera.project(point - step * np.eye(3))
        J = moved.T / (2 * step)
        np.testing.assert_allclose([[xx, xy], [xy, yy]], J @ axis @ axis.T @ J.T + 0.3 * np.eye(2), rtol=1e-6)


def test_beyond_the_clamp_the_slope_is_held():
    camera = Camera.from_fov(100, 100, horizontal_deg=90)
    axes = np.eye(3)[None] * 0.2
    at_limit, beyond = image_covariances(np.array([[1.3, 0, 1], [9.0, 0, 1]]), np.repeat(axes, 2, axis=0), camera)
    np.testing.assert_allclose(at_limit, beyond)


def test_boxes_hold_every_pixel_that_reaches_the_cut(cloud_of, view_at):
    """Drawn pixels by brute force: none lies outside its splat's box, and most boxes touch one on every side."""
    camera = Camera(90, 70, 80.0, 75.0, 50.0, 30.0)
    splats = project(Scene.of(random_cloud(cloud_of)), view_at(camera=camera))
    assert len(splats) > 100
    v, u = np.mgrid[0:70, 0:90] + 0.5
    touched = np.zeros(4, dtype=int)
    for i in range(len(splats)):
        dx, dy = u - splats.centre_px[i, 0], v - splats.centre_px[i, 1]
        a, b, c = splats.conic[i]
        drawn = splats.opacity[i] * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy) >= ALPHA_CUT
        x0, x1, y0, y1 = splats.box_px[i]
        inside = np.zeros_like(drawn)
        inside[y0:y1, x0:x1] = True
        assert not (drawn & ~inside).any()
        if drawn.any():
            rows, columns = np.nonzero(drawn)
            touched += [columns.min() == x0, columns.max() == x1 - 1, rows.min() == y0, rows.max() == y1 - 1]
    assert (touched > 50).all()


def test_near_ones_come_first_and_what_cannot_be_seen_is_left_out(cloud_of, view_at):
    splats = cloud_of(
        [[0, 0, 9], [0, 0, 2], [0, 0, 2], [0, 0, -1], [500, 0, 3], [0, 0, 5]], 0.1, opacity=[1, 1, 1, 1, 1, 0.003]
    )
    projected = project(Scene.of(splats), view_at())
    assert projected.index.tolist() == [1, 2, 0]
    np.testing.assert_allclose(projected.depth_m, [2, 2, 9])


@pytest.mark.parametrize("scale", [0.1, 7.0])
def test_placement_scales_depth_and_nothing_on_the_picture(cloud_of, scale):
    cloud, camera = random_cloud(cloud_of), Camera(90, 70, 80.0, 75.0, 50.0, 30.0)
    still = project(Scene.of(cloud), View(Pose.identity(), camera, 0.01))
    placed = Similarity(scale, Pose.from_wxyz([0.4, 0.1, -0.8, 0.2], [5, 6, 7]))
    moved = project(Scene.of(cloud, placed), View(placed.pose, camera, 0.01 * scale))
    np.testing.assert_array_equal(moved.index, still.index)
    np.testing.assert_allclose(moved.centre_px, still.centre_px, atol=1e-9)
    np.testing.assert_allclose(moved.conic, still.conic, rtol=1e-9)
    np.testing.assert_allclose(moved.rgb, still.rgb, atol=1e-12)
    np.testing.assert_allclose(moved.depth_m, still.depth_m * scale)


def test_the_2d_filter_leaves_a_small_splat_the_light_it_had(cloud_of, view_at):
    """Far below a pixel, opacity times area (Σ alpha) stays what it was before the dilation; undilated, it grows."""
    camera = Camera.from_fov(64, 48, horizontal_deg=60)
    sigma_px = 0.1
    splat = cloud_of([0.0, 0, 10], scales=sigma_px * 10 / camera.fx, opacity=0.9)
    drawn = {}
    for antialiased in (False, True):
        scene = Scene((Layer(splat, antialiased=antialiased),))
        one = project(scene, view_at(camera=camera))
        a, b, c = one.conic[0]
        drawn[antialiased] = one.opacity[0] * 2 * np.pi / np.sqrt(a * c - b * b)
    assert drawn[True] == pytest.approx(0.9 * 2 * np.pi * sigma_px**2, rel=1e-6)
    assert drawn[False] > 20 * drawn[True]
