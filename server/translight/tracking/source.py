"""Tracking source URLs, as show files and the command line have them, checked and turned into sources.

``osc://:9000?preset=reality-field``, ``freed://:40000?preset=sony&camera=1``, ``opentrackio://239.135.1.1:55555``,
``f4://:8001``, ``replay://take.tlt``, ``simulate://crane``; every option is in docs/tracking.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol, cast, get_args
from urllib.parse import unquote

from translight.core.errors import ShowError
from translight.core.url_options import Options, attempt, read_options
from translight.tracking import freed, osc_map
from translight.tracking.datagram import Decoder, Tap
from translight.tracking.decoders import Clock, F4Decoder, FreeDDecoder, OpenTrackIODecoder, OscDecoder
from translight.tracking.moves import MOVES
from translight.tracking.opentrackio_packet import Modulus
from translight.tracking.osc_map import OscMap
from translight.tracking.sample import TrackingSample

Wire = Literal["osc", "freed", "opentrackio", "f4"]
"""Protocols that datagrams come in."""
Simulated = Literal["osc", "freed", "opentrackio"]
"""Protocols that a simulated tracker speaks."""
Scheme = Literal["osc", "freed", "opentrackio", "f4", "replay", "simulate"]

_EXAMPLES = {
    "osc": "osc://:9000?preset=reality-field",
    "freed": "freed://:40000?preset=generic",
    "opentrackio": "opentrackio://239.135.1.1:55555",
    "f4": "f4://:8001",
    "replay": "replay://take.tlt",
    "simulate": "simulate://crane",
}
_SIMULATED = {"osc": 49000, "freed": 49001, "opentrackio": 49002}
"""Default port by protocol of simulate:// sources."""
_NETWORK = ("camera", "interface", "share")
_OSC = ("preset", "map", "axes", "unit", "angle", "order", "sensor")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "osc": (*_NETWORK, *_OSC),
    "freed": (*_NETWORK, "preset"),
    "opentrackio": (*_NETWORK, "clock", "fletcher"),
    "f4": (*_NETWORK, "sensor", "image"),
    "replay": ("camera", "speed", "loop", "sensor", "image"),
    "simulate": ("protocol", "port", "rate", "seed", "noise", "camera", "preset", "clock"),
}


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a ``simulate://`` source asks its sender for; the source itself listens on this machine."""

    move: str
    protocol: Simulated = "osc"
    rate_hz: float = 240.0
    seed: int = 0
    noise: bool = True


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A checked source URL. ``wire`` is the protocol its datagrams come in; of a replay the take itself says."""

    url: str
    scheme: Scheme
    wire: Wire | None
    host: str = ""
    """The address to listen on: empty for every interface, or a multicast group to join."""
    port: int = 0
    camera: str = ""
    """The camera to follow; empty for the first that comes."""
    interface: str = ""
    """IPv4 address of the network card that a multicast group is joined on."""
    share: bool = False
    """Let other programs of this machine listen to the same multicast group and port."""
    freed_preset: str = "generic"
    osc: OscMap | None = None
    clock: Clock = "none"
    fletcher: Modulus = 256
    sensor_mm: tuple[float, float] | None = None
    image_width_px: int = 1920
    path: Path | None = None
    speed: float = 1.0
    loop: bool = False
    simulation: Simulation | None = None

    @property
    def multicast(self) -> bool:
        """Whether ``host`` is a group to join."""
        return bool(self.host) and ipaddress.IPv4Address(self.host).is_multicast

    @property
    def target(self) -> tuple[str, int]:
        """Where a sender on this machine sends to so that this source receives it."""
        return self.host or "127.0.0.1", self.port

    def decoder(self) -> Decoder:
        """A new decoder of ``wire``."""
        if self.wire == "osc":
            assert self.osc is not None, "an osc source has a map"
            return OscDecoder(self.osc, self.camera)
        if self.wire == "freed":
            return FreeDDecoder(freed.PRESETS[self.freed_preset], self.camera)
        if self.wire == "opentrackio":
            return OpenTrackIODecoder(self.camera, clock=self.clock, fletcher=self.fletcher)
        if self.wire == "f4":
            width = None if self.sensor_mm is None else self.sensor_mm[0]
            return F4Decoder(self.camera, sensor_width_mm=width, image_width_px=self.image_width_px)
        raise ValueError(f"{self.url} has no protocol of its own")


@dataclass(slots=True)
class SourceCounts:
    """What became of the datagrams so far."""

    samples: int = 0
    superseded: int = 0
    """Samples that a newer one overtook before they were read; the newest of a burst counts."""
    bad_by_cause: dict[str, int] = field(default_factory=dict)

    @property
    def bad(self) -> int:
        """Datagrams that were dropped."""
        return sum(self.bad_by_cause.values())


class Source(Protocol):
    """Where samples come from; one thread reads it."""

    counts: SourceCounts
    last_fault: str
    """What was wrong with the last bad datagram."""

    def read(self, timeout_s: float) -> TrackingSample | None:
        """The newest sample, or None when none came in time."""
        ...

    def close(self) -> None:
        """Give the socket or the file back."""
        ...


def parse_source(url: str) -> SourceSpec:
    """Check a source URL. Raises ShowError with one line: the key, what was found, what is allowed."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _EXAMPLES:
        raise ShowError(f"{url!r} is no tracking source: give one like {', '.join(_EXAMPLES.values())}")
    place, _, query = rest.partition("?")
    options = read_options(url, query, scheme, _OPTIONS[scheme])
    if scheme == "replay":
        return _replay(url, place, options)
    if scheme == "simulate":
        return _simulate(url, place, options)
    wire = cast("Wire", scheme)
    host, port = _host_port(url, place, wire)
    spec = SourceSpec(url, wire, wire, host, port, camera=options.text("camera"))
    spec = replace(spec, interface=options.address("interface"), share=options.flag("share"))
    if (spec.share or spec.interface) and not spec.multicast:
        key = "share" if spec.share else "interface"
        raise ShowError(f"{url}: {key} is for multicast groups, and {host or 'every interface'} is none")
    return _with_wire(spec, options)


