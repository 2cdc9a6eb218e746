"""``translight review vary`` and ``measure``: more candidates, and their measures; docs/generation/review.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from translight.commands.review import By, Candidate, Run, account, checked, sheet_anew

if TYPE_CHECKING:
    from translight.generation.review.measures.measure import Wall

_INTERRUPTED = 130


@dataclass(frozen=True)
class Vary:
    """Ask for a variation of a candidate: another seed, other values of its brief, or a region drawn anew.

    It becomes a candidate of its own beside the first, named after it.
    """

    candidate: Candidate
    """A candidate's folder: RUN/candidates/NAME."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Another seed; with a region, the seed that it is drawn by."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")] = ()
    """A value of the brief as place.weather=fog or light.sun_elevation_deg=4; give it as often as there are values."""
    mask: Annotated[Path | None, tyro.conf.arg(metavar="MASK.png")] = None
    """What shall be drawn anew is white in it; twice as wide as high."""
    prompt: str = ""
    """What shall be seen there."""
    inpaint: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """The diffusion model that draws it."""
    by: By = None
    """Your name; this account's if not given."""
    note: str = ""
    """Why, for the ledger."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Make it; it appears whole or not at all."""
        from translight.commands.generate import Lines
        from translight.generation.review.variations import add_variation
        from translight.generation.review.vary import Wish

        wish = Wish(self.seed, self.set, self.mask, self.prompt, self.inpaint, self.note)
        lines = Lines()
        try:
            made = add_variation(self.candidate, wish, account(self.by), lines)
        except KeyboardInterrupt:
            print("translight: interrupted, nothing was written", file=sys.stderr)
            return _INTERRUPTED
        finally:
            lines.close()
        sheet_anew(made)
        print(json.dumps({"candidate": str(made)}) if self.json else f"{made}: a variation of {self.candidate.name}")
        return 0


@dataclass(frozen=True)
class Measure:
    """Measure every candidate of a run again: for your wall and camera, or with a CLIP model."""

    run_folder: Run
    """The folder that translight generate -o made."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A CLIP model, for how well pictures agree with the brief's words."""
    wall_pitch_mm: Annotated[float | None, tyro.conf.arg(metavar="MM")] = None
    """Between the wall's pixels; what the candidate was measured for last if not given (2.6 at first)."""
    wall_distance_m: Annotated[float | None, tyro.conf.arg(metavar="M")] = None
    """From the camera to the wall (at first 3 m behind the brief's actors, 5 at least)."""
    camera_width_px: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Columns of the film camera's picture (4096 at first)."""
    show: Annotated[Path | None, tyro.conf.arg(metavar="SHOW.toml")] = None
    """A show file: its finest wall as the camera at rest sees it, and its camera."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Measure and draw the contact sheet anew."""
        from translight.commands.generate import Lines
        from translight.generation.brief.read import read_brief
        from translight.generation.review.history import rows, table, values
        from translight.generation.review.measures.measure import Wall
        from translight.generation.review.measures.measures import open_clip, save_measures
        from translight.generation.review.variations import draw_sheet
        from translight.generation.review.vary import brief_of
        from translight.generation.run.generate import BRIEF, candidates_in, licence_line
        from translight.generation.run.store import load_candidate

        checked(self.run_folder)
        self._wall(Wall())  # a mistake is told before any work
        brief = read_brief(self.run_folder / BRIEF)
        lines = Lines()
        try:
            clip = None if self.clip is None else open_clip(self.clip, brief, lines.progress)
            if clip is not None:
                lines.note(licence_line(clip.model))
            folders = [folder for folder, _ in candidates_in(self.run_folder)]
            before = {row.folder: row.measured.wall for row in rows(self.run_folder) if row.measured is not None}
            for number, folder in enumerate(folders):
                lines.progress(f"measuring {folder.name}", number / len(folders))
                wall = self._wall(before.get(folder, Wall()))
                candidate = load_candidate(folder)
                save_measures(folder, candidate, brief_of(candidate, brief), wall, clip)
            sheet = draw_sheet(self.run_folder)
        except KeyboardInterrupt:
            print("translight: interrupted; candidates that were measured keep their new measures", file=sys.stderr)
            return _INTERRUPTED
        finally:
            lines.close()
        found = rows(self.run_folder)
        print(
            json.dumps({"candidates": values(found)}) if self.json else "\n".join([*table(found), f"look at {sheet}"])
        )
        return 0

    def _wall(self, before: Wall) -> Wall:
        """What was given over what the show says over what was measured for before."""
        from translight.generation.review.measures.measure import Wall

        base = before if self.show is None else wall_of(self.show)
        wall = Wall(
            base.pitch_mm if self.wall_pitch_mm is None else self.wall_pitch_mm,
            base.distance_m if self.wall_distance_m is None else self.wall_distance_m,
            base.camera_width_px if self.camera_width_px is None else self.camera_width_px,
        )
        wall.check()
        return wall


def wall_of(file: Path) -> Wall:
    """The wall of a show whose pixels the camera at rest sees smallest. Raises ShowError.

    Of a wall that is the pixel nearest to the camera, and the lesser of the gaps to the next column and row.
    """
    import numpy as np

    from translight.generation.review.measures.measure import Wall
    from translight.server.show import load_show

    show = load_show(file)
    eye = show.camera.rest.position_m
    found = []
    for wall in show.canvas.walls:
        columns, rows = np.asarray(wall.columns(), np.float64), np.asarray(wall.rows(), np.float64)
        pitch_m = min(
            float(np.median(np.linalg.norm(np.diff(line, axis=0), axis=1))) for line in (columns, rows) if len(line) > 1
        )
        every = columns[:, None] + rows[None, :: max(1, len(rows) // 64)]
        found.append((pitch_m, float(np.linalg.norm(every - eye, axis=-1).min())))
    pitch_m, distance_m = min(found, key=lambda one: one[0] / one[1])
    return Wall(round(1000 * pitch_m, 4), round(distance_m, 4), show.camera.width_px)
