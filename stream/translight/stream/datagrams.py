"""UDP out and in for encoded video (rtp_socket.py, udp.py): paced, never waiting, to hosts and groups."""

from __future__ import annotations

import ipaddress
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from translight.core.errors import ProtocolError, StreamError
from translight.core.url_options import Options
from translight.stream.contract import ReceivedFrame, ReceiverCounts
from translight.stream.decoder import Decoder
from translight.stream.nal import VideoCodec

OPTIONS = ("ttl", "interface")
_BUFFER_BYTES = 8 << 20
_BURST, _REST_S = 32, 0.00025  # 32 packets in 0.25 ms are 1.4 Gbit/s: a key picture must not overrun a socket's buffer
_MAX_DATAGRAM = 65_536
_DRAIN = 4096


def split_place(place: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, an IPv6 address without its brackets."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def resolve(url: str, place: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The address that a URL names. Raises StreamError."""
    host, port = split_place(place)
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise StreamError(f"{url}: {host!r} is not known here ({error.strerror})") from error
    return family, (str(address[0]), port)


def is_multicast(host: str) -> bool:
    """Whether an address is of a group."""
    return ipaddress.ip_address(host.partition("%")[0]).is_multicast


class DatagramSocket:
    """Sends datagrams to one place; what the system does not take at once is lost and counted."""

    def __init__(self, url: str, place: str, *, ttl: int = 1, interface: str = "") -> None:
        self.family, self.address = resolve(url, place)
        self.lost = 0
        """Datagrams that the system did not take."""
        self._socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        try:
            if is_multicast(self.address[0]) and self.family == socket.AF_INET:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
                if interface:
                    self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        except OSError as error:
            self._socket.close()
            raise StreamError(f"{url} cannot be opened: {error.strerror}") from error
        self._burst = 0

    def begin_burst(self) -> None:
        """What follows comes after a pause."""
        self._burst = 0

    def send(self, parts: Sequence[bytes | memoryview], port_offset: int = 0) -> None:
        """Send one datagram, gathered from ``parts``; rests a little after every so many of a burst."""
        host, port = self.address
        try:
            if sys.platform == "win32":  # has no sendmsg
                self._socket.sendto(b"".join(parts), (host, port + port_offset))
            else:
                self._socket.sendmsg(parts, [], 0, (host, port + port_offset))
        except OSError:
            # Full, or nobody there (ICMP): a stream goes on for whoever comes.
            self.lost += 1
        self._burst += 1
        if self._burst % _BURST == 0:
            time.sleep(_REST_S)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def multicast_options(options: Options) -> tuple[int, str]:
    """ttl= and interface= of a URL."""
    return options.integer("ttl", 1, 0, 255), options.address("interface")


def listen(url: str, place: str, interface: str = "") -> socket.socket:
    """A socket that hears what a sender's URL sends here; joins the group where it is one. Raises StreamError."""
    family, (host, port) = resolve(url, place)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.setblocking(False)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if is_multicast(host):
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            receiver.bind(("" if sys.platform == "win32" else host, port))
            if family == socket.AF_INET:
                group = socket.inet_aton(host) + socket.inet_aton(interface or "0.0.0.0")
                receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            else:
                receiver.setsockopt(
                    socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, host) + bytes(4)
                )
        else:
            receiver.bind((host, port))
    except OSError as error:
        receiver.close()
        raise StreamError(f"{url} cannot be received here: {error.strerror}") from error
    return receiver


class Units(Protocol):
    """Gathers access units from datagrams; raises ProtocolError on one that breaks the format."""

    def push(self, packet: memoryview, /) -> list[bytes | None]:
        """The access units that are now whole; None says that something is missing before what follows."""
        ...

    @property
    def codec(self) -> VideoCodec | None:
        """Known at the latest with the first access unit."""
        ...


class DatagramReceiver:
    """Takes every datagram that has come, decodes what they make, and gives the newest picture."""

    def __init__(self, url: str, receiver: socket.socket, units: Units) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._socket = receiver
        self._units = units
        self._decoder: Decoder | None = None
        self._datagram = bytearray(_MAX_DATAGRAM)

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest picture, or None when none came in time. What breaks the format is counted."""
        deadline = time.monotonic() + timeout_s
        while True:
            for packet in self._waiting():
                self._take(packet)
            frame = self._decoder.take() if self._decoder is not None else None
            if frame is not None:
                return frame
            left = deadline - time.monotonic()
            if left <= 0 or self._socket.fileno() < 0:
                return None
            select.select([self._socket], [], [], left)

    @property
    def ended(self) -> bool:
        """Datagrams do not say that they end."""
        return False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _waiting(self) -> Iterator[memoryview]:
        for _ in range(_DRAIN):  # a flood does not hold the caller for ever
            try:
                size = self._socket.recv_into(self._datagram)
            except BlockingIOError:
                return
            except OSError:  # Windows reports a peer's unreachable port here
                self.counts.bad += 1
                return
            yield memoryview(self._datagram)[:size]

    def _take(self, packet: memoryview) -> None:
        try:
            found = self._units.push(packet)
        except ProtocolError:
            self.counts.bad += 1
            return
        for unit in found:
            codec = self._units.codec
            if self._decoder is None or (codec is not None and codec is not self._decoder.codec):
                if codec is None:
                    continue
                self._decoder = Decoder(codec, self.counts)
            if unit is None:
                self._decoder.lost()
            else:
                self._decoder.feed(unit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
