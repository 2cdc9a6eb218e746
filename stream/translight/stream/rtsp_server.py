"""rtsp://HOST:PORT/PATH: a small RTSP server (rtsp.py) of one live stream, for media players and rtsp_client.py.

One thread answers the clients, the encoding thread gives it packets. A client that does not take what it is sent, or
says nothing for long, is dropped; packets by UDP go to nobody but the address that asked for them.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress

from translight.core.errors import ProtocolError, StreamError
from translight.core.threads import Stages
from translight.stream import rtp, rtsp, sdp
from translight.stream.contract import PictureSpec
from translight.stream.datagrams import split_place
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.rtp_socket import RtpStream
from translight.stream.rtsp import Carriage, Message
from translight.stream.rtsp_client import RtspReceiver
from translight.stream.urls import StreamUrl
from translight.stream.video import VideoSender
from translight.stream.video_options import read_video_options

MAX_CLIENTS = 16
"""Security: more are told that there is no room."""
MAX_WAITING_BYTES = 8 << 20
"""A client that leaves more than this untaken is dropped."""
_TIMEOUT_S = 60
_STRANGER_S = 10.0  # a connection that sets nothing up
_REPORT_EVERY_S = 1.0
_KEY_EVERY_S = 0.25
_LOOK_S = 0.5
_READ_BYTES = 65_536
_BURST, _REST_S = 32, 0.00025


def open_sender(url: StreamUrl, spec: PictureSpec) -> VideoSender:
    """For ``urls.open_sender``."""
    encoder = Encoder(str(url), spec, read_video_options(url.options))
    place, _, path = url.place.partition("/")
    return VideoSender(str(url), spec, encoder, RtspServer(str(url), place, path.strip("/"), encoder))


def open_receiver(url: StreamUrl) -> RtspReceiver:
    """For ``urls.open_receiver``."""
    place, _, path = url.place.partition("/")
    host, port = split_place(place)
    return RtspReceiver(str(url), "127.0.0.1" if host == "*" else host, port, path)


class _Client:
    """A connection and what it asked for. The encoding thread appends to ``waiting``, under the server's lock."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        self.connection = connection
        self.host = host
        self.reader = rtsp.Reader()
        self.heard = time.monotonic()
        self.session = ""
        self.carriage: Carriage | None = None
        self.playing = False
        self.begun = False
        """Its first key picture has been sent."""
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.gone = False

    def put(self, data: bytes) -> None:
        self.waiting.append(data)
        self.waiting_bytes += len(data)
        if self.waiting_bytes > MAX_WAITING_BYTES:
            self.gone = True


