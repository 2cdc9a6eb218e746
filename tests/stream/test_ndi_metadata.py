"""The frame header as NDI metadata: what comes back, what is refused, what strangers may write around it."""

import math
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream.header import FrameHeader, FrameTimes
from translight.stream.ndi_metadata import MAX_BYTES, from_xml, to_xml

times = st.integers(-1, 2**63 - 1)
words = st.integers(0, 2**64 - 1)
floats = st.floats(-1e6, 1e6)
headers = st.builds(
    FrameHeader,
    frame=words,
    width_px=st.just(64),
    height_px=st.just(32),
    format=st.sampled_from([PixelFormat.RGBA8, PixelFormat.RGB10A2]),
    encoding=st.sampled_from(["srgb", "gamma2.4", "pq"]),
    rate=st.fractions(1, 1000, max_denominator=1001),
    flags=st.integers(0, 2**32 - 1),
    pose_sequence=words,
    times=st.builds(FrameTimes, *[times] * 8),
    clock_id=words,
    wxyz=st.tuples(*[floats] * 4),
    position_m=st.tuples(*[floats] * 3),
    carries=st.sampled_from(["wall", "camera"]),
)
GOOD = to_xml(FrameHeader(7, 64, 32, PixelFormat.RGBA8, rate=Fraction(24000, 1001), position_m=(1.5, -2.0, 0.1)))

DEPTH = to_xml(FrameHeader(7, 64, 32, PixelFormat.RGBA8, encoding="depth-log", carries="depth", near_m=0.5, far_m=80.0))


def test_depth_tells_its_curve() -> None:
    read = from_xml(DEPTH, 64, 32)
    assert (read.carries, read.encoding, read.near_m, read.far_m) == ("depth", "depth-log", 0.5, 80.0)


@settings(max_examples=50)
@given(headers)
def test_every_header_comes_back(header: FrameHeader) -> None:
    assert from_xml(to_xml(header), 64, 32) == header


def test_another_parser_reads_it() -> None:
    element = ElementTree.fromstring(GOOD)
    assert element.tag == "translight_frame"
    assert element.get("frame") == "7"
    assert element.get("rate") == "24000/1001"
    assert element.get("position_m") == "1.5 -2.0 0.1"
    assert len(GOOD) < 600


@pytest.mark.parametrize(
    "around",
    [
        b"<ndi_metadata_group><ndi_color_info primaries='bt_709'/>%b</ndi_metadata_group>",
        b"<a>text</a>%b<b/>",
        b"%b<translight_frame version='9'/>",
    ],
)
def test_other_elements_may_stand_around_it(around: bytes) -> None:
    assert from_xml(around.replace(b"%b", GOOD), 64, 32) == from_xml(GOOD, 64, 32)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "frame metadata holds no <translight_frame>"),
        (b"<other/>", "frame metadata holds no <translight_frame>"),
        (b"<translight_frame", "frame metadata is not XML: not well-formed (invalid token): line 1, column 24"),
        (GOOD.replace(b'version="1"', b'version="2"'), "this reads frame metadata version 1, got '2'"),
        (GOOD.replace(b"rgba8", b"rgb"), "format 'rgb' is none of "),
        (GOOD.replace(b"srgb", b"log"), "encoding 'log' is none of srgb, gamma2.4, pq, depth-log"),
        (GOOD.replace(b"<translight_frame", b"<translight_frame carries='sky'"), "carries 'sky' is none of wall, camera, depth"),
        (GOOD.replace(b"srgb", b"depth-log"), "near_far_m is 2 numbers, got ''"),
        (DEPTH.replace(b"0.5 80.0", b"80 0.5"), "depth runs from a near end above 0 to a farther one, got 80 to 0.5 m"),
        (GOOD.replace(b'frame="7"', b'frame="-1"'), "frame is a whole number from 0 to 18446744073709551615, got '-1'"),
        (GOOD.replace(b'frame="7"', b'frame="7.0"'), "frame is a whole number from 0 to 18446744073709551615, got '7.0'"),
        (GOOD.replace(b"/1001", b"/0"), "rate is a whole number from 1 to 2147483648, got '0'"),
        (GOOD.replace(b"1.5 -2.0 0.1", b"1.5 nan 0.1"), "position_m is 3 numbers, got '1.5 nan 0.1'"),
        (GOOD.replace(b"1.5 -2.0 0.1", b"1.5"), "position_m is 3 numbers, got '1.5'"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + GOOD, "frame metadata is not XML: not well-formed (invalid token): line 1, column 9"),
        (b"<a>&x;</a>", "frame metadata is not XML: undefined entity: line 1, column 10"),
        (b"<a>" + b"x" * MAX_BYTES + b"</a>", f"frame metadata is at most {MAX_BYTES} bytes, got {MAX_BYTES + 7}"),
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        from_xml(data, 64, 32)
    assert str(caught.value).startswith(message)


@settings(max_examples=50)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
def test_rubbish_raises_nothing_but_protocol_errors(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        from_xml(data, 64, 32)


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_a_bent_header_is_refused_or_sound(at: int, bent: bytes) -> None:
    try:
        header = from_xml(GOOD[:at] + bent + GOOD[at + 1 :], 64, 32)
    except ProtocolError:
        return
    assert all(math.isfinite(value) for value in (*header.wxyz, *header.position_m))
    assert replace(header, width_px=64).rate > 0
