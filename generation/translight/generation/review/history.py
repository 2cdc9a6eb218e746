"""A run's ledger and its candidates in words: what happened in which order, and what stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translight.core.files import sha256_of
from translight.generation.candidate import DERIVED
from translight.generation.review.decisions import Decision, State, changed_since, day_of, decisions, mentions
from translight.generation.review.ledger import FILE_NAME as LEDGER
from translight.generation.review.ledger import Entry, read_ledger
from translight.generation.review.made import MAKING
from translight.generation.review.measures.measures import Measured, read_measures
from translight.generation.run.generate import candidates_in
from translight.generation.run.store import FILE_NAME, Stored

_WIDEST = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate of a run, as a table shows it."""

    folder: Path
    stored: Stored
    state: State
    decision: Decision | None
    changed: bool
    """Whether candidate.json is another than the ledger last spoke of: a decision about that one holds no more."""
    unknown: bool
    """Whether the ledger has lines, and none about it: what made it was ended before it could say so."""
    measured: Measured | None

    def made_of(self) -> str:
        """The candidate that it was made of, and how; empty for one that was made for a seed."""
        steps = self.stored.settings.get(DERIVED)
        last = steps[-1] if isinstance(steps, list) and steps else None
        return f"{last.get('step', '?')} from {last.get('from', '?')}" if isinstance(last, dict) else ""


def rows(run: Path) -> list[Row]:
    """Every complete candidate, by name. Raises FormatError on a damaged one or a broken ledger."""
    entries, _ = read_ledger(run / LEDGER)
    decided = decisions(entries)
    found = []
    for folder, stored in candidates_in(run):
        sha256 = sha256_of(folder / FILE_NAME)
        changed = changed_since(entries, folder.name, sha256) is not None
        decision = decided.get(folder.name)
        if decision is not None and decision.sha256 != sha256 and not changed:
            decision = None  # about one of that name that a fresh start has replaced
        state: State = "undecided" if decision is None or changed else decision.state
        unknown = bool(entries) and not mentions(entries, folder.name)
        found.append(Row(folder, stored, state, decision, changed, unknown, read_measures(folder)))
    return found


def state_words(row: Row) -> str:
    """accepted by Ana; or that the candidate was changed after, or is not in the ledger."""
    if row.changed:
        return "changed since the ledger spoke of it"
    if row.unknown:
        return "the ledger does not know it"
    return f"{row.state} by {row.decision.who}" if row.decision is not None else row.state


def verdict_words(measured: Measured | None) -> str:
    """What a person should see to, worst first: "bad: seam; look: stops"."""
    if measured is None:
        return "not measured"
    parts = []
    for verdict in ("bad", "look"):
        names = [m.name for m in measured.measures if m.verdict == verdict]
        if names:
            parts.append(f"{verdict}: {', '.join(names)}")
    return "; ".join(parts) or "good"


def table(found: Sequence[Row]) -> list[str]:
    """A line for each candidate under its heads, in columns."""
    cells = [("candidate", "state", "measures", "made of")]
    cells += [(row.folder.name, state_words(row), verdict_words(row.measured), row.made_of()) for row in found]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    return [
        plain("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()) for row in cells
    ]


def told(entry: Entry) -> str:
    """One line of the ledger in words."""
    about = entry.about
    what = str(about.get("candidate", about.get("environment", "")))
    more = {
        "generated": lambda: f" with {about.get('engine', '?')}",
        "varied": lambda: f" from {about.get('from', '?')}",
        "lifted": lambda: f" from {about.get('candidate', '?')}",
        "plated": lambda: f" from {about.get('from', '?')}",
    }.get(entry.action, lambda: "")()
    if entry.action in MAKING:
        what = str(about.get("environment", "?"))
    words = about.get("reason") or about.get("note")
    said = f': "{words}"' if words else ""
    return plain(f"{entry.number:>4}  {day_of(entry.at)}  {entry.who} {entry.action} {what}{more}{said}")


def values(found: Sequence[Row]) -> list[dict[str, Any]]:
    """The table for programs."""
    return [
        {
            "candidate": row.folder.name,
            "state": row.state,
            "changed": row.changed,
            "unknown": row.unknown,
            "by": row.decision.who if row.decision is not None else None,
            "at": row.decision.at if row.decision is not None else None,
            "words": row.decision.words if row.decision is not None else "",
            "made_of": row.made_of(),
            "measures": {}
            if row.measured is None
            else {m.name: {"value": m.value, "unit": m.unit, "verdict": m.verdict} for m in row.measured.measures},
        }
        for row in found
    ]


def plain(text: str) -> str:
    """A line without what a terminal obeys: names and reasons may hold anything."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 3] + "..."
