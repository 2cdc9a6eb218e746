"""tcp://HOST:PORT, the sending end: strips of a frame go out while the rest is composited (protocol: strips.py).

The live thread marks rows as finished and goes on; each receiver has a thread of ours that sends them, without the
interpreter's lock, at the receiver's own pace. A receiver asks for each frame, so nothing piles up on the way.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError, StuckThreadError
from translight.stream.contract import PictureSpec, SenderCounts, strip_ends
from translight.stream.header import HEADER_BYTES, FrameHeader, RunningCheck, pack_sent
from translight.stream.strips import ASK_BYTES, SOCKET_BYTES, Head, Hello, Kind, check_ask, pack_head, pack_hello

MAX_RECEIVERS = 16
"""Security: who comes when so many are served is sent away."""
GREETING_S = 2.0
"""Security: a client that has not asked for a frame by then is disconnected."""
STALL_S = 2.0
"""A receiver that asked for a frame and does not take one strip of it in this time is disconnected."""
IDLE_S = 60.0
"""So is one that asks for nothing."""
ROOMS = 4
_ACCEPT_PAUSE_S = 0.005
_WATCH_S = 0.0002
_CLOSE_S = 1.0
_MORE = getattr(socket, "MSG_MORE", 0)


class _Room:
    """Memory for a picture; ``serial`` tells which. ``rows`` are finished; ``header`` is there when all are."""

    def __init__(self, nbytes: int) -> None:
        self.bytes = np.zeros(nbytes, np.uint8)
        self.view = self.bytes.data
        self.check = RunningCheck(self.bytes)
        self.serial = 0
        self.rows = 0
        self.header = b""


@dataclass(slots=True, eq=False)
class _Connection:
    """A receiver. ``room`` is what is being sent, ``serial`` what was, ``slow`` whether that took over two frames."""

    socket: socket.socket
    thread: threading.Thread | None = None
    room: _Room | None = None
    serial: int = 0
    slow: bool = False
    greeted: bool = False


class TcpSender:
    """Listens on an address and sends each receiver the newest frame that it asks for."""

    keeps_rooms = True

    def __init__(self, host: str, port: int, spec: PictureSpec, url: str, *, stall_s: float = STALL_S) -> None:
        self.url = url
        self.bad = 0
        """Clients that broke the protocol."""
        self.refused = 0
        """Clients that came when ``MAX_RECEIVERS`` were served."""
        self._spec = spec
        self._stall_s = stall_s
        self._row_bytes = spec.format.pixel_bytes * spec.width_px
        self.strip_ends = strip_ends(spec)
        self._most_rows = max(b - a for a, b in zip((0, *self.strip_ends), self.strip_ends, strict=False))
        self._hello = pack_hello(Hello(spec, secrets.randbits(64)))
        try:
            self._listener = _listen(host, port)
        except OSError as error:
            raise StreamError(f"{url} cannot be opened: {error.strerror or error}") from error
        self._rooms = [_Room(spec.nbytes) for _ in range(ROOMS)]
        self._lent: _Room | None = None
        self._newest: _Room | None = None
        self._serial = self._sent = self._dropped = 0
        self._rows_done: Callable[[], int] | None = None
        # Guards rooms' serial, rows and header, the connections, and what is followed; threads wait for changes of it
        lock = threading.Lock()
        self._changed, self._begun = threading.Condition(lock), threading.Condition(lock)
        self._summing = threading.Lock()
        self._connections: list[_Connection] = []
        self._closing = False
        self._wake, self._woken = socket.socketpair()
        self._threads = [
            threading.Thread(target=self._accept, name=f"accept {url}", daemon=False),
            threading.Thread(target=self._watch, name=f"watch {url}", daemon=False),
        ]
        for thread in self._threads:
            thread.start()

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture, one that no receiver is being sent, if there is one; the oldest if not."""
        if self._closing:
            raise StreamError(f"{self.url} is closed")
        if self._lent is None:
            with self._changed:
                self._lent = room = self._free_room()
                self._serial += 1
                room.serial, room.rows, room.header = self._serial, 0, b""
            with self._summing:
                room.check.restart()
        spec = self._spec
        picture = self._lent.bytes.view(spec.format.dtype)
        return picture.reshape(spec.format.shape(spec.width_px, spec.height_px))

    def strip(self, end_row: int) -> None:
        """The lent picture's rows before ``end_row`` are finished: they are sent from now on."""
        room = self._lent
        if room is None or not room.rows <= end_row <= self._spec.height_px:
            raise ValueError(f"strip({end_row}) comes after acquire and goes on from the strip before")
        self._hand_on(room, end_row)
        with self._summing:
            room.check.advance(end_row * self._row_bytes)

    def follow(self, rows_done: Callable[[], int]) -> None:
        """Send the lent picture's rows when ``rows_done()`` says that they are finished, until it is published."""
        if self._lent is None:
            raise ValueError("follow comes after acquire")
        with self._changed:
            self._rows_done = rows_done
            self._begun.notify()

    def publish(self, header: FrameHeader) -> FrameHeader:
        """The lent picture is finished, and this is its header."""
        room = self._lent
        if room is None:
            raise ValueError("publish comes after acquire")
        self._hand_on(room, self._spec.height_px)
        with self._summing:
            check = room.check.value()
        sent_ns = now_ns()
        packed = pack_sent(header, check, sent_ns)
        with self._changed:
            room.header = packed
            self._newest, self._lent, self._rows_done = room, None, None
            self._changed.notify_all()
        _let_go()
        self._sent += 1
        return replace(header, check=check, times=replace(header.times, sent_ns=sent_ns))

    def counts(self) -> SenderCounts:
        """Frames published; those that a receiver was in the midst of when their room was needed; receivers now."""
        with self._changed:
            receivers = sum(connection.greeted for connection in self._connections)
        return SenderCounts(self._sent, self._dropped, receivers)

    def close(self) -> None:
        """Tell receivers that it ends, and stop listening. Raises StuckThreadError, which should not happen."""
        with self._changed:
            first, self._closing = not self._closing, True
            connections = list(self._connections)
            self._changed.notify_all()
            self._begun.notify()
        if not first:
            return
        for connection in connections:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RD)  # wakes the thread that waits for a wish
        self._wake.send(b"x")
        threads = [*self._threads, *(c.thread for c in connections if c.thread is not None)]
        _join(threads, _CLOSE_S)
        for connection in connections:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)  # one that stalls in the midst of a frame
        _join(threads, _CLOSE_S)
        for end in (self._wake, self._woken):
            end.close()
        stuck = [thread.name for thread in threads if thread.is_alive()]
        if stuck:
            raise StuckThreadError(f"still running {2 * _CLOSE_S:g} s after stop: {', '.join(stuck)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _free_room(self) -> _Room:
        busy = [c.room for c in self._connections if c.room is not None]
        best: _Room | None = None
        for room in self._rooms:
            if room is self._newest:
                continue
            if best is None or (room in busy, room.serial) < (best in busy, best.serial):
                best = room
        assert best is not None, "there are several rooms"
        self._dropped += busy.count(best)
        return best

    def _hand_on(self, room: _Room, end_row: int) -> None:
        with self._changed:
            if room.rows == end_row:
                return
            room.rows = end_row
            if end_row == self._spec.height_px:
                self._rows_done = None
            self._changed.notify_all()
        if end_row == self._spec.height_px:
            _let_go()  # after other strips it is the compositor that does

    def _watch(self) -> None:
        """The thread that sees rows being finished; it looks, since compositing has no time to tell."""
        while True:
            with self._changed:
                while self._rows_done is None and not self._closing:
                    self._begun.wait()
                rows_done, room = self._rows_done, self._lent
            if rows_done is None or room is None:
                return
            serial, rows = room.serial, rows_done()
            if rows > room.rows:
                with self._changed:
                    if self._rows_done is None or self._lent is not room or room.serial != serial:
                        continue  # published meanwhile
                    room.rows = max(room.rows, rows)
                    self._changed.notify_all()
                with self._summing:
                    room.check.advance(room.rows * self._row_bytes)
            time.sleep(_WATCH_S)

    def _accept(self) -> None:
        """The thread that takes receivers in."""
        with self._listener, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closing:
                selector.select()
                with suppress(OSError):
                    self._take_in(self._listener.accept()[0])
                time.sleep(_ACCEPT_PAUSE_S)  # security: a flood of clients costs the live process no more than this

    def _take_in(self, client: socket.socket) -> None:
        connection = _Connection(client)
        with self._changed:
            full = self._closing or len(self._connections) >= MAX_RECEIVERS
            if full:
                self.refused += not self._closing
            else:
                thread = threading.Thread(target=self._serve, args=(connection,), name="strips", daemon=False)
                connection.thread = thread
                self._connections.append(connection)
                thread.start()
        if full:
            client.close()

    def _serve(self, connection: _Connection) -> None:
        """The thread of one receiver."""
        client = connection.socket
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            asked = self._read_ask(client, GREETING_S)
            client.sendall(self._hello)
            connection.greeted = True
            while asked:
                client.settimeout(self._stall_s)
                if not self._send_frame(connection):
                    break
                asked = self._read_ask(client, IDLE_S)
            client.settimeout(_CLOSE_S / 2)
            client.sendall(pack_head(Head(Kind.END)))
        except ProtocolError:
            with self._changed:
                self.bad += 1
        except OSError:
            pass  # it went, stalled, or never asked
        finally:
            with self._changed:
                connection.room = None
                self._connections.remove(connection)
            client.close()

    def _read_ask(self, client: socket.socket, wait_s: float) -> bool:
        """Wait until a receiver asks for a frame; False when we are closing. Raises OSError, ProtocolError."""
        data = b""
        deadline = time.monotonic() + wait_s
        while len(data) < ASK_BYTES:
            client.settimeout(max(deadline - time.monotonic(), 0.001))
            part = client.recv(ASK_BYTES - len(data))
            if not part:
                if self._closing:
                    return False
                raise ConnectionResetError
            data += part
        check_ask(data)
        return True

    def _send_frame(self, connection: _Connection) -> bool:
        """Send a whole frame newer than the last, beginning with the newest again when one is taken from under us.

        False when we are closing and there is none. Raises OSError.
        """
        room, serial, row = None, 0, 0
        while True:
            with self._changed:
                while True:
                    if room is not None and room.serial != serial:
                        room = connection.room = None
                    if room is None and (room := self._next(connection)) is not None:
                        connection.room, serial, row = room, room.serial, 0
                    if room is not None and (room.rows > row or room.header):
                        break
                    if self._closing:
                        return False
                    self._changed.wait()
                end = min(room.rows, row + self._most_rows)
            if end > row:
                self._send_strip(connection.socket, room, serial, row, end)
                row = end
            # A room whose serial is still the same now had its rows when they were sent
            header = room.header
            if header and row == self._spec.height_px and room.serial == serial:
                connection.socket.sendall(pack_head(Head(Kind.FRAME, serial, nbytes=HEADER_BYTES)) + header)
                with self._changed:
                    connection.slow = self._serial > serial + 1
                    connection.room, connection.serial = None, serial
                return True

    def _next(self, connection: _Connection) -> _Room | None:
        """What to send a receiver: the frame that is being composited, or else the last one, if it lacks that."""
        # Slow receivers begin together, lest each holds a room of its own and none is ever finished
        if connection.slow and any(
            c.slow and c.room not in (None, self._newest, self._lent) for c in self._connections
        ):
            return None
        room = self._lent if self._lent is not None and self._lent.rows > 0 else self._newest
        return room if room is not None and room.serial > connection.serial else None

    def _send_strip(self, client: socket.socket, room: _Room, serial: int, row: int, end: int) -> None:
        """Should the room be taken meanwhile, the rest is another picture's: its header will never be sent."""
        begin, nbytes = row * self._row_bytes, (end - row) * self._row_bytes
        client.sendall(pack_head(Head(Kind.STRIP, serial, row, end - row, nbytes)), _MORE)
        client.sendall(room.view[begin : begin + nbytes])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(MAX_RECEIVERS)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _join(threads: list[threading.Thread], deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def _let_go() -> None:
    """Threads that were just woken take the interpreter and begin to send, before this one goes on."""
    time.sleep(0)
