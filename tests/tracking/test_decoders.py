"""Decoders: which camera is followed, bundles of many cameras, late and repeated samples, timestamps, static blocks."""

import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from translight.core.clock import now_ns
from translight.core.frames import camera_from_freed, camera_from_opentrackio
from translight.core.pose import angle_between
from translight.tracking import f4, freed, opentrackio, opentrackio_packet, osc_map
from translight.tracking.datagram import BadDatagram, Decoder
from translight.tracking.decoders import F4Decoder, FreeDDecoder, OpenTrackIODecoder, OscDecoder
from translight.tracking.freed import PRESETS, FreeD
from translight.tracking.opentrackio import Rational, Rotator3, Sample, Timestamp, Timing, Transform, Vector3
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.osc_packet import build, build_bundle

DATA = Path(__file__).parents[1] / "data" / "tracking"
S = 1_000_000_000


def packet(camera: int) -> bytes:
    return freed.build(FreeD(camera, 10, 20, 30, 1000, 2000, 3000, 5, 6))


def test_the_first_camera_is_followed_until_it_falls_silent() -> None:
    decoder = FreeDDecoder(PRESETS["generic"])
    assert decoder.decode(packet(4), 10 * S).sequence == 1
    with pytest.raises(BadDatagram, match="a sample of camera '5', this follows '4'") as caught:
        decoder.decode(packet(5), 11 * S)
    assert caught.value.cause == "wrong camera"
    assert decoder.decode(packet(4), 12 * S).sequence == 2
    sample = decoder.decode(packet(5), 15 * S)
    assert (sample.camera, sample.sequence) == ("5", 3)


def test_the_camera_asked_for_is_followed_for_ever() -> None:
    decoder = FreeDDecoder(PRESETS["generic"], "4")
    for at in (1, 100):
        with pytest.raises(BadDatagram, match="a sample of camera '5', this follows '4'"):
            decoder.decode(packet(5), at * S)
    assert decoder.decode(packet(4), 200 * S).sequence == 1


def test_freed_poses_are_those_of_core_frames() -> None:
    sample = FreeDDecoder(PRESETS["generic"]).decode(packet(1), 5)
    expected = camera_from_freed(10.0, 20.0, 30.0, (1000.0, 2000.0, 3000.0))
    assert angle_between(sample.stage_from_camera, expected) < 1e-6
    assert sample.stage_from_camera.position_m == pytest.approx(expected.position_m)
    assert (sample.received_ns, sample.captured_ns, sample.timecode) == (5, None, None)


def test_f4_gives_camera_timecode_and_lens() -> None:
    data = (DATA / "f4" / "first.bin").read_bytes()
    sample = F4Decoder(sensor_width_mm=9.59).decode(data, 7)
    assert (sample.camera, sample.timecode, sample.sequence) == ("0", "15:03:47:02", 1)
    assert sample.lens.focal_length_mm == pytest.approx(7.58, abs=0.01)
    with pytest.raises(BadDatagram, match="a sample of camera '0', this follows '1'"):
        F4Decoder("1").decode(data, 7)


def osc(name: str, *values: float) -> bytes:
    return build(f"/tracker/position/{name}", *(values + (0.0,) * (9 - len(values))))


def test_osc_follows_one_camera_in_bundles_of_many() -> None:
    decoder = OscDecoder(osc_map.preset("reality-field"))
    first = decoder.decode(osc("A", 1.0), S)
    assert first is not None
    for bundle in (build_bundle(osc("A", 2.0), osc("B", 3.0)), build_bundle(osc("B", 3.0), osc("A", 2.0))):
        sample = decoder.decode(bundle, S)
        assert sample is not None
        assert (sample.camera, sample.stage_from_camera.position_m[0]) == ("A", 2.0)
    with pytest.raises(BadDatagram, match="a sample of camera 'B', this follows 'A'"):
        decoder.decode(osc("B", 3.0), S)
    asked = OscDecoder(osc_map.preset("reality-field"), "B").decode(build_bundle(osc("A"), osc("B"), osc("C")), S)
    assert asked is not None
    assert asked.camera == "B"


