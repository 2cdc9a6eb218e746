"""What packages add to a run's ledger: which was made of which candidate or package, and who accepted it.

A lift's line names its candidate, a plate's the package that it was added to by that one's sha256: so the lines about
a package lead back to a candidate. What was lifted of an accepted candidate needs no decision of its own; plates do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from translight.core.errors import GenerationError, TranslightError
from translight.core.files import sha256_of
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.environment.package import open_package
from translight.generation.review.decisions import DECISIONS, Decided, changed_since, day_of, decisions, words_of
from translight.generation.review.ledger import FILE_NAME as LEDGER
from translight.generation.review.ledger import Action, Entry, append, read_ledger
from translight.generation.run.job import FILE_NAME as RUN
from translight.generation.run.store import FILE_NAME

MAKING = ("lifted", "plated")
"""Actions of a ledger that make a package."""

_WAIT_S = 10.0
_PLATE = ("kind", "name", "window_deg", "frames", "rate", "seed", "film", "film_sha256", "models")
"""What a plate's line says of the step in the package's report."""


def run_entries(candidate: Path) -> tuple[Entry, ...] | None:
    """The ledger of the run that a candidate lies in; None where it lies in none, so nothing is noted.

    Raises FormatError on a broken ledger: before the long work, not after it.
    """
    run = candidate.absolute().parent.parent
    if candidate.absolute().parent.name != "candidates" or not (run / RUN).is_file():
        return None
    return read_ledger(run / LEDGER)[0]


def not_accepted(candidate: Path, entries: Sequence[Entry]) -> str:
    """A warning where nobody accepted the candidate as it is now; else empty."""
    name, decision = candidate.absolute().name, decisions(entries).get(candidate.absolute().name)
    if not (candidate / FILE_NAME).is_file():
        return ""
    if changed_since(entries, name, sha256_of(candidate / FILE_NAME)) is not None:
        return f"{name} was changed since the ledger last spoke of it: nobody accepted what is lifted now"
    if decision is None or decision.sha256 != sha256_of(candidate / FILE_NAME):
        return f"{name} is not accepted by anybody yet: translight review accept {candidate}"
    if decision.state == "rejected":
        return f'{name} was rejected by {decision.who}: "{decision.words}"'
    return ""


def add_lifted(candidate: Path, package: Path, who: str) -> tuple[Entry, str]:
    """A line about a package that was lifted.

    Raises GenerationError without a name, FormatError when the ledger is broken or cannot be written.
    """
    of = {"candidate": candidate.absolute().name, "candidate_sha256": sha256_of(candidate / FILE_NAME)}
    return _add(candidate.absolute().parent.parent / LEDGER, "lifted", package, who, of)


def add_plated(
    ledger: Path, source: tuple[str, str], package: Path, who: str, facts: Mapping[str, Any]
) -> tuple[Entry, str]:
    """A line about a package that got a plate; ``source`` is name and digest_of of what it was made of.

    ``facts`` are the report's. The candidate is named where the ledger's own lines lead to it. Raises as add_lifted.
    """
    name, sha256 = source
    plate = {key: facts[key] for key in _PLATE if key in facts}
    about = {"from": name, "from_sha256": sha256, "plate": plate}
    before = lineage(read_ledger(ledger)[0], {sha256})
    if before:
        about |= {key: before[0].about[key] for key in ("candidate", "candidate_sha256") if key in before[0].about}
    return _add(ledger, "plated", package, who, about)


def decide_on_package(package: Path, ledger: Path, state: Decided, who: str, words: str = "") -> tuple[Entry, str]:
    """Add a decision about a package, with the plates it has, to the ledger that says how it was made.

    Returns its line and the ledger's new head. Raises FormatError on a damaged package or ledger, GenerationError where
    the ledger does not know the package, when the same person has decided so already, and without a reason for a
    rejection.
    """
    said = words_of(state, words)
    entries, _ = read_ledger(ledger)
    with open_package(package):
        sha256 = digest_of(package)
    if not lineage(entries, {sha256}):
        raise GenerationError(f"{package}: no line of {ledger} says how it was made, so it is not decided on there")
    about = [e for e in entries if e.action in DECISIONS and e.about.get("sha256") == sha256]
    if about and (about[-1].action, about[-1].who) == (state, who.strip()):
        raise GenerationError(f"{package} is {state} already, by {about[-1].who} on {day_of(about[-1].at)}")
    own = {"environment": package.name, "sha256": sha256, "of": _whole(package).name}
    return append(ledger, who, state, {**own, **said}, wait_s=_WAIT_S)


def lineage(entries: Sequence[Entry], digests: Collection[str]) -> tuple[Entry, ...]:
    """The lines that say how a package was made, the first one first; empty where none speaks of it.

    ``digests`` are those it may be known by: of its zip, or of its environment.json. A package that was signed is
    found by what it was before.
    """
    found: list[Entry] = []
    wanted = set(digests)
    for entry in reversed(entries):
        if entry.about.get("sha256") not in wanted:
            continue
        if entry.action == "signed":
            wanted.add(str(entry.about.get("sha256_before")))
        elif entry.action in MAKING:
            found.insert(0, entry)
            wanted = {str(entry.about["from_sha256"])} if "from_sha256" in entry.about else set()
    return tuple(found)


def known_as(entries: Sequence[Entry], digests: Collection[str]) -> set[str]:
    """What a ledger may know a package by: ``digests``, and what it was before it was signed."""
    known = set(digests)
    for entry in reversed(entries):
        if entry.action == "signed" and entry.about.get("sha256") in known:
            known.add(str(entry.about.get("sha256_before")))
    return known


def made_words(entry: Entry) -> str:
    """A line of MAKING in words; they are as the ledger has them, not yet safe to show."""
    about = entry.about
    if entry.action == "lifted":
        return f"{entry.who} lifted it from candidate {about.get('candidate', '?')}"
    plate = about.get("plate")
    plate = plate if isinstance(plate, dict) else {}
    words = (
        f"{entry.who} added the plate {plate.get('name', '?')!r} ({plate.get('kind', '?')}) to {about.get('from', '?')}"
    )
    if "film" in plate:
        words += f", film {plate['film']}, sha256 {plate.get('film_sha256', '?')}"
    models = plate.get("models")
    for model in models if isinstance(models, list) else ():
        if isinstance(model, dict):
            words += f", model {model.get('name', '?')}, sha256 {model.get('sha256', '?')}"
    return words


def digest_of(package: Path) -> str:
    """What the ledger knows a package by: sha256 of its zip, or of a folder's environment.json, which has the rest."""
    return sha256_of(_whole(package))


def _add(ledger: Path, action: Action, package: Path, who: str, about: Mapping[str, Any]) -> tuple[Entry, str]:
    own = {"environment": package.name, "sha256": digest_of(package), "of": _whole(package).name}
    try:
        return append(ledger, who, action, {**own, **about}, wait_s=_WAIT_S)
    except TranslightError as error:
        raise type(error)(f"{error}; {package} is written, without a line of the ledger: make it again") from error


def _whole(package: Path) -> Path:
    return package / MANIFEST if package.is_dir() else package
