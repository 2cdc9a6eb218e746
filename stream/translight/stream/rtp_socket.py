"""rtp://HOST:PORT: H.264 or HEVC in RTP (rtp.py) over UDP, RTCP sender reports on the port above, SDP in a file."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import suppress

from translight.core.errors import StreamError
from translight.core.files import whole_file
from translight.stream import datagrams, rtp, sdp
from translight.stream.contract import PictureSpec
from translight.stream.datagrams import DatagramReceiver, DatagramSocket
from translight.stream.decoder import MAX_UNIT_BYTES
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.nal import VideoCodec
from translight.stream.urls import StreamUrl
from translight.stream.video import CLOCK_HZ, VideoSender, media_time
from translight.stream.video_options import read_video_options

_REPORT_EVERY_S = 1.0


def open_sender(url: StreamUrl, spec: PictureSpec) -> VideoSender:
    """For ``urls.open_sender``."""
    encoder = Encoder(str(url), spec, read_video_options(url.options))
    return VideoSender(str(url), spec, encoder, RtpOutlet(url, encoder))


def open_receiver(url: StreamUrl) -> DatagramReceiver:
    """For ``urls.open_receiver``; the codec is the URL's, as RTP itself does not say it."""
    _, interface = datagrams.multicast_options(url.options)
    receiver = datagrams.listen(str(url), url.place, interface)
    return DatagramReceiver(str(url), receiver, RtpUnits(VideoCodec(url.options.text("codec", "h264"))))


class RtpUnits(rtp.Depacketiser):
    """A depacketiser that knows its codec."""

    def __init__(self, codec: VideoCodec) -> None:
        super().__init__(codec, MAX_UNIT_BYTES)
        self.codec: VideoCodec | None = codec


class RtpStream:
    """The state of one RTP stream: SSRC, sequence, counts; gives packets as parts to send."""

    def __init__(self) -> None:
        self.ssrc = secrets.randbits(32)
        self.sequence = secrets.randbits(16)
        self.packets = 0
        self.octets = 0
        self.name = f"translight@{socket.gethostname()}"
        self._anchor = (0, 0)

    def packets_of(self, unit: AccessUnit, limit: int) -> list[tuple[bytes, memoryview]]:
        """The packets of an access unit, each in two parts."""
        timestamp = media_time(unit.header)
        self._anchor = (time.time_ns(), timestamp)
        parts = list(rtp.payloads(unit.nals, unit.codec, limit))
        out = []
        for number, (prefix, payload) in enumerate(parts):
            head = rtp.rtp_header(self.sequence, timestamp, self.ssrc, marker=number == len(parts) - 1)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.packets += 1
            self.octets += len(prefix) + len(payload)
            out.append((head + prefix, payload))
        return out

    def report(self) -> bytes:
        """An RTCP sender report for now."""
        now_ns = time.time_ns()
        sent_ns, timestamp = self._anchor
        timestamp += (now_ns - sent_ns) * CLOCK_HZ // 1_000_000_000
        return rtp.sender_report(self.ssrc, now_ns, timestamp, self.packets, self.octets, self.name)

    def goodbye(self) -> bytes:
        """RTCP's last word."""
        return rtp.goodbye(self.ssrc, self.name)


class RtpOutlet:
    """Sends access units as RTP, a report a second, and keeps the SDP file true."""

    def __init__(self, url: StreamUrl, encoder: Encoder) -> None:
        options = url.options
        self._ttl, interface = datagrams.multicast_options(options)
        self._limit = options.integer("packet", rtp.PAYLOAD_BYTES, 500, 8900)
        self._sdp = url.base / options.text("sdp") if options.given("sdp") else None
        self._encoder = encoder
        self._stream = RtpStream()
        self._report_at = 0.0
        self._socket = DatagramSocket(str(url), url.place, ttl=self._ttl, interface=interface)
        self._described: list[bytes] = []
        try:
            self._describe()
        except OSError as error:
            self._socket.close()
            raise StreamError(f"{url}: {self._sdp} cannot be written ({error.strerror})") from error

    def send(self, unit: AccessUnit) -> None:
        """Send an access unit, and a report when it is time."""
        if unit.key:
            with suppress(OSError):  # the first one was written; what is in it still holds
                self._describe()
        self._socket.begin_burst()
        for parts in self._stream.packets_of(unit, self._limit):
            self._socket.send(parts)
        now = time.monotonic()
        if now >= self._report_at:
            self._report_at = now + _REPORT_EVERY_S
            self._socket.send([self._stream.report()], port_offset=1)

    def receivers(self) -> int | None:
        """Nobody knows who listens."""
        return None

    def close(self) -> None:
        """Say goodbye."""
        self._socket.send([self._stream.goodbye()], port_offset=1)
        self._socket.close()

    def _describe(self) -> None:
        if self._sdp is None or self._encoder.parameter_sets == self._described:
            return
        self._described = self._encoder.parameter_sets
        host, port = self._socket.address
        ttl = self._ttl if datagrams.is_multicast(host) else None
        with whole_file(self._sdp) as aside:
            text = sdp.describe(self._encoder.codec, host, port, self._described, ttl=ttl)
            aside.write_text(text, encoding="ascii", newline="")
