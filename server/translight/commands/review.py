"""``translight review``: see candidates, decide about them, compare them; docs/generation/review.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Candidate = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
Run = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
By = Annotated[str | None, tyro.conf.arg(metavar="NAME")]
Ledger = Annotated[Path | None, tyro.conf.arg(metavar="RUN/ledger.jsonl")]


@dataclass(frozen=True)
class ReviewList:
    """Show every candidate of a run: what was decided, by whom, and what its measures say."""

    run_folder: Run
    """The folder that translight generate -o made."""
    json: bool = False
    """Print one JSON object on standard output."""

    def run(self) -> int:
        """Print the table."""
        from translight.generation.review.history import rows, table, values

        checked(self.run_folder)
        found = rows(self.run_folder)
        if self.json:
            print(json.dumps({"candidates": values(found)}))
        else:
            print("\n".join(table(found)))
        return 0


@dataclass(frozen=True)
class Accept:
    """Accept a candidate, or an environment. The decision goes into the run's ledger with your name and the time."""

    candidate: Candidate
    """A candidate's folder: RUN/candidates/NAME; or an environment, NAME.tlenv, with --ledger."""
    by: By = None
    """Your name; this account's if not given."""
    note: str = ""
    """What else shall be remembered."""
    anew: bool = False
    """Decide on what is there now, although it is not what the ledger spoke of last."""
    ledger: Ledger = None
    """Of an environment: the ledger of the run that it was made in."""

    def run(self) -> int:
        """Add the decision."""
        return _decided(self.candidate, "accepted", self.by, self.note, self.anew, self.ledger)


@dataclass(frozen=True)
class Reject:
    """Reject a candidate, or an environment, with the reason. Nothing is deleted; it can be accepted later."""

    candidate: Candidate
    """A candidate's folder: RUN/candidates/NAME; or an environment, NAME.tlenv, with --ledger."""
    reason: str
    """Why, for whoever makes the next ones."""
    by: By = None
    """Your name; this account's if not given."""
    anew: bool = False
    """Decide on what is there now, although it is not what the ledger spoke of last."""
    ledger: Ledger = None
    """Of an environment: the ledger of the run that it was made in."""

    def run(self) -> int:
        """Add the decision."""
        return _decided(self.candidate, "rejected", self.by, self.reason, self.anew, self.ledger)


@dataclass(frozen=True)
class Compare:
    """Draw two candidates side by side: whole, through the lens, their measures, and what differs."""

    one: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
    """A candidate's folder."""
    other: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
    """Another one's, of this run or another."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE.jpg")]
    """The picture to write, .jpg or .png."""

    def run(self) -> int:
        """Draw."""
        from translight.core.errors import GenerationError
        from translight.core.image import save_image
        from translight.generation.brief.read import read_brief
        from translight.generation.review.compare import compare, differences
        from translight.generation.review.decisions import run_of
        from translight.generation.review.history import plain, rows, state_words
        from translight.generation.run.generate import BRIEF
        from translight.generation.run.store import load_candidate

        if self.output.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            raise GenerationError(f"{self.output}: the picture is a .jpg or .png")
        sides = []
        for folder in (self.one, self.other):
            run, name = run_of(folder), folder.absolute().name
            row = next(row for row in rows(run) if row.folder.name == name)
            measures = row.measured.measures if row.measured is not None else ()
            sides.append((load_candidate(folder), state_words(row), measures))
        brief = read_brief(run_of(self.one) / BRIEF)
        save_image(self.output, compare(sides[0], sides[1], brief))
        for line in differences(sides[0][0], sides[1][0]):
            print(plain(line))
        print(f"look at {self.output}")
        return 0


@dataclass(frozen=True)
class History:
    """Tell all that happened in a run, from its ledger; exit with 1 where somebody changed what it says."""

    run_folder: Run
    """The folder that translight generate -o made."""
    json: bool = False
    """Print one JSON object on standard output."""

    def run(self) -> int:
        """Check the chain and tell it."""
        import msgspec

        from translight.generation.review.history import told
        from translight.generation.review.ledger import FILE_NAME, read_ledger, steps_back

        checked(self.run_folder)
        entries, head = read_ledger(self.run_folder / FILE_NAME)
        if self.json:
            print(json.dumps({"head": head, "entries": [msgspec.to_builtins(entry) for entry in entries]}))
            return 0
        for entry in entries:
            print(told(entry))
        for entry in steps_back(entries):
            print(f"the clock went back before line {entry.number}: the order of lines holds, their times do not")
        print(f"the chain of {len(entries)} lines is whole; its head is {head}")
        print("note the head elsewhere: with it, lines that were cut off at the end are noticed too")
        return 0


@dataclass(frozen=True)
class Sheet:
    """Draw a run's contact sheet anew: every candidate, variations too, with measures and decisions."""

    run_folder: Run
    """The folder that translight generate -o made."""

    def run(self) -> int:
        """Draw."""
        from translight.generation.review.variations import draw_sheet

        checked(self.run_folder)
        print(f"look at {draw_sheet(self.run_folder)}")
        return 0


def account(by: str | None) -> str:
    """The name for the ledger: as given, else this account's. Raises GenerationError on none, before any long work."""
    import getpass

    from translight.core.errors import GenerationError
    from translight.generation.review.ledger import checked_name

    if by is not None:
        return checked_name(by)
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise GenerationError("this account has no name: give yours with --by NAME") from error


def checked(run_folder: Path) -> None:
    """Raises GenerationError where a folder holds no run."""
    from translight.core.errors import GenerationError
    from translight.generation.run.job import FILE_NAME

    if not (run_folder / FILE_NAME).is_file():
        raise GenerationError(f"{run_folder}: holds no run: the folder that translight generate -o made is wanted")


def sheet_anew(candidate: Path) -> None:
    """The contact sheet of a candidate's run; where it cannot be drawn, that is told and what was done stands."""
    from translight.core.errors import FormatError
    from translight.generation.review.decisions import run_of
    from translight.generation.review.variations import draw_sheet

    try:
        draw_sheet(run_of(candidate))
    except FormatError as error:  # another candidate of the run is damaged, or the disk is full
        print(f"the contact sheet was not drawn anew: {error}", file=sys.stderr)


def _decided(
    what: Path, state: Literal["accepted", "rejected"], by: str | None, words: str, anew: bool, ledger: Path | None
) -> int:
    from translight.core.errors import GenerationError
    from translight.environment.package import is_package
    from translight.generation.provenance.decision import ledger_at
    from translight.generation.review.decisions import decide
    from translight.generation.review.made import decide_on_package

    environment = is_package(what)
    if environment != (ledger is not None):
        raise GenerationError(
            f"{what}: an environment's decision goes into the ledger of its run: --ledger RUN/ledger.jsonl"
            if environment
            else f"{what}: is no environment; a candidate's ledger is its run's, and --ledger is for environments"
        )
    if ledger is not None:
        ledger_at(ledger)
        entry, head = decide_on_package(what, ledger, state, account(by), words)
    else:
        entry, head = decide(what, state, account(by), words, anew=anew)
    print(f"{what.absolute().name} is {state} by {entry.who}: line {entry.number} of the ledger, head {head[:12]}")
    if not environment:
        sheet_anew(what)
    return 0
