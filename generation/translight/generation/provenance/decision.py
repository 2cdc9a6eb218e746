"""What a run's ledger says of an asset: whether it was accepted, by whom, and in which line; sign.py asks it.

verify.py asks whether the ledger still is the one that was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translight.core.errors import GenerationError
from translight.generation.review.decisions import DECISIONS
from translight.generation.review.ledger import NOTHING_BEFORE, Entry, read_ledger
from translight.generation.review.made import MAKING, lineage, made_words


@dataclass(frozen=True, slots=True)
class Subject:
    """What an asset is known by in a ledger."""

    candidate: str
    """Name of the candidate that it was made of; empty where it was made of none."""
    candidate_sha256: str
    """Of that one's ``candidate.json``; empty where that was not at hand."""
    digests: frozenset[str]
    """Of the asset before it was signed, and of a package's ``environment.json``, which lists its parts."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The last word on an asset. ``entry`` is None where there is none."""

    entry: Entry | None
    accepted: bool
    why_not: str
    """In words, where it was not accepted as it is now."""
    recorded: int | None
    """Number of the line that says that exactly this asset was made of its candidate, if there is one."""


def decide(entries: Sequence[Entry], subject: Subject) -> Decision:
    """The last decision on the asset itself, or on the candidate that it was made of as that is now.

    What was rejected itself stays so until it is accepted itself; plates that came after a candidate was accepted want
    a decision on what has them.
    """
    last = own = made = None
    for entry in entries:
        of_candidate = bool(subject.candidate) and entry.about.get("candidate") == subject.candidate
        of_asset = entry.about.get("sha256") in subject.digests
        if entry.action in DECISIONS and (of_asset or of_candidate):
            last = entry
            own = entry if of_asset else own
        if entry.action in MAKING and of_asset and of_candidate:
            made = entry
    recorded = None if made is None else made.number
    what = f"candidate {subject.candidate}" if subject.candidate else "it"
    if last is None:
        return Decision(None, False, f"nobody has accepted {what}", recorded)
    if own is not None and own.action == "rejected":
        last = own
    if "environment" in last.about:
        what = str(last.about["environment"])
    if last.action == "rejected":
        return Decision(last, False, f"{last.who} rejected {what} (line {last.number})", recorded)
    accepted = last.about.get("sha256")
    if accepted in subject.digests:
        return Decision(last, True, "", recorded)
    changed = f"{what} is not as {last.who} accepted it (line {last.number})"
    if not subject.candidate_sha256 or accepted != subject.candidate_sha256:
        return Decision(last, False, f"{changed}: its sha256 differs", recorded)
    if made is not None and made.about.get("candidate_sha256", accepted) != accepted:
        return Decision(last, False, f"{changed}: this was lifted from another (line {made.number})", recorded)
    added = [e for e in lineage(entries, subject.digests) if e.action == "plated" and e.number > last.number]
    if added:
        what = f"{made_words(added[-1])} after {last.who} accepted the candidate (line {last.number})"
        return Decision(last, False, f"{what}, and nobody has accepted that", recorded)
    return Decision(last, True, "", recorded)


def reason(entry: Entry) -> str:
    """Why a decision was made; empty where its line does not say."""
    return str(entry.about.get("reason") or entry.about.get("note") or "")


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


def signed_once(entries: Sequence[Entry], name: str, sha256: str) -> str:
    """In words, what a ledger says of the credential that a file lacks; empty where it says nothing.

    ``name`` and ``sha256`` are the file's. A file that was signed as a copy is not signed itself, and lacks nothing.
    """
    signed = [entry for entry in reversed(entries) if entry.action == "signed"]
    for entry in signed:
        if entry.about.get("sha256") == sha256:
            return (
                f"line {entry.number} of the ledger says that exactly these bytes were signed: the credential is gone"
            )
    if any(entry.about.get("sha256_before") == sha256 for entry in signed):
        return ""
    for entry in signed:
        if name in (entry.about.get("environment"), entry.about.get("file")):
            return (
                f"line {entry.number} of the ledger says that a {name} was signed: "
                "this is another, or its credential was taken out"
            )
    return ""
