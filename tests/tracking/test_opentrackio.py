"""OpenTrackIO samples: the published example in JSON and CBOR, its pose and lens, round trips, broken payloads."""

import contextlib
import json
import math
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.core.pose import Pose, angle_between
from translight.tracking import opentrackio, opentrackio_packet
from translight.tracking.datagram import BadDatagram
from translight.tracking.opentrackio import Rational, Rotator3, Sample, Timestamp, Timing, Transform, Vector3
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.sample import LensSample, TrackingSample

DATA = Path(__file__).parents[1] / "data" / "tracking" / "opentrackio"
JSON = opentrackio_packet.parse((DATA / "packet_json_single.bin").read_bytes()).payload
CBOR = opentrackio_packet.parse((DATA / "packet_cbor_single.bin").read_bytes()).payload


def test_the_published_example() -> None:
    sample = opentrackio.parse(JSON, Encoding.JSON)
    assert opentrackio.parse(CBOR, Encoding.CBOR) == sample
    assert sample.protocol == opentrackio.VERSION
    assert (sample.source_number, sample.sample_id) == (1, "urn:uuid:eec638d9-efbe-4f35-a84c-e305963bd9b2")
    assert opentrackio.lens(sample) == LensSample(24.305, 10.0, 4.0, 0.123, 3000, 1000, 2000)
    assert sample.lens is not None
    assert sample.lens.distortion is not None
    assert sample.lens.distortion[0].radial == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert [d.model for d in sample.lens.distortion] == ["Brown-Conrady U-D", None]
    assert opentrackio.timecode(sample) == "01:02:03:04"
    assert opentrackio.sample_time_ns(sample) == 1718806554_500000000
    assert opentrackio.period_ns(sample) == 1_000_000_000 // 24
    assert sample.timing is not None
    assert sample.timing.synchronization is not None
    assert sample.timing.synchronization.source == "ptp"
    assert sample.static is not None
    assert sample.static.camera is not None
    assert sample.static.camera.label == "A"
    assert sample.static.camera.active_sensor_physical_dimensions == opentrackio.Size(36.0, 24.0)
    assert sample.tracker is not None
    assert sample.tracker.status == "Optical Good"


def matrix(step: Transform) -> np.ndarray:
    """A transform as the specification words it, in matrices: translate, turn Z X Y, scale."""
    p, t, r = (math.radians(a) for a in (step.rotation.pan, step.rotation.tilt, step.rotation.roll))
    z = np.array([[math.cos(p), -math.sin(p), 0], [math.sin(p), math.cos(p), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, math.cos(t), -math.sin(t)], [0, math.sin(t), math.cos(t)]])
    y = np.array([[math.cos(r), 0, math.sin(r)], [0, 1, 0], [-math.sin(r), 0, math.cos(r)]])
    m = np.eye(4)
    m[:3, :3] = z @ x @ y
    if step.scale is not None:
        m[:3, :3] @= np.diag([step.scale.x, step.scale.y, step.scale.z])
    m[:3, 3] = (step.translation.x, step.translation.y, step.translation.z)
    return m


LEVEL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
METRES = st.floats(-50, 50)
DEGREES = st.floats(-180, 180)
TRANSFORM = st.builds(
    Transform, st.builds(Vector3, METRES, METRES, METRES), st.builds(Rotator3, DEGREES, DEGREES, DEGREES)
)


@given(st.lists(TRANSFORM, min_size=1, max_size=4))
def test_transforms_compose_first_to_last(steps: list[Transform]) -> None:
    m = np.eye(4)
    for step in steps:
        m = m @ matrix(step)
    pose = opentrackio.pose(Sample(transforms=steps))
    assert pose is not None
    np.testing.assert_allclose(pose.position_m, m[:3, 3], atol=1e-9)
    np.testing.assert_allclose(pose.rotation(), m[:3, :3] @ LEVEL, atol=1e-9)


