"""The attempts at a capture's poses (``attempts.py``), one after another, each kept so that none is made twice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from translight.core.errors import ReconstructionError
from translight.core.files import whole_file
from translight.core.progress import Progress
from translight.reconstruction.capture import Capture
from translight.reconstruction.structure_from_motion.attempts import Attempt
from translight.reconstruction.structure_from_motion.jobs import FeatureSettings, Map, Mapped
from translight.reconstruction.structure_from_motion.matching import DATABASE, find_matches
from translight.reconstruction.structure_from_motion.pictures import Pictures
from translight.reconstruction.structure_from_motion.view_graph import Overlap
from translight.reconstruction.structure_from_motion.worker import fingerprint, run_job

_OUTCOME = "outcome.json"
_FIRST_SHARE = 0.8
"""Of the progress: mostly there is no second attempt."""
_MATCHING_SHARE = 0.8
_FOREVER_S = 24 * 3600.0


class Outcome(msgspec.Struct, frozen=True):
    """An attempt, and what it came to: the files of each model, largest first; ``failed`` says why there is none."""

    what: str
    longest_px: int
    features: int
    models: list[list[str]]
    seconds: float
    failed: str | None = None

    @property
    def registered(self) -> int:
        """How many stills the largest model holds."""
        return len(self.models[0]) if self.models else 0


@dataclass(frozen=True, slots=True)
class Matches:
    """What one kind of features came to: pictures, what they share, and the folder with COLMAP's database."""

    pictures: Pictures
    overlap: Overlap
    folder: Path


@dataclass(slots=True)
class Found:
    """All attempts, and the best of them with its matches and the folder of its model; none where all failed."""

    outcomes: list[Outcome] = field(default_factory=list)
    best: Outcome | None = None
    best_folder: Path | None = None
    matches: Matches | None = None


def search(
    capture: Capture, folder: Path, tries: Sequence[Attempt], seconds: float | None, progress: Progress
) -> Found:
    """Make the attempts until every still has a pose, until no other could help, or until the time is used up.

    The first runs to its end whatever the time. Attempts that ended by themselves are kept in ``folder``. Raises
    FormatError on a still that cannot be read, and ReconstructionError when every attempt failed by a crash.
    """
    began = time.monotonic()
    found, matched = Found(), dict[FeatureSettings, Matches]()
    failure: ReconstructionError | None = None
    for number, attempt in enumerate(tries):
        left_s = _FOREVER_S if seconds is None else seconds - (time.monotonic() - began)
        if number and left_s <= 0:
            break
        limit_s = left_s if number and seconds is not None else None
        step = _part(progress, attempt, number)
        since = time.monotonic()
        settings = attempt.features
        models: list[list[str]] = []
        failed = None
        try:
            known = matched.get(settings)
            if known is None:
                place = folder / f"matches-{fingerprint(msgspec.to_builtins(settings))}"
                known = Matches(
                    *find_matches(capture, place, settings, _share(step, 0, _MATCHING_SHARE), limit_s), place
                )
                matched[settings] = known
            if found.matches is None:
                found.matches = known
            if found.best is not None and len(known.overlap.groups()[0]) <= found.best.registered:
                failed = "nothing more hangs together"
            else:
                models = _mapped(capture, folder, attempt, known, limit_s, _share(step, _MATCHING_SHARE, 1.0))
        except ReconstructionError as error:
            failure, failed = error, str(error)
        took_s = round(time.monotonic() - since, 1)
        outcome = Outcome(attempt.what, settings.longest_px, settings.features, models, took_s, failed)
        found.outcomes.append(outcome)
        if outcome.registered > (found.best.registered if found.best else 0):
            found.best, found.best_folder = outcome, _folder(folder, attempt)
            found.matches = matched[settings]
        if outcome.registered == len(capture.stills):
            break
    if found.matches is None and failure is not None:
        raise failure
    progress("placing photographs", 1.0)
    return found


def _mapped(
    capture: Capture, folder: Path, attempt: Attempt, known: Matches, limit_s: float | None, progress: Progress
) -> list[list[str]]:
    """The models of one attempt, made now or in an earlier run."""
    place = _folder(folder, attempt)
    finished = place / _OUTCOME
    if not finished.exists():
        seconds = int(limit_s) if limit_s is not None else -1
        database, pictures = str(known.folder / DATABASE), str(known.pictures.folder)
        job = Map(database, pictures, str(place), len(capture.stills), attempt.mapper, seconds)
        stop_s = None if limit_s is None else limit_s + 30.0  # COLMAP looks at its own limit only between stills
        mapped = run_job(job, Mapped, known.folder, "placing photographs", progress, seconds=stop_s)
        with whole_file(finished) as aside:
            aside.write_bytes(msgspec.json.encode(mapped))
    return msgspec.json.decode(finished.read_bytes(), type=Mapped).models


def _folder(folder: Path, attempt: Attempt) -> Path:
    return folder / f"model-{fingerprint(msgspec.to_builtins([attempt.features, attempt.mapper]))}"


def _part(progress: Progress, attempt: Attempt, number: int) -> Progress:
    """Each attempt after the first has half of what is left of the share."""
    first = 0.0 if number == 0 else 1.0 - (1.0 - _FIRST_SHARE) * 0.5 ** (number - 1)
    last = 1.0 - (1.0 - _FIRST_SHARE) * 0.5**number
    said = "" if number == 0 else f" (attempt {number + 1}: {attempt.what})"
    return lambda what, share: progress(what + said, first + (last - first) * share)


def _share(progress: Progress, first: float, last: float) -> Progress:
    return lambda what, share: progress(what, first + (last - first) * share)
