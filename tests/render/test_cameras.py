from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.errors import FormatError, ShowError
from translight.core.pose import Pose, angle_between
from translight.render.cameras import NamedView, format_cameras, look_at, parse_camera, parse_cameras

WANTS = "--camera: wants position=X,Y,Z and either target=X,Y,Z or pan= and tilt=, got "
LOOK = {"position_m": [0, -4, 1.6], "target_m": [0, 0, 1.6]}
PIXELS = {"width_px": 192, "height_px": 108, "fx": 150.0, "fy": 150.0, "cx": 90.0, "cy": 60.0}


def cameras(*entries: dict[str, object]) -> bytes:
    return json.dumps(entries).encode()


@pytest.mark.parametrize(
    ("target", "ahead", "right"),
    [([0, 5, 0], [0, 1, 0], [1, 0, 0]), ([5, 0, 0], [1, 0, 0], [0, -1, 0]), ([-5, 0, 0], [-1, 0, 0], [0, 1, 0]),
     ([0, -5, 0], [0, -1, 0], [-1, 0, 0]), ([0, 0, 5], [0, 0, 1], [1, 0, 0]), ([0, 0, -5], [0, 0, -1], [1, 0, 0])],
)  # fmt: skip
def test_look_at_faces_its_target(target, ahead, right):
    R = look_at([0, 0, 0], target).rotation()
    np.testing.assert_allclose(R[:, 2], ahead, atol=1e-12)
    np.testing.assert_allclose(R[:, 0], right, atol=1e-12)


def test_look_at_is_upright_and_rolls_right_side_down():
    assert look_at([1, 2, 3], [-4, 0, 5]).rotation()[2, 0] == pytest.approx(0, abs=1e-12)
    assert look_at([1, 2, 3], [-4, 0, 5], roll_deg=10).rotation()[2, 0] < -0.1


def test_text_with_a_target():
    view = parse_camera("position=0,-4,1.6 target=0,0,1 fov=90 near=0.5", (200, 100))
    assert view.camera == Camera(200, 100, 100.00000000000001, 100.00000000000001, 100.0, 50.0)
    assert view.near_m == 0.5
    np.testing.assert_allclose(view.stage_from_camera.position_m, [0, -4, 1.6])
    np.testing.assert_allclose(
        view.camera.project(view.stage_from_camera.inverse().apply([0, 0, 1.0])), [100, 50], atol=1e-9
    )


def test_text_with_angles():
    view = parse_camera("position=1,2,3 pan=90 tilt=0 roll=0")
    np.testing.assert_allclose(view.stage_from_camera.rotation()[:, 2], [-1, 0, 0], atol=1e-12)
    assert view.camera.fov_deg[0] == pytest.approx(60)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("position=0,0", "--camera: position wants three numbers as 0,-4,1.6: 'position=0,0'"),
        ("position=0,0,x", "--camera: position wants three numbers as 0,-4,1.6: 'position=0,0,x'"),
        ("position=0,0,inf", "--camera: position wants three numbers as 0,-4,1.6: 'position=0,0,inf'"),
        ("position=0,0,0 fov=", "--camera: fov wants a number: 'fov='"),
        ("eye=0,0,0", "--camera: 'eye=0,0,0' is none of position=, target=, pan=, tilt=, roll=, fov=, near="),
        ("target=0,0,0", WANTS + "'target=0,0,0'"),
        ("position=0,0,0 target=1,0,0 pan=3", WANTS + "'position=0,0,0 target=1,0,0 pan=3'"),
        ("position=0,0,0 fov=180",
         "--camera: fov is between 0 and 180 degrees and near above 0 metres, got 180 and 0.01"),
        ("position=1,0,0 target=1,0,0", "--camera: a camera at [1.0, 0.0, 0.0] cannot look at [1.0, 0.0, 0.0]"),
    ],
)  # fmt: skip
def test_bad_text_says_what_would_be_right(text, message):
    with pytest.raises(ShowError) as error:
        parse_camera(text)
    assert str(error.value) == message


def test_file_with_every_form():
    data = cameras(
        {"name": "a", "look_at": LOOK},
        {"name": "b", "look_at": {**LOOK, "roll_deg": 5}, "intrinsics": {"fov_deg": 30}, "time_s": 1.5, "near_m": 0.2},
        {"name": "c", "stage_from_camera": {"wxyz": [2, 0, 0, 0], "position_m": [1, 2, 3]}, "intrinsics": PIXELS},
        {"name": "d", "look_at": LOOK, "intrinsics": {"width_px": 64, "height_px": 32, "fov_deg": 90}},
    )
    a, b, c, d = parse_cameras(data, "x.json")
    assert (a.view.camera.width_px, a.view.camera.height_px) == (1280, 720)
    assert (b.time_s, b.view.near_m) == (1.5, 0.2)
    assert b.view.camera.fov_deg[0] == pytest.approx(30)
    assert c.view.camera == Camera(192, 108, 150, 150, 90, 60)
    np.testing.assert_allclose(c.view.stage_from_camera.wxyz, [1, 0, 0, 0])
    assert (d.view.camera.width_px, d.view.camera.fx) == (64, pytest.approx(32))
    assert a.time_s is None