def test_the_examples_chain_with_its_scale() -> None:
    """Dolly, crane arm (scaled 1, 2, 3), camera: the scale stretches the camera's offset and turns nothing."""
    sample = opentrackio.parse(JSON, Encoding.JSON)
    assert sample.transforms is not None
    assert [step.id for step in sample.transforms] == ["Dolly", "Crane Arm", "Camera"]
    chain = [matrix(step) for step in sample.transforms]
    pose = opentrackio.pose(sample)
    assert pose is not None
    np.testing.assert_allclose(pose.position_m, (chain[0] @ chain[1] @ chain[2])[:3, 3], atol=1e-9)
    unscaled = [matrix(Transform(step.translation, step.rotation)) for step in sample.transforms]
    np.testing.assert_allclose(pose.rotation(), (unscaled[0] @ unscaled[1] @ unscaled[2])[:3, :3] @ LEVEL, atol=1e-9)


@pytest.mark.parametrize(
    ("rotation", "looks"),
    [(Rotator3(pan=90), (-1, 0, 0)), (Rotator3(tilt=90), (0, 0, 1)), (Rotator3(roll=90), (0, 1, 0))],
)
def test_signs(rotation: Rotator3, looks: tuple[float, ...]) -> None:
    pose = opentrackio.pose(Sample(transforms=[Transform(rotation=rotation)]))
    assert pose is not None
    assert pose.apply([0, 0, 1]) == pytest.approx(looks, abs=1e-12)


def test_every_field_is_optional() -> None:
    sample = opentrackio.parse(b"{}", Encoding.JSON)
    assert opentrackio.pose(sample) is None
    assert opentrackio.pose(Sample(transforms=[])) is None
    assert opentrackio.lens(sample) == LensSample()
    assert (opentrackio.timecode(sample), opentrackio.sample_time_ns(sample), opentrackio.period_ns(sample)) == (
        None,
        None,
        None,
    )
    assert opentrackio.pose(Sample(transforms=[Transform()])) is not None


def test_older_versions_and_unknown_fields_are_read() -> None:
    text = {
        "protocol": {"name": "OpenTrackIO", "version": "0.9.1"},
        "timing": {"frameRate": {"num": 24, "denom": 1}, "sampleTimestamp": {"seconds": 5, "attoseconds": 0}},
        "transforms": [{"translation": {"x": 1, "y": 2, "z": 3}, "rotation": {"pan": 0}, "transformId": "Camera"}],
        "custom": {"pot1": [1, {"a": None}]},
    }
    for sample in (
        opentrackio.parse(json.dumps(text).encode(), Encoding.JSON),
        opentrackio.parse(cbor2.dumps(text), Encoding.CBOR),
    ):
        pose = opentrackio.pose(sample)
        assert pose is not None
        assert pose.position_m.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("payload", "encoding", "message"),
    [
        (b"", Encoding.JSON, "OpenTrackIO JSON: Input data was truncated"),
        (b"{", Encoding.JSON, "OpenTrackIO JSON: Input data was truncated"),
        (b"[]", Encoding.JSON, "OpenTrackIO JSON: Expected `object`, got `array`"),
        (
            b'{"transforms":3}',
            Encoding.JSON,
            "OpenTrackIO JSON: Expected `array | null`, got `int` - at `$.transforms`",
        ),
        (
            b'{"lens":{"fStop":"wide"}}',
            Encoding.JSON,
            "OpenTrackIO JSON: Expected `float | null`, got `str` - at `$.lens.fStop`",
        ),
        (b"\x80", Encoding.CBOR, "OpenTrackIO CBOR: Expected `object`, got `array`"),
        (
            cbor2.dumps({"transforms": [{"translation": {"x": "far"}}]}),
            Encoding.CBOR,
            "OpenTrackIO CBOR: Expected `float`, got `str` - at `$.transforms[0].translation.x`",
        ),
    ],
)
def test_payloads_that_are_no_samples(payload: bytes, encoding: Encoding, message: str) -> None:
    with pytest.raises(BadDatagram) as caught:
        opentrackio.parse(payload, encoding)
    assert str(caught.value) == message
    assert caught.value.cause == "payload"


