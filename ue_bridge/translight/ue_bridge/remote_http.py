"""Remote Control over HTTP: a connection for each exchange, several requests in one batch; messages elsewhere.

The messages are remote_messages.py's; remote_socket.py is the same over a WebSocket, with events.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from translight.core.errors import StreamError
from translight.ue_bridge import remote_messages
from translight.ue_bridge.remote_messages import HTTP_PORT, MAX_MESSAGE_BYTES, Reply, Request


@dataclass(frozen=True, slots=True)
class HttpEditor:
    """An editor's HTTP server; it holds no connection, so an editor that comes back is simply there again."""

    host: str = "127.0.0.1"
    port: int = HTTP_PORT
    timeout_s: float = 5.0

    def exchange(self, requests: Sequence[Request]) -> list[Reply]:
        """Send one request, or several as a batch; their replies in order.

        Raises StreamError when the editor cannot be reached or is silent, ProtocolError when it answers nonsense.
        """
        if not requests:
            return []
        if len(requests) == 1:
            return [self._one(requests[0])]
        return remote_messages.parse_batch(self._one(remote_messages.batch(requests)), len(requests))

    def request(self, request: Request) -> Reply:
        """One exchange of one request."""
        return self._one(request)

    def close(self) -> None:
        """Nothing is held."""

    def _one(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        headers = {"Connection": "close"}
        body = None
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            body = request.payload()
        try:
            connection.request(request.verb, request.url, body, headers)
            response = connection.getresponse()
            payload = _body(response, time.monotonic() + self.timeout_s)
        except (OSError, http.client.HTTPException) as error:
            raise StreamError(f"Unreal at http://{self.host}:{self.port}: {reason(error)}") from error
        finally:
            connection.close()
        if len(payload) > MAX_MESSAGE_BYTES:
            raise StreamError(
                f"Unreal at http://{self.host}:{self.port}: its reply passes the limit of {MAX_MESSAGE_BYTES} bytes"
            )
        if response.length:
            raise StreamError(f"Unreal at http://{self.host}:{self.port}: its reply was cut off")
        return remote_messages.parse_reply(response.status, payload)


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """At most one byte more than the limit. Raises TimeoutError at the deadline, however the bytes trickle."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_MESSAGE_BYTES and (part := response.read1(MAX_MESSAGE_BYTES + 1 - size)):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts)


def reason(error: Exception) -> str:
    """In plain words, why an editor was not reached."""
    if isinstance(error, ConnectionRefusedError):
        return (
            "nobody listens there; in Unreal, enable the plugin Remote Control API and run WebControl.StartServer, "
            "or start with -RCWebControlEnable -RCWebInterfaceEnable"
        )
    if isinstance(error, TimeoutError):
        return "no answer in time; a modal dialogue or a long load holds the editor's answers back"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return " ".join(str(error).split())[:200] or type(error).__name__
