"""OSC packets: python-osc as the oracle, bad ones, round trip, random bytes, what hangs python-osc."""

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from translight.core.errors import ProtocolError
from translight.tracking import osc_packet
from translight.tracking.datagram import BadDatagram
from translight.tracking.osc_packet import Message, build, build_bundle

# As OSC 1.0's own examples print them
OSCILLATOR = b"/oscillator/4/frequency\0,f\0\0" + struct.pack(">f", 440.0)
FOO = b"/foo\0\0\0\0,iisff\0\0" + struct.pack(">ii", 1000, -1) + b"hello\0\0\0" + struct.pack(">ff", 1.234, 5.678)


def test_golden_packets() -> None:
    assert osc_packet.parse(OSCILLATOR) == [Message("/oscillator/4/frequency", (440.0,))]
    assert build("/oscillator/4/frequency", 440.0) == OSCILLATOR
    (foo,) = osc_packet.parse(FOO)
    assert foo.address == "/foo"
    assert foo.arguments[:3] == (1000, -1, "hello")
    assert foo.arguments[3:] == pytest.approx((1.234, 5.678))
    assert build("/foo", *foo.arguments) == FOO


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert osc_packet.parse(b"/ping\0\0\0") == [Message("/ping", ())]


def test_arrays_are_flat_as_openvr_osc_sends_them() -> None:
    builder = OscMessageBuilder("/tracker/1")
    builder.add_arg([1.0, 2.0, 3.0])
    data = builder.build().dgram
    assert b",[fff]" in data
    assert osc_packet.parse(data) == [Message("/tracker/1", (1.0, 2.0, 3.0))]
    builder.add_arg("name")
    assert osc_packet.parse(builder.build().dgram) == [Message("/tracker/1", (1.0, 2.0, 3.0, "name"))]


def test_every_type_that_python_osc_writes() -> None:
    builder = OscMessageBuilder("/all")
    for value, kind in (
        (1, "i"),
        (1 << 40, "h"),
        (0.5, "f"),
        (0.1, "d"),
        ("text", "s"),
        (b"abcde", "b"),
        (0x11223344, "r"),
    ):
        builder.add_arg(value, kind)
    for kind in "TFN":
        builder.add_arg(None, kind)
    builder.add_arg((1, 2, 3, 4), "m")
    (message,) = osc_packet.parse(builder.build().dgram)
    assert message.arguments == (1, 1 << 40, 0.5, 0.1, "text", b"abcde", 0x11223344, True, False, None, 0x01020304)


ARGUMENT = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(width=32, allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
    | st.binary(min_size=1, max_size=9)
    | st.booleans()
    | st.none()
)
ADDRESS = st.from_regex(r"/[a-zA-Z0-9_/]{0,20}", fullmatch=True)


@given(ADDRESS, st.lists(ARGUMENT, max_size=12))
def test_round_trip_and_python_osc_agrees(address: str, arguments: list[osc_packet.Argument]) -> None:
    data = build(address, *arguments)
    assert osc_packet.parse(data) == [Message(address, tuple(arguments))]
    theirs = OscMessage(data)
    assert (theirs.address, tuple(theirs.params)) == (address, tuple(arguments))


@given(st.lists(st.lists(st.tuples(ADDRESS, ARGUMENT), min_size=1, max_size=3), max_size=3))
def test_bundles_round_trip_and_python_osc_agrees(groups: list[list[tuple[str, osc_packet.Argument]]]) -> None:
    data = build_bundle(*(build_bundle(*(build(a, v) for a, v in group)) for group in groups))
    expected = [(a, (v,)) for group in groups for a, v in group]
    assert [(m.address, m.arguments) for m in osc_packet.parse(data)] == expected
    assert [(m.message.address, tuple(m.message.params)) for m in OscPacket(data).messages] == expected


def test_a_bundle_that_python_osc_made() -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for n in range(3):
        message = OscMessageBuilder(f"/m/{n}")
        message.add_arg(float(n))
        bundle.add_content(message.build())
    assert [m.address for m in osc_packet.parse(bundle.build().dgram)] == ["/m/0", "/m/1", "/m/2"]


HEAD = b"#bundle\0" + b"\0" * 7 + b"\1"


