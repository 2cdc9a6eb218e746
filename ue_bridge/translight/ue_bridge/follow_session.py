"""A session of following: reach the editor, send what changed, come back when it does; follow.py says what.

Everything that happens is told to ``log`` as a mapping, one a line in a session's file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from translight.core.errors import ProtocolError, StreamError
from translight.ue_bridge import remote_messages
from translight.ue_bridge.follow import Change, Follower, Plan
from translight.ue_bridge.remote_http import HttpEditor
from translight.ue_bridge.remote_messages import Reply, Request
from translight.ue_bridge.values import Value

if TYPE_CHECKING:
    from translight.ue_bridge.remote_socket import SocketEditor

LOOK_S = 5.0
"""How often an editor that has nothing to be told is asked whether it is still there."""
_TIMEOUT_S = 5.0

Log = Callable[[Mapping[str, Any]], None]
Read = Callable[[], Mapping[str, Value]]


class Stop(Protocol):
    """What ends the session: a ``threading.Event``."""

    def wait(self, timeout: float) -> bool:
        """Sleep; whether to end."""
        ...

    def is_set(self) -> bool:
        """Whether to end."""
        ...


class Backoff:
    """Seconds to wait before trying again: doubled from ``first_s`` up to ``most_s``, begun anew by success."""

    def __init__(self, first_s: float = 0.25, most_s: float = 8.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def next_s(self) -> float:
        """The next pause."""
        pause_s, self._next_s = self._next_s, min(2.0 * self._next_s, self._most_s)
        return pause_s

    def reset(self) -> None:
        """It worked."""
        self._next_s = self._first_s


def follow(plan: Plan, read: Read, log: Log, stop: Stop, backoff: Backoff | None = None) -> None:
    """Keep the editor in step with ``read`` until ``stop``; an editor that is away is waited for, for ever.

    ``read`` may raise a TranslightError of its own, which ends the session.
    """
    session = _Session(plan, read, log)
    backoff = backoff or Backoff()
    try:
        while not stop.is_set():
            try:
                session.connect()
                backoff.reset()
                while not stop.wait(1.0 / plan.rate_hz):
                    session.tick()
            except (StreamError, ProtocolError) as error:
                session.lost(error)
                if stop.wait(backoff.next_s()):
                    return
    finally:
        session.end()


class _Session:
    """The editor as this session knows it."""

    def __init__(self, plan: Plan, read: Read, log: Log) -> None:
        self._plan = plan
        self._read = read
        self._log = log
        self._follower = Follower(plan)
        self._editor: HttpEditor | SocketEditor | None = None
        self._events: SocketEditor | None = None
        self._looked_s = 0.0

    def connect(self) -> None:
        plan = self._plan
        if plan.via == "websocket" or plan.watch:
            from translight.ue_bridge.remote_socket import SocketEditor  # an extra

            self._events = SocketEditor(plan.host, plan.websocket_port, _TIMEOUT_S)
        if plan.via == "websocket":
            self._editor = self._events
        else:
            self._editor = HttpEditor(plan.host, plan.http_port, _TIMEOUT_S)
        self._exchange([remote_messages.info()])
        self._tell("connected", host=plan.host, via=plan.via)
        for preset in plan.watch:
            assert self._events is not None
            self._events.register(preset)
            self._tell("registered", preset=preset)
        self._calls("start", plan.start)
        self.tick()

    def tick(self) -> None:
        """Send what changed, log what the presets tell, and now and then ask whether the editor is there."""
        changes = self._follower.changes(self._read())
        if changes:
            for change, reply in zip(changes, self._exchange([c.request for c in changes]), strict=True):
                self._follower.settle(change)
                self._told(change, reply)
        elif time.monotonic() - self._looked_s >= LOOK_S:
            self._exchange([remote_messages.info()])
        while self._events is not None and (event := self._events.event(0.0)) is not None:
            self._tell("event", kind=event.kind, preset=event.preset, changed=event.changed())

    def lost(self, error: Exception) -> None:
        """Let go of the connection; what was settled may be gone with the editor."""
        self._tell("lost", why=str(error))
        self._close()
        self._follower.forget()

    def end(self) -> None:
        """The last calls, if the editor is there for them."""
        if self._editor is not None:
            with suppress(StreamError, ProtocolError):
                self._calls("end", self._plan.end)
        self._close()
        self._tell("ended")

    def _calls(self, which: str, requests: tuple[Request, ...]) -> None:
        for request, reply in zip(requests, self._exchange(list(requests)), strict=True):
            what = dict(request.body or {})
            if reply.ok:
                self._tell(which, call=what, answer=reply.body)
            else:
                self._tell("refused", call=what, why=reply.error)

    def _told(self, change: Change, reply: Reply) -> None:
        if reply.ok:
            self._tell("sent", source=change.source, rule=change.rule, value=change.value)
        else:
            self._tell("refused", source=change.source, rule=change.rule, value=change.value, why=reply.error)

    def _exchange(self, requests: list[Request]) -> list[Reply]:
        assert self._editor is not None
        replies = self._editor.exchange(requests)
        if requests:
            self._looked_s = time.monotonic()
        return replies

    def _close(self) -> None:
        for link in {id(link): link for link in (self._editor, self._events) if link is not None}.values():
            link.close()
        self._editor = self._events = None

    def _tell(self, what: str, **more: Any) -> None:
        self._log({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": what, **more})
