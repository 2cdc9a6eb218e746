"""Live Link's datagrams, read as Unreal reads them, against the pose that our own renderer would draw from."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ue_bridge.unreal_reader import read_freed, read_opentrackio

from translight.core.frames import camera_from_pan_tilt_roll, unreal_from_camera
from translight.core.pose import Pose
from translight.tracking import freed, opentrackio, opentrackio_packet
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.sample import LensSample, TrackingSample
from translight.ue_bridge.live_link import parse_live_link
from translight.ue_bridge.packets import FilmBack, builder, freed_packet

DATA = Path(__file__).parents[1] / "data" / "tracking" / "freed"
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "tracking" / "opentrackio"
BACK = FilmBack("A", 36.0, 20.25, 35.0, rate=Fraction(24000, 1001))
# Unreal's axes from the stage's: forward is Y, right is X
UNREAL_FROM_STAGE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

angles = st.tuples(
    st.floats(-179.9, 179.9), st.floats(-89.0, 89.0), st.floats(-179.9, 179.9)
)  # (pan, tilt, roll), degrees
places = st.tuples(*[st.floats(-120.0, 120.0)] * 3)


def camera(pan_tilt_roll_deg: tuple[float, ...], position_m: tuple[float, ...]) -> Pose:
    pan, tilt, roll = np.radians(pan_tilt_roll_deg)
    x, y, z = position_m
    return camera_from_pan_tilt_roll(pan, tilt, roll, (x, y, z))


def truth(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Where the camera stands and its (forward, right, up) rows, mirrored into Unreal's axes by a matrix."""
    right, down, forward = pose.rotation().T
    return UNREAL_FROM_STAGE @ pose.position_m * 100.0, np.array([forward, right, -down]) @ UNREAL_FROM_STAGE.T


def sample(pose: Pose, lens: LensSample | None = None, **more) -> TrackingSample:
    return TrackingSample(pose, 1_000_000_000, 7, lens=lens or LensSample(), **more)


@given(angles, places)
def test_freed_stands_in_unreal_where_our_camera_stands(turn, place):
    pose = camera(turn, place)
    read = read_freed(freed_packet(parse_live_link("freed://127.0.0.1:40000?camera=3"), sample(pose)), (0, 1), (0, 1))
    location, axes = truth(pose)
    assert read.subject == "Camera 3"
    np.testing.assert_allclose(read.location_cm, location, atol=0.004)  # 1/64 mm is 0.0016 cm, and Unreal's step
    np.testing.assert_allclose(read.axes(), axes, atol=2e-6)


@given(angles, places, st.floats(-0.2, 0.4))
def test_opentrackio_stands_in_unreal_where_our_camera_stands(turn, place, pupil_m):
    pose = camera(turn, place)
    lens = LensSample(50.0, 2.5, 2.8, pupil_m)
    build = builder(parse_live_link("opentrackio://127.0.0.1:55555"), BACK)
    read, _ = read_opentrackio(build(sample(pose, lens))[0])
    location, axes = truth(pose @ Pose(np.array([1.0, 0, 0, 0]), np.array([0, 0, pupil_m])))
    np.testing.assert_allclose(read.location_cm, location, atol=1e-7)
    np.testing.assert_allclose(read.axes(), axes, atol=1e-9)
    assert (read.focal_length, read.focus, read.iris) == (50.0, 250.0, 2.8)


@given(angles, places)
def test_both_wires_and_our_own_axes_agree(turn, place):
    pose = camera(turn, place)
    location, rotator = unreal_from_camera(pose)
    build = builder(parse_live_link("opentrackio://127.0.0.1"), BACK)
    told, _ = read_opentrackio(build(sample(pose))[0])
    np.testing.assert_allclose(told.location_cm, location, atol=1e-7)
    np.testing.assert_allclose(told.rotator_deg, rotator, atol=1e-9)


