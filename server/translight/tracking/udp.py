"""Samples from a UDP socket: a blocking read with a timeout, no event loop; what the URL says is in source.py."""

from __future__ import annotations

import errno
import logging
import socket
import sys
from types import TracebackType
from typing import Self

from translight.core.clock import NS_PER_S, now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.tracking.datagram import Address, BadDatagram, Decoder, Tap
from translight.tracking.sample import TrackingSample
from translight.tracking.source import SourceCounts, SourceSpec

# security: a longer datagram is dropped before it is parsed
_MOST_BYTES = {"freed": 1024, "f4": 2048, "osc": 16384, "opentrackio": 65507}
_BURST = 256
"""Datagrams taken in one read beyond the first: a flood cannot keep a read from returning."""

_log = logging.getLogger(__name__)


class UdpSource:
    """A tracker's datagrams. One thread reads; a bad datagram changes nothing but the counts."""

    def __init__(self, spec: SourceSpec, *, tap: Tap | None = None) -> None:
        """Bind the socket. Raises StreamError, in one line, when the port is taken or the address is not ours."""
        assert spec.wire is not None, "a socket has a protocol"
        self.counts = SourceCounts()
        self.last_fault = ""
        self._name = spec.url
        self._decoder: Decoder = spec.decoder()
        self._most_bytes = _MOST_BYTES[spec.wire]
        self._tap = tap
        self._buffer = bytearray(65536)
        self._view = memoryview(self._buffer)
        self._logged_ns = -NS_PER_S
        self._unlogged = 0
        self._taken = 0
        self._socket = open_socket(spec)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    def read(self, timeout_s: float) -> TrackingSample | None:
        """The newest sample, or None when none came within ``timeout_s``.

        What waits in the socket is all read: a reader that was held up must not lag behind the tracker for ever, nor
        take a burst's arrival for the tracker's rhythm. The newest sample counts.
        """
        deadline_ns = now_ns() + int(timeout_s * NS_PER_S)
        while True:
            left_ns = deadline_ns - now_ns()
            sample = self._receive(max(left_ns, 0) / NS_PER_S)
            if sample is not None:
                return self._newest(sample)
            if left_ns <= 0:
                return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _newest(self, sample: TrackingSample) -> TrackingSample:
        for _ in range(_BURST):
            before = self._taken
            newer = self._receive(0.0)
            if newer is not None:
                self.counts.superseded += 1
                sample = newer
            elif self._taken == before:
                break
        return sample

    def _receive(self, timeout_s: float) -> TrackingSample | None:
        """One datagram's sample, or None: nothing came, or it completes nothing."""
        self._socket.settimeout(timeout_s)
        try:
            size, sender = self._socket.recvfrom_into(self._buffer)
        except (TimeoutError, BlockingIOError, ConnectionError):
            return None
        received_ns = now_ns()
        self._taken += 1
        datagram = bytes(self._view[:size])
        if self._tap is not None:
            self._tap(datagram, received_ns, sender)
        try:
            if size > self._most_bytes:
                raise BadDatagram("too large", f"a datagram of {size} bytes, at most {self._most_bytes} are read")
            sample = self._decoder.decode(datagram, received_ns, sender)
        except ProtocolError as error:
            self._count(error, sender, received_ns)
            return None
        if sample is not None:
            self.counts.samples += 1
        return sample

    def _count(self, error: ProtocolError, sender: Address, now: int) -> None:
        cause = error.cause if isinstance(error, BadDatagram) else "other"
        causes = self.counts.bad_by_cause
        causes[cause] = causes.get(cause, 0) + 1
        self.last_fault = f"{cause}: {error}"
        self._unlogged += 1
        if now - self._logged_ns >= NS_PER_S:
            count = f"{self._unlogged} bad datagrams" if self._unlogged > 1 else "a bad datagram"
            _log.warning("%s: %s, the last from %s: %s", self._name, count, sender[0], error)
            self._logged_ns = now
            self._unlogged = 0


def open_socket(spec: SourceSpec) -> socket.socket:
    """The socket that a source listens on. Raises StreamError.

    The port is this source's alone: two shows on one port would each get some of the datagrams, or one of them all
    without the other knowing. Only a multicast group can be shared, and only when asked (``share=yes``).
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if spec.share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sys.platform == "darwin":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        elif sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        # Bound to the group, a socket gets the group's datagrams alone; Windows cannot bind to one.
        sock.bind(("" if spec.multicast and sys.platform == "win32" else spec.host, spec.port))
        if spec.multicast:
            group = socket.inet_aton(spec.host) + socket.inet_aton(spec.interface or "0.0.0.0")
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except OSError as error:
        sock.close()
        raise StreamError(f"{spec.url}: {_reason(spec, error)}") from error
    return sock


def _reason(spec: SourceSpec, error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", -1)):
        what = "; a multicast group can be shared: share=yes" if spec.multicast else ""
        return f"UDP port {spec.port} is taken by another program, or another show: end it or take another port{what}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not listen on UDP port {spec.port}: take one from 1024 on"
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL) and spec.multicast:
        found = (
            f"{spec.interface} is no address of this machine" if spec.interface else "no network card is the default"
        )
        return f"cannot join {spec.host}, {found}: give interface=ADDRESS of the card on the tracker's network"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{spec.host} is no address of this machine: give one of its own, or nothing for all"
    return f"cannot listen on UDP port {spec.port}: {error.strerror}"
