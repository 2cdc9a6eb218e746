"""A run: the candidates of a brief, one after another into a folder, gone on with where an earlier run ended.

::

    FOLDER/run.json                  what it was begun with
    FOLDER/brief.toml                the brief as it was read, its files by their whole paths
    FOLDER/candidates/NAME/…         each as store.py says, there only when it is complete
    FOLDER/candidates/NAME/measures.json  as review/measures/ finds it
    FOLDER/contact_sheet.jpg         all of them at a glance, drawn anew after each
    FOLDER/ledger.jsonl              who made and decided what, as review/ledger.py says
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from translight.core.errors import GenerationError
from translight.core.file_lock import locked
from translight.core.files import sha256_of
from translight.core.image import save_image
from translight.generation.brief.brief import Brief
from translight.generation.brief.read import read_brief
from translight.generation.brief.translate import translate
from translight.generation.brief.write import write_brief
from translight.generation.candidate import DERIVED, Candidate, Model
from translight.generation.engines.engine import Order, open_engine
from translight.generation.review import ledger
from translight.generation.review.decisions import decisions, mentions
from translight.generation.review.measures import measures
from translight.generation.run import job as job_file
from translight.generation.run.contact_sheet import contact_sheet
from translight.generation.run.job import Job
from translight.generation.run.store import FILE_NAME, Stored, load_candidate, read_stored, save_candidate

BRIEF = "brief.toml"
SHEET, LOCK = "contact_sheet.jpg", "lock"
_CANDIDATES = "candidates"
_LEDGER_WAIT_S = 10.0


class Watch(Protocol):
    """Is told how far a run is."""

    def progress(self, what: str, share: float) -> None:
        """A few words, and the share of the present candidate that is done."""
        ...

    def note(self, what: str) -> None:
        """Something that is told once."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """What a run's folder holds at its end."""

    brief: Brief
    candidates: tuple[Path, ...]
    """Folders, in the order of the seeds."""
    made_now: int
    contact_sheet: Path


def generate(job: Job, watch: Watch) -> Made:
    """Run; a candidate that is complete stays, whatever ends the run.

    Raises GenerationError when the brief, the engine or its source are not to be had, another run is at work in the
    folder, or the folder is another run's; FormatError when it cannot be written (a full disk too).
    """
    brief = read_brief(job.brief)
    parameters = translate(brief)
    engine = open_engine(job.engine, job.source)
    for model in engine.models():
        watch.note(licence_line(model))
    with _opened(job, brief):
        order = Order(brief, parameters, job.height_px)
        seeds = engine.seeds(order)
        finished = {
            stored.seed: folder
            for folder, stored in candidates_in(job.folder)
            if DERIVED not in stored.settings  # made of another here, not for a seed
        }
        missing = tuple(seed for seed in seeds if seed not in finished)
        if len(missing) < len(seeds):
            watch.note(f"{len(seeds) - len(missing)} of {len(seeds)} candidates are there already")
        order = replace(order, parameters=replace(parameters, seeds=missing))
        sheet = job.folder / SHEET
        for folder in finished.values():
            _reviewed(job, brief, folder, None)
        done = 0
        for candidate in engine.candidates(order, watch.progress):
            folder = job.folder / _CANDIDATES / candidate.name
            save_candidate(candidate, folder)
            _reviewed(job, brief, folder, candidate)
            finished[candidate.seed] = folder
            done += 1
            watch.note(f"{candidate.name} ({len(finished)} of {len(seeds)})")
            save_image(sheet, contact_sheet(brief.name, _in_order(seeds, finished)))
        if not sheet.is_file():
            save_image(sheet, contact_sheet(brief.name, _in_order(seeds, finished)))
    return Made(brief, tuple(_in_order(seeds, finished)), done, sheet)


def candidate_folders(run: Path) -> list[Path]:
    """The folders of a run's complete candidates, by name; none is read."""
    return [entry.parent for entry in sorted((run / _CANDIDATES).glob(f"[!.]*/{FILE_NAME}"))]


def candidates_in(folder: Path) -> Iterator[tuple[Path, Stored]]:
    """The complete candidates of a run's folder, by name. Raises FormatError on a damaged one."""
    for candidate in candidate_folders(folder):
        yield candidate, read_stored(candidate)


def _reviewed(job: Job, brief: Brief, folder: Path, candidate: Candidate | None) -> None:
    """A candidate's measures and its line in the ledger, where an earlier run was ended before it had them."""
    if measures.read_measures(folder) is None:
        measures.save_measures(folder, candidate or load_candidate(folder), brief, job.wall)
    path = job.folder / ledger.FILE_NAME
    about = {"candidate": folder.name, "sha256": sha256_of(folder / FILE_NAME)}
    if job.by and about["sha256"] not in mentions(ledger.read_ledger(path)[0], folder.name):
        ledger.append(path, job.by, "generated", {**about, "engine": job.engine}, wait_s=_LEDGER_WAIT_S)


def _keep_accepted(folder: Path, entries: Sequence[ledger.Entry]) -> None:
    """Raises GenerationError where a fresh start would remove what somebody accepted."""
    found = decisions(entries)
    for name, decision in sorted(found.items()):
        if decision.state == "accepted" and (folder / _CANDIDATES / name / FILE_NAME).is_file():
            raise GenerationError(
                f"{folder}: --fresh would remove {name}, which {decision.who} accepted; "
                "choose another folder, or reject it first"
            )


def licence_line(model: Model) -> str:
    """What a supervisor must know before a model takes part."""
    allowed = {True: "commercial use allowed", False: "NOT for commercial use", None: "licence not known: ask"}
    return f"{model.role} {model.name}: {model.licence}, {allowed[model.commercial]}"


def _in_order(seeds: Sequence[int], finished: Mapping[int, Path]) -> list[Path]:
    return [finished[seed] for seed in seeds if seed in finished]


@contextmanager
def _opened(job: Job, brief: Brief) -> Iterator[None]:
    """The folder, made or gone on with, its lock held."""
    now, folder = job_file.identity(job), job.folder
    _check_ours(folder)
    try:
        (folder / _CANDIDATES).mkdir(parents=True, exist_ok=True)
        with locked(folder / LOCK) as have:
            if not have:
                raise GenerationError(f"{folder}: another run is at work there; wait for it, or choose another folder")
            entries, _ = ledger.read_ledger(folder / ledger.FILE_NAME)
            if job.fresh:
                _keep_accepted(folder, entries)
                for made in (folder / _CANDIDATES).glob(f"*/{FILE_NAME}"):
                    made.unlink()  # first of all: ended in between, no candidate is there that lacks a picture
                shutil.rmtree(folder / _CANDIDATES)
                (folder / _CANDIDATES).mkdir()
                (folder / SHEET).unlink(missing_ok=True)
            else:
                then = job_file.read_identity(folder)
                if then is not None and (told := job_file.differences(then, now)):
                    raise GenerationError(f"{folder} holds another run: {'; '.join(told)}; --fresh begins anew")
            write_brief(folder / BRIEF, brief)
            job_file.write_identity(folder, now)
            yield
    except OSError as error:
        raise GenerationError(f"{folder}: cannot be written ({error.strerror})") from error


def _check_ours(folder: Path) -> None:
    """A folder that is there holds a run, or what one makes before it says so."""
    if folder.is_dir():
        own = (LOCK, _CANDIDATES, BRIEF)
        ours = (folder / job_file.FILE_NAME).is_file() or all(entry.name in own for entry in folder.iterdir())
    else:
        ours = not folder.exists()
    if not ours:
        raise GenerationError(f"{folder}: exists and holds no run: choose another folder")
