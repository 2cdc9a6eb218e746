"""What was decided about each candidate, from the ledger; and new decisions, on files that are what was made.

::

    undecided ── accept ──> accepted <── accept / reject ──> rejected <── reject ── undecided

The latest decision holds; all of them stay in the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from translight.core.errors import FormatError, GenerationError
from translight.core.files import sha256_of
from translight.generation.review.ledger import FILE_NAME as LEDGER
from translight.generation.review.ledger import Entry, append, read_ledger
from translight.generation.run.store import FILE_NAME, read_stored

Decided = Literal["accepted", "rejected"]
State = Literal["undecided"] | Decided
MAX_WORDS = 2000
"""Of a reason or a note, in characters."""

_WAIT_S = 10.0
DECISIONS: dict[str, Decided] = {"accepted": "accepted", "rejected": "rejected"}
"""Actions of a ledger that decide."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The latest about a candidate."""

    state: State
    who: str
    at: str
    words: str
    """The reason or note; empty where none was given."""
    sha256: str
    """Of the candidate.json that was decided on."""


def decisions(entries: Sequence[Entry]) -> dict[str, Decision]:
    """The latest decision about each candidate that has one, by its name."""
    found: dict[str, Decision] = {}
    for entry in entries:
        name, state = entry.about.get("candidate"), DECISIONS.get(entry.action)
        if isinstance(name, str) and state is not None:
            words = str(entry.about.get("reason") or entry.about.get("note") or "")
            found[name] = Decision(state, entry.who, entry.at, words, str(entry.about.get("sha256", "")))
    return found


def mentions(entries: Sequence[Entry], name: str) -> dict[str, Entry]:
    """Every candidate.json that the ledger knows under a candidate's name: its sha256, and the latest line about it.

    A line about an environment has that one's sha256 and does not count.
    """
    about = [e for e in entries if e.about.get("candidate") == name and "environment" not in e.about]
    return {str(e.about.get("sha256", "")): e for e in about}


def run_of(candidate: Path) -> Path:
    """The run's folder that a candidate lies in. Raises GenerationError where there is none."""
    folder = candidate.absolute()
    if not (folder / FILE_NAME).is_file():
        raise GenerationError(f"{candidate}: no candidate there; one lies in RUN/candidates/NAME")
    if folder.parent.name != "candidates":
        raise GenerationError(f"{candidate}: lies in no run: decisions are kept for RUN/candidates/NAME")
    return folder.parent.parent


def check_whole(candidate: Path) -> str:
    """The sha256 of candidate.json, once every file is what it lists. Raises FormatError naming the one that is not."""
    stored = read_stored(candidate)
    for name, expected in stored.files.items():
        if not (candidate / name).is_file():
            raise FormatError(f"{candidate / name}: no such file, {FILE_NAME} lists it")
        if sha256_of(candidate / name) != expected:
            raise FormatError(f"{candidate / name}: is not the file that was generated: its sha256 differs")
    return sha256_of(candidate / FILE_NAME)


def changed_since(entries: Sequence[Entry], name: str, sha256: str) -> Entry | None:
    """The latest line about a candidate, where it speaks of another candidate.json; None where all is as it was."""
    about = mentions(entries, name)
    return None if not about or sha256 in about else list(about.values())[-1]


def decide(candidate: Path, state: Decided, who: str, words: str = "", *, anew: bool = False) -> tuple[Entry, str]:
    """Add a decision about a candidate to its run's ledger; returns its line and the ledger's new head.

    Raises FormatError on a damaged candidate or ledger, GenerationError when the candidate is not what the ledger last
    spoke of (unless ``anew``: decide on what is there now), when the same person has decided so already, and without
    a reason for a rejection.
    """
    run, said = run_of(candidate), words_of(state, words)
    path, name = run / LEDGER, candidate.absolute().name
    entries, _ = read_ledger(path)
    sha256 = check_whole(candidate)
    since = changed_since(entries, name, sha256)
    if since is not None and not anew:
        raise GenerationError(
            f"{candidate}: is not what {since.who} {since.action} on {day_of(since.at)}: candidate.json was changed; "
            "--anew decides on what is there now"
        )
    last = decisions(entries).get(name)
    if last is not None and (last.state, last.who, last.sha256) == (state, who.strip(), sha256):
        raise GenerationError(f"{name} is {state} already, by {last.who} on {day_of(last.at)}")
    return append(path, who, state, {"candidate": name, "sha256": sha256, **said}, wait_s=_WAIT_S)


def words_of(state: Decided, words: str) -> Mapping[str, str]:
    """A reason or note as the ledger has it. Raises GenerationError where a rejection lacks one, or as check_words."""
    words = " ".join(words.split())
    if state == "rejected" and not words:
        raise GenerationError("a rejection wants a reason: --reason TEXT")
    check_words(words)
    return {"reason" if state == "rejected" else "note": words} if words else {}


def check_words(words: str) -> None:
    """Raises GenerationError on a reason or note that is too long for the ledger, or no text."""
    if len(words) > MAX_WORDS:
        raise GenerationError(f"a reason or note has at most {MAX_WORDS} characters, got {len(words)}")
    if not is_text(words):
        raise GenerationError(f"a reason or note is UTF-8 text, got {words[:80]!a}")


def is_text(words: str) -> bool:
    """Whether it can be written as UTF-8: bytes of a command line that are none come as lone surrogates (PEP 383)."""
    return not any("\ud800" <= c <= "\udfff" for c in words)


def day_of(at: str) -> str:
    """A time of the ledger as people write it: 2026-11-27 00:03 UTC; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*\+00:00", at)
    return f"{found.group(1)} {found.group(2)} UTC" if found else at
