"""Mo-Sys F4: packets of a real tracker, bad packets, round trip, random bytes, and the geometry of the capture."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.tracking import f4
from translight.tracking.angles import pan_tilt_roll_deg
from translight.tracking.datagram import BadDatagram
from translight.tracking.f4 import F4

DATA = Path(__file__).parents[1] / "data" / "tracking" / "f4"
CAPTURE = Path(__file__).parents[2].parent / "shared" / "data" / "tracking" / "mosys_f4" / "A003_C001_15-03-47-01.f4"
FIRST = (DATA / "first.bin").read_bytes()


def test_the_first_packet_of_a_real_tracker() -> None:
    packet = f4.parse(FIRST)
    assert (packet.camera, packet.frame, packet.status >> 4) == (0, 7, 7)
    assert packet.tracking_status is not None
    assert f4.STATUS[packet.tracking_status] == "Optical Good"
    assert f4.timecode(packet) == ("15:03:47:02", 25)
    pose = f4.pose(packet)
    assert pan_tilt_roll_deg(pose) == pytest.approx((-3.031, -28.072, 3.096))
    assert pose.position_m == pytest.approx([-0.08045, -1.85355, 1.19801])
    lens = f4.lens(packet, sensor_width_mm=9.59)
    assert lens.focal_length_mm == pytest.approx(7.58, abs=0.01)  # a broadcast zoom at its wide end
    assert lens.focus_distance_m == pytest.approx(2.313, abs=1e-3)
    assert lens.entrance_pupil_offset_m == pytest.approx(0.1499, abs=1e-4)
    assert (lens.zoom_raw, lens.focus_raw, lens.iris_raw, lens.f_number) == (93, 50091, None, None)
    assert f4.lens(packet).focal_length_mm is None
    assert f4.build(packet) == FIRST


def test_the_last_packet_is_at_the_long_end() -> None:
    packet = f4.parse((DATA / "last.bin").read_bytes())
    assert f4.timecode(packet) == ("15:04:46:23", 25)
    lens = f4.lens(packet, sensor_width_mm=9.59)
    assert lens.zoom_raw == 65436
    assert lens.focal_length_mm == pytest.approx(22.81, abs=0.01)


def test_a_file_is_packets_one_after_another() -> None:
    data = (DATA / "second_of_a_pan.f4").read_bytes()
    packets = [f4.parse(p) for p in f4.split(data)]
    assert len(packets) == 25
    frames = [p.frame for p in packets]
    assert all((b - a) % 16 == 1 for a, b in itertools.pairwise(frames))
    with pytest.raises(BadDatagram, match="at byte 2520: the last F4 packet lacks 5 bytes"):
        list(f4.split(data[:-5]))
    with pytest.raises(BadDatagram, match="at byte 105: an F4 packet begins with f4, got 00"):
        list(f4.split(data[:105] + bytes(105)))


@pytest.mark.skipif(not CAPTURE.is_file(), reason=f"{CAPTURE} is not here")
def test_the_whole_capture_turns_about_the_tripod_head() -> None:
    """60 s on a fluid head: with the right units and signs, position = pivot + R · lever with one pivot and lever."""
    packets = [f4.parse(p) for p in f4.split(CAPTURE.read_bytes())]
    assert len(packets) == 1497
    poses = [f4.pose(p) for p in packets[::5]]
    level = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    A = np.vstack([np.hstack([np.eye(3), p.rotation() @ level.T]) for p in poses])
    b = np.concatenate([p.position_m for p in poses])
    solution, *_ = np.linalg.lstsq(A, b)
    assert np.sqrt(np.mean((A @ solution - b) ** 2)) < 0.0005
    assert solution == pytest.approx([-0.100, -1.981, 1.021, 0.000, 0.030, 0.216], abs=0.001)


@pytest.mark.parametrize(
    ("data", "cause", "message"),
    [
        (b"", "length", "an F4 packet is at least 10 bytes, got 0"),
        (b"\xf4\0\1\0", "length", "an F4 packet is at least 10 bytes, got 4"),
        (b"\xd1" + FIRST[1:], "type", "an F4 packet begins with f4, got d1"),
        (b"\xf4\0\0\0\x4c", "length", "an F4 packet has at least one axis, got 0"),
        (FIRST[:-1], "length", "an F4 packet of 20 axes is 105 bytes, got 104"),
        (FIRST + b"\0", "length", "an F4 packet of 20 axes is 105 bytes, got 106"),
        (FIRST[:-1] + b"\0", "checksum", f"F4 checksum is 00, the bytes before it ask for {FIRST[-1]:02x}"),
    ],
)
def test_bad_packets(data: bytes, cause: str, message: str) -> None:
    with pytest.raises(BadDatagram) as caught:
        f4.parse(data)
    assert str(caught.value) == message
    assert caught.value.cause == cause


BLOCK = st.binary(min_size=4, max_size=4)
PACKETS = st.builds(
    F4,
    st.integers(0, 255),
    st.integers(0, 255),
    st.dictionaries(st.integers(0, 255), BLOCK, min_size=1, max_size=40),
)


@given(PACKETS)
def test_round_trip(packet: F4) -> None:
    assert f4.parse(f4.build(packet)) == packet


@given(st.binary(max_size=64) | PACKETS.map(f4.build))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    try:
        packet = f4.parse(data)
        f4.lens(packet, sensor_width_mm=36.0)
        f4.timecode(packet)
        f4.pose(packet)
    except ProtocolError:
        pass


def test_a_lost_tracker_and_a_missing_axis_give_no_pose() -> None:
    packet = f4.parse(FIRST)
    lost = F4(0, 0, {**packet.axes, f4.TRACKING_STATUS: bytes((0, 1, 0x60, 0))})
    with pytest.raises(BadDatagram, match="the F4 tracker says 'Optical Lost'") as caught:
        f4.pose(lost)
    assert caught.value.cause == "tracker lost"
    half = F4(0, 0, {axis: block for axis, block in packet.axes.items() if axis != f4.ROLL})
    with pytest.raises(BadDatagram, match="an F4 pose needs axes 1, 2, 19, 5, 6, 7; 19 is missing"):
        f4.pose(half)


def test_build_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="1 to 255 axes, got 0"):
        f4.build(F4(0, 0, {}))
    with pytest.raises(ValueError, match="F4 axis 0x01 has 4 bytes, got 3"):
        f4.build(F4(0, 0, {1: b"abc"}))
    with pytest.raises(ValueError, match="24 bits, got 8388608"):
        f4.integer(1 << 23)
    assert f4.lens(F4(0, 0, {f4.APERTURE: f4.real(2.8)})).f_number == pytest.approx(2.8)
    assert f4.integer(-3031) == bytes.fromhex("00fff429")
