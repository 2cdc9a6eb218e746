"""ws://HOST:PORT and webrtc://HOST:PORT: a preview in any browser, served by a process of its own.

The live process only writes a private ring (shm.py), as for any shm:// output; browser_process.py reads it, encodes and
serves. A preview that dies is started anew by a thread that does nothing else.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Self, cast

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from translight.core.errors import MissingExtra, StreamError
from translight.core.shared_memory import names, remove
from translight.core.threads import Stages
from translight.stream.browser_settings import Counters, Settings
from translight.stream.contract import PictureSpec, Receiver, SenderCounts
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender
from translight.stream.transports import browser_place
from translight.stream.urls import StreamUrl

PLAYERS = {"ws": "jpeg", "webrtc": "video"}
_NEEDS = {"ws": (("websockets", "simplejpeg"), "browser"), "webrtc": (("websockets", "aiortc"), "webrtc")}
_RECEIVERS = {"ws": "browser_receiver"}
_DEADLINE_S = 5.0
_START_AGAIN_S = 1.0
_ORDERLY_END_S = 0.2
"""Browsers find a preview that is killed as gone as one that says goodbye; a show that ends does not wait for them."""


def open_sender(url: StreamUrl, spec: PictureSpec) -> BrowserSender:
    """For ``urls.open_sender``."""
    packages, extra = _NEEDS[url.scheme]
    if not all(find_spec(package) for package in packages):
        raise MissingExtra(f"the browser preview ({' and '.join(packages)})", extra)
    scale = url.options.integer("scale", 1, 1, 8)
    if url.scheme == "webrtc" and scale == 1 and (spec.width_px % 2 or spec.height_px % 2):
        raise StreamError(f"{url}: H.264 takes even sizes, got {spec.width_px}x{spec.height_px}")
    if min(spec.width_px, spec.height_px) < 2 * scale:
        raise StreamError(f"{url}: 1/{scale} of {spec.width_px}x{spec.height_px} is no picture")
    _sweep()
    host, port = browser_place(url.scheme, url.place)
    name = f"preview-{os.getpid()}-{secrets.token_hex(4)}"
    options = url.options
    settings = Settings(
        player=PLAYERS[url.scheme],
        host="" if host == "*" else host.strip("[]"),
        port=port,
        ring=name,
        counters=f"{name}-counters",
        width_px=spec.width_px,
        height_px=spec.height_px,
        quality=options.integer("quality", 85, 40, 95) if url.scheme == "ws" else 85,
        bitrate_kbps=options.integer("bitrate", 20_000, 200, 100_000) if url.scheme == "webrtc" else 20_000,
        max_peers=options.integer("peers", 8, 1, 32),
        scale=scale,
    )
    return BrowserSender(str(url), spec, settings)


def open_receiver(url: StreamUrl) -> Receiver:
    """For ``urls.open_receiver``."""
    packages, extra = _NEEDS[url.scheme]
    if not all(find_spec(package) for package in packages):
        raise MissingExtra(f"the browser preview ({' and '.join(packages)})", extra)
    return cast("Receiver", import_module(f"translight.stream.{_RECEIVERS[url.scheme]}").open_receiver(url))


def _sweep() -> None:
    """Take away the memory of previews whose live process was killed before it could."""
    for name in names("preview-"):
        starter = name.split("-")[1]
        if starter.isdigit() and not psutil.pid_exists(int(starter)):
            remove(name)


class BrowserSender:
    """A ring, the process that serves it, and a thread that starts that process again should it die."""

    def __init__(self, url: str, spec: PictureSpec, settings: Settings) -> None:
        self.url = url
        self._settings = settings
        self._closed = False
        self._child: subprocess.Popen[str] | None = None
        self.restarts = 0
        with ExitStack() as stack:
            stages = stack.enter_context(Stages(deadline_s=_DEADLINE_S))
            stack.callback(self._end)
            self._ring = stack.enter_context(ShmSender(settings.ring, spec))
            self._counters = Counters.create(settings.counters)
            stack.callback(self._counters.close)
            self._start()
            # closing goes from the last to the first: the names in memory go at once, then the process, then the thread
            stack.callback(stages.stop.set)
            stages.start(f"watch {url}", self._watch)
            self._stack = stack.pop_all()

    def acquire(self) -> NDArray[np.generic]:
        """Room in the ring."""
        return self._ring.acquire()

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Make it the newest frame."""
        return self._ring.publish(header)

    def counts(self) -> SenderCounts:
        """Frames published, and browsers connected now; those that browsers skip are theirs."""
        return SenderCounts(self._ring.counts().sent, 0, 0 if self._closed else self._counters.peers)

    @property
    def bad(self) -> int:
        """Requests and messages of browsers that were refused so far."""
        return self._counters.bad

    def close(self) -> None:
        """End the preview and take the ring away."""
        if not self._closed:
            self._closed = True
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _start(self) -> None:
        """Start the process and wait until it listens. Raises StreamError."""
        command = [
            sys.executable,
            "-m",
            "translight.stream.browser_process",
            msgspec.json.encode(self._settings).decode(),
        ]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if line != "open":
            child.kill()
            child.communicate()
            raise StreamError(f"{self.url} cannot be opened: {line or 'its process ended'}")
        self._child = child

    def _watch(self, stop: threading.Event) -> None:
        """Sleep until the process ends, then start another, while the show goes on."""
        while not stop.is_set():
            child = self._child
            if child is not None and child.stdout is not None:
                with suppress(ValueError):  # closed already
                    child.stdout.read()  # nothing comes but the end
            if stop.wait(_START_AGAIN_S):
                break
            self._end()
            self._counters.peers = 0
            with suppress(StreamError):
                self._start()
                self.restarts += 1
        self._end()  # also one that was being started when the show ended

    def _end(self) -> None:
        """Let the process see that its work is over; it may have ended long since."""
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()
        try:
            child.wait(_ORDERLY_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
