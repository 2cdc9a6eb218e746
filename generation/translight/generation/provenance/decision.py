"""What a run's ledger says of an asset: whether it was accepted, by whom, and in which line; sign.py asks it.

verify.py asks whether the ledger still is the one that was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translight.core.errors import GenerationError
from translight.generation.provenance.origin import Origin
from translight.generation.review.ledger import NOTHING_BEFORE, Entry, read_ledger

_DECISIONS = ("accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Decision:
    """The last word on an asset. ``entry`` is None where there is none."""

    entry: Entry | None
    accepted: bool
    why_not: str
    """In words, where it was not accepted as it is now."""
    recorded: int | None
    """Number of the line that says that exactly this file was made, if there is one."""


def decide(entries: Sequence[Entry], origin: Origin, asset_sha256: str) -> Decision:
    """The last decision on the asset itself, or on the candidate that it was made of as that is now."""
    recorded = next((e.number for e in reversed(entries) if e.about.get("sha256") == asset_sha256), None)
    last = None
    for entry in entries:
        of_candidate = bool(origin.candidate) and entry.about.get("candidate") == origin.candidate
        if entry.action in _DECISIONS and (entry.about.get("sha256") == asset_sha256 or of_candidate):
            last = entry
    what = f"candidate {origin.candidate}" if origin.candidate else "it"
    if last is None:
        return Decision(None, False, f"nobody has accepted {what}", recorded)
    if last.action == "rejected":
        return Decision(last, False, f"{last.who} rejected {what} (line {last.number})", recorded)
    if last.about.get("sha256") not in (asset_sha256, origin.candidate_sha256):
        return Decision(
            last, False, f"{what} is not as {last.who} accepted it (line {last.number}): its sha256 differs", recorded
        )
    return Decision(last, True, "", recorded)


def ledger_at(path: Path | None) -> tuple[tuple[Entry, ...], str]:
    """A ledger that was named, which must be there; empty without one. Raises GenerationError and FormatError."""
    if path is None:
        return (), NOTHING_BEFORE
    if not path.is_file():
        raise GenerationError(f"{path}: no such ledger")
    return read_ledger(path)


def wrong_with(entries: Sequence[Entry], head: str, claimed: Any, asset_sha256: str) -> list[str]:
    """In words, where a ledger that hangs together is not the one that was signed; ``claimed`` is its assertion."""
    if not isinstance(claimed, dict) or not isinstance(claimed.get("entries"), int) or claimed["entries"] < 0:
        return ["the credential does not say which ledger it belongs to"]
    count = claimed["entries"]
    if count > len(entries):
        return [f"the ledger was shortened: it had {count} lines when this was signed, it has {len(entries)}"]
    if (head if count == len(entries) else entries[count].previous) != claimed.get("head"):
        return [f"the ledger is another, or was written anew: line {count} is not the one that was signed"]
    if not any(e.action == "signed" and e.about.get("sha256") == asset_sha256 for e in entries[count:]):
        return [f"the ledger does not say that exactly these bytes were signed: no such line after line {count}"]
    return []
