"""udp://HOST:PORT: H.264 or HEVC in an MPEG transport stream (mpegts.py), seven packets a datagram."""

from __future__ import annotations

from translight.core.url_options import Options
from translight.stream import datagrams
from translight.stream.contract import PictureSpec
from translight.stream.datagrams import DatagramReceiver, DatagramSocket
from translight.stream.decoder import MAX_UNIT_BYTES
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.mpegts import DATAGRAM_BYTES, TsMuxer, TsReader
from translight.stream.urls import StreamUrl
from translight.stream.video import VideoSender
from translight.stream.video_options import read_video_options


def open_sender(url: StreamUrl, spec: PictureSpec) -> VideoSender:
    """For ``urls.open_sender``."""
    encoder = Encoder(str(url), spec, read_video_options(url.options))
    return VideoSender(str(url), spec, encoder, TsOutlet(str(url), url.place, url.options, spec, encoder))


def open_receiver(url: StreamUrl) -> DatagramReceiver:
    """For ``urls.open_receiver``; the stream says its codec."""
    _, interface = datagrams.multicast_options(url.options)
    return DatagramReceiver(str(url), datagrams.listen(str(url), url.place, interface), TsReader(MAX_UNIT_BYTES))


class TsOutlet:
    """Sends access units as transport packets."""

    def __init__(self, url: str, place: str, options: Options, spec: PictureSpec, encoder: Encoder) -> None:
        ttl, interface = datagrams.multicast_options(options)
        self._socket = DatagramSocket(url, place, ttl=ttl, interface=interface)
        self._muxer = TsMuxer(encoder.codec, spec.width_px, spec.height_px)

    def send(self, unit: AccessUnit) -> None:
        """Send an access unit."""
        packets = memoryview(self._muxer.mux(unit))
        self._socket.begin_burst()
        for at in range(0, len(packets), DATAGRAM_BYTES):
            self._socket.send([packets[at : at + DATAGRAM_BYTES]])

    def receivers(self) -> int | None:
        """Nobody knows who listens."""
        return None

    def close(self) -> None:
        """Close muxer and socket."""
        self._muxer.close()
        self._socket.close()
