"""OSC maps and what they read: presets against packets in their products' shapes, joins, axes, wrong maps."""

import contextlib
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError, ShowError
from translight.core.pose import Pose, angle_between
from translight.tracking import angles, osc_build, osc_map, osc_packet
from translight.tracking.datagram import BadDatagram
from translight.tracking.osc import OscReader, Whole
from translight.tracking.osc_map import ORDERS, PRESETS, OscMap, OscMessageMap
from translight.tracking.osc_packet import Message
from translight.tracking.sample import LensSample, TrackingSample

DATA = Path(__file__).parents[1] / "data" / "tracking" / "osc"


def wholes(reader: OscReader, data: bytes) -> list[Whole]:
    readings = []
    for message in osc_packet.parse(data):
        with contextlib.suppress(BadDatagram):
            readings.append(reader.read(message))
    return [whole for r in readings if r is not None and (whole := reader.add(r)) is not None]


@pytest.mark.parametrize(
    ("name", "camera", "pan"),
    [("reality-field", "A", 90.0), ("vmc", "Camera", 90.0), ("vrchat", "1", 90.0), ("openvr", "1", 45.0)],
)
def test_golden_packets_of_presets(name: str, camera: str, pan: float) -> None:
    data = (DATA / f"{name.replace('-', '_')}.bin").read_bytes()
    whole = wholes(OscReader(PRESETS[name]), data)[-1]
    assert whole.camera == camera
    assert angles.pan_tilt_roll_deg(whole.pose) == pytest.approx((pan, 0.0, 0.0), abs=1e-5)
    assert whole.pose.position_m == pytest.approx([1.0, 2.0, 1.5])


def test_reality_field_has_raw_lens_values() -> None:
    (whole,) = wholes(OscReader(PRESETS["reality-field"]), (DATA / "reality_field.bin").read_bytes())
    assert whole.lens == LensSample(focus_raw=500, iris_raw=40, zoom_raw=1200)


def test_vmc_field_of_view_becomes_a_focal_length_when_the_sensor_is_known() -> None:
    data = (DATA / "vmc.bin").read_bytes()
    assert wholes(OscReader(PRESETS["vmc"]), data)[0].lens == LensSample()
    from dataclasses import replace

    (whole,) = wholes(OscReader(replace(PRESETS["vmc"], sensor_height_mm=24.0)), data)
    assert whole.lens.focal_length_mm == pytest.approx(12.0 / math.tan(math.radians(20.0)))


def test_position_and_rotation_are_joined_by_name_and_used_once() -> None:
    reader = OscReader(PRESETS["vrchat"])

    def add(address: str, *values: float) -> Whole | None:
        reading = reader.read(Message(f"/tracking/trackers/{address}", values))
        assert reading is not None
        return reader.add(reading)

    assert add("1/position", 1, 2, 3) is None
    assert add("2/rotation", 0, 0, 0) is None
    assert add("1/position", 4, 5, 6) is None  # the newer half replaces the older
    whole = add("1/rotation", 0, 0, 0)
    assert whole is not None
    assert whole.pose.position_m.tolist() == [4, 6, 5]
    assert add("1/rotation", 0, 10, 0) is None  # its position was used
    other = add("2/position", 7, 8, 9)
    assert other is not None
    assert other.camera == "2"


def test_a_flood_of_names_keeps_few() -> None:
    reader = OscReader(PRESETS["vrchat"])
    for n in range(5000):
        reading = reader.read(Message(f"/tracking/trackers/{n}/position", (0.0, 0.0, 0.0)))
        assert reading is not None
        reader.add(reading)
        with pytest.raises(BadDatagram):
            reader.read(Message(f"/nothing/{n}", ()))
    assert len(reader._cameras) <= 64
    assert len(reader._known) <= 256


