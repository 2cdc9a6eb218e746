"""The camera sent to Live Link: a reader of the pose ring that sends what packets.py builds; never in the live path.

A receiver is never waited for: UDP to an address where nobody listens is counted and goes on.
"""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from translight.core.clock import NS_PER_S, now_ns
from translight.core.errors import StreamError
from translight.tracking.ring import Tracked
from translight.tracking.sample import TrackingSample
from translight.ue_bridge.live_link import LiveLinkSpec
from translight.ue_bridge.packets import FilmBack, builder

_LOOK_S = 0.001
_LONGEST_SLEEP_S = 0.05  # so that stop is obeyed within it
_MULTICAST_HOPS = 4


class PoseSource(Protocol):
    """Where poses come from: a ``PoseRing``."""

    def latest(self) -> Tracked | None:
        """The newest, or None before the first; the same object again while there is no newer one."""
        ...


class LiveLinkSender:
    """One URL's socket. ``tick`` sends when there is something new to say and it is time; it never blocks."""

    def __init__(self, spec: LiveLinkSpec, film_back: FilmBack, lost_after_ns: int) -> None:
        self.spec = spec
        self.sent = 0
        """Datagrams that left."""
        self.refused = 0
        """Datagrams that the network would not take, as when nobody listens."""
        self.out_of_range = 0
        """Samples that the wire cannot hold."""
        self._lost_after_ns = lost_after_ns
        self._period_ns = round(NS_PER_S / spec.rate_hz)
        self.due_ns = 0
        """When the next one may go, on ``core.clock``."""
        self._last: Tracked | None = None
        self._build = builder(spec, film_back, time.time_ns() - now_ns())
        self._socket = _open(spec)

    def tick(self, tracked: Tracked | None, at_ns: int) -> bool:
        """Send the newest pose if it is due at ``at_ns`` (``core.clock``); whether something was sent."""
        if tracked is None or at_ns < self.due_ns or at_ns - tracked.received_ns > self._lost_after_ns:
            return False
        if self.spec.pose != "predicted" and tracked is self._last:
            return False
        self._last = tracked
        # An absolute grid, unless it was missed altogether: then it begins anew at this sample.
        grid_ns = self.due_ns + self._period_ns
        self.due_ns = grid_ns if at_ns < grid_ns else at_ns + self._period_ns
        self._send(sample_of(tracked, self.spec, at_ns))
        return True

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _send(self, sample: TrackingSample) -> None:
        try:
            datagrams = self._build(sample)
        except ValueError:
            self.out_of_range += 1
            return
        for datagram in datagrams:
            try:
                self._socket.sendto(datagram, (self.spec.host, self.spec.port))
                self.sent += 1
            except OSError:
                # ICMP's word that nobody listens, a full buffer, a network that is down: the next one may arrive.
                self.refused += 1


def sample_of(tracked: Tracked, spec: LiveLinkSpec, at_ns: int) -> TrackingSample:
    """The pose that ``spec`` asks for, with the time that it holds for: a prediction is captured when it comes true."""
    sample = TrackingSample(
        tracked.stage_from_camera,
        tracked.received_ns,
        tracked.sequence,
        tracked.camera,
        tracked.captured_ns,
        tracked.timecode,
        tracked.lens,
    )
    if spec.pose == "raw":
        return sample
    if spec.pose == "solved":
        return replace(sample, stage_from_camera=tracked.motion.stage_from_camera)
    time_ns = at_ns + spec.ahead_ns
    pose = tracked.motion.at(time_ns)
    return replace(sample, stage_from_camera=pose, received_ns=at_ns, captured_ns=time_ns, timecode=None)


class Stop(Protocol):
    """What ends the sending: a ``threading.Event``, a status board, or anything that answers like one."""

    def is_set(self) -> bool:
        """Whether to end."""
        ...


def run(poses: PoseSource, senders: list[LiveLinkSender], stop: Stop) -> None:
    """Send until ``stop`` is set; when one may go, the newest pose is looked at a thousand times a second."""
    while not stop.is_set():
        tracked, at_ns = poses.latest(), now_ns()
        for sender in senders:
            sender.tick(tracked, at_ns)
        idle_s = (min(sender.due_ns for sender in senders) - at_ns) / NS_PER_S
        time.sleep(min(max(idle_s, _LOOK_S), _LONGEST_SLEEP_S))


def _open(spec: LiveLinkSpec) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if spec.multicast:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _MULTICAST_HOPS)
        if spec.interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(spec.interface))
    except OSError as error:
        sock.close()
        raise StreamError(
            f"{spec.url}: {spec.interface} is no address of this machine: give interface=ADDRESS of the card"
        ) from error
    return sock
