"""Keeps a display's window open: starts window_process.py, listens to it, and starts it anew when it ends or hangs.

One thread, which sleeps in a read but for a line five times a second; the sender of display.py owns it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from translight.core.clock import now_ns
from translight.core.errors import StreamError
from translight.core.threads import Stages
from translight.stream.window_report import Failed, Opened, Report, Shown, WindowJob, line_of, read_report

_log = logging.getLogger(__name__)

OPEN_WITHIN_S = 20.0
HANGS_AFTER_S = 5.0
RETRIES = 120
"""So often in a row it is started anew; with the longest delay this is ten minutes without a monitor."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0
_STEADY_S = 10.0
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Presentation:
    """A frame that was on the screen, and since when (``core.clock``)."""

    frame: int
    shown_ns: int


class WindowKeeper:
    """The window of one display. ``open`` raises what keeps it from opening; later trouble is counted and told once."""

    def __init__(self, url: str, job: WindowJob) -> None:
        self._url = url
        self._job = job
        self._stages = Stages(deadline_s=5.0)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._decided = threading.Event()
        self._failure: str | None = None
        self._told: set[str] = set()
        self._heard_ns = now_ns()
        self._presentations: deque[Presentation] = deque(maxlen=_KEPT)
        self._place = 0
        self.presented = 0
        """Frames that were on the screen."""
        self.passed_over = 0
        """Frames older than the newest shown that were not: a newer one came first, or there was no window."""
        self.restarts = 0
        """How often the window came back."""
        self.showing = False
        """Whether there is a window now."""

    def open(self) -> None:
        """Start the window and wait until it is there. Raises StreamError."""
        self._stages.__enter__()
        self._stages.start(f"{self._url} window", self._keep)
        if not self._decided.wait(OPEN_WITHIN_S):
            self._failure = f"no window after {OPEN_WITHIN_S:g} s"
        if self._failure is not None:
            failure = self._failure
            self.close()
            raise StreamError(f"{self._url}: {failure}")

    def look(self) -> None:
        """End a window that gave no sign for long, so that it comes back; never waits."""
        patience_s = HANGS_AFTER_S if self.showing else OPEN_WITHIN_S
        if self._process is not None and now_ns() - self._heard_ns > patience_s * 1e9:
            self._tell_once(f"the window gave no sign for {patience_s:g} s; it is started anew")
            self._heard_ns = now_ns()
            self._kill()

    def presentations(self) -> list[Presentation]:
        """The newest few thousand frames that were shown, oldest first; told up to a quarter of a second late."""
        with self._lock:
            return list(self._presentations)

    def close(self) -> None:
        """End the window; its ring must have ended. May be called twice."""
        self._stages.stop.set()
        with self._lock:
            process = self._process
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(2.0)
            self._kill()
        self._stages.__exit__(None, None, None)

    def _keep(self, stop: threading.Event) -> None:
        tries, delay_s = 0, _FIRST_DELAY_S
        while not stop.is_set():
            begin = time.monotonic()
            reason = self._one_window(stop)
            if stop.is_set() or not self._decided.is_set():
                self._failure = reason
                self._decided.set()
                return
            self.restarts += 1
            if time.monotonic() - begin > _STEADY_S:
                tries, delay_s = 0, _FIRST_DELAY_S
            tries += 1
            if tries > RETRIES:
                _log.error("%s: %s; given up after %d tries", self._url, reason, RETRIES)
                return
            self._tell_once(f"{reason}; it is opened anew")
            stop.wait(delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    def _one_window(self, stop: threading.Event) -> str:
        """One process from start to end. Returns why it ended."""
        reason = ""
        command = [sys.executable, "-X", "faulthandler", "-m", "translight.stream.window_process"]
        try:
            started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            return f"the window's process cannot start: {error.strerror}"
        with started as process:
            assert process.stdin is not None
            assert process.stdout is not None
            self._heard_ns = now_ns()
            with self._lock:
                self._process = process
            if stop.is_set():
                process.kill()
            with suppress(OSError):
                process.stdin.write(line_of(self._job))
                process.stdin.close()
            for line in process.stdout:
                report = read_report(line)
                if isinstance(report, Failed):
                    reason = report.reason
                elif report is not None:
                    self._take(report)
            self.showing = False
            with self._lock:
                self._process = None
        return reason or f"the window's process ended with status {process.returncode}"

    def _take(self, report: Report) -> None:
        self._heard_ns = now_ns()
        if isinstance(report, Opened):
            for note in report.notes:
                self._tell_once(note)
            _log.info("%s: monitor %s, %d bits", self._url, report.monitor, report.bits)
            self.showing = True
            self._decided.set()
        elif isinstance(report, Shown):
            with self._lock:
                for place, frame, shown_ns in report.frames:
                    if place > self._place:
                        self.presented += 1
                        self._place = place
                        self._presentations.append(Presentation(frame, shown_ns))
                self.passed_over = self._place - self.presented

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            _log.warning("%s: %s", self._url, text)

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()
