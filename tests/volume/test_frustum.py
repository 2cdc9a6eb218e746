"""Views that a wall needs: overscan, Kooima, facets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.camera import Camera
from translight.core.errors import ShowError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose
from translight.volume.canvas import Canvas
from translight.volume.frustum import behind_walls, check_feather, inner_view, kooima_view, outer_views
from translight.volume.wall import ArcWall, PlaneWall


def test_overscan_keeps_the_cameras_own_pixels() -> None:
    camera = Camera.from_fov(640, 360, horizontal_deg=50)
    view = inner_view(Pose.identity(), camera, overscan=0.1)
    assert (view.camera.width_px, view.camera.height_px) == (704, 396)
    point = np.array([0.3, -0.2, 2.0])
    np.testing.assert_allclose(view.camera.project(point) - camera.project(point), [32, 18])


def test_scale_keeps_the_frustum() -> None:
    camera = Camera.from_fov(640, 360, horizontal_deg=50)
    plain, large = (inner_view(Pose.identity(), camera, overscan=0.2, scale=s).camera for s in (1, 1.5))
    assert (large.width_px, large.height_px) == (1152, 648)
    np.testing.assert_allclose(large.frustum(), plain.frustum())


@given(
    x=st.floats(-3, 3), y=st.floats(-3, 2), z=st.floats(0, 3),
    heading=st.floats(-60, 60), tilt=st.floats(-40, 40),
)  # fmt: skip
def test_kooima_puts_every_wall_pixel_on_its_own_picture_pixel(
    x: float, y: float, z: float, heading: float, tilt: float
) -> None:
    wall = PlaneWall("w", (0.5, 6.0, 1.5), 5.0, 3.0, 50, 30, heading_deg=heading, tilt_deg=tilt)
    eye = np.array([x, y, z])
    if (eye - wall.centre_m) @ wall.axes()[2] < 0.1:
        return
    view = kooima_view(*wall.corners(), eye, 50, 30)
    np.testing.assert_allclose(view.stage_from_camera.position_m, eye)
    points = wall.columns()[None] + wall.rows()[:, None]
    pixels = view.camera.project(view.stage_from_camera.inverse().apply(points))
    v, u = np.mgrid[:30, :50] + 0.5
    np.testing.assert_allclose(pixels, np.stack([u, v], axis=-1), atol=1e-6)


def test_kooimas_published_terms() -> None:
    # Kooima (2009), section 4, with va, vb, vc the corners seen from the eye
    lower_left, lower_right, upper_left = np.array([[-1.0, 4, 0], [3.0, 4, 0], [-1.0, 4, 2]])
    eye, near = np.array([0.5, 1.0, 1.2]), 0.1
    right, up, out = np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, -1.0, 0])
    d = -(out @ (lower_left - eye))
    expected = [
        near * (right @ (lower_left - eye)) / d,
        near * (right @ (lower_right - eye)) / d,
        near * (up @ (lower_left - eye)) / d,
        near * (up @ (upper_left - eye)) / d,
    ]
    view = kooima_view(lower_left, lower_right, upper_left, eye, 400, 200)
    np.testing.assert_allclose(view.camera.frustum(near), expected)
    assert expected == pytest.approx([-0.05, 0.1 * 2.5 / 3, -0.04, 0.1 * 0.8 / 3])


def test_no_view_from_behind_a_screen(plane: PlaneWall) -> None:
    with pytest.raises(ValueError, match=r"^the eye must be in front of the screen, got -5"):
        kooima_view(*plane.corners(), np.array(plane.centre_m) - 5 * plane.axes()[2], 10, 10)
    with pytest.raises(ShowError) as refused:
        outer_views(Canvas(300, 150, (plane,)), np.array([0.5, 9.0, 1.5]))
    assert str(refused.value) == "volume eye_m (0.5, 9, 1.5) is not in front of wall 'plane'"


@pytest.mark.parametrize("eye", [(0.2, -0.5, 1.6), (1.5, 1.0, 0.4), (-1.0, -2.0, 2.5)])
def test_facets_cover_an_arc_once_with_room_for_the_filter(arc: ArcWall, eye: tuple[float, float, float]) -> None:
    views = outer_views(Canvas(420, 170, (arc,)), np.array(eye))
    assert len(views) > 2
    assert [v.first for v in views] == [0, *(v.end for v in views[:-1])]
    assert views[-1].end == arc.width_px
    points = arc.columns()[None] + arc.rows()[:, None]
    for outer in views:
        camera = outer.view.camera
        pixels = camera.project(outer.view.stage_from_camera.inverse().apply(points[:, outer.first : outer.end]))
        assert pixels.min() >= 2.5
        assert pixels[..., 0].max() <= camera.width_px - 2.5
        assert pixels[..., 1].max() <= camera.height_px - 2.5
        # Nowhere fewer pixels than the wall has
        assert np.diff(pixels[..., 0], axis=1).min() > 0.98
        assert np.diff(pixels[..., 1], axis=0).min() > 0.98
        np.testing.assert_allclose(outer.view.stage_from_camera.position_m, eye)


def test_an_eye_that_cannot_see_the_whole_arc_is_refused(arc: ArcWall) -> None:
    with pytest.raises(ShowError) as refused:
        outer_views(Canvas(420, 170, (arc,)), np.array([0.0, 9.0, 1.0]))
    assert str(refused.value) == "volume eye_m (0, 9, 1) does not see the whole inside of wall 'arc'"


def test_the_view_follows_the_pose() -> None:
    pose = camera_from_pan_tilt_roll(0.3, 0.1, 0.0, (1.0, 2.0, 3.0))
    view = inner_view(pose, Camera.from_fov(64, 36, horizontal_deg=50))
    assert view.stage_from_camera is pose


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"overscan": -0.1}, "volume overscan must be within 0 to 2, got -0.1"),
        ({"scale": 9.0}, "volume scale must be within 0.1 to 4, got 9"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ShowError) as refused:
        inner_view(Pose.identity(), Camera.from_fov(64, 36, horizontal_deg=50), **values)
    assert str(refused.value) == message


def test_a_feather_must_stay_out_of_the_cameras_sight() -> None:
    check_feather(0.04, 0.1)
    with pytest.raises(ShowError) as refused:
        check_feather(0.06, 0.1)
    assert str(refused.value) == ("volume feather must be within 0 to 0.04545 so that overscan 0.1 hides it, got 0.06")


def test_views_of_a_stage_see_what_is_behind_any_of_its_walls(plane: PlaneWall, arc: ArcWall) -> None:
    canvas = Canvas(420, 320, (plane, replace(arc, canvas_y_px=150)))
    planes = behind_walls(canvas)
    assert len(planes) == 1 + 11
    camera = Camera.from_fov(64, 36, horizontal_deg=50)
    assert inner_view(Pose.identity(), camera).behind is None
    assert inner_view(Pose.identity(), camera, scale=0.5, behind=planes).behind is planes
    eye = np.array([0.0, 0.0, 1.5])
    assert {id(outer.view.behind) for outer in outer_views(canvas, eye, planes)} == {id(planes)}
    assert all(outer.view.behind is None for outer in outer_views(canvas, eye))