def test_a_lens_of_its_own_joins_the_pose() -> None:
    reader = OscReader(osc_map.preset("reality-field+disguise"))
    for message in (Message("/d3/camera/cam1/focus", (250.0,)), Message("/d3/camera/cam1/zoom", (35.0,))):
        reading = reader.read(message)
        assert reading is not None
        assert reader.add(reading) is None
    (whole,) = wholes(reader, (DATA / "reality_field.bin").read_bytes())
    assert whole.lens == LensSample(35.0, 2.5, zoom_raw=1200, focus_raw=500, iris_raw=40)


def test_other_addresses_are_ignored_or_unknown() -> None:
    reader = OscReader(PRESETS["reality-field"])
    assert reader.read(Message("/genlock", ("01:02:03:04",))) is None
    assert reader.read(Message("/tracker/camera/A", (1.0, 2.0, 3.0, 4.0))) is None
    with pytest.raises(BadDatagram, match="OSC address '/tracker/position' is not one of reality-field") as caught:
        reader.read(Message("/tracker/position", ()))
    assert caught.value.cause == "unknown address"


NINE = (0.0,) * 9


@pytest.mark.parametrize(
    ("preset", "address", "arguments", "cause", "message"),
    [
        ("reality-field", "/tracker/position/A", NINE[:8], "arguments",
         "/tracker/position/<name> has 9 arguments, got 8"),
        (
            "reality-field",
            "/tracker/position/A",
            (*NINE[:8], "far"),
            "arguments",
            "/tracker/position/<name>: zoom_raw is a number, got 'far'",
        ),
        (
            "reality-field",
            "/tracker/position/A",
            (math.nan, *NINE[:8]),
            "not finite",
            "/tracker/position/<name>: x is nan",
        ),
        ("vrchat", "/tracking/trackers/1/position", (1e30, 0.0, 0.0), "too far",
         "a camera 1e+30 m from the stage's origin is none"),
        ("vmc", "/VMC/Ext/Cam", ("c", *NINE[:8]), "quaternion", "an OSC quaternion has length 1, got 0"),
        ("vmc", "/VMC/Ext/Cam", (None, *NINE[:8]), "arguments", "/VMC/Ext/Cam: name is a text, got None"),
        ("vrchat", "/tracking/trackers/1/position", (True, 0.0, 0.0), "arguments",
         "/tracking/trackers/<name>/position: x is a number, got True"),
    ],
)  # fmt: skip
def test_bad_messages(
    preset: str, address: str, arguments: tuple[osc_packet.Argument, ...], cause: str, message: str
) -> None:
    with pytest.raises(BadDatagram) as caught:
        OscReader(PRESETS[preset]).read(Message(address, arguments))
    assert str(caught.value) == message
    assert caught.value.cause == cause


AXES = [
    axes
    for axes in itertools.product(("right", "left", "forward", "back", "up", "down"), repeat=3)
    if OscMap("", 1, (), axes=axes).hand()
]
ROTATIONS = [("rx", "ry", "rz"), ("pan", "-tilt", "roll"), ("qx", "-qy", "qz", "qw"), ("triad_z", "triad_y", "triad_x")]


@given(
    st.sampled_from(AXES),
    st.sampled_from(ORDERS),
    st.sampled_from(ROTATIONS),
    st.sampled_from(["m", "cm", "mm", "ft"]),
    st.sampled_from(["deg", "rad"]),
    st.tuples(st.floats(-179, 179), st.floats(-80, 80), st.floats(-80, 80)),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50)),
)
def test_a_sample_survives_any_map(
    axes: tuple[str, str, str],
    order: str,
    rotation: tuple[str, ...],
    unit: str,
    angle: str,
    turn: angles.Vector,
    position: angles.Vector,
) -> None:
    pose = angles.camera_pose(angles.pan_tilt_roll(*turn), position)
    message = OscMessageMap("/cam/<name>", ("z", "-x", "y", *rotation, "focal_length_mm", "skip"))
    made = osc_map.checked(OscMap("any", 9000, (message,), axes, unit, angle, order))
    sample = TrackingSample(pose, 0, 1, "A", lens=LensSample(35.0))
    (data,) = osc_build.build_sample(made, sample)
    (whole,) = wholes(OscReader(made), data)
    # float32 loses digits near an Euler order's poles, and triad's angles near theirs
    limit = 2e-3 if rotation[0] == "rx" else 5e-2 if rotation[0].startswith("triad") else 1e-5
    assert angle_between(whole.pose, pose) < limit
    assert whole.pose.position_m == pytest.approx(position, abs=1e-4)
    assert whole.lens.focal_length_mm == 35.0


