"""A take on disk: a name that nothing has yet, and the log beside it that says what was recorded and what was not.

``NAME.csv`` grows by a line a picture and survives a crash; ``NAME.json`` sums up, and appears whole at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from translight.core.errors import StreamError
from translight.core.files import whole_file
from translight.core.timecode import Timecode
from translight.stream.contract import PictureSpec
from translight.stream.header import DEPTH_LOG, NO_TIME, FrameHeader

_MOST_TAKES = 9999
_MOST_GAPS = 10_000
COLUMNS = "index,frame,timecode,status,captured_ns,pose_taken_ns,sent_ns,presentation_ns"


class Take:
    """The first free of NAME, NAME_002, NAME_003 … (or NAME_001 …), held by its log. Used by one thread at a time.

    ``make`` makes the movie's file or the sequence's folder, and fails where there is one. Raises StreamError.
    """

    def __init__(self, url: str, wanted: Path, make: Callable[[Path], None], *, numbered: bool) -> None:
        self._make = make
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            self.path, self._log = self._reserve(url, wanted, 1 if numbered else 0)
            self._log.write(COLUMNS + "\n")
        except OSError as error:
            raise StreamError(f"{url}: {error.filename or wanted} cannot be written ({error.strerror})") from error
        self.recorded = 0
        self.dropped = 0
        self._first: FrameHeader | None = None
        self._last: FrameHeader | None = None
        self._gaps: list[list[int]] = []

    def _reserve(self, url: str, wanted: Path, number: int) -> tuple[Path, TextIO]:
        for n in range(number, _MOST_TAKES + 1):
            name = wanted.stem if n == 0 else f"{wanted.stem}_{max(n, 2) if number == 0 else n:03d}"
            path = wanted.with_name(name + wanted.suffix)
            if path.exists() or path.with_suffix(".json").exists():
                continue
            try:
                # Another show may be at it: whoever makes the log has the name.
                log = path.with_suffix(".csv").open("x", encoding="utf-8", buffering=1)
            except FileExistsError:
                continue
            try:
                self._make(path)
            except OSError:
                log.close()
                path.with_suffix(".csv").unlink()
                raise
            return path, log
        raise StreamError(f"{url}: there are {_MOST_TAKES} takes of that name: give another")

    @property
    def log_path(self) -> Path:
        """NAME.csv."""
        return self.path.with_suffix(".csv")

    def record(self, header: FrameHeader) -> None:
        """A picture lies in the take. Raises OSError when the log takes no more."""
        self._first = self._first or header
        self._last = header
        self._line(str(self.recorded), "recorded", header)
        self.recorded += 1

    def drop(self, header: FrameHeader) -> None:
        """A picture was given up. Raises OSError when the log takes no more."""
        self.dropped += 1
        if self._gaps and self._gaps[-1][1] == header.frame - 1:
            self._gaps[-1][1] = header.frame
        elif len(self._gaps) < _MOST_GAPS:
            self._gaps.append([header.frame, header.frame])
        self._line("", "dropped", header)

    def close(self, spec: PictureSpec, codec: str, ended: str, dropped: int) -> None:
        """End the log and write the summary; of a take without pictures nothing stays. Raises OSError.

        ``dropped`` counts what was given up in all: more than was logged where the log could not follow.
        """
        with suppress(OSError):  # a full disk has not room for the last lines
            self._log.close()
        if self._first is None or self._last is None:
            self.log_path.unlink()
            if self.path.is_dir():
                self.path.rmdir()
            else:
                self.path.unlink(missing_ok=True)
            return
        first, last = self._first, self._last
        summary: dict[str, Any] = {
            "media": self.path.name,
            "codec": codec,
            "width": spec.width_px,
            "height": spec.height_px,
            "pixel_format": spec.format.value,
            "encoding": first.encoding,
            "carries": first.carries,
            "near_far_m": [first.near_m, first.far_m] if first.encoding == DEPTH_LOG else None,
            "rate": str(first.rate),
            "first_frame": first.frame,
            "last_frame": last.frame,
            "first_timecode": timecode(first),
            "clock_id": first.clock_id,
            "recorded": self.recorded,
            "dropped": max(dropped, self.dropped),
            "dropped_frames": self._gaps,
            "ended": ended,
        }
        lines = [f'  "{key}": {json.dumps(value)}' for key, value in summary.items()]
        with whole_file(self.path.with_suffix(".json")) as aside:
            aside.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    def _line(self, index: str, status: str, header: FrameHeader) -> None:
        t = header.times
        times = (t.captured_ns, t.pose_taken_ns, t.sent_ns, t.presentation_ns)
        text = ",".join("" if time == NO_TIME else str(time) for time in times)
        self._log.write(f"{index},{header.frame},{timecode(header)},{status},{text}\n")


def timecode(header: FrameHeader) -> str:
    """A frame's time of day (UTC, where frames count from 1970), non-drop."""
    return str(Timecode.from_frame(header.frame, header.rate))
