"""``translight unreal follow``: keep a running editor in step with a show, as an unreal.toml says."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import tyro


@dataclass(frozen=True)
class Follow:
    """Keep Unreal in step with a show: placement, sun, camera, exposure and cue, as a file says."""

    show: Annotated[Path, tyro.conf.Positional]
    """The show file; it is read again when it changes."""
    rules: Annotated[Path, tyro.conf.Positional]
    """What follows what: an unreal.toml."""
    seconds: float | None = None
    """Stop after this long; otherwise on Ctrl-C."""
    log: Path | None = None
    """Add the session to this file, a JSON object a line; otherwise it goes to standard output."""
    check: bool = False
    """Only check both files, and print the values that would be sent first."""

    def run(self) -> int:
        """Follow until the time is over or Ctrl-C; an editor that is away is waited for."""
        from translight.core.errors import ShowError
        from translight.server.unreal_file import load_plan
        from translight.server.unreal_values import ShowValues
        from translight.ue_bridge.follow_session import follow

        plan = load_plan(self.rules)
        values = ShowValues(self.show, with_sun=any("sun" in rule.source for rule in plan.rules))
        now = values()
        missing = sorted({rule.source for rule in plan.rules} - now.keys())
        if missing:
            raise ShowError(f"{self.rules}: {missing[0]} is followed, and the environment's sky shows no sun")
        if self.check:
            print(json.dumps({rule.source: now[rule.source] for rule in plan.rules}, indent=2))
            return 0
        with ExitStack() as stack:
            out: IO[str] = sys.stdout
            if self.log is not None:
                try:
                    out = stack.enter_context(self.log.open("a", encoding="utf-8"))
                except OSError as error:
                    raise ShowError(f"--log {self.log}: {error.strerror}") from error
            fault = ""

            def log(entry: Mapping[str, Any]) -> None:
                print(json.dumps(entry, allow_nan=False), file=out, flush=True)

            def read() -> Mapping[str, Any]:
                nonlocal fault
                found = values()
                if values.fault != fault:
                    fault = values.fault
                    print(f"translight: {fault or f'{self.show}: good again'}", file=sys.stderr, flush=True)
                return found

            stop = stack.enter_context(_until_interrupted(self.seconds))
            follow(plan, read, log, stop)
        return 0


@contextmanager
def _until_interrupted(seconds: float | None) -> Iterator[threading.Event]:
    """Set by Ctrl-C, by being terminated, or when the time is over."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set) if seconds is not None else None
    old = {n: signal.signal(n, lambda *_: stop.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    if timer is not None:
        timer.start()
    try:
        yield stop
    finally:
        stop.set()
        if timer is not None:
            timer.cancel()
            timer.join()
        for number, handler in old.items():
            signal.signal(number, handler)
