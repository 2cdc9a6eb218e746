"""file://PATH: a take of what is sent (take.py), written by an owned thread that may drop but never holds up.

Whatever befalls the take, the show goes on: it ends with one logged line, and what was written stays.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import StreamError
from translight.core.threads import Stages
from translight.stream.contract import PictureSpec, SenderCounts
from translight.stream.exr_sequence import ExrSequence
from translight.stream.header import FrameHeader
from translight.stream.movie import Movie
from translight.stream.pictures import Pictures
from translight.stream.record_options import RecordOptions, read_record_options
from translight.stream.take import Take
from translight.stream.urls import StreamUrl

_log = logging.getLogger(__name__)
_LOOK_S = 0.2
_DRAIN_S = 0.7  # for what waits when the take ends: a show must end in time
_CLOSE_S = 30.0
_SPACE_EVERY = 10


def open_sender(url: StreamUrl, spec: PictureSpec) -> Recorder:
    """For ``urls.open_sender``."""
    options = read_record_options(url.place, url.options)
    if isinstance(options, str):  # the URL has been checked
        raise StreamError(f"{url}: {options}")
    return Recorder(str(url), spec, replace(options, path=url.base / options.path))


class Writer(Protocol):
    """What a take is written with."""

    def write(self, picture: NDArray[np.generic], header: FrameHeader) -> None:
        """Write a picture. Raises OSError."""
        ...

    def close(self) -> None:
        """Finish. Raises OSError."""
        ...


class Recorder:
    """A sender whose other end is a disk. Pictures wait in order for it; those that find no room are dropped."""

    def __init__(self, url: str, spec: PictureSpec, options: RecordOptions) -> None:
        self.url = url
        self._spec = spec
        self._options = options
        kind = ExrSequence if options.codec == "exr" else Movie
        self._take = Take(url, options.path, kind.make, numbered=options.numbered)
        try:
            self._writer: Writer = kind(url, self._take.path, spec, options)
        except StreamError:
            self._take.close(spec, options.codec, "", 0)
            raise
        self._pictures = Pictures(spec, options.queue, newest_wins=False)
        self._ended = "closed"
        self._drain_until = math.inf
        self._stages = Stages(deadline_s=_CLOSE_S)
        self._stages.__enter__()
        self._stages.start(f"record {url}", self._run)
        self._open = True

    @property
    def path(self) -> Path:
        """The movie, or the sequence's folder."""
        return self._take.path

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture."""
        return self._pictures.acquire()

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Queue the picture for the writer; dropped where the queue is full or the take has ended."""
        return self._pictures.publish(header)

    def counts(self) -> SenderCounts:
        """Pictures in the take, and those that are not."""
        return SenderCounts(self._take.recorded, self._pictures.dropped, None)

    def close(self) -> None:
        """Write what waits, end the take, and write its summary."""
        if self._open:
            self._open = False
            self._drain_until = time.monotonic() + _DRAIN_S
            self._pictures.close()
            self._stages.__exit__(None, None, None)
            dropped = self._pictures.dropped
            if dropped:  # those too that came when the take had ended
                _log.warning("%s: %d frames were dropped, see %s", self.url, dropped, self._take.log_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _run(self, stop: threading.Event) -> None:
        del stop  # the queue's end is the thread's
        try:
            self._write_all()
        except OSError as error:
            self._ended = error.strerror or str(error)
            self._pictures.close()
            _log.error(
                "%s: recording has ended (%s) after %d frames; what was written is in %s",
                self.url,
                self._ended,
                self._take.recorded,
                self.path,
            )
        self._finish()

    def _write_all(self) -> None:
        while True:
            if time.monotonic() > self._drain_until:
                self._pictures.discard()
            room = self._pictures.take(_LOOK_S)
            for header in self._pictures.given_up():
                self._take.drop(header)
            if room is None:
                if self._pictures.closed:
                    return
                continue
            assert room.header is not None
            try:
                if self._take.recorded % _SPACE_EVERY == 0:
                    self._check_space()
                self._writer.write(room.pixels, room.header)
                self._take.record(room.header)
            except OSError:
                self._pictures.give_up(room)
                raise
            self._pictures.give_back(room)

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.path.parent).free
        if free <= self._options.reserve_bytes:
            raise OSError(0, f"the disk has {free >> 20} MB left, reserve={self._options.reserve_bytes >> 20}")

    def _finish(self) -> None:
        """End what can be ended; on a full disk the log and the pictures up to there have to do."""
        try:
            self._writer.close()
        except OSError as error:
            _log.error("%s: %s has no index (%s)", self.url, self.path, error.strerror)
        self._pictures.discard()
        try:
            self._take.close(self._spec, self._options.codec, self._ended, self._pictures.dropped)
        except OSError as error:
            _log.error("%s: the take has no summary (%s)", self.url, error.strerror)