@pytest.mark.parametrize(
    ("data", "cause", "message"),
    [
        (b"", "type", "an OSC packet begins with / or #bundle, got b''"),
        (b"hello\0\0\0", "type", "an OSC packet begins with / or #bundle, got b'hello\\x00\\x00\\x00'"),
        (b"/a", "length", "an OSC string at byte 0 does not end within the packet"),
        (b"/a\0", "length", "an OSC string at byte 0 does not end within the packet"),
        (b"/\xff\0\0", "type", "an OSC string at byte 0 is not UTF-8"),
        (b"/a\0\0f\0\0\0", "type", "OSC type tags begin with a comma, got 'f'"),
        (b"/a\0\0,f\0\0", "length", "the OSC arguments ',f' of /a do not take the 0 bytes that follow"),
        (b"/a\0\0,f\0\0abc", "length", "the OSC arguments ',f' of /a do not take the 3 bytes that follow"),
        (b"/a\0\0,f\0\0abcdefgh", "length", "the OSC arguments ',f' of /a do not take the 8 bytes that follow"),
        (b"/a\0\0,T\0\0abcd", "length", "the OSC arguments ',T' of /a do not take the 4 bytes that follow"),
        (b"/a\0\0,st\0x\0\0\0abc", "length", "the OSC arguments ',st' of /a do not take the 3 bytes that follow"),
        (b"/a\0\0,x\0\0", "type", "OSC type tag 'x' of /a is none that is known"),
        (b"/a\0\0,[f\0abcd", "type", "OSC type tags ',[f' of /a open and close different arrays"),
        (b"/a\0\0,]T[\0\0\0\0", "type", "OSC type tags ',]T[' of /a open and close different arrays"),
        (b"/a\0\0,b\0\0", "length", "the OSC arguments ',b' of /a do not take the 0 bytes that follow"),
        (b"/a\0\0,b\0\0\0\0\0\x05abcd", "length", "an OSC blob of 5 bytes does not fit into 4"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "length", "an OSC blob of -1 bytes does not fit into 0"),
        (b"/a\0\0," + b"T" * 300 + b"\0" * 3, "too large", "an OSC message has at most 256 arguments, got 300"),
        (b"#bundle\0\0\0", "length", "an OSC bundle has a time tag of 8 bytes, got 2"),
        (HEAD + b"\0\0", "length", "an OSC bundle ends within an element's size at byte 16"),
        (HEAD + b"\0\0\0\x08/a\0\0", "length", "an OSC bundle element of 8 bytes does not fit into 4"),
        (HEAD + b"\0\0\0\0", "length", "an OSC bundle element of 0 bytes does not fit into 0"),
        (HEAD + struct.pack(">i", -4), "length", "an OSC bundle element of -4 bytes does not fit into 0"),
        (
            build_bundle(build_bundle(build_bundle(build_bundle(build_bundle())))),
            "too large",
            "OSC bundles are nested at most 4 deep",
        ),
        (build_bundle(*[b"/a\0\0"] * 257), "too large", "an OSC packet has at most 256 messages"),
    ],
)
def test_bad_packets(data: bytes, cause: str, message: str) -> None:
    with pytest.raises(BadDatagram) as caught:
        osc_packet.parse(data)
    assert str(caught.value) == message
    assert caught.value.cause == cause


@given(
    st.binary(max_size=80)
    | st.binary(max_size=60).map(lambda d: b"/a\0\0," + d)
    | st.binary(max_size=60).map(lambda d: HEAD + d)
    | st.lists(st.integers(-9, 40).map(lambda n: struct.pack(">i", n)) | st.just(OSCILLATOR), max_size=6).map(
        lambda parts: HEAD + b"".join(parts)
    )
)
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        for message in osc_packet.parse(data):
            assert message.address.startswith("/")


def test_an_impulse_is_infinite_so_that_no_pose_takes_it_for_a_number() -> None:
    (message,) = osc_packet.parse(b"/a\0\0,I\0\0")
    assert message.arguments == (math.inf,)


def test_build_refuses_what_is_no_osc() -> None:
    with pytest.raises(ValueError, match="an OSC address begins with /, got 'a'"):
        build("a")
    with pytest.raises(ValueError, match="an OSC string holds no zero byte"):
        build("/a", "x\0y")