def test_a_size_keeps_the_field_of_view():
    data = cameras({"name": "c", "look_at": LOOK, "intrinsics": PIXELS})
    assert parse_cameras(data, "x", (384, 216))[0].view.camera == Camera(384, 216, 300, 300, 180, 120)
    with pytest.raises(FormatError, match="x: camera 'c': is 192x108, and 100x100 has another shape"):
        parse_cameras(data, "x", (100, 100))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[", "not JSON"),
        (b"\xff", "not JSON|Input data"),
        (b"{}", r"Expected `array`, got `object`"),
        (b"[]", "holds 0 cameras"),
        (cameras({"look_at": LOOK}), r"missing required field `name` - at `\$\[0\]`"),
        (cameras({"name": "a"}), "camera 'a': wants stage_from_camera or look_at, one of the two"),
        (cameras({"name": "a", "look_at": LOOK}, {"name": "a", "look_at": LOOK}), "camera 'a' is there twice"),
        (cameras({"name": "a", "look_at": {**LOOK, "target_m": [0, 0]}}), r"length 3.*`\$\[0\].look_at.target_m`"),
        (cameras({"name": "a", "lookat": LOOK}), r"unknown field `lookat`"),
        (cameras({"name": "a", "look_at": {**LOOK, "target_m": LOOK["position_m"]}}), "camera 'a': .*cannot look at"),
        (cameras({"name": "a", "stage_from_camera": {"wxyz": [0, 0, 0, 0], "position_m": [0, 0, 0]}}), "non-zero quat"),
        (cameras({"name": "a", "look_at": LOOK, "intrinsics": {"fx": 5.0}}), "intrinsics want width_px, height_px, fx"),
        (cameras({"name": "a", "look_at": LOOK, "intrinsics": {"width_px": 5}}), "width_px and height_px together"),
        (cameras({"name": "a", "look_at": LOOK, "intrinsics": {**PIXELS, "fov_deg": 3}}), "or fov_deg instead"),
        (cameras({"name": "a", "look_at": LOOK, "intrinsics": {"fov_deg": 180}}), r"< 180.*intrinsics.fov_deg"),
        (cameras({"name": "a", "look_at": LOOK, "intrinsics": {**PIXELS, "fx": -1}}), r"> 0.*intrinsics.fx"),
        (cameras({"name": "a", "look_at": LOOK, "near_m": 0}), r"> 0.*near_m"),
    ],
)  # fmt: skip
def test_bad_files_say_where(data, message):
    with pytest.raises(FormatError, match=rf"^set\.json: .*({message})") as error:
        parse_cameras(data, "set.json")
    assert "\n" not in str(error.value)


finite = st.floats(-1e3, 1e3)


@given(
    wxyz=st.tuples(finite, finite, finite, finite).filter(lambda q: np.linalg.norm(q) > 1e-3),
    position=st.tuples(finite, finite, finite),
    f=st.floats(1e-3, 1e5),
    time=st.none() | st.floats(0, 1e6),
)
def test_written_files_read_back(wxyz, position, f, time):
    view = View(Pose.from_wxyz(wxyz, position), Camera(640, 360, f, f * 1.5, -40.0, 300.0), near_m=0.25)
    back = parse_cameras(format_cameras([NamedView("one", view, time)]), "x")[0]
    assert (back.name, back.time_s, back.view.near_m, back.view.camera) == ("one", time, 0.25, view.camera)
    np.testing.assert_array_equal(back.view.stage_from_camera.position_m, position)
    assert angle_between(back.view.stage_from_camera, view.stage_from_camera) < 1e-7


@given(st.binary(max_size=60))
def test_random_bytes_raise_nothing_but_format_error(data):
    with pytest.raises(FormatError):
        parse_cameras(data, "x")


def test_the_documents_example_is_read():
    text = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0]
    wide, close = parse_cameras(example.encode(), "docs/rendering.md")
    assert (wide.name, wide.time_s, close.time_s) == ("wide", 0, 4)
    np.testing.assert_allclose(close.view.stage_from_camera.rotation()[:, 2], [0, 1, 0], atol=1e-7)