def test_numbers_that_are_no_pose() -> None:
    for payload in ({"rotation": {"pan": math.inf}}, {"translation": {"x": math.nan}}):
        sample = opentrackio.parse(cbor2.dumps({"transforms": [payload]}), Encoding.CBOR)
        with pytest.raises(BadDatagram, match="is not finite") as caught:
            opentrackio.pose(sample)
        assert caught.value.cause == "not finite"
    with pytest.raises(BadDatagram, match=r"a camera 1e\+06 m from the stage's origin is none"):
        opentrackio.pose(Sample(transforms=[Transform(Vector3(1e6))]))
    with pytest.raises(BadDatagram, match="at most 64 transforms"):
        opentrackio.pose(Sample(transforms=[Transform()] * 65))
    lens = opentrackio.lens(
        opentrackio.parse(cbor2.dumps({"lens": {"fStop": math.nan, "pinholeFocalLength": -1}}), Encoding.CBOR)
    )
    assert lens == LensSample()


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(
    ["transforms", "translation", "rotation", "x", "pan", "lens", "timing", "sampleRate", "num", "scale", "a"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(KEYS, TREES))
def test_random_trees_raise_nothing_but_protocol_error(tree: dict[str, object]) -> None:
    for payload, encoding in ((cbor2.dumps(tree), Encoding.CBOR), (json.dumps(tree).encode(), Encoding.JSON)):
        with contextlib.suppress(ProtocolError):
            sample = opentrackio.parse(payload, encoding)
            opentrackio.pose(sample)
            opentrackio.lens(sample)
            opentrackio.period_ns(sample)


@given(st.binary(max_size=200), st.sampled_from(Encoding))
def test_random_bytes_raise_nothing_but_protocol_error(payload: bytes, encoding: Encoding) -> None:
    with contextlib.suppress(ProtocolError):
        opentrackio.parse(payload, encoding)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x9f" * 5000,  # arrays in arrays
        b"\xa1\x61a" * 2000,  # maps in maps
        b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff",  # an array that claims 10^12 elements
        b"\x7b\x00\x00\x00\xff\xff\xff\xff\xff",  # a text that claims 10^12 bytes
        b"\xd8\x23\x66" + b"(a+)+$",  # a regular expression
        b"\xc0\x63abc",  # a date that is none
        b"\xc2\x59\xff\xff" + b"\xff" * 100,  # a big number cut short
        b"\xd8\x1c\x81\xd8\x1d\x00",  # an array that holds itself
    ],
)
def test_hostile_cbor(payload: bytes) -> None:
    with pytest.raises(BadDatagram):
        opentrackio.parse(payload, Encoding.CBOR)


SAMPLES = st.builds(
    Sample,
    source_number=st.none() | st.integers(1, 200),
    source_id=st.none() | st.text(max_size=20),
    timing=st.none()
    | st.builds(
        Timing,
        sample_rate=st.none() | st.builds(Rational, st.integers(1, 60000), st.integers(1, 1001)),
        sample_timestamp=st.none() | st.builds(Timestamp, st.integers(0, 2**48 - 1), st.integers(0, 999_999_999)),
        sequence_number=st.none() | st.integers(0, 2**31),
    ),
    transforms=st.none() | st.lists(TRANSFORM, max_size=3),
)


@given(SAMPLES, st.sampled_from(Encoding))
def test_round_trip(sample: Sample, encoding: Encoding) -> None:
    assert opentrackio.parse(opentrackio.build(sample, encoding), encoding) == sample


@given(DEGREES, st.floats(-89, 89), DEGREES, METRES, METRES)
def test_a_tracking_sample_survives(pan: float, tilt: float, roll: float, x: float, y: float) -> None:
    pose = opentrackio.pose(Sample(transforms=[Transform(Vector3(x, y, 1.5), Rotator3(pan, tilt, roll))]))
    assert pose is not None
    lens = LensSample(35.0, 2.5, 2.8, 0.1, 1, 2, 3)
    told = opentrackio.from_sample(TrackingSample(pose, 0, 9, lens=lens), source_number=3, time_ns=5_000_000_007)
    sample = opentrackio.parse(opentrackio.build(told, Encoding.CBOR), Encoding.CBOR)
    again = opentrackio.pose(sample)
    assert again is not None
    assert angle_between(pose, again) < 1e-7
    assert again.position_m.tolist() == pytest.approx([x, y, 1.5])
    assert opentrackio.lens(sample) == lens
    assert opentrackio.sample_time_ns(sample) == 5_000_000_007
    assert sample.source_number == 3


def test_unknown_lens_values_are_left_out() -> None:
    told = opentrackio.from_sample(TrackingSample(Pose.identity(), 0, 1))
    assert json.loads(opentrackio.build(told, Encoding.JSON))["lens"] == {}
