"""``translight generate``: a brief becomes candidates; docs/generation/generate.md."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

_INTERRUPTED = 130
_EVERY_S = 1.0


@dataclass(frozen=True)
class Generate:
    """Make candidates of a brief, one for each of its seeds.

    The same command goes on where an interrupted one was; a candidate that is complete is never made again.
    """

    brief: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BRIEF.toml")]
    """The brief: translight brief new writes one to start from."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")]
    """The folder for this run's candidates, its contact sheet and its record."""
    engine: Annotated[str, tyro.conf.arg(metavar="NAME")] = "procedural"
    """procedural computes the place, without weights; diffusers asks a model; import takes what was made elsewhere."""
    source: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """diffusers: the models' folder; import: the picture, panorama or splat file."""
    height: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1024
    """Of the panorama, which is twice as wide: 1024 previews, 2048 is 4K, 4096 is 8K."""
    fresh: bool = False
    """Remove what an earlier run made in the folder, and begin anew."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Your name for the ledger; this account's if not given."""
    wall_pitch_mm: Annotated[float, tyro.conf.arg(metavar="MM")] = 2.6
    """Between the wall's pixels: candidates are measured for it."""
    wall_distance_m: Annotated[float | None, tyro.conf.arg(metavar="M")] = None
    """From the camera to the wall; 3 m behind the brief's actors, 5 at least, if not given."""
    camera_width_px: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 4096
    """Columns of the film camera's picture."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Generate; each candidate appears whole or not at all."""
        from translight.commands.review import account
        from translight.generation.review.measures.measure import Wall
        from translight.generation.run.generate import generate
        from translight.generation.run.job import Job

        job = Job(
            self.brief, self.output, self.engine, self.source, self.height, self.fresh,
            account(self.by), Wall(self.wall_pitch_mm, self.wall_distance_m, self.camera_width_px),
        )  # fmt: skip
        began = time.monotonic()
        lines = Lines()
        try:
            made = generate(job, lines)
        except KeyboardInterrupt:
            print("translight: interrupted; the same command goes on from here", file=sys.stderr)
            return _INTERRUPTED
        finally:
            lines.close()
        took_s = time.monotonic() - began
        if self.json:
            values = {
                "brief": made.brief.name,
                "candidates": [str(folder) for folder in made.candidates],
                "made_now": made.made_now,
                "contact_sheet": str(made.contact_sheet),
                "seconds": round(took_s, 1),
            }
            print(json.dumps(values))
        else:
            print(f"{made.made_now} made in {took_s:.0f} s, {len(made.candidates)} in {self.output}")
            print(f"look at {made.contact_sheet}")
        return 0


class Lines:
    """One line every second at most, drawn over itself on a terminal."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._drawn = False

    def progress(self, what: str, share: float) -> None:
        """A few words and a share."""
        now = time.monotonic()
        if now - self._last_s < (_EVERY_S if sys.stderr.isatty() else 5 * _EVERY_S):
            return
        self._last_s = now
        if sys.stderr.isatty():
            print(f"\r\033[K{what} {share:4.0%}", end="", file=sys.stderr, flush=True)
            self._drawn = True
        else:
            print(f"{what} {share:4.0%}", file=sys.stderr, flush=True)

    def note(self, what: str) -> None:
        """A line that stays."""
        self.close()
        print(what, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is left on the line that is drawn over."""
        if self._drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._drawn = False
