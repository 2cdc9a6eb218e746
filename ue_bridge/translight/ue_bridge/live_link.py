"""Where a camera is sent for Unreal's Live Link: ``freed://`` and ``opentrackio://`` URLs, checked; packets.py builds.

Unreal's own sources receive them: the plugins Live Link FreeD and Live Link OpenTrackIO (docs/unreal/live_link.md).
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from translight.core.errors import ShowError
from translight.core.url_options import Options, attempt, read_options
from translight.tracking import freed
from translight.tracking.opentrackio_packet import Encoding

Wire = Literal["freed", "opentrackio"]
PoseKind = Literal["raw", "solved", "predicted"]
"""As the tracker measured it, as the filter solved it at the same time, or where it will be ``ahead_ms`` from now."""

FREED_MOST_HZ = 100.0
"""Unreal's FreeD source is made for at most 100 packets a second (its receiver's comment says so)."""
_MOST_HZ = 1000.0
_DEFAULT_PORT = {"freed": 40000, "opentrackio": 55555}
_EXAMPLES = {"freed": "freed://192.168.1.20:40000", "opentrackio": "opentrackio://239.135.1.1:55555"}
_COMMON = ("camera", "pose", "rate", "ahead_ms", "interface")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "freed": (*_COMMON, "preset", "zoom_mm", "focus_m"),
    "opentrackio": (*_COMMON, "encoding"),
}


@dataclass(frozen=True, slots=True)
class LiveLinkSpec:
    """A checked URL. ``camera`` is FreeD's camera id or OpenTrackIO's source number."""

    url: str
    wire: Wire
    host: str
    port: int
    camera: int
    pose: PoseKind
    rate_hz: float
    ahead_ns: int
    interface: str = ""
    """IPv4 address of the network card that multicast leaves by; empty for the system's choice."""
    preset: str = "generic"
    zoom_mm: tuple[float, float] | None = None
    """Focal lengths at the ends of FreeD's zoom travel; None sends the tracker's own encoder values."""
    focus_m: tuple[float, float] | None = None
    """Focus distances at the ends of FreeD's focus travel; None sends the tracker's own encoder values."""
    encoding: Encoding = Encoding.JSON

    @property
    def multicast(self) -> bool:
        """Whether ``host`` is a group."""
        return ipaddress.IPv4Address(self.host).is_multicast


def parse_live_link(url: str) -> LiveLinkSpec:
    """Check a URL. Raises ShowError with one line: the key, what was found, what is allowed."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _EXAMPLES:
        raise ShowError(f"{url!r} is nothing Live Link receives: give one like {' or '.join(_EXAMPLES.values())}")
    wire = cast("Wire", scheme)
    place, _, query = rest.partition("?")
    options = read_options(url, query, scheme, _OPTIONS[wire])
    host, port = _host_port(url, place, wire)
    most_hz = FREED_MOST_HZ if wire == "freed" else _MOST_HZ
    camera = options.integer("camera", 1, 0, 255) if wire == "freed" else options.integer("camera", 1, 1, 200)
    pose = cast("PoseKind", options.one_of("pose", get_args(PoseKind), "solved"))
    ahead_ms = options.number("ahead_ms", 0.0, 0.0, 150.0)
    if options.given("ahead_ms") and pose != "predicted":
        raise ShowError(f"{url}: ahead_ms is for pose=predicted, and pose is {pose}")
    spec = LiveLinkSpec(
        url,
        wire,
        host,
        port,
        camera,
        pose,
        rate_hz=options.number("rate", FREED_MOST_HZ, 1.0, most_hz),
        ahead_ns=round(ahead_ms * 1e6),
        interface=options.address("interface"),
        preset=options.one_of("preset", tuple(freed.PRESETS), "generic"),
        zoom_mm=_range(options, "zoom_mm", "focal lengths in mm, like 18-85"),
        focus_m=_range(options, "focus_m", "distances in m, like 0.5-20"),
        encoding=Encoding[options.one_of("encoding", ("json", "cbor"), "json").upper()],
    )
    if spec.interface and not spec.multicast:
        raise ShowError(f"{url}: interface is for multicast groups, and {host} is none")
    return spec


def _host_port(url: str, place: str, wire: Wire) -> tuple[str, int]:
    host, colon, port_text = place.rpartition(":")
    if not colon:
        host, port_text = place, str(_DEFAULT_PORT[wire])
    port = attempt(int, port_text)
    if attempt(ipaddress.IPv4Address, host) is None or host == "0.0.0.0":
        raise ShowError(f"{url}: {host!r} is no IPv4 address to send to: give Unreal's, like {_EXAMPLES[wire]}")
    if port is None or not 1 <= port <= 65535:
        raise ShowError(f"{url}: give a port from 1 to 65535, like {_EXAMPLES[wire]}")
    return host, port


def _range(options: Options, key: str, what: str) -> tuple[float, float] | None:
    if not options.given(key):
        return None
    low_text, _, high_text = options.text(key).partition("-")
    low, high = attempt(float, low_text), attempt(float, high_text)
    if low is None or high is None or not (0 < low < high and math.isfinite(high)):
        raise options.wrong(key, f"two rising {what}")
    return low, high
