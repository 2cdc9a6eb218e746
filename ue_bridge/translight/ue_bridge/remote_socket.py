"""Remote Control over its WebSocket: replies and a preset's events on one connection; messages elsewhere.

The messages are remote_messages.py's, the WebSocket is the package websockets'. One thread uses a connection.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from translight.core.errors import MissingExtra, ProtocolError, StreamError
from translight.ue_bridge import remote_messages
from translight.ue_bridge.remote_http import reason
from translight.ue_bridge.remote_messages import (
    MAX_MESSAGE_BYTES,
    NO_ID,
    WEBSOCKET_PORT,
    Event,
    Reply,
    Request,
)

try:
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import ClientConnection, connect
except ImportError as error:
    raise MissingExtra("websockets", "unreal") from error

_KEPT_EVENTS = 1000


class SocketEditor:
    """A connection to an editor's WebSocket server. Events that nobody takes are kept, the newest thousand of them."""

    def __init__(self, host: str = "127.0.0.1", port: int = WEBSOCKET_PORT, timeout_s: float = 5.0) -> None:
        """Connect. Raises StreamError when nobody answers."""
        self.bad = 0
        """Messages that were no Remote Control messages."""
        self.dropped = 0
        """Events that were pushed out by newer ones."""
        self._name = f"ws://{host}:{port}"
        self._timeout_s = timeout_s
        self._events: deque[Event] = deque()
        self._number = 0
        self._stack = ExitStack()
        try:
            self._connection: ClientConnection = self._stack.enter_context(
                connect(
                    self._name,
                    open_timeout=timeout_s,
                    close_timeout=1.0,
                    max_size=MAX_MESSAGE_BYTES,
                    compression=None,
                    ping_interval=None,
                    proxy=None,
                )
            )
        except (OSError, WebSocketException) as error:
            raise StreamError(f"Unreal at {self._name}: {reason(error)}") from error

    def exchange(self, requests: Sequence[Request]) -> list[Reply]:
        """Send one request, or several as a batch; their replies in order.

        Raises StreamError when the connection is gone or the editor silent, and then it is closed: a reply that came
        late would be taken for another's, for Unreal need not repeat our numbers. ProtocolError on nonsense.
        """
        if not requests:
            return []
        if len(requests) == 1:
            return [self._one(requests[0])]
        return remote_messages.parse_batch(self._one(remote_messages.batch(requests)), len(requests))

    def register(self, preset: str) -> None:
        """Ask for a preset's events. Unreal does not answer, also when there is no such preset."""
        self._send(remote_messages.register(preset, self._next()))

    def unregister(self, preset: str) -> None:
        """Ask for them no more."""
        self._send(remote_messages.unregister(preset, self._next()))

    def event(self, timeout_s: float) -> Event | None:
        """The oldest event that has not been taken, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        while not self._events:
            message = self._receive(deadline)
            if message is None:
                return None
            if isinstance(message, Event):
                self._keep(message)
        return self._events.popleft()

    def close(self) -> None:
        """End the connection; at most a second."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _one(self, request: Request) -> Reply:
        number = self._next()
        self._send(remote_messages.wrapped(request, number))
        deadline = time.monotonic() + self._timeout_s
        while True:
            message = self._receive(deadline)
            if message is None:
                self.close()
                raise StreamError(f"Unreal at {self._name}: {reason(TimeoutError())}")
            if isinstance(message, Event):
                self._keep(message)
            elif message.request_id in (number, NO_ID):
                return message

    def _next(self) -> int:
        self._number = self._number % 0x7FFFFFFF + 1
        return self._number

    def _send(self, text: str) -> None:
        try:
            self._connection.send(text)
        except (OSError, WebSocketException) as error:
            raise StreamError(f"Unreal at {self._name}: {reason(error)}") from error

    def _receive(self, deadline: float) -> Reply | Event | None:
        """The next message that is one of Remote Control's, or None at the deadline."""
        while True:
            left_s = deadline - time.monotonic()
            try:
                data = self._connection.recv(max(left_s, 0.0))
            except TimeoutError:
                return None
            except (OSError, WebSocketException) as error:
                raise StreamError(f"Unreal at {self._name}: {reason(error)}") from error
            try:
                return remote_messages.parse_message(data)
            except ProtocolError:
                self.bad += 1

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > _KEPT_EVENTS:
            self._events.popleft()
            self.dropped += 1
