"""Owned threads: stages that start, stop and fail together; they hand values on through latest.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

from translight.core.errors import StuckThreadError

P = ParamSpec("P")


class Stages:
    """The owner of some threads: ``with Stages(deadline_s=2) as stages: stages.start("receive", receive, socket)``.

    Leaving the block sets ``stop`` and joins every stage against one deadline. A stage that raises sets ``stop`` too,
    so that the others end; a body that only waits should wait on ``stop``. Leaving then raises the single error, or an
    ExceptionGroup when there are several (the body's own included), each with a note that names its stage. Stages
    still running at the deadline are named in a StuckThreadError; they are not daemons, so the process outlives them.
    """

    def __init__(self, *, deadline_s: float = 5.0) -> None:
        if not deadline_s > 0:
            raise ValueError(f"a deadline is a positive number of seconds, got {deadline_s}")
        self.stop = threading.Event()
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self._open = False

    def start(
        self, name: str, target: Callable[Concatenate[threading.Event, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run ``target(stop, *args, **kwargs)`` in a thread; it has to return soon after ``stop`` is set.

        Raises ValueError when the name is taken and RuntimeError outside the ``with`` block.
        """

        def run() -> None:
            try:
                target(self.stop, *args, **kwargs)
            except BaseException as error:
                error.add_note(f"in stage {name!r}")
                with self._lock:
                    self._errors.append(error)
                self.stop.set()

        if not self._open:
            raise RuntimeError(f"stage {name!r} can only start inside the with block of its Stages")
        if any(thread.name == name for thread in self._threads):
            raise ValueError(f"a stage named {name!r} has already been started")
        thread = threading.Thread(target=run, name=name, daemon=False)
        thread.start()
        self._threads.append(thread)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the stages that have not ended."""
        return tuple(thread.name for thread in self._threads if thread.is_alive())

    def __enter__(self) -> Self:
        if self._open or self.stop.is_set():
            raise RuntimeError("Stages cannot be entered twice")
        self._open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open = False
        self.stop.set()
        end = time.monotonic() + self._deadline_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        stuck = self.running
        with self._lock:
            errors = list(self._errors)
        if stuck:
            errors.append(StuckThreadError(f"still running {self._deadline_s:g} s after stop: {', '.join(stuck)}"))
        if not errors:
            return
        if error is not None and error not in errors:
            errors.insert(0, error)
        if len(errors) == 1:
            raise errors[0]
        raise BaseExceptionGroup("several stages failed", errors)
