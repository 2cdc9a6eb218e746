"""Control messages of browsers: what they are, what is refused, and that rubbish is refused cleanly."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.stream import browser_messages as messages
from translight.stream.browser_messages import read_control, read_signal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"ping","t_ms":12.5}', messages.Ping(12.5)),
        ('{"type":"pause","on":true}', messages.Pause(True)),
        ('{"type":"quality","value":60}', messages.Quality(60)),
        ('{"type":"bitrate","kbps":8000}', messages.Bitrate(8000)),
        ('{"type":"keyframe"}', messages.Keyframe()),
        ('{"type":"shown","frame":3}', messages.Shown(3)),
    ],
)
def test_the_control_messages(text: str, message: messages.Control) -> None:
    assert read_control(text) == message
    assert read_signal(text) == message


def test_an_offer_is_no_control_message() -> None:
    offer = json.dumps({"type": "offer", "sdp": "v=0"})
    assert read_signal(offer) == messages.Offer("v=0")
    with pytest.raises(ProtocolError):
        read_control(offer)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "a control message is text, got bytes"),
        ("", "not a control message: Input data was truncated"),
        ("{}", "not a control message: Object missing required field `type`"),
        ("[" * 1000, "not a control message: "),
        ('{"type":"stop"}', "not a control message: Invalid value 'stop' - at `$.type`"),
        ('{"type":"quality","value":96}', "not a control message: Expected `int` <= 95 - at `$.value`"),
        ('{"type":"quality","value":"60"}', "not a control message: Expected `int`, got `str` - at `$.value`"),
        ('{"type":"bitrate","kbps":0}', "not a control message: Expected `int` >= 200 - at `$.kbps`"),
        ('{"type":"ping","t_ms":-1}', "not a control message: Expected `float` >= 0.0 - at `$.t_ms`"),
        ('{"type":"ping","t_ms":1,"x":1}', "not a control message: Object contains unknown field `x`"),
        ('{"type":"shown","frame":-1}', "not a control message: Expected `int` >= 0 - at `$.frame`"),
        ('"' + "x" * 2000 + '"', "a control message is at most 1024 characters, got 2002"),
        ('{"type":"ping","t_ms":\ud800}', "not a control message: "),
    ],
)  # fmt: skip
def test_what_is_refused(data: str | bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_control(data)
    assert str(caught.value).startswith(message)


@given(st.text(max_size=300) | st.binary(max_size=100))
def test_rubbish_raises_nothing_but_protocol_errors(data: str | bytes) -> None:
    for read in (read_control, read_signal):
        with pytest.raises(ProtocolError):
            read(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(
    st.sampled_from(["ping", "pause", "quality", "bitrate", "keyframe", "shown", "offer"]),
    st.dictionaries(st.sampled_from(["t_ms", "on", "value", "kbps", "frame", "sdp", "type"]), json_values, max_size=3),
)
def test_wrong_fields_are_refused_or_sound(kind: str, fields: dict[str, object]) -> None:
    try:
        message = read_signal(json.dumps({**fields, "type": kind}))
    except ProtocolError:
        return
    match message:
        case messages.Quality(value):
            assert 40 <= value <= 95
        case messages.Bitrate(kbps):
            assert 200 <= kbps <= 100_000
        case messages.Pause(on):
            assert isinstance(on, bool)


def test_the_servers_messages_are_json() -> None:
    assert json.loads(messages.to_json(messages.Pong(1.0, 2.0))) == {"type": "pong", "t_ms": 1.0, "server_ms": 2.0}
    hello = json.loads(messages.to_json(messages.Hello("jpeg", 640, 360)))
    assert hello == {"type": "hello", "player": "jpeg", "width_px": 640, "height_px": 360}
