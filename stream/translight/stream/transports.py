"""The ways out by the scheme of their URLs: how each is written, what may stand there, and the module behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from translight.core.url_options import Options
from translight.stream import record_options, video_options
from translight.stream.monitors import PLACE

Check = Callable[[str, Options], str | None]
"""Takes what stands between :// and ?, and the options; gives what would be right, or None."""

_SHM_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_NDI_NAME = re.compile(r"[\w.+-]([\w .+-]{0,98}[\w.+-])?")
_NDI_GROUPS = re.compile(r"[\w .+,-]{1,200}")
_IPS = re.compile(r"[0-9A-Fa-f.:,]{2,400}")
_TCP = re.compile(r"(?P<host>\*|\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")
_PREVIEW = re.compile(r"(?P<host>\*|\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)?(:(?P<port>\d{1,5}))?")

_PATH = re.compile(r"[A-Za-z0-9._/-]{0,100}")
_UDP = ("ttl", "interface")
_WINDOW = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")


@dataclass(frozen=True, slots=True)
class Transport:
    """A way out. ``module``, under ``translight.stream``, is imported when a URL is opened.

    It has ``open_sender(url: StreamUrl, spec: PictureSpec) -> Sender`` and, where ``receives``,
    ``open_receiver(url: StreamUrl) -> Receiver``. ``check`` runs when a show is read: it imports nothing heavy.
    """

    scheme: str
    example: str
    module: str
    check: Check
    options: tuple[str, ...] = ()
    receives: bool = True
    linear: bool = False
    """Whether it takes linear light (``rgba16f``), not only codes for a display."""


SLOTS, MOST_SLOTS = 4, 16
"""Of a frame ring: when its URL does not say, and at most."""


def _ring_name(place: str, options: Options) -> str | None:
    options.integer("slots", SLOTS, 2, MOST_SLOTS)
    options.flag("every")
    return None if _SHM_NAME.fullmatch(place) else "a ring's name is 1 to 100 of A-Z a-z 0-9 . _ -"


def _host_port(place: str, _: Options) -> str | None:
    match = _TCP.fullmatch(place)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        return "give HOST:PORT, with HOST * to send on every interface and PORT 1 to 65535"
    return None


def _video(place: str, options: Options) -> str | None:
    match = _TCP.fullmatch(place)
    if match is None or not 1 <= int(match["port"]) <= 65534 or match["host"] == "*":
        return "give HOST:PORT of where it goes, with PORT 1 to 65534"
    options.integer("ttl", 1, 0, 255)
    options.address("interface")
    options.integer("packet", 1400, 500, 8900)
    video_options.read_video_options(options)
    return None


def _served_video(place: str, options: Options) -> str | None:
    host_port, _, path = place.partition("/")
    wrong = _host_port(host_port, options)
    if wrong is not None or not _PATH.fullmatch(path):
        return "give HOST:PORT/PATH, with HOST * to serve on every interface and a PATH of A-Z a-z 0-9 . _ - /"
    video_options.read_video_options(options)
    return None


def _srt(place: str, options: Options) -> str | None:
    wrong = _host_port(place, options)
    listens = options.one_of("mode", ("caller", "listener"), "caller") == "listener"
    if wrong is not None or (place.startswith("*") and not listens):
        return "give HOST:PORT, with HOST * only for mode=listener and PORT 1 to 65535"
    options.integer("latency", 120, 0, 8000)
    video_options.read_video_options(options)
    return None


def _socket_path(place: str, _: Options) -> str | None:
    return None if 1 <= len(place) <= 100 else "give a socket path of 1 to 100 characters"


def _ndi(place: str, options: Options) -> str | None:
    if not _NDI_NAME.fullmatch(place):
        return "a source's name is 1 to 100 letters, digits, . _ + - and inner spaces"
    if options.given("groups") and not _NDI_GROUPS.fullmatch(options.text("groups")):
        return "groups are names with commas between"
    if options.given("host") and not _IPS.fullmatch(options.text("host")):
        return "host is the address of the sender's machine, or several with commas between"
    options.one_of("bandwidth", ("highest", "lowest"), "highest")
    if options.integer("bits", 8, 8, 10) == 9:
        return "bits is 8 or 10"
    return None


BROWSER_PORTS = {"ws": 8765, "webrtc": 8766}
"""Where the previews are served when a URL does not say."""


def browser_place(scheme: str, place: str) -> tuple[str, int]:
    """Host and port of a checked preview URL; what is left out is 127.0.0.1 and the scheme's own port."""
    match = _PREVIEW.fullmatch(place)
    assert match is not None
    return match["host"] or "127.0.0.1", int(match["port"] or BROWSER_PORTS[scheme])


def _preview(place: str, options: Options) -> str | None:
    match = _PREVIEW.fullmatch(place)
    if match is None or not 1 <= int(match["port"] or 1) <= 65535:
        return "give HOST:PORT, with HOST * to serve on every interface, or nothing for this machine only"
    options.integer("quality", 85, 40, 95)
    options.integer("bitrate", 20_000, 200, 100_000)
    options.integer("scale", 1, 1, 8)
    options.integer("peers", 8, 1, 32)
    return None


def _monitor(place: str, options: Options) -> str | None:
    if PLACE.fullmatch(place) is None:
        return "give a monitor's number, from 1, or its name: `translight doctor` lists them"
    options.one_of("fit", ("one-to-one", "scale"), "one-to-one")
    options.one_of("bits", ("8", "10"), "8")
    options.flag("vsync", default=True)
    if options.given("window") and _WINDOW.fullmatch(options.text("window")) is None:
        raise options.wrong("window", "its width x height in pixels, like 1280x720")
    return None


_ALL = (
    Transport("shm", "shm://NAME", "shm", _ring_name, ("slots", "every"), linear=True),
    Transport("tcp", "tcp://HOST:PORT", "tcp", _host_port, linear=True),
    Transport("zmq+tcp", "zmq+tcp://HOST:PORT", "zeromq", _host_port, linear=True),
    Transport("zmq+ipc", "zmq+ipc://PATH", "zeromq", _socket_path, linear=True),
    Transport("rtp", "rtp://HOST:PORT", "rtp_socket", _video, (*video_options.OPTIONS, *_UDP, "packet", "sdp")),
    Transport("rtsp", "rtsp://HOST:PORT/PATH", "rtsp_server", _served_video, video_options.OPTIONS),
    Transport("udp", "udp://HOST:PORT", "udp", _video, (*video_options.OPTIONS, *_UDP)),
    Transport("srt", "srt://HOST:PORT", "srt", _srt, (*video_options.OPTIONS, "mode", "latency"), receives=False),
    Transport(
        "file",
        "file://PATH",
        "recorder",
        record_options.check_place,
        record_options.OPTIONS,
        receives=False,
        linear=True,
    ),
    Transport("ndi", "ndi://NAME", "ndi", _ndi, ("groups", "host", "bandwidth", "bits")),
    Transport("ws", "ws://HOST:PORT", "browser", _preview, ("quality", "scale", "peers")),
    Transport("webrtc", "webrtc://HOST:PORT", "browser", _preview, ("bitrate", "scale", "peers"), receives=False),
    Transport("display", "display://N", "display", _monitor, ("fit", "window", "vsync", "bits"), receives=False),
)
TRANSPORTS = {transport.scheme: transport for transport in _ALL}


def examples(*, receiving: bool = False) -> str:
    """How URLs are written, for an error."""
    *most, last = [t.example for t in _ALL if t.receives or not receiving]
    return f"{', '.join(most)} or {last}"
