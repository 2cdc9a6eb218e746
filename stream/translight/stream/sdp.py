"""Session descriptions (SDP, RFC 8866) of one video stream, with the formats' parameters of RFC 6184 and RFC 7798."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from translight.core.errors import ProtocolError
from translight.stream.nal import VideoCodec, nal_type
from translight.stream.rtp import PAYLOAD_TYPE

_NAMES = {VideoCodec.H264: "H264", VideoCodec.HEVC: "H265"}
_SPS = 7
_HEVC_SETS = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
MAX_BYTES = 1 << 16
"""Security: longer descriptions are not read."""


@dataclass(frozen=True, slots=True)
class Media:
    """The video that a description offers."""

    codec: VideoCodec
    payload_type: int
    control: str
    """Where to SETUP it (RTSP); empty where the description does not say."""
    parameter_sets: tuple[bytes, ...]


def describe(
    codec: VideoCodec,
    host: str,
    port: int,
    parameter_sets: Sequence[bytes],
    *,
    ttl: int | None = None,
    control: str = "",
) -> str:
    """The description of a stream that goes to ``host``:``port``; ``ttl`` for IPv4 multicast, ``control`` for RTSP."""
    family = "IP6" if ":" in host else "IP4"
    place = f"{host}/{ttl}" if ttl is not None and family == "IP4" else host
    lines = [
        "v=0",
        f"o=- 0 0 IN {family} {'::1' if family == 'IP6' else '127.0.0.1'}",
        "s=Translight",
        f"c=IN {family} {place}",
        "t=0 0",
        f"m=video {port} RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {_NAMES[codec]}/90000",
    ]
    parameters = ["packetization-mode=1"] if codec is VideoCodec.H264 else []
    parameters += _sets(codec, parameter_sets)
    if parameters:
        lines.append(f"a=fmtp:{PAYLOAD_TYPE} {';'.join(parameters)}")
    lines.append("a=sendonly")
    if control:
        lines.append(f"a=control:{control}")
    return "".join(f"{line}\r\n" for line in lines)


def _sets(codec: VideoCodec, sets: Sequence[bytes]) -> list[str]:
    coded = [(nal_type(nal, codec), b64encode(nal).decode()) for nal in sets]
    if codec is VideoCodec.HEVC:
        return [f"{_HEVC_SETS[kind]}={text}" for kind, text in coded if kind in _HEVC_SETS]
    found = [f"profile-level-id={nal[1:4].hex().upper()}" for nal in sets if nal_type(nal, codec) == _SPS][:1]
    return [*found, f"sprop-parameter-sets={','.join(text for _, text in coded)}"] if coded else []


def parse(text: str) -> Media:
    """The first H.264 or HEVC video of a description. Raises ProtocolError where there is none."""
    if len(text) > MAX_BYTES:
        raise ProtocolError(f"a session description of {len(text)} characters is too long")
    for section in re.split(r"(?m)^m=", text)[1:]:
        names = {name: codec for codec, name in _NAMES.items()}
        for kind, name in re.findall(r"(?m)^a=rtpmap:(\d{1,3}) ([A-Za-z0-9]+)/90000", section):
            codec = names.get(name.upper())
            if codec is not None and section.startswith("video "):
                control = re.search(r"(?m)^a=control:(\S+)", section)
                return Media(codec, int(kind), control[1] if control else "", _parameter_sets(section))
    raise ProtocolError("the session description offers no H.264 or HEVC video")


def _parameter_sets(section: str) -> tuple[bytes, ...]:
    found = []
    for value in re.findall(r"sprop-(?:parameter-sets|vps|sps|pps)=([A-Za-z0-9+/=,]+)", section):
        for text in value.split(","):
            try:
                found.append(b64decode(text, validate=True))
            except ValueError as error:
                raise ProtocolError(f"sprop holds no base64: {text[:40]!r}") from error
    return tuple(nal for nal in found if nal)
