"""What lifting adds to a run's ledger: which package was made of which candidate, accepted or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from translight.core.files import sha256_of
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.generation.review.decisions import changed_since, decisions
from translight.generation.review.ledger import FILE_NAME as LEDGER
from translight.generation.review.ledger import Entry, append, read_ledger
from translight.generation.run.job import FILE_NAME as RUN
from translight.generation.run.store import FILE_NAME

_WAIT_S = 10.0


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
    """A line about a package. ``sha256`` is of the zipped file, or of a folder's environment.json, which has the rest.

    Raises GenerationError without a name, FormatError when the ledger is broken or cannot be written.
    """
    whole = package / MANIFEST if package.is_dir() else package
    about = {
        "environment": package.name,
        "sha256": sha256_of(whole),
        "of": whole.name,
        "candidate": candidate.absolute().name,
        "candidate_sha256": sha256_of(candidate / FILE_NAME),
    }
    run = candidate.absolute().parent.parent
    return append(run / LEDGER, who, "lifted", about, wait_s=_WAIT_S)
