"""Session descriptions: golden text, and what is read back."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.stream import sdp
from translight.stream.nal import VideoCodec

SPS, PPS = b"\x67\x42\xc0\x1e\x99", b"\x68\xce"


def test_a_golden_description():
    text = sdp.describe(VideoCodec.H264, "239.1.2.3", 5004, [SPS, PPS], ttl=4, control="track0")
    assert text == (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Translight\r\nc=IN IP4 239.1.2.3/4\r\nt=0 0\r\n"
        "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        "a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHpk=,aM4=\r\n"
        "a=sendonly\r\na=control:track0\r\n"
    )
    assert sdp.parse(text) == sdp.Media(VideoCodec.H264, 96, "track0", (SPS, PPS))


def test_hevc_names_its_three_sets():
    sets = [b"\x40\x01v", b"\x42\x01s", b"\x44\x01p"]
    text = sdp.describe(VideoCodec.HEVC, "::1", 6, sets)
    assert "c=IN IP6 ::1\r\n" in text
    assert sdp.parse(text) == sdp.Media(VideoCodec.HEVC, 96, "", tuple(sets))


def test_other_media_are_passed_over():
    audio = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 L16/48000\r\na=control:a\r\n"
    assert sdp.parse("v=0\r\n" + audio + sdp.describe(VideoCodec.H264, "h", 1, [], control="v")).control == "v"
    with pytest.raises(ProtocolError, match=r"^the session description offers no H.264 or HEVC video$"):
        sdp.parse("v=0\r\n" + audio)
    with pytest.raises(ProtocolError, match=r"^a session description of 65537 characters is too long$"):
        sdp.parse("v" * 65537)


@given(st.text(max_size=300))
def test_rubbish_raises_nothing_but_protocol_errors(text: str):
    for candidate in (text, sdp.describe(VideoCodec.H264, "h", 1, [SPS]).replace("Z0LA", text)):
        with suppress(ProtocolError):
            sdp.parse(candidate)