@pytest.mark.parametrize("axes", AXES)
def test_axes_carry_turns_as_they_carry_points(axes: tuple[str, str, str]) -> None:
    """A quaternion turned by matrices in the product's own coordinates, mirrored ones too, is the same turn."""
    made = OscMap("any", 9000, (OscMessageMap("/a", ("x", "y", "z", "qw", "qx", "qy", "qz")),), axes=axes)
    q = np.array([0.8, 0.36, -0.16, 0.45])
    q /= np.linalg.norm(q)
    (whole,) = wholes(OscReader(made), osc_packet.build("/a", 1.0, 2.0, 3.0, *map(float, q)))
    M = np.array(made.matrix(), dtype=float)
    level = angles.camera_pose((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)).rotation()
    expected = M @ Pose(q, np.zeros(3)).rotation() @ M.T @ level
    np.testing.assert_allclose(whole.pose.rotation(), expected, atol=1e-6)
    np.testing.assert_allclose(whole.pose.position_m, M @ [1, 2, 3], atol=1e-6)


def test_unity_turns_to_the_right_with_y() -> None:
    """Unity is left-handed: +90° about y takes z (forward) to x (right)."""
    made = PRESETS["vrchat"]
    reader = OscReader(made)
    data = osc_packet.build_bundle(
        osc_packet.build("/tracking/trackers/1/position", 0.0, 0.0, 0.0),
        osc_packet.build("/tracking/trackers/1/rotation", 0.0, 90.0, 0.0),
    )
    (whole,) = wholes(reader, data)
    assert whole.pose.apply([0, 0, 1]) == pytest.approx([1, 0, 0], abs=1e-6)


@given(st.floats(-85, 85), st.floats(-89, 89), st.floats(-179, 179))
def test_triad_angles_are_undone(yaw: float, pitch: float, roll: float) -> None:
    z, y, x = math.radians(yaw), math.radians(pitch), math.radians(roll)
    cz, sz, cy, sy, cx, sx = math.cos(z), math.sin(z), math.cos(y), math.sin(y), math.cos(x), math.sin(x)
    m = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    m = m @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ratios = ((m[1, 0], m[0, 0]), (m[2, 0], m[0, 0]), (m[2, 1], m[2, 2]))
    triad = [math.degrees(math.atan2(a, b)) for a, b in ratios]
    message = OscMessageMap("/a", ("x", "y", "z", "triad_z", "triad_y", "triad_x"))
    reader = OscReader(OscMap("any", 9000, (message,)))
    reading = reader.read(Message("/a", (0.0, 0.0, 0.0, *triad)))
    assert reading is not None
    assert reading.turn is not None
    np.testing.assert_allclose(Pose(np.array(reading.turn), np.zeros(3)).rotation(), m, atol=1e-6)


@given(
    st.sampled_from(sorted(PRESETS)),
    st.sampled_from(["/tracker/position/A", "/VMC/Ext/Cam", "/tracking/trackers/1/rotation", "/tracker/1", "/x"]),
    st.lists(st.floats() | st.integers() | st.text(max_size=3) | st.none() | st.booleans(), max_size=10),
)
def test_random_arguments_raise_nothing_but_protocol_error(
    preset: str, address: str, arguments: list[osc_packet.Argument]
) -> None:
    reader = OscReader(PRESETS[preset])
    with contextlib.suppress(ProtocolError):
        reading = reader.read(Message(address, tuple(arguments)))
        if reading is not None:
            reader.add(reading)


