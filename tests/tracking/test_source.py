"""Source URLs: what each means, and the one line that a wrong one gets."""

from pathlib import Path

import pytest

from translight.core.errors import ShowError
from translight.tracking.decoders import F4Decoder, FreeDDecoder, OpenTrackIODecoder, OscDecoder
from translight.tracking.moves import MOVES
from translight.tracking.source import parse_source


def test_osc() -> None:
    spec = parse_source("osc://:9000?preset=reality-field&camera=A&unit=cm&axes=right,up,forward&order=zyx")
    assert (spec.scheme, spec.wire, spec.host, spec.port, spec.camera) == ("osc", "osc", "", 9000, "A")
    assert spec.osc is not None
    assert (spec.osc.unit, spec.osc.axes, spec.osc.order) == ("cm", ("right", "up", "forward"), "zyx")
    assert spec.target == ("127.0.0.1", 9000)
    assert isinstance(spec.decoder(), OscDecoder)


def test_osc_sensor_turns_a_field_of_view_into_a_focal_length() -> None:
    spec = parse_source("osc://:39539?preset=vmc&sensor=36x24")
    assert spec.osc is not None
    assert (spec.osc.sensor_width_mm, spec.osc.sensor_height_mm) == (36.0, 24.0)


def test_osc_map_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('preset = "vrchat"\nunit = "mm"\n')
    spec = parse_source(f"osc://:9000?map={path}")
    assert spec.osc is not None
    assert spec.osc.unit == "mm"
    assert len(spec.osc.messages) == 2


def test_freed() -> None:
    spec = parse_source("freed://*:40000?preset=sony&camera=1")
    assert (spec.host, spec.port, spec.freed_preset, spec.camera) == ("", 40000, "sony", "1")
    assert isinstance(spec.decoder(), FreeDDecoder)
    assert not spec.multicast


def test_opentrackio() -> None:
    spec = parse_source("opentrackio://239.135.1.1:55555?interface=192.168.1.20&share=yes&clock=tai&fletcher=255")
    assert spec.multicast
    assert (spec.interface, spec.share, spec.clock, spec.fletcher) == ("192.168.1.20", True, "tai", 255)
    assert isinstance(spec.decoder(), OpenTrackIODecoder)


def test_f4() -> None:
    spec = parse_source("f4://127.0.0.1:8001?sensor=9.59x5.39&image=3840")
    assert (spec.host, spec.sensor_mm, spec.image_width_px) == ("127.0.0.1", (9.59, 5.39), 3840)
    assert isinstance(spec.decoder(), F4Decoder)


def test_replay() -> None:
    spec = parse_source("replay://takes/A%20001.tlt?speed=0.5&loop=yes")
    assert (spec.path, spec.speed, spec.loop, spec.wire) == (Path("takes/A 001.tlt"), 0.5, True, None)
    assert parse_source("replay:///abs/take.f4").path == Path("/abs/take.f4")
    with pytest.raises(ValueError, match="has no protocol of its own"):
        spec.decoder()


def test_simulate() -> None:
    spec = parse_source("simulate://crane")
    assert (spec.scheme, spec.wire, spec.target) == ("simulate", "osc", ("127.0.0.1", 49000))
    assert spec.simulation is not None
    assert (spec.simulation.move, spec.simulation.rate_hz, spec.simulation.noise) == ("crane", 240.0, True)
    spec = parse_source("simulate://pan?protocol=freed&port=5000&rate=60&seed=7&noise=no&preset=sony")
    assert (spec.wire, spec.port, spec.freed_preset) == ("freed", 5000, "sony")
    assert spec.simulation is not None
    assert (spec.simulation.rate_hz, spec.simulation.seed, spec.simulation.noise) == (60.0, 7, False)
    assert isinstance(parse_source("simulate://crane?protocol=opentrackio").decoder(), OpenTrackIODecoder)


EXAMPLES = (
    "osc://:9000?preset=reality-field, freed://:40000?preset=generic, opentrackio://239.135.1.1:55555, f4://:8001, "
    "replay://take.tlt, simulate://crane"
)
PORT = "give an address to listen on and a port from 1 to 65535, like "


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", f"'' is no tracking source: give one like {EXAMPLES}"),
        ("freed:40000", f"'freed:40000' is no tracking source: give one like {EXAMPLES}"),
        ("vrpn://:1", f"'vrpn://:1' is no tracking source: give one like {EXAMPLES}"),
        ("freed://", f"{PORT}freed://:40000?preset=generic"),
        ("freed://:0", f"{PORT}freed://:40000?preset=generic"),
        ("f4://:port", f"{PORT}f4://:8001"),
        ("osc://:70000", f"{PORT}osc://:9000?preset=reality-field"),
        (
            "freed://camera.local:1",
            "'camera.local' is no IPv4 address: give this machine's, a multicast group, or nothing",
        ),
        ("freed://:1?prest=sony", "option 'prest' is none of freed's: camera, interface, preset, share"),
        ("freed://:1?camera=1&camera=2", "option 'camera' is given twice"),
        (
            "freed://:1?preset=canon",
            "preset = 'canon': give one of generic, panasonic, sony, mo-sys, stype, ncam, z-cam",
        ),
        ("osc://:1?preset=canon", "OSC preset 'canon' is none of disguise, openvr, reality-field, vmc, vrchat"),
        ("osc://:1?unit=yards", "unit = 'yards': give one of m, dm, cm, mm, in, ft"),
        (
            "osc://:1?axes=right,left,up",
            "axes = 'right,left,up': give three of right, left, forward, back, up, down along different lines",
        ),
        ("osc://:1?preset=vmc&map=x", "give a map or a preset, not both; a map file can name a preset"),
        ("osc://:1?sensor=wide", "sensor = 'wide': give width x height of the sensor in mm, like 36x24"),
        ("freed://:1?share=yes", "share is for multicast groups, and every interface is none"),
        ("freed://10.0.0.1:1?interface=10.0.0.1", "interface is for multicast groups, and 10.0.0.1 is none"),
        (
            "opentrackio://239.135.1.1:1?interface=eth0",
            "interface = 'eth0': give an IPv4 address of this machine, like 192.168.1.20",
        ),
        ("opentrackio://:1?clock=gps", "clock = 'gps': give one of none, utc, tai"),
        ("replay://", "give a take, like replay://take.tlt"),
        ("replay://a?speed=0", "speed = '0': give a number from 0.01 to 100"),
        ("replay://a?loop=maybe", "loop = 'maybe': give one of yes, no, 1, 0"),
        ("simulate://", "give a move, like simulate://crane"),
        ("simulate://jump", f"there is no move 'jump': give one of {', '.join(MOVES)}"),
        ("simulate://crane?rate=fast", "rate = 'fast': give a number from 1 to 10000"),
        ("simulate://crane?seed=-1", "seed = '-1': give a whole number from 0 to 2147483647"),
        ("simulate://crane?protocol=f4", "protocol = 'f4': give one of osc, freed, opentrackio"),
    ],
)
def test_wrong_urls(url: str, message: str) -> None:
    with pytest.raises(ShowError) as caught:
        parse_source(url)
    assert str(caught.value) in (message, f"{url}: {message}")
