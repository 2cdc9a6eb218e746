"""A run on a terminal: its stages in a list that is drawn over itself; watch.py has plain lines for all else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from translight.reconstruction.run.watch import STAGES, Moment, duration_text, moment_text

_MARKS = {"waiting": ("·", "dim"), "working": ("▸", "bold cyan"), "done": ("✓", "green"), "stopped": ("✗", "red")}
_REFRESH_PER_S = 4
_BAR_CELLS = 24


@dataclass(slots=True)
class _Row:
    state: str = "waiting"
    what: str = ""
    share: float | None = None
    began_s: float = 0.0
    took_s: float | None = None


class LiveWatch:
    """A context manager: what it draws stays, in its last state, when the run ends."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows = {stage: _Row() for stage in STAGES}
        self._current: _Row | None = None
        self._notes: list[Text] = []
        self._preview: Path | None = None
        self._live = Live(get_renderable=self.drawn, console=console, refresh_per_second=_REFRESH_PER_S)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None and self._current is not None:
            self._close(self._current, "stopped")
        self._live.stop()

    def begin(self, stage: str) -> None:
        """The stage's row lights up."""
        self._current = self._rows[stage]
        self._current.state, self._current.began_s = "working", self._clock()

    def progress(self, what: str, share: float) -> None:
        """Words and a bar."""
        if self._current is not None:
            self._current.what, self._current.share = what, share or None

    def note(self, what: str) -> None:
        """Words that stay under the list."""
        self._notes.append(Text(what, "dim"))

    def moment(self, moment: Moment) -> None:
        """Training's figures and a bar."""
        self.progress(moment_text(moment), moment.iteration / max(moment.iterations, 1))

    def preview(self, file: Path) -> None:
        """Its path stands under the list."""
        self._preview = file

    def end(self, what: str) -> None:
        """What came of the stage."""
        if self._current is not None:
            self._current.what = what
            self._close(self._current, "done")
            self._current = None

    def drawn(self) -> RenderableType:
        """The list as it is now."""
        table = Table.grid(padding=(0, 2))
        for stage, row in self._rows.items():
            mark, style = _MARKS[row.state]
            took = row.took_s
            if row.state == "working":
                took = self._clock() - row.began_s
            bar: RenderableType = ""
            if row.state == "working" and row.share is not None:
                bar = ProgressBar(total=1.0, completed=row.share, width=_BAR_CELLS)
            time_text = "" if took is None else duration_text(took)
            table.add_row(Text(mark, style), Text(stage, style), Text(time_text), bar, Text(row.what))
        preview = [] if self._preview is None else [Text(f"preview: {self._preview}", "dim")]
        return Group(table, *self._notes, *preview)

    def _close(self, row: _Row, state: str) -> None:
        row.state, row.took_s, row.share = state, self._clock() - row.began_s, None