def test_every_preset_is_allowed_and_says_where_it_comes_from() -> None:
    for made in PRESETS.values():
        assert osc_map.checked(made) is made
        assert made.note


def test_a_map_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jib.toml"
    path.write_text(
        'port = 7777\nunit = "cm"\naxes = ["forward", "right", "up"]\nangle = "rad"\nignored = ["/jib/*"]\n'
        '[[message]]\naddress = "/cam/<name>/<any>"\narguments = ["x", "y", "z", "-pan", "tilt", "roll", "timecode"]\n'
    )
    made = osc_map.load(path)
    assert (made.name, made.port, made.unit, made.angle) == ("jib", 7777, "cm", "rad")
    reader = OscReader(made)
    reading = reader.read(Message("/cam/B/raw", (200.0, 100.0, 150.0, math.pi / 2, 0.0, 0.0, "01:00:00:00")))
    assert reading is not None
    whole = reader.add(reading)
    assert whole is not None
    assert (whole.camera, whole.timecode) == ("B", "01:00:00:00")
    assert whole.pose.position_m == pytest.approx([1.0, 2.0, 1.5])
    assert whole.pose.apply([0, 0, 1]) - whole.pose.position_m == pytest.approx([1, 0, 0], abs=1e-9)
    assert reader.read(Message("/jib/anything", ())) is None


MESSAGE = '[[message]]\naddress = "/a"\narguments = '


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "Invalid value (at end of document)"),
        (
            "colour = 1\n" + MESSAGE + '["x"]',
            "key 'colour' is none of angle, axes, ignored, message, name, note, order",
        ),
        ("port = 9", "give [[message]] tables with address and arguments, or a preset"),
        ('preset = "vive"', "OSC preset 'vive' is none of disguise, openvr, reality-field, vmc, vrchat"),
        ('unit = "yd"\n' + MESSAGE + "[]", "unit = 'yd': give one of m, dm, cm, mm, in, ft"),
        ('angle = "turn"\n' + MESSAGE + "[]", "angle = 'turn': give one of deg, rad"),
        ('order = "zyz"\n' + MESSAGE + "[]", "order = 'zyz': give one of xyz, xzy, yxz, yzx, zxy, zyx"),
        ('axes = ["right", "up"]\n' + MESSAGE + "[]", "axes = 'right,up': give three of right, left"),
        ("axes = 3\n" + MESSAGE + "[]", "axes = 3: give a list of texts"),
        ("unit = {}\n" + MESSAGE + "[]", "unit = {}: give a text"),
        ("port = 0\n" + MESSAGE + "[]", "port = 0: give 1 to 65535"),
        ("sensor_width_mm = -1\n" + MESSAGE + "[]", "the sensor's size is -1: give millimetres"),
        ("[message]\na = 1", "each [[message]] has exactly an address and arguments"),
        ("[[message]]\naddress = 1\narguments = 2", "a [[message]] has an address text and a list of arguments"),
        ('[[message]]\naddress = "a"\narguments = []', "message 'a': an OSC address begins with /"),
        ('[[message]]\naddress = "/<name>/<name>"\narguments = []', "message '/<name>/<name>': <name> stands once"),
        (MESSAGE + '["yaw"]', "message '/a': argument 'yaw' is none of"),
        (MESSAGE + '["name", "name"]', "message '/a': an argument is named twice in name, name"),
        (MESSAGE + '["x", "y"]', "message '/a': x, y, z come together"),
        (MESSAGE + '["pan", "tilt"]', "message '/a': pan, tilt, roll come together"),
        (
            MESSAGE + '["pan", "tilt", "roll", "rx", "ry", "rz"]',
            "message '/a': one kind of rotation, not several",
        ),
    ],
)
def test_wrong_maps_are_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ShowError) as caught:
        osc_map.load(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ShowError, match="No such file"):
        osc_map.load(tmp_path / "none.toml")
