"""Live Link URLs: what they mean, and that every mistake is one line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ShowError
from translight.tracking.opentrackio_packet import Encoding
from translight.ue_bridge.live_link import parse_live_link


def test_defaults():
    spec = parse_live_link("freed://192.168.1.20")
    assert (spec.host, spec.port, spec.camera, spec.pose) == ("192.168.1.20", 40000, 1, "solved")
    assert (spec.rate_hz, spec.preset, spec.zoom_mm, spec.multicast) == (100.0, "generic", None, False)
    spec = parse_live_link("opentrackio://239.135.1.7")
    assert (spec.port, spec.encoding, spec.multicast) == (55555, Encoding.JSON, True)


def test_options():
    spec = parse_live_link(
        "freed://10.0.0.2:6301?preset=stype&camera=4&pose=predicted&ahead_ms=25&rate=60&zoom_mm=18-85&focus_m=.5-20"
    )
    assert (spec.port, spec.preset, spec.camera, spec.pose) == (6301, "stype", 4, "predicted")
    assert (spec.ahead_ns, spec.rate_hz, spec.zoom_mm, spec.focus_m) == (25_000_000, 60.0, (18, 85), (0.5, 20))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "osc://10.0.0.2:9000",
            "'osc://10.0.0.2:9000' is nothing Live Link receives: give one like freed://192.168.1.20:40000 or opentrackio://239.135.1.1:55555",
        ),
        (
            "freed://:40000",
            "freed://:40000: '' is no IPv4 address to send to: give Unreal's, like freed://192.168.1.20:40000",
        ),
        (
            "freed://0.0.0.0:1",
            "freed://0.0.0.0:1: '0.0.0.0' is no IPv4 address to send to: give Unreal's, like freed://192.168.1.20:40000",
        ),
        ("freed://10.0.0.2:0", "freed://10.0.0.2:0: give a port from 1 to 65535, like freed://192.168.1.20:40000"),
        ("freed://10.0.0.2?rate=240", "freed://10.0.0.2?rate=240: rate = '240': give a number from 1 to 100"),
        (
            "freed://10.0.0.2?camera=256",
            "freed://10.0.0.2?camera=256: camera = '256': give a whole number from 0 to 255",
        ),
        (
            "opentrackio://10.0.0.2?camera=201",
            "opentrackio://10.0.0.2?camera=201: camera = '201': give a whole number from 1 to 200",
        ),
        (
            "opentrackio://10.0.0.2?zoom_mm=1-2",
            "opentrackio://10.0.0.2?zoom_mm=1-2: option 'zoom_mm' is none of opentrackio's: ahead_ms, camera, encoding, interface, pose, rate",
        ),
        (
            "freed://10.0.0.2?zoom_mm=85-18",
            "freed://10.0.0.2?zoom_mm=85-18: zoom_mm = '85-18': give two rising focal lengths in mm, like 18-85",
        ),
        (
            "freed://10.0.0.2?ahead_ms=20",
            "freed://10.0.0.2?ahead_ms=20: ahead_ms is for pose=predicted, and pose is solved",
        ),
        (
            "freed://10.0.0.2?interface=10.0.0.1",
            "freed://10.0.0.2?interface=10.0.0.1: interface is for multicast groups, and 10.0.0.2 is none",
        ),
    ],
)
def test_mistakes(url, message):
    with pytest.raises(ShowError) as caught:
        parse_live_link(url)
    assert str(caught.value) == message


@given(
    st.sampled_from(["freed://", "opentrackio://", ""]), st.text("0123456789.:?&=-%/azoompsefcdrt\u0664 ", max_size=60)
)
def test_anything_else_is_one_line_too(scheme, rest):
    with contextlib.suppress(ShowError):
        parse_live_link(scheme + rest)