def test_freed_carries_the_pupil_in_its_position():
    pose = camera((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    packet = freed_packet(parse_live_link("freed://127.0.0.1"), sample(pose, LensSample(entrance_pupil_offset_m=0.1)))
    assert freed.parse(packet).y_mm == pytest.approx(2100.0, abs=1 / 64)


@pytest.mark.parametrize("name", ["rest", "moved", "limits", "one_step"])
def test_published_vectors_come_out_as_they_went_in(name):
    data = (DATA / f"{name}.bin").read_bytes()
    told = freed.parse(data)
    spec = parse_live_link(f"freed://127.0.0.1:40000?preset=stype&camera={told.camera}")
    again = freed_packet(spec, sample(freed.pose(told), freed.lens(told, freed.PRESETS["stype"])))
    assert again[:2] == data[:2]
    assert again[20:26] == data[20:26]
    for at in range(2, 20, 3):
        one, other = (int.from_bytes(d[at : at + 3], "big", signed=True) for d in (data, again))
        assert abs(one - other) <= 7  # the last steps at the end of the range are held at 131 071.9 mm


@pytest.mark.parametrize(
    ("preset", "lens", "zoom", "focus", "iris"),
    [
        ("generic", LensSample(51.5, 10.25), 0.5, 0.5, 0),
        ("generic", LensSample(200.0, 0.1), 1.0, 0.0, 0),
        ("panasonic", LensSample(18.0, 20.0, iris_raw=0x800), 0.0, 1.0, 0x800),
        ("sony", LensSample(85.0, 0.5, 2.8), 1.0, 0.0, 280),
        ("mo-sys", LensSample(18.0, 20.0, 4.0), 0.0, 1.0, 1),
    ],
)
def test_lens_travel_fills_the_preset_that_unreal_normalises_by(preset, lens, zoom, focus, iris):
    spec = parse_live_link(f"freed://127.0.0.1?preset={preset}&zoom_mm=18-85&focus_m=0.5-20")
    ends = freed.PRESETS[preset]
    read = read_freed(freed_packet(spec, sample(camera((0, 0, 0), (0, 0, 0)), lens)), ends.zoom, ends.focus)
    assert read.focal_length == pytest.approx(zoom, abs=1e-3)
    assert read.focus == pytest.approx(focus, abs=1e-3)
    assert read.iris == iris


def test_without_a_range_the_trackers_own_encoders_pass():
    spec = parse_live_link("freed://127.0.0.1?preset=sony")
    told = freed.parse(freed_packet(spec, sample(camera((0, 0, 0), (0, 0, 0)), LensSample(zoom_raw=9, focus_raw=10))))
    assert (told.zoom, told.focus) == (9, 10)


def test_z_cam_says_millimetres():
    spec = parse_live_link("freed://127.0.0.1?preset=z-cam")
    told = freed.parse(freed_packet(spec, sample(camera((0, 0, 0), (0, 0, 0)), LensSample(35.0, 2.0))))
    read = freed.lens(told, freed.PRESETS["z-cam"])
    assert (read.focal_length_mm, read.focus_distance_m) == (35.0, 2.0)


def test_a_camera_beyond_freeds_reach_is_held_there():
    packet = freed_packet(parse_live_link("freed://127.0.0.1"), sample(camera((0, 0, 0), (500.0, -500.0, 0))))
    told = freed.parse(packet)
    assert (told.x_mm, told.y_mm) == pytest.approx((131071.9, -131071.9), abs=1 / 64)


def test_the_show_gives_the_focal_length_that_the_tracker_lacks():
    pose = camera((0, 0, 0), (0, 0, 0))
    build = builder(parse_live_link("opentrackio://127.0.0.1"), BACK)
    assert read_opentrackio(build(sample(pose))[0])[0].focal_length == 35.0
    assert read_opentrackio(build(sample(pose, LensSample(24.0)))[0])[0].focal_length == 24.0
    untracked = FilmBack("A", 36.0, 20.25, 35.0, tracked_lens=False)
    build = builder(parse_live_link("opentrackio://127.0.0.1"), untracked)
    read, _ = read_opentrackio(build(sample(pose, LensSample(24.0, entrance_pupil_offset_m=1.0)))[0])
    assert read.focal_length == 35.0
    np.testing.assert_allclose(read.location_cm, 0.0, atol=1e-9)


def test_opentrackio_times_static_block_and_sequence():
    pose = camera((0, 0, 0), (0, 0, 0))
    noon_ns = 43_200 * 10**9
    build = builder(parse_live_link("opentrackio://127.0.0.1?camera=9&rate=60"), BACK, utc_from_clock_ns=noon_ns)
    sent = [read_opentrackio(build(TrackingSample(pose, k * 500_000_000, 99))[0])[1] for k in range(6)]
    assert [s["timing"]["sequenceNumber"] for s in sent] == list(range(6))
    assert ["static" in s for s in sent] == [True, False, False, False, True, False]
    assert sent[0]["sourceNumber"] == 9
    assert sent[0]["timing"]["sampleRate"]["num"] == 60
    assert sent[1]["timing"]["sampleTimestamp"] == {"seconds": 43_237, "nanoseconds": 500_000_000}
    # 12 h of real time hold 43200 · 24000/1001 frames of 24 labels a second
    frame = int(43_200 * Fraction(24000, 1001))
    label = sent[0]["timing"]["timecode"]
    assert ((label["hours"] * 60 + label["minutes"]) * 60 + label["seconds"]) * 24 + label["frames"] == frame
    assert label["frameRate"] == {"num": 24000, "denom": 1001}
    size = sent[0]["static"]["camera"]["activeSensorPhysicalDimensions"]
    assert size == {"width": 36.0, "height": 20.25}


def test_a_trackers_timecode_is_passed_on_and_a_bad_one_is_not():
    pose = camera((0, 0, 0), (0, 0, 0))
    build = builder(parse_live_link("opentrackio://127.0.0.1"), BACK)
    label = read_opentrackio(build(sample(pose, timecode="01:02:03:04"))[0])[1]["timing"]["timecode"]
    assert (label["hours"], label["minutes"], label["seconds"], label["frames"]) == (1, 2, 3, 4)
    assert read_opentrackio(build(sample(pose, timecode="25:99"))[0])[1]["timing"]["timecode"]["hours"] == 0


def test_cbor_is_the_same_sample():
    pose = camera((10, 20, 30), (1, 2, 3))
    json_build = builder(parse_live_link("opentrackio://127.0.0.1"), BACK)
    cbor_build = builder(parse_live_link("opentrackio://127.0.0.1?encoding=cbor"), BACK)
    segment = opentrackio_packet.parse(cbor_build(sample(pose))[0])
    assert segment.encoding is Encoding.CBOR
    _, told = read_opentrackio(json_build(sample(pose))[0])
    assert opentrackio.parse(segment.payload, Encoding.CBOR) == opentrackio.parse(
        json.dumps(told).encode(), Encoding.JSON
    )


def test_the_sample_obeys_the_published_schema():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    if not PUBLISHED.is_dir():
        pytest.skip("the published OpenTrackIO schema lies in ../shared/data, which is not here")
    schema = json.loads((PUBLISHED / "generated_v101_schema.json").read_text())
    build = builder(parse_live_link("opentrackio://127.0.0.1"), BACK)
    lens = LensSample(50.0, 2.5, 2.8, 0.1, 1, 2, 3)
    _, told = read_opentrackio(build(sample(camera((10, 20, 30), (1, 2, 3)), lens))[0])
    jsonschema.Draft202012Validator(schema).validate(told)
