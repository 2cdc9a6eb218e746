"""RTSP messages: golden ones, broken ones, rubbish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.stream import rtsp
from translight.stream.rtsp import Carriage, Interleaved, Message

EXAMPLE = b"SETUP rtsp://h:1/wall/track0 RTSP/1.0\r\nCSeq: 3\r\nTransport:RTP/AVP;unicast;client_port=4588-4589\r\n\r\n"


@given(st.lists(st.integers(1, 60), max_size=20))
def test_messages_and_packets_come_out_however_they_are_cut(sizes: list[int]):
    stream = EXAMPLE + b"$\1\0\3abc" + b"\r\n" + rtsp.response(200, "4", {"A": "b"}, b"body") + b"$\0\0\0"
    reader, found = rtsp.Reader(), []
    for size in [*sizes, len(stream)]:
        found += reader.push(stream[:size])
        stream = stream[size:]
    setup, packet, answer, empty = found
    assert isinstance(setup, Message)
    assert setup.request == ("SETUP", "rtsp://h:1/wall/track0", "1.0")
    assert setup.headers == {"cseq": "3", "transport": "RTP/AVP;unicast;client_port=4588-4589"}
    assert packet == Interleaved(1, b"abc")
    assert isinstance(answer, Message)
    assert (answer.status, answer.headers["a"], answer.body) == (200, "b", b"body")
    assert empty == Interleaved(0, b"")


def test_golden_answers_and_requests():
    assert rtsp.response(404, "7") == b"RTSP/1.0 404 Not Found\r\nCSeq: 7\r\n\r\n"
    assert rtsp.request("PLAY", "rtsp://h/x", 2, {"Session": "5"}) == (
        b"PLAY rtsp://h/x RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: Translight\r\nSession: 5\r\n\r\n"
    )
    assert rtsp.interleaved(3, b"ab", b"c") == b"$\3\0\3abc"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"X" * 8192, "an RTSP message's head is at most 8192 bytes"),
        (b"A\r\nno colon\r\n\r\n", "'no colon' is no RTSP header"),
        (b"A\xff\r\n\r\n", "an RTSP message's head is not UTF-8"),
        (b"A\r\nContent-Length: 65537\r\n\r\n", "an RTSP message's body is at most 65536 bytes, got '65537'"),
        (b"A\r\nContent-Length: -1\r\n\r\n", "an RTSP message's body is at most 65536 bytes, got '-1'"),
        (
            b"A\r\nContent-Length: 99999999999999\r\n\r\n",
            "an RTSP message's body is at most 65536 bytes, got '99999999999999'",
        ),
    ],
)
def test_a_broken_message_is_named(data: bytes, message: str):
    with pytest.raises(ProtocolError) as caught:
        rtsp.Reader().push(data)
    assert str(caught.value) == message


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_rubbish_raises_nothing_but_protocol_errors(pieces: list[bytes]):
    reader = rtsp.Reader()
    try:
        for piece in pieces:
            for thing in reader.push(piece + b"\r\n\r\n"):
                if isinstance(thing, Message):
                    assert thing.request or thing.status
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    ("text", "carriage"),
    [
        ("RTP/AVP;unicast;client_port=4588-4589", Carriage(False, 4588, 4589)),
        ("RTP/AVP/UDP;unicast;client_port=5000", Carriage(False, 5000, 5001)),
        ("RTP/AVP/TCP;unicast;interleaved=2-3", Carriage(True, 2, 3)),
        ("RTP/AVP/TCP;unicast", Carriage(True, 0, 1)),
        ("RTP/AVP;multicast,RTP/AVP/TCP;interleaved=0-1", Carriage(True, 0, 1)),
        ("RTP/AVP;multicast", None),
        ("RTP/SAVP;unicast;client_port=4588-4589", None),
        ("RTP/AVP;unicast;client_port=22-23", None),
        ("RTP/AVP;unicast;client_port=65535", None),
        ("RTP/AVP/TCP;interleaved=255-256", None),
        ("", None),
    ],
)
def test_the_transport_header(text: str, carriage: Carriage | None):
    assert rtsp.read_transport(text) == carriage


@pytest.mark.parametrize(
    ("url", "path"),
    [("rtsp://h:1/a/b/", "a/b"), ("RTSP://h", ""), ("rtsp://h/x?y", "x"), ("http://h/x", None), ("*", None)],
)
def test_the_path_of_a_url(url: str, path: str | None):
    assert rtsp.path_of(url) == path
