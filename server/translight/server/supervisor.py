"""The supervisor: starts a show's processes, watches them, starts them anew when they die, and ends them in order.

It holds no socket and draws nothing: whatever its interpreter is busy with, the show does not feel it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import msgspec
import psutil

from translight.core.errors import ShowError
from translight.core.shared_memory import names, remove
from translight.server import children, live_link_process
from translight.server.board import Board
from translight.server.children import Child
from translight.server.show import Show
from translight.server.status import LiveLinkStatus, LiveStatus, SimulatorStatus, TrackingStatus
from translight.stream.ring import remove_if_dead
from translight.tracking.ring import PoseRing

LIVE = "translight.server.live_process"
_LOOK_S = 0.05
_ORDERLY_END_S = 1.2
_FORCED_END_S = 0.3
_RESTART_AFTER_S = 0.5
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 30.0
"""A process that ran this long before it died is started anew at once; one that dies again and again, less often."""
_SESSION = re.compile(r"show-(\d+)-.*")


@dataclass(slots=True)
class _Post:
    """A process that belongs to the show, and how it is started."""

    name: str
    module: str
    board: Board[Any]
    job: dict[str, Any]
    child: Child | None = None
    restarts: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0
    pause_s: float = _RESTART_AFTER_S / 2


@dataclass(frozen=True, slots=True)
class ShowState:
    """What the supervisor knows at one moment."""

    live: LiveStatus
    tracking_received: int
    tracking_bad: int
    tracking_bad_by_cause: dict[str, int]
    tracking_rate_hz: float
    restarts: dict[str, int]
    live_link: LiveLinkStatus | None = None
    """None where the show sends no camera to Unreal."""


class Supervisor:
    """A running show. ``text`` is the show's TOML, which the live process reads for itself.

    ``live`` is the module that is run as that process: a benchmark's may put its own around the usual one.
    """

    def __init__(self, show: Show, text: str, source: str, base: Path, *, live: str = LIVE) -> None:
        self.show = show
        self._live = live
        self._stack = ExitStack()
        self._stopping = False
        _sweep()
        session = f"show-{os.getpid()}"
        try:
            self._ring_name = f"{session}-pose"
            self._ring = self._stack.enter_context(PoseRing.create(self._ring_name))
            self._posts = self._make_posts(session, text, source, base)
        except BaseException:
            self._stack.close()
            raise

    def _make_posts(self, session: str, text: str, source: str, base: Path) -> list[_Post]:
        tracking = self.show.tracking.source
        plans: list[tuple[str, type[msgspec.Struct], dict[str, Any]]] = [
            ("tracking", TrackingStatus, {"source": tracking.url, "predict": self.show.tracking.predict}),
            ("live", LiveStatus, {"show": text, "source": source, "base": str(base)}),
        ]
        if tracking.scheme == "simulate":
            plans.append(("simulator", SimulatorStatus, {"source": tracking.url}))
        if self.show.live_link:
            plans.append(("live_link", LiveLinkStatus, live_link_process.job_of(self.show)))
        posts = []
        for name, kind, job in plans:
            board = self._stack.enter_context(Board.create(f"{session}-{name}", kind))
            module = self._live if name == "live" else f"translight.server.{name}_process"
            posts.append(_Post(name, module, board, {**job, "board": board.name, "ring": self._ring_name}))
        return posts

    def __enter__(self) -> Self:
        self._old_handlers = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            for post in self._posts:
                self._start(post)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self.end()
        finally:
            for number, handler in self._old_handlers.items():
                signal.signal(number, handler)

    def watch(
        self,
        each_second: Callable[[ShowState], None],
        seconds: float | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> ShowState:
        """Keep the show running until a signal, until ``seconds`` after its first frame, or until ``until`` says so.

        Returns its last state.

        Raises ShowError when the live process says that the show cannot run.
        """
        told, first = time.monotonic(), None
        while not self._stopping:
            time.sleep(_LOOK_S)
            self._look_after()
            now = time.monotonic()
            if first is None and self.state().live.frames_sent:
                first = now
            if now - told >= 1.0:
                told += 1.0
                each_second(self.state())
            if (seconds is not None and first is not None and now - first >= seconds) or until():
                break
        return self.state()

    def state(self) -> ShowState:
        """The newest of every board and of the pose ring."""
        live = self._post("live").board.read() or LiveStatus()
        counts = self._ring.counts()
        return ShowState(
            live=live,
            tracking_received=counts.received,
            tracking_bad=counts.bad,
            tracking_bad_by_cause=counts.bad_by_cause,
            tracking_rate_hz=counts.rate_hz,
            restarts={post.name: post.restarts for post in self._posts if post.restarts},
            live_link=(self._post("live_link").board.read() or LiveLinkStatus()) if self.show.live_link else None,
        )

    def stop(self) -> None:
        """Make ``watch`` return."""
        self._stopping = True

    def end(self) -> ShowState | None:
        """End every process: asked first, then told, then killed; nothing of it is left. May be called twice."""
        running = [post for post in self._posts if post.child is not None]
        if not running:
            self._stack.close()
            return None
        for post in running:
            post.board.ask_to_stop()
        deadline = time.monotonic() + _ORDERLY_END_S
        late = [post for post in running if post.child is not None and not post.child.wait(deadline)]
        for post in late:
            assert post.child is not None
            post.child.terminate()
        deadline = time.monotonic() + _FORCED_END_S
        for post in late:
            assert post.child is not None
            post.child.wait(deadline)
        state = self.state()
        for post in running:
            assert post.child is not None
            post.child.kill()
            post.child = None
        for url in (output.url for output in self.show.outputs):
            if url.startswith("shm://"):
                remove_if_dead(url.removeprefix("shm://"))
        self._stack.close()
        return state

    def _post(self, name: str) -> _Post:
        return next(post for post in self._posts if post.name == name)

    def _start(self, post: _Post) -> None:
        post.board.clear()
        post.started_at = time.monotonic()
        post.child = children.start(post.name, post.module, post.job)

    def _look_after(self) -> None:
        """Start anew what has died; a process that said why it cannot run ends the show instead."""
        for post in self._posts:
            child = post.child
            if child is None or child.running:
                continue
            status = post.board.read()
            if status is not None and status.phase == "failed" and not post.restarts:
                raise ShowError(f"{status.detail}")
            now = time.monotonic()
            if post.ended_at == 0.0:
                post.ended_at = now
                lived = now - post.started_at
                post.pause_s = _RESTART_AFTER_S if lived > _STEADY_S else min(2 * post.pause_s, _LONGEST_PAUSE_S)
                print(
                    f"translight: the {post.name} process ended (exit status {child.status}); starting it anew",
                    file=sys.stderr,
                    flush=True,
                )
            elif now - post.ended_at >= post.pause_s:
                child.kill()
                post.restarts += 1
                post.ended_at = 0.0
                if isinstance(status, LiveStatus) and status.first_frame >= 0:
                    post.job["first_frame"] = status.first_frame
                self._start(post)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True


def _sweep() -> None:
    """Remove the shared memory of shows whose supervisor was killed before it could."""
    for name in names("show-"):
        match = _SESSION.fullmatch(name)
        if match is not None and not psutil.pid_exists(int(match[1])):
            remove(name)
