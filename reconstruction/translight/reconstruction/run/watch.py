"""Who looks on while a run works: what is told to them, and plain lines of it; live.py has the terminal's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

STAGES = ("capture", "poses", "train", "evaluate", "write")
LINE_EVERY_S = 5.0


class Moment(Protocol):
    """How far training is; the trainer's own moments are such."""

    @property
    def iteration(self) -> int:
        """Done so far."""
        ...

    @property
    def iterations(self) -> int:
        """Of so many."""
        ...

    @property
    def per_second(self) -> float:
        """Iterations a second."""
        ...

    @property
    def splats(self) -> int:
        """As many as there are."""
        ...

    @property
    def psnr_db(self) -> float:
        """Of training pictures."""
        ...

    @property
    def left_s(self) -> float:
        """Seconds that training will take still."""
        ...


class Watch(Protocol):
    """Is told of a run's stages, in order; ``progress`` and ``moment`` as often as the work likes."""

    def begin(self, stage: str) -> None:
        """A stage of STAGES begins."""
        ...

    def progress(self, what: str, share: float) -> None:
        """A few words, and the share of the stage that is done, 0 to 1; 0 where nobody knows."""
        ...

    def note(self, what: str) -> None:
        """Something that is told once, and at once."""
        ...

    def moment(self, moment: Moment) -> None:
        """How far training is."""
        ...

    def preview(self, file: Path) -> None:
        """A new preview picture was written."""
        ...

    def end(self, what: str) -> None:
        """The stage that began last is done; ``what`` came of it in a few words."""
        ...


class Lines:
    """One line for each stage's end, and in between one every few seconds at most: for logs and pipes."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._stage, self._began_s, self._told_s = "", 0.0, 0.0
        self._previewed: Path | None = None

    def begin(self, stage: str) -> None:
        """Nothing is written yet."""
        self._stage = stage
        self._began_s = self._told_s = self._clock()

    def progress(self, what: str, share: float) -> None:
        """A line, if the last is old enough."""
        if self._is_time():
            self._write(f"{self._stage}: {what}{f', {share:.0%}' if share > 0 else ''}")

    def note(self, what: str) -> None:
        """A line."""
        self._write(f"{self._stage}: {what}")

    def moment(self, moment: Moment) -> None:
        """A line, if the last is old enough."""
        if self._is_time():
            self._write(f"{self._stage}: {moment_text(moment)}")

    def preview(self, file: Path) -> None:
        """A line for the first; its file is renewed without a word."""
        if file != self._previewed:
            self._previewed = file
            self._write(f"{self._stage}: preview in {file}")

    def end(self, what: str) -> None:
        """A line with the time that the stage took."""
        self._write(f"{self._stage}: {what} ({duration_text(self._clock() - self._began_s)})")

    def _is_time(self) -> bool:
        now = self._clock()
        if now - self._told_s < LINE_EVERY_S:
            return False
        self._told_s = now
        return True


def moment_text(moment: Moment) -> str:
    """``1,200 of 7,000, 52.1 it/s, 22.10 dB, 84,210 splats, 1:42 left``."""
    return (
        f"{moment.iteration:,} of {moment.iterations:,}, {moment.per_second:.1f} it/s, {moment.psnr_db:.2f} dB, "
        f"{moment.splats:,} splats, {duration_text(moment.left_s)} left"
    )


def duration_text(seconds: float) -> str:
    """``0.4 s``, ``42 s``, ``1:42``, ``2:03:10``."""
    if not 0 <= seconds < 1e9:
        return "?"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
