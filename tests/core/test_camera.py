import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.pose import Pose

CAMERAS = st.builds(
    Camera,
    st.integers(1, 8000),
    st.integers(1, 8000),
    st.floats(10, 1e5),
    st.floats(10, 1e5),
    st.floats(-1e4, 1e4),
    st.floats(-1e4, 1e4),
)


@given(camera=CAMERAS, near=st.floats(0.01, 10))
def test_frusta_come_back(camera: Camera, near: float):
    left, right, bottom, top = camera.frustum(near)
    assert left < right
    assert bottom < top
    back = Camera.from_frustum(
        camera.width_px, camera.height_px, left=left, right=right, bottom=bottom, top=top, near=near
    )
    np.testing.assert_allclose(
        (back.fx, back.fy, back.cx, back.cy), (camera.fx, camera.fy, camera.cx, camera.cy), rtol=1e-6, atol=1e-6
    )


@given(camera=CAMERAS, pixel=st.tuples(st.floats(0, 8000), st.floats(0, 8000)), depth=st.floats(0.01, 1000))
def test_projecting_a_ray_gives_its_pixel(camera: Camera, pixel: tuple[float, float], depth: float):
    ray = camera.ray(pixel)
    assert ray[2] == 1.0
    np.testing.assert_allclose(camera.project(ray * depth), pixel, rtol=1e-9, atol=1e-6)
    homogeneous = camera.matrix() @ (ray * depth)
    np.testing.assert_allclose(homogeneous[:2] / homogeneous[2], pixel, rtol=1e-9, atol=1e-6)


def test_shapes_pass_through_and_points_behind_give_nan():
    camera = Camera.from_fov(640, 480, horizontal_deg=90)
    assert camera.ray(np.zeros((3, 4, 2))).shape == (3, 4, 3)
    pixels = camera.project([[[0, 0, 1], [0, 0, 0]], [[1, 1, -1], [1, 0, 1]]])
    assert pixels.shape == (2, 2, 2)
    assert np.isnan(pixels).any(axis=-1).tolist() == [[False, True], [True, False]]
    np.testing.assert_allclose(pixels[1, 1], (640, 240))


def test_a_data_sheets_camera_by_hand():
    camera = Camera.from_sensor(3600, 2400, focal_length_mm=36, sensor_width_mm=36, sensor_height_mm=24)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (3600, 3600, 1800, 1200)
    # a 2x anamorphic picture squeezed on a sensor: pixels are not square
    squeezed = Camera.from_sensor(3600, 2400, focal_length_mm=36, sensor_width_mm=36, sensor_height_mm=12)
    assert (squeezed.fx, squeezed.fy) == (3600, 7200)
    shifted = Camera.from_sensor(1800, 1200, focal_length_mm=50, sensor_width_mm=36, offset_mm=(2.0, -1.0))
    np.testing.assert_allclose((shifted.cx, shifted.cy), (900 + 100, 600 - 50))
    assert shifted.fx == shifted.fy == 2500


def test_the_field_of_view_by_hand():
    camera = Camera.from_fov(1920, 1080, horizontal_deg=90)
    assert math.isclose(camera.fx, 960)
    horizontal, vertical = camera.fov_deg
    assert math.isclose(horizontal, 90)
    assert math.isclose(vertical, 2 * math.degrees(math.atan(540 / 960)))
    assert math.isclose(camera.aspect, 16 / 9)
    # off axis, all of it to the right of the axis
    right = Camera(100, 100, 100.0, 100.0, 0.0, 50.0)
    assert math.isclose(right.fov_deg[0], 45)


@given(camera=CAMERAS, size=st.tuples(st.integers(1, 8000), st.integers(1, 8000)))
def test_a_resized_camera_sees_the_same(camera: Camera, size: tuple[int, int]):
    resized = camera.resized(*size)
    assert (resized.width_px, resized.height_px) == size
    np.testing.assert_allclose(resized.frustum(), camera.frustum(), rtol=1e-9, atol=1e-9)


@given(camera=CAMERAS, pads=st.tuples(*[st.integers(0, 500)] * 4))
def test_a_padded_camera_has_the_same_pixels_and_more(camera: Camera, pads: tuple[int, int, int, int]):
    left, top, right, bottom = pads
    padded = camera.padded(*pads)
    assert (padded.width_px, padded.height_px) == (camera.width_px + left + right, camera.height_px + top + bottom)
    corner = camera.ray((0.0, 0.0))
    np.testing.assert_allclose(padded.project(corner), (left, top), rtol=1e-9, atol=1e-6)
    corner = camera.ray((camera.width_px, camera.height_px))
    expected = (camera.width_px + left, camera.height_px + top)
    np.testing.assert_allclose(padded.project(corner), expected, rtol=1e-9, atol=1e-6)


@given(
    eye=st.tuples(st.floats(-2, 2), st.floats(-6, -0.5), st.floats(-1, 3)),
    size=st.tuples(st.floats(0.5, 8), st.floats(0.5, 4)),
    spot=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_screen_seen_off_axis_fills_the_picture(
    eye: tuple[float, float, float], size: tuple[float, float], spot: tuple[float, float]
):
    """Kooima, "Generalized Perspective Projection" (2009): the frustum of an eye before a wall at stage y = 0."""
    width, height = size
    e = np.array(eye)
    a, b, c = np.array([-width / 2, 0, 0]), np.array([width / 2, 0, 0]), np.array([-width / 2, 0, height])
    va, vb, vc = a - e, b - e, c - e
    vr, vu, vn = (b - a) / width, (c - a) / height, np.array([0.0, -1.0, 0.0])
    d, near = -(vn @ va), 0.1
    camera = Camera.from_frustum(
        1000,
        500,
        left=near * (vr @ va) / d,
        right=near * (vr @ vb) / d,
        bottom=near * (vu @ va) / d,
        top=near * (vu @ vc) / d,
        near=near,
    )
    # the camera stands square to the wall: x along it, y down it, z into it
    view = View(Pose.from_matrix(np.column_stack([vr, -vu, -vn, e])), camera)
    on_wall = a + spot[0] * (b - a) + spot[1] * (c - a)
    pixel = camera.project(view.stage_from_camera.inverse().apply(on_wall))
    np.testing.assert_allclose(pixel, (1000 * spot[0], 500 * (1 - spot[1])), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10, 1.0, 1.0, 0.0, 0.0), "at least 1x1 pixels, got 0x10"),
        ((10, -1, 1.0, 1.0, 0.0, 0.0), "at least 1x1 pixels, got 10x-1"),
        ((10, 10, 0.0, 1.0, 0.0, 0.0), "positive focal lengths"),
        ((10, 10, 1.0, -1.0, 0.0, 0.0), "positive focal lengths"),
        ((10, 10, 1.0, 1.0, math.nan, 0.0), "finite intrinsics"),
        ((10, 10, 1.0, 1.0, 0.0, math.inf), "finite intrinsics"),
    ],
)
def test_impossible_cameras_are_refused(arguments: tuple[int, int, float, float, float, float], message: str):
    with pytest.raises(ValueError, match=message):
        Camera(*arguments)


@pytest.mark.parametrize(
    "frustum",
    [
        {"left": 1, "right": 1, "bottom": -1, "top": 1},
        {"left": -1, "right": 1, "bottom": 1, "top": -1},
        {"left": -1, "right": 1, "bottom": -1, "top": 1, "near": 0},
    ],
)
def test_impossible_frusta_are_refused(frustum: dict[str, float]):
    with pytest.raises(ValueError, match="a frustum needs left < right, bottom < top and near > 0"):
        Camera.from_frustum(10, 10, **frustum)