def test_osc_of_several_samples_in_one_packet_the_last_counts() -> None:
    sample = OscDecoder(osc_map.preset("reality-field")).decode(build_bundle(osc("A", 1.0), osc("A", 2.0)), S)
    assert sample is not None
    assert (sample.stage_from_camera.position_m[0], sample.sequence) == (2.0, 1)


def test_osc_halves_in_two_datagrams() -> None:
    decoder = OscDecoder(osc_map.preset("vrchat"), "1")
    assert decoder.decode(build("/tracking/trackers/1/position", 1.0, 2.0, 3.0), S) is None
    assert decoder.decode(build("/tracking/trackers/2/position", 9.0, 9.0, 9.0), S) is None
    sample = decoder.decode(build("/tracking/trackers/1/rotation", 0.0, 0.0, 0.0), S + 5)
    assert sample is not None
    assert sample.received_ns == S + 5
    assert sample.stage_from_camera.position_m.tolist() == [1, 3, 2]


def test_osc_that_is_not_the_camera_s() -> None:
    decoder = OscDecoder(osc_map.preset("reality-field"))
    assert decoder.decode(build("/genlock", "01:00:00:00"), S) is None
    assert decoder.decode(build_bundle(build("/fader", 1.0), osc("A")), S) is not None
    assert decoder.decode(build_bundle(build("/fader", 1.0), build("/genlock", "x")), S) is None
    with pytest.raises(BadDatagram, match="'/fader' is not one of reality-field"):
        decoder.decode(build_bundle(build("/fader", 1.0)), S)


def test_a_bad_message_spoils_its_whole_bundle() -> None:
    decoder = OscDecoder(osc_map.preset("vrchat"))
    bad = build_bundle(
        build("/tracking/trackers/1/position", 1.0, 2.0, 3.0), build("/tracking/trackers/1/rotation", 0.0)
    )
    with pytest.raises(BadDatagram, match="has 3 arguments, got 1"):
        decoder.decode(bad, S)
    assert decoder.decode(build("/tracking/trackers/1/rotation", 0.0, 0.0, 0.0), S) is None


def otrk(sequence: int, *, number: int | None = 1, rate: int = 50, **changes: object) -> bytes:
    sample = Sample(
        source_number=number,
        timing=Timing(sample_rate=Rational(rate)),
        transforms=[Transform(Vector3(1, 2, 3), Rotator3(10, 20, 30))],
    )
    payload = opentrackio.build(msgspec.structs.replace(sample, **changes), Encoding.JSON)
    return opentrackio_packet.build(payload, Encoding.JSON, sequence)[0]


def test_opentrackio_pose_is_that_of_core_frames() -> None:
    sample = OpenTrackIODecoder().decode(otrk(1), S)
    assert sample is not None
    expected = camera_from_opentrackio(10.0, 20.0, 30.0, (1.0, 2.0, 3.0))
    assert angle_between(sample.stage_from_camera, expected) < 1e-9
    assert sample.stage_from_camera.position_m.tolist() == [1, 2, 3]
    assert (sample.camera, sample.sequence) == ("1", 1)


def test_repeated_and_late_samples_are_dropped_for_three_periods() -> None:
    decoder = OpenTrackIODecoder()
    period = S // 50
    assert decoder.decode(otrk(100), 0) is not None
    with pytest.raises(BadDatagram, match="OpenTrackIO sample 100 came after 100") as caught:
        decoder.decode(otrk(100), 1)
    assert caught.value.cause == "repeated"
    with pytest.raises(BadDatagram, match="OpenTrackIO sample 99 came after 100") as caught:
        decoder.decode(otrk(99), 3 * period - 1)
    assert caught.value.cause == "late"
    assert decoder.decode(otrk(3), 3 * period) is not None  # the tracker began anew
    assert decoder.decode(otrk(4), 4 * period) is not None


