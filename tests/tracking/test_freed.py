"""FreeD D1: golden packets, bad packets, round trip, random bytes."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.tracking import freed
from translight.tracking.angles import pan_tilt_roll_deg
from translight.tracking.datagram import BadDatagram
from translight.tracking.freed import PRESETS, FreeD

DATA = Path(__file__).parents[1] / "data" / "tracking" / "freed"

GOLDEN = [
    ("rest", FreeD(1, 0, 0, 0, 0, 0, 0, 0, 0)),
    ("moved", FreeD(1, 45, -10, 0, 1000, -2000, 1500, 0x1234, 0x5678)),
    (
        "limits",
        FreeD(255, -179.5, 89.99, -45.25, (2**23 - 1) / 64, -131072, 1 / 64, 0xFFFFFF, 0xFFFFFF, 0xFFFF),
    ),
    ("one_step", FreeD(7, -1 / 32768, 0, 0, -1 / 64, 0, 0, 0, 0)),
    ("head_left", FreeD(0, -65.05731201171875, 0.561981201171875, 0, 0, 0, 0, 16384, 5377, 0xD1FF)),
    ("head_right", FreeD(0, 67.194091796875, -0.1595458984375, 0, 0, 0, 0, 10438, 5049, 0xD1FF)),
]


@pytest.mark.parametrize(("name", "packet"), GOLDEN, ids=[name for name, _ in GOLDEN])
def test_golden_packets(name: str, packet: FreeD) -> None:
    data = (DATA / f"{name}.bin").read_bytes()
    read = freed.parse(data)
    for field in ("camera", "zoom", "focus", "spare", "pan_deg", "roll_deg", "x_mm", "y_mm", "z_mm"):
        assert getattr(read, field) == getattr(packet, field), field
    assert read.tilt_deg == pytest.approx(packet.tilt_deg, abs=1 / 32768)
    assert freed.build(read) == data


REST = (DATA / "rest.bin").read_bytes()


@pytest.mark.parametrize(
    ("data", "cause", "message"),
    [
        (b"", "length", "FreeD D1 is 29 bytes, got 0"),
        (REST[:28], "length", "FreeD D1 is 29 bytes, got 28"),
        (REST + b"\0", "length", "FreeD D1 is 29 bytes, got 30"),
        (b"\xd0" + REST[1:], "type", "a FreeD packet of type D1 begins with d1, got d0"),
        (REST[:28] + b"\x6f", "checksum", "FreeD checksum is 6f, the bytes before it ask for 6e"),
        (REST[:5] + b"\x01" + REST[6:], "checksum", "FreeD checksum is 6e, the bytes before it ask for 6d"),
    ],
)
def test_bad_packets(data: bytes, cause: str, message: str) -> None:
    with pytest.raises(BadDatagram) as caught:
        freed.parse(data)
    assert str(caught.value) == message
    assert caught.value.cause == cause


ANGLE = st.floats(-255.9, 255.9)
POSITION = st.floats(-131071.0, 131071.0)
U24 = st.integers(0, 0xFFFFFF)
PACKETS = st.builds(
    FreeD, st.integers(0, 255), ANGLE, ANGLE, ANGLE, POSITION, POSITION, POSITION, U24, U24, st.integers(0, 0xFFFF)
)


@given(PACKETS)
def test_round_trip_is_exact_after_one_rounding(packet: FreeD) -> None:
    data = freed.build(packet)
    read = freed.parse(data)
    assert freed.build(read) == data
    for field in ("pan_deg", "tilt_deg", "roll_deg"):
        assert getattr(read, field) == pytest.approx(getattr(packet, field), abs=0.5 / 32768)
    for field in ("x_mm", "y_mm", "z_mm"):
        assert getattr(read, field) == pytest.approx(getattr(packet, field), abs=0.5 / 64)
    assert (read.camera, read.zoom, read.focus, read.spare) == (packet.camera, packet.zoom, packet.focus, packet.spare)


@given(st.binary(max_size=64) | st.binary(min_size=29, max_size=29).map(lambda data: b"\xd1" + data[1:]))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        freed.parse(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera": 256}, "FreeD cannot hold camera = 256: it has 8 bits"),
        ({"zoom": -1}, "FreeD cannot hold zoom = -1: it has 24 bits"),
        ({"spare": 1 << 16}, "FreeD cannot hold spare = 65536: it has 16 bits"),
        ({"pan_deg": 256.0}, "FreeD cannot hold pan_deg = 256.0: its 24 bits end at ±256 degrees"),
        ({"x_mm": -131073.0}, "FreeD cannot hold x_mm = -131073.0: its 24 bits end at ±131072 mm"),
        ({"z_mm": float("nan")}, "FreeD cannot hold z_mm = nan: its 24 bits end at ±131072 mm"),
    ],
)
def test_build_refuses_what_does_not_fit(change: dict[str, float], message: str) -> None:
    fields = dict(zip(FreeD.__dataclass_fields__, (1, 0, 0, 0, 0, 0, 0, 0, 0, 0), strict=True))
    with pytest.raises(ValueError) as caught:
        freed.build(FreeD(**{**fields, **change}))
    assert str(caught.value) == message


def test_pan_is_positive_to_the_right_and_positions_are_stage_metres() -> None:
    pose = freed.pose(FreeD(1, 90, 0, 0, 1000, 2000, 1500, 0, 0))
    assert pose.apply([0, 0, 1]) - pose.position_m == pytest.approx([1, 0, 0], abs=1e-12)
    assert pose.position_m == pytest.approx([1.0, 2.0, 1.5])
    assert pan_tilt_roll_deg(freed.pose(FreeD(1, -30, 10, 5, 0, 0, 0, 0, 0))) == pytest.approx((30, 10, 5))


PACKET = FreeD(1, 0, 0, 0, 0, 0, 0, 3500, 21000, 0xA118)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("generic", (None, None, None, 3500, 21000, None)),
        ("panasonic", (None, None, None, 3500, 21000, 0xA118)),
        ("sony", (None, None, 2.8, 3500, 21000, None)),
        ("z-cam", (35.0, 2.1, None, 3500, 21000, None)),
    ],
)
def test_presets_read_the_lens(preset: str, expected: tuple[float | None, ...]) -> None:
    lens = freed.lens(PACKET, PRESETS[preset])
    found = (lens.focal_length_mm, lens.focus_distance_m, lens.f_number, lens.zoom_raw, lens.focus_raw, lens.iris_raw)
    assert found == expected


def test_travel_runs_from_end_to_end() -> None:
    sony = PRESETS["sony"]
    assert sony.focus_fraction(0x1000) == 0
    assert sony.focus_fraction(0xF000) == 1
    assert sony.zoom_fraction(0x7AC0 // 2) == 0.5
    assert sony.zoom_fraction(0xFFFF) == 1
    assert PRESETS["panasonic"].zoom_fraction(0) == 0


@given(ANGLE.filter(lambda a: abs(a) < 179), st.floats(-89, 89), st.floats(-179, 179), POSITION)
def test_a_sample_survives_freed(pan: float, tilt: float, roll: float, x: float) -> None:
    from translight.core.pose import angle_between
    from translight.tracking.sample import TrackingSample

    pose = freed.pose(FreeD(1, pan, tilt, roll, x, 0, 0, 0, 0))
    again = freed.pose(freed.parse(freed.build(freed.from_sample(TrackingSample(pose, 0, 0)))))
    assert angle_between(pose, again) < 1e-6
    assert again.position_m == pytest.approx(pose.position_m, abs=1e-5)
