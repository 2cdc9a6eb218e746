"""The preview's server: HTTP for the player's page, WebSocket for pictures, control and WebRTC's signalling.

It runs in a process of its own (browser_process.py) and takes encoded pictures from the thread of browser_feeds.py.
HTTP and WebSocket are the package websockets' (RFC 9112, RFC 6455). Security: sizes, counts and times are bounded by
the constants below, Host and Origin are checked, and everything refused is counted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError
from translight.stream import browser_messages as messages
from translight.stream.browser_feeds import Encoded, H264Feed
from translight.stream.browser_settings import Counters, Settings

MAX_CONNECTIONS = 64
"""TCP connections at once, page loads and half-open ones included."""
MAX_MESSAGE_BYTES = messages.MAX_OFFER_BYTES + messages.MAX_CONTROL_BYTES
MAX_BAD_MESSAGES = 50
"""A peer that sent this many is sent away."""
_OPEN_S = 5.0
_PING_EVERY_S, _PONG_WITHIN_S = 5.0, 10.0
_CLOSE_S = 2.0
_IN_FLIGHT = 2
"""JPEGs sent and not yet shown: one on the wire while one is decoded."""
_STREAM_PATH = "/stream"
_FILES = {"/": ("player.html", "text/html; charset=utf-8"), "/player.js": ("player.js", "text/javascript")}
_SECURITY = (
    ("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
_OUR_CLOSES = (1002, 1007, 1009)
"""WebSocket close codes by which we answer a broken, non-UTF-8 or oversized message (RFC 6455, section 7.4.1)."""


@dataclass(slots=True, eq=False)
class _Peer:
    """A browser: what it wants, and the one picture that waits for it."""

    connection: ServerConnection
    quality: int
    paused: bool = False
    room: int = _IN_FLIGHT
    bad: int = 0
    waiting: Encoded | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    video: Any = None


class PreviewServer:
    """Peers and what they are sent. Everything runs in one event loop, but ``wanted`` and ``watched``."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self._settings = settings
        self._counters = counters
        self._peers: set[_Peer] = set()
        self._wanted: set[int] = set()
        self._watched = False
        self._closing: set[asyncio.Task[None]] = set()
        self.h264 = H264Feed(self.watched, settings.bitrate_kbps, settings.scale)
        self._webrtc: Any = import_module("translight.stream.webrtc_peer") if settings.player == "video" else None
        self._pages = {
            path: (files("translight.stream").joinpath(name).read_bytes(), kind)
            for path, (name, kind) in _FILES.items()
        }

    def wanted(self) -> set[int]:
        """JPEG qualities of the peers that have room for a picture; for the encoding thread."""
        return self._wanted

    def watched(self) -> bool:
        """Whether a peer takes video; for the encoding thread."""
        return self._watched

    async def open(self) -> Server:
        """Listen. Raises OSError."""
        quiet = logging.getLogger("translight.preview")
        quiet.setLevel(logging.CRITICAL)
        server: PreviewServer = self

        class Connection(ServerConnection):
            """Bounded in number; refused requests are counted."""

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                if len(self.server.handler_tasks) > MAX_CONNECTIONS:
                    server._counters.bad += 1
                    self.transport.abort()

            async def handshake(self, *args: Any, **kwargs: Any) -> None:
                await super().handshake(*args, **kwargs)
                broken = self.request is None and self.protocol.handshake_exc is not None
                if broken or (self.response is not None and self.response.status_code >= HTTPStatus.BAD_REQUEST):
                    server._counters.bad += 1

        return await serve(
            self._handle,
            self._settings.host or None,
            self._settings.port,
            create_connection=Connection,
            process_request=self._answer,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=4,
            open_timeout=_OPEN_S,
            ping_interval=_PING_EVERY_S,
            ping_timeout=_PONG_WITHIN_S,
            close_timeout=_CLOSE_S,
            server_header=None,
            logger=quiet,
        )

    def deliver(self, encoded: Encoded) -> None:
        """A new picture, for every peer with room for it."""
        self._counters.sent += 1
        for peer in self._peers:
            if peer.video is not None:
                peer.video.put(encoded)
            elif peer.quality in encoded.jpegs and peer.room > 0 and not peer.paused:
                self._counters.skipped += peer.waiting is not None
                peer.waiting = encoded
                peer.ready.set()
        self._refresh()

    async def close(self) -> None:
        """Wait for the sessions of peers that have gone to end."""
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_S)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """A page, a refusal, or None: go on with the WebSocket."""
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return connection.respond(HTTPStatus.FORBIDDEN, "this host name is not this server's\n")
        path = urlsplit(request.path).path
        if path == _STREAM_PATH:
            # A page of another site may open WebSockets to us (RFC 6455, section 10.2); programs send no Origin.
            if origins and origins != [f"http://{hosts[0]}"]:
                return connection.respond(HTTPStatus.FORBIDDEN, "this page may not open the stream\n")
            if len(self._peers) >= self._settings.max_peers:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "enough look on already\n")
            return None
        if path not in self._pages:
            return connection.respond(HTTPStatus.NOT_FOUND, "there is / and nothing else\n")
        body, kind = self._pages[path]
        headers = Headers([("Content-Type", kind), ("Content-Length", str(len(body))), *_SECURITY])
        headers["Connection"] = "close"
        return Response(HTTPStatus.OK, "OK", headers, body)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this machine: else a site could point a name of its own at us (DNS rebinding)."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        machine = socket.gethostname().lower()
        if name and name in ("localhost", self._settings.host.lower(), machine, f"{machine}.local"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    async def _handle(self, connection: ServerConnection) -> None:
        if len(self._peers) >= self._settings.max_peers:
            self._counters.bad += 1
            return
        peer = _Peer(connection, self._settings.quality)
        self._peers.add(peer)
        self._refresh()
        sending = asyncio.create_task(self._send(peer)) if self._settings.player == "jpeg" else None
        try:
            s = self._settings
            await connection.send(messages.to_json(messages.Hello(s.player, s.width_px, s.height_px)))
            async for data in connection:
                reply = await self._signal(peer, data)
                if reply is not None:
                    await connection.send(reply)
        except ConnectionClosed:
            pass
        except Exception:
            logging.getLogger(__name__).exception("a preview's peer is dropped")
            raise
        finally:
            closing = connection.protocol.close_sent
            self._counters.bad += closing is not None and closing.code in _OUR_CLOSES
            self._peers.discard(peer)
            self._refresh()
            if sending is not None:
                sending.cancel()
            self._end_video(peer)

    async def _send(self, peer: _Peer) -> None:
        """Send a peer its JPEGs, always the newest."""
        while True:
            await peer.ready.wait()
            peer.ready.clear()
            encoded, peer.waiting = peer.waiting, None
            jpeg = encoded.jpegs.get(peer.quality) if encoded is not None else None
            if encoded is None or jpeg is None or peer.paused:
                continue
            peer.room -= 1
            self._refresh()
            try:
                await peer.connection.send(encoded.header + jpeg)
            except ConnectionClosed:
                return

    async def _signal(self, peer: _Peer, data: str | bytes) -> str | None:
        """Do what a WebSocket message asks for; gives the reply."""
        try:
            message = messages.read_signal(data)
            if not isinstance(message, messages.Offer):
                return self._control(peer, message)
            if self._settings.player != "video" or peer.video is not None:
                raise ProtocolError("one offer a peer, where video is served")
            return messages.to_json(messages.Answer(await self._begin_video(peer, message.sdp)))
        except ProtocolError:
            self._bad(peer)
            return None

    async def _begin_video(self, peer: _Peer, sdp: str) -> str:
        def control(data: str | bytes) -> str | None:
            try:
                return self._control(peer, messages.read_control(data))
            except ProtocolError:
                self._bad(peer)
                return None

        def change() -> None:
            self._refresh()
            if peer.video is not None and peer.video.ended:
                self._run(peer.connection.close())

        peer.video = self._webrtc.WebRtcPeer(control, self.h264.want_keyframe, change)
        try:
            answer: str = await peer.video.answer(sdp)
        except ProtocolError:
            self._end_video(peer)
            raise
        self._refresh()
        return answer

    def _end_video(self, peer: _Peer) -> None:
        if peer.video is not None:
            self._counters.skipped += peer.video.skipped
            self._run(peer.video.close())
            peer.video = None

    def _control(self, peer: _Peer, message: messages.Control) -> str | None:
        match message:
            case messages.Ping(t_ms):
                return messages.to_json(messages.Pong(t_ms, now_ns() / 1e6))
            case messages.Pause(on):
                peer.paused = on
                if peer.video is not None:
                    peer.video.paused = on
                    self.h264.want_keyframe()
            case messages.Quality(value):
                peer.quality = value
            case messages.Bitrate(kbps):
                self.h264.bitrate_kbps = kbps
            case messages.Keyframe():
                self.h264.want_keyframe()
            case messages.Shown():
                peer.room = min(peer.room + 1, _IN_FLIGHT)
        self._refresh()
        return None

    def _bad(self, peer: _Peer) -> None:
        self._counters.bad += 1
        peer.bad += 1
        if peer.bad == MAX_BAD_MESSAGES:
            self._run(peer.connection.close(1008, "too many bad messages"))

    def _refresh(self) -> None:
        """What the encoding thread looks at, and what the show's process does."""
        self._wanted = {p.quality for p in self._peers if p.room > 0 and not p.paused and p.waiting is None}
        self._watched = any(p.video is not None and p.video.connected for p in self._peers)
        self._counters.peers = len(self._peers)

    def _run(self, ending: Any) -> None:
        """Run a coroutine that nobody waits for until the server closes."""
        task = asyncio.ensure_future(ending)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