def open_source(spec: SourceSpec, *, tap: Tap | None = None) -> Source:
    """Open the source: bind its socket, or read its take. Raises StreamError or FormatError.

    ``tap`` sees the datagrams of a socket; a replay has none to see.
    """
    if spec.scheme == "replay":
        from translight.tracking.replay import ReplaySource

        return ReplaySource(spec)
    from translight.tracking.udp import UdpSource

    return UdpSource(spec, tap=tap)


def _host_port(url: str, place: str, wire: Wire) -> tuple[str, int]:
    host, colon, port_text = place.rpartition(":")
    port = attempt(int, port_text) if colon else None
    if port is None or not 1 <= port <= 65535:
        raise ShowError(f"{url}: give an address to listen on and a port from 1 to 65535, like {_EXAMPLES[wire]}")
    if host in ("", "*", "0.0.0.0"):
        return "", port
    if attempt(ipaddress.IPv4Address, host) is None:
        raise ShowError(f"{url}: {host!r} is no IPv4 address: give this machine's, a multicast group, or nothing")
    return host, port


def _with_wire(spec: SourceSpec, options: Options) -> SourceSpec:
    """The options of the protocol itself."""
    spec = replace(spec, sensor_mm=options.size("sensor"), image_width_px=options.integer("image", 1920, 1, 65536))
    if spec.wire == "freed":
        return replace(spec, freed_preset=options.one_of("preset", tuple(freed.PRESETS), "generic"))
    if spec.wire == "opentrackio":
        clock = cast("Clock", options.one_of("clock", get_args(Clock), "none"))
        fletcher = cast("Modulus", int(options.one_of("fletcher", ("256", "255"), "256")))
        return replace(spec, clock=clock, fletcher=fletcher)
    if spec.wire == "osc":
        return replace(spec, osc=_osc_map(spec, options))
    return spec


def _osc_map(spec: SourceSpec, options: Options) -> OscMap:
    if options.given("map") and options.given("preset"):
        raise ShowError(f"{spec.url}: give a map or a preset, not both; a map file can name a preset")
    try:
        if options.given("map"):
            chosen = osc_map.load(Path(options.text("map")))
        else:
            chosen = osc_map.preset(options.text("preset", "reality-field"))
        if options.given("axes"):
            chosen = replace(chosen, axes=cast("tuple[str, str, str]", tuple(options.text("axes").split(","))))
        chosen = replace(
            chosen,
            unit=options.text("unit", chosen.unit),
            angle=options.text("angle", chosen.angle),
            order=options.text("order", chosen.order),
        )
        if spec.sensor_mm is not None:
            chosen = replace(chosen, sensor_width_mm=spec.sensor_mm[0], sensor_height_mm=spec.sensor_mm[1])
        return osc_map.checked(chosen)
    except ShowError as error:
        raise ShowError(f"{spec.url}: {error}") from None


def _replay(url: str, place: str, options: Options) -> SourceSpec:
    if not place:
        raise ShowError(f"{url}: give a take, like {_EXAMPLES['replay']}")
    return SourceSpec(
        url,
        "replay",
        None,
        path=Path(unquote(place)),
        camera=options.text("camera"),
        speed=options.number("speed", 1.0, 0.01, 100.0),
        loop=options.flag("loop"),
        sensor_mm=options.size("sensor"),
        image_width_px=options.integer("image", 1920, 1, 65536),
    )


def _simulate(url: str, place: str, options: Options) -> SourceSpec:
    if not place:
        raise ShowError(f"{url}: give a move, like {_EXAMPLES['simulate']}")
    if place not in MOVES:
        raise ShowError(f"{url}: there is no move {place!r}: give one of {', '.join(MOVES)}")
    wire = cast("Simulated", options.one_of("protocol", get_args(Simulated), "osc"))
    simulation = Simulation(
        move=place,
        protocol=wire,
        rate_hz=options.number("rate", 240.0, 1.0, 10_000.0),
        seed=options.integer("seed", 0, 0, 2**31 - 1),
        noise=options.flag("noise", default=True),
    )
    port = options.integer("port", _SIMULATED[wire], 1, 65535)
    spec = SourceSpec(url, "simulate", wire, "127.0.0.1", port, camera=options.text("camera"), simulation=simulation)
    spec = _with_wire(spec, options)
    # The simulator stamps OpenTrackIO samples with TAI, by this machine's clock.
    return spec if options.given("clock") else replace(spec, clock="tai")