def test_the_sequence_number_wraps() -> None:
    decoder = OpenTrackIODecoder()
    assert decoder.decode(otrk(0xFFFF), 0) is not None
    assert decoder.decode(otrk(0), 1) is not None


def test_sources_of_one_sender_have_their_own_order() -> None:
    decoder = OpenTrackIODecoder("2")
    with pytest.raises(BadDatagram, match="a sample of camera '1', this follows '2'"):
        decoder.decode(otrk(500, number=1), 0)
    assert decoder.decode(otrk(10, number=2), 1) is not None
    assert decoder.decode(otrk(11, number=2), 2) is not None


def test_the_static_block_is_remembered() -> None:
    decoder = OpenTrackIODecoder()
    static = opentrackio.Static(camera=opentrackio.StaticCamera(label="A"))
    decoder.decode(otrk(1, static=static), 0)
    decoder.decode(otrk(2), 1)
    assert decoder.static == static
    alone = opentrackio.Static(camera=opentrackio.StaticCamera(label="B"))
    assert decoder.decode(otrk(3, static=alone, transforms=None), 2) is None
    assert decoder.static == alone


@pytest.mark.parametrize(("clock", "ahead_s"), [("utc", 0), ("tai", 37)])
def test_timestamps_come_onto_our_clock_when_the_clock_is_trusted(clock: str, ahead_s: int) -> None:
    decoder = OpenTrackIODecoder(clock=clock)  # type: ignore[arg-type]
    received_ns = now_ns()
    stamp = time.time_ns() + ahead_s * S - 20_000_000
    timing = Timing(sample_timestamp=Timestamp(stamp // S, stamp % S))
    sample = decoder.decode(otrk(1, timing=timing), received_ns)
    assert sample is not None
    assert sample.captured_ns is not None
    assert received_ns - sample.captured_ns == pytest.approx(20_000_000, abs=5_000_000)


@pytest.mark.parametrize(("clock", "age_s"), [("none", 0.02), ("utc", 5.0), ("utc", -0.5), ("tai", 0.02)])
def test_timestamps_that_are_not_to_be_believed(clock: str, age_s: float) -> None:
    decoder = OpenTrackIODecoder(clock=clock)  # type: ignore[arg-type]
    stamp = time.time_ns() - int(age_s * S)
    timing = Timing(sample_timestamp=Timestamp(stamp // S, stamp % S))
    sample = decoder.decode(otrk(1, timing=timing), now_ns())
    assert sample is not None
    assert sample.captured_ns is None


def test_a_segmented_sample_and_a_lost_segment() -> None:
    data = (DATA / "opentrackio" / "packet_json_segmented.bin").read_bytes()
    at = data.index(b"OTrk", 4)
    decoder = OpenTrackIODecoder()
    assert decoder.decode(data[:at], 0) is None
    sample = decoder.decode(data[at:], 1)
    assert sample is not None
    assert sample.timecode == "01:02:03:04"
    assert decoder.decode(otrk(4), S) is not None
    assert decoder.incomplete == 0


@pytest.mark.parametrize(
    "decoder", [FreeDDecoder(PRESETS["sony"]), F4Decoder(), OscDecoder(osc_map.preset("vmc")), OpenTrackIODecoder()]
)
def test_every_decoder_drops_an_empty_datagram(decoder: Decoder) -> None:
    with pytest.raises(BadDatagram):
        decoder.decode(b"", 0)


def test_a_lost_f4_tracker_counts_as_that() -> None:
    good = f4.parse((DATA / "f4" / "first.bin").read_bytes())
    lost = f4.build(replace(good, axes={**good.axes, f4.TRACKING_STATUS: bytes((0, 1, 0x70, 0))}))
    with pytest.raises(BadDatagram, match="Lost Too Few Stars") as caught:
        F4Decoder().decode(lost, 0)
    assert caught.value.cause == "tracker lost"