class RtspServer:
    """Listens, answers, and sends access units to the clients that play."""

    def __init__(self, url: str, place: str, path: str, encoder: Encoder) -> None:
        self._path = path
        self._encoder = encoder
        self.refused = 0
        """Requests and connections that were not served."""
        self._stream = RtpStream()
        self._report_at = 0.0
        self._key_at = 0.0
        self._lock = threading.Lock()
        self._clients: dict[int, _Client] = {}
        host, port = split_place(place)
        try:
            self._listener = _listener(host, port)
            self._media, self._control = _port_pair(self._listener)
        except OSError as error:
            raise StreamError(f"{url} cannot be opened: {error.strerror}") from error
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for each in (self._listener, self._control, self._woken):
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ)
        self._wake.setblocking(False)
        self._stages = Stages()
        self._stages.__enter__()
        self._stages.start(f"serve {url}", self._serve)

    def send(self, unit: AccessUnit) -> None:
        """Give an access unit to every client that plays; those that just came wait for a key picture."""
        packets = self._stream.packets_of(unit, rtp.PAYLOAD_BYTES)
        report = b""
        if time.monotonic() >= self._report_at:
            self._report_at = time.monotonic() + _REPORT_EVERY_S
            report = self._stream.report()
        with self._lock:
            for client in self._clients.values():
                client.begun = client.begun or (client.playing and unit.key)
            playing = [c for c in self._clients.values() if c.playing and c.begun and not c.gone]
            by_tcp = [c for c in playing if c.carriage is not None and c.carriage.tcp]
            for client in by_tcp:
                assert client.carriage is not None
                client.put(b"".join(rtsp.interleaved(client.carriage.first, *parts) for parts in packets))
                if report:
                    client.put(rtsp.interleaved(client.carriage.second, report))
        if by_tcp:
            self._poke()
        by_udp = [(c.host, c.carriage) for c in playing if c.carriage is not None and not c.carriage.tcp]
        for number, parts in enumerate(packets if by_udp else ()):
            for host, carriage in by_udp:
                _send(self._media, b"".join(parts), host, carriage.first)
            if number % _BURST == _BURST - 1:
                time.sleep(_REST_S)
        for host, carriage in by_udp if report else ():
            _send(self._control, report, host, carriage.second)

    def receivers(self) -> int | None:
        """Clients that play."""
        with self._lock:
            return sum(client.playing for client in self._clients.values())

    def close(self) -> None:
        """End the thread and every connection."""
        self._poke()
        try:
            self._stages.__exit__(None, None, None)
        finally:
            for client in list(self._clients.values()):
                self._drop(client)
            self._selector.close()
            for each in (self._listener, self._media, self._control, self._wake, self._woken):
                each.close()

    def _poke(self) -> None:
        with suppress(OSError):  # full of pokes already
            self._wake.send(b"!")

    def _serve(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for key, events in self._selector.select(_LOOK_S):
                client = key.data
                if client is not None:
                    self._attend(client, events)
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    _discard(key.fileobj)  # pokes, and what clients report by RTCP
            now = time.monotonic()
            for client in list(self._clients.values()):
                self._flush(client)
                silent = now - client.heard
                by_udp = client.carriage is not None and not client.carriage.tcp
                if client.gone or silent > (_STRANGER_S if not client.playing else _TIMEOUT_S if by_udp else silent):
                    self._drop(client)

    def _accept(self) -> None:
        try:
            connection, address = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MAX_CLIENTS:
            self.refused += 1
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(connection, str(address[0]))
        with self._lock:
            self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _drop(self, client: _Client) -> None:
        with self._lock:
            self._clients.pop(client.connection.fileno(), None)
        try:
            self._selector.unregister(client.connection)
        except (KeyError, ValueError):
            return
        client.connection.close()

    def _attend(self, client: _Client, events: int) -> None:
        if not events & selectors.EVENT_READ:
            return
        try:
            data = client.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.gone = True
            return
        client.heard = time.monotonic()
        try:
            for message in client.reader.push(data):
                if isinstance(message, Message):
                    answer = self._answer(client, message)
                    with self._lock:
                        client.put(answer)
        except ProtocolError:
            self.refused += 1
            with self._lock:
                client.put(rtsp.response(400, "0", {"Connection": "close"}))
            self._flush(client)
            client.gone = True

    def _flush(self, client: _Client) -> None:
        """Send what the connection takes; ask to be told when it takes more."""
        while not client.gone:
            with self._lock:
                if not client.waiting:
                    break
                data = client.waiting[0]
            try:
                sent = client.connection.send(data)
            except BlockingIOError:
                break
            except OSError:
                client.gone = True
                break
            with self._lock:
                client.waiting_bytes -= sent
                if sent == len(data):
                    client.waiting.popleft()
                else:
                    client.waiting[0] = data[sent:]
        if not client.gone:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
            self._selector.modify(client.connection, events, client)

    def _answer(self, client: _Client, message: Message) -> bytes:
        """The response to a request. Raises ProtocolError on what is none."""
        method, url, version = message.request
        sequence = message.headers.get("cseq", "")
        if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 10):
            raise ProtocolError("an RTSP request has a CSeq")
        status, headers, body = self._do(client, method, url, version, message)
        self.refused += status != 200
        return rtsp.response(status, sequence, headers, body)

    def _do(
        self, client: _Client, method: str, url: str, version: str, message: Message
    ) -> tuple[int, dict[str, str], bytes]:
        session = {"Session": f"{client.session};timeout={_TIMEOUT_S}"} if client.session else {}
        if version != "1.0":
            return 505, {}, b""
        if method not in rtsp.METHODS:
            return 405, {"Allow": ", ".join(rtsp.METHODS)}, b""
        if method == "OPTIONS":
            return 200, {"Public": ", ".join(rtsp.METHODS), **session}, b""
        path = rtsp.path_of(url)
        if path is None or path.removesuffix("track0").rstrip("/") != self._path:
            return 404, {}, b""
        if method == "DESCRIBE":
            text = sdp.describe(self._encoder.codec, "0.0.0.0", 0, self._encoder.parameter_sets, control="track0")
            return 200, {"Content-Type": "application/sdp", "Content-Base": url.rstrip("/") + "/"}, text.encode()
        if method == "SETUP":
            return self._set_up(client, message)
        if not client.session or message.headers.get("session", "").partition(";")[0] != client.session:
            return 454, {}, b""
        if method == "PLAY":
            if client.carriage is None:
                return 455, {}, b""
            now = time.monotonic()
            if not client.playing and now >= self._key_at:  # clients do not set the rate of key pictures
                self._key_at = now + _KEY_EVERY_S
                self._encoder.want_key()
            with self._lock:
                client.playing = True
            return 200, {**session, "Range": "npt=now-"}, b""
        if method == "TEARDOWN":
            with self._lock:
                client.playing, client.begun, client.carriage = False, False, None
            client.session = ""
            return 200, {}, b""
        return 200, session, b""

    def _set_up(self, client: _Client, message: Message) -> tuple[int, dict[str, str], bytes]:
        carriage = rtsp.read_transport(message.headers.get("transport", ""))
        if carriage is None:
            return 461, {}, b""
        if client.playing:
            return 455, {}, b""
        client.session = client.session or secrets.token_hex(8)
        client.carriage = carriage
        ends = f"{carriage.first}-{carriage.second}"
        if carriage.tcp:
            transport = f"RTP/AVP/TCP;unicast;interleaved={ends}"
        else:
            own = f"{self._media.getsockname()[1]}-{self._control.getsockname()[1]}"
            transport = f"RTP/AVP;unicast;client_port={ends};server_port={own}"
        named = {"Session": f"{client.session};timeout={_TIMEOUT_S}"}
        return 200, {**named, "Transport": f"{transport};ssrc={self._stream.ssrc:08X}"}, b""


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("" if host == "*" else host, port))
        listener.listen(MAX_CLIENTS)
    except OSError:
        listener.close()
        raise
    return listener


def _port_pair(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """An even UDP port and the one above (RFC 3550, section 11), where the listener listens."""
    host = listener.getsockname()[0]
    for _ in range(100):
        media = socket.socket(listener.family, socket.SOCK_DGRAM)
        control = socket.socket(listener.family, socket.SOCK_DGRAM)
        try:
            media.bind((host, 0))
            port = media.getsockname()[1]
            if port % 2 == 0:
                control.bind((host, port + 1))
                media.setblocking(False)
                return media, control
        except OSError:
            pass
        media.close()
        control.close()
    listener.close()
    raise OSError(0, "no pair of UDP ports is free")


def _send(sender: socket.socket, data: bytes, host: str, port: int) -> None:
    with suppress(OSError):  # a client that went, or a full buffer: the stream goes on
        sender.sendto(data, (host, port))


def _discard(source: object) -> None:
    assert isinstance(source, socket.socket)
    for _ in range(64):
        try:
            if not source.recv(_READ_BYTES):
                return
        except OSError:
            return
