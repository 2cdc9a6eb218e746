"""Variations into a run's folder: vary.py makes one; here it gets its name, its measures and its line in the ledger."""

from __future__ import annotations

from pathlib import Path

from translight.core.errors import GenerationError
from translight.core.file_lock import locked
from translight.core.files import discarded, sha256_of
from translight.core.image import save_image
from translight.generation.brief.read import read_brief
from translight.generation.review.decisions import changed_since, check_whole, run_of
from translight.generation.review.history import rows, state_words
from translight.generation.review.ledger import FILE_NAME as LEDGER
from translight.generation.review.ledger import append, read_ledger
from translight.generation.review.measures.measure import Wall
from translight.generation.review.measures.measures import read_measures, save_measures
from translight.generation.review.vary import Wish, brief_of, vary
from translight.generation.run.contact_sheet import contact_sheet
from translight.generation.run.generate import BRIEF, LOCK, SHEET, Watch, licence_line
from translight.generation.run.job import read_identity
from translight.generation.run.store import FILE_NAME, load_candidate, save_candidate

_WAIT_S = 10.0
_MOST = 1000


def add_variation(folder: Path, wish: Wish, who: str, watch: Watch) -> Path:
    """Make the variation of the candidate in ``folder``; it appears beside it, whole or not at all.

    ``draw_sheet`` is the caller's.

    Raises as vary.vary does, and GenerationError where the folder is in no run, another works there, or no name is
    given; FormatError when candidate or ledger were changed, or nothing can be written.
    """
    if not who.strip():
        raise GenerationError("a variation wants the name of who asks for it: --by NAME")
    run = run_of(folder)
    identity = read_identity(run)
    if identity is None:
        raise GenerationError(f"{run}: holds no run.json, so how its candidates were made is not known")
    with locked(run / LOCK) as have:
        if not have:
            raise GenerationError(f"{run}: another run is at work there; wait for it")
        name, sha256 = folder.absolute().name, check_whole(folder)
        since = changed_since(read_ledger(run / LEDGER)[0], name, sha256)
        if since is not None:
            raise GenerationError(f"{folder}: is not what {since.who} {since.action}: candidate.json was changed")
        brief, output = read_brief(run / BRIEF), _free(folder.absolute())
        made = vary(load_candidate(folder), brief, identity, wish, output.name, sha256, watch.progress)
        for model in made.models:
            watch.note(licence_line(model))
        before = read_measures(folder)
        save_candidate(made, output)
        try:
            save_measures(output, made, brief_of(made, brief), before.wall if before is not None else Wall())
            about = {
                "candidate": output.name,
                "sha256": sha256_of(output / FILE_NAME),
                "from": name,
                "from_sha256": sha256,
            }
            append(run / LEDGER, who, "varied", about | ({"note": wish.note} if wish.note else {}), wait_s=_WAIT_S)
        except BaseException:  # an interrupt too: a variation that the ledger does not know is none
            discarded(output)
            raise
    return output


def draw_sheet(run: Path) -> Path:
    """The contact sheet of all that a run's folder holds, with what was decided. Raises FormatError."""
    found = rows(run)
    told = [row for row in found if row.decision is not None or row.changed or row.unknown]
    states = {row.folder.name: state_words(row) for row in told}
    save_image(run / SHEET, contact_sheet(read_brief(run / BRIEF).name, [row.folder for row in found], states))
    return run / SHEET


def _free(parent: Path) -> Path:
    """The first name after PARENT-v1 that nothing has."""
    for number in range(1, _MOST):
        folder = parent.with_name(f"{parent.name}-v{number}")
        if not folder.exists():
            return folder
    raise GenerationError(f"{parent}: has {_MOST - 1} variations already")
