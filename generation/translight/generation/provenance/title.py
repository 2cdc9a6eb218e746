"""The chain of title of each generated asset of a show: what it is, of what, by whose decision, and whether signed.

rows.py puts it into words, report_html.py and report_pdf.py draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError, GenerationError, TranslightError
from translight.environment.package import is_package, open_package
from translight.generation.candidate import Model
from translight.generation.provenance.claim import LEDGER, SOURCE_TYPES
from translight.generation.provenance.decision import DECISIONS
from translight.generation.provenance.files import digest_of_asset
from translight.generation.provenance.origin import Origin, Step, of_candidate, origin_of
from translight.generation.provenance.verify import Verdict, read, verify
from translight.generation.review.ledger import FILE_NAME as LEDGER_FILE
from translight.generation.review.ledger import Entry, read_ledger
from translight.generation.run.generate import candidates_in
from translight.generation.run.job import FILE_NAME as RUN_FILE
from translight.generation.run.store import PREVIEW, read_stored

_MAX_PICTURE = 4 << 20


@dataclass(frozen=True, slots=True)
class Ledger:
    """A run's ledger. ``broken`` says in words what is wrong with it; empty when nothing is."""

    path: Path
    entries: tuple[Entry, ...]
    head: str
    broken: str


@dataclass(frozen=True, slots=True)
class Title:
    """One asset. Texts are as the records have them, not yet safe to show."""

    asset: Path
    kind: str
    """Environment or candidate."""
    sha256: str
    origin: Origin | None
    unknown: str
    """Why there is no origin, where there is none."""
    decisions: tuple[Entry, ...]
    verdict: Verdict
    ledger: Ledger | None
    picture: bytes | None
    """A JPEG."""

    @property
    def models(self) -> tuple[Model, ...]:
        """Those that took part."""
        return () if self.origin is None else self.origin.models

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done, in order."""
        return () if self.origin is None else self.origin.steps

    @property
    def source_type(self) -> str:
        """IPTC's word for how it was made; empty where that is not known."""
        return "" if self.origin is None else SOURCE_TYPES.get(self.origin.how, "").rpartition("/")[2]

    @property
    def state(self) -> str:
        """The signature in a word or two."""
        return ("proved", "not proved", "not signed")[self.verdict.status]


def titles(paths: Sequence[Path], root: Path | None) -> list[Title]:
    """Of environments and runs' folders, in their order; environments find their run's ledger among the folders.

    Raises GenerationError on a path that is neither. What is wrong with an asset stands in its title.
    """
    runs = [path for path in paths if (path / RUN_FILE).is_file()]
    ledgers = {run: _ledger(run / LEDGER_FILE) for run in runs}
    found = []
    for path in paths:
        if path in ledgers:
            found += [_of_candidate(folder, ledgers[path], root) for folder, _ in candidates_in(path)]
        elif path.exists() and is_package(path):
            found.append(_of_environment(path, ledgers, root))
        else:
            raise GenerationError(f"{path}: neither an environment nor a run's folder")
    return found


def _of_candidate(folder: Path, ledger: Ledger | None, root: Path | None) -> Title:
    preview = folder / PREVIEW
    picture = _small(preview) if PREVIEW in read_stored(folder).files else None
    return _title(folder, "candidate", lambda: of_candidate(folder), ledger, root, picture)


def _of_environment(package: Path, ledgers: dict[Path, Ledger | None], root: Path | None) -> Title:
    picture, run = None, None
    try:
        with open_package(package) as opened:
            thumbnail = opened.part("thumbnail")
            picture = None if thumbnail is None else _small(thumbnail)
        candidate = origin_of(package, None, None).candidate
        run = next((one for one in ledgers if candidate and (one / "candidates" / candidate).is_dir()), None)
    except TranslightError:
        pass  # said by what follows
    ledger = None if run is None else ledgers[run]
    return _title(package, "environment", lambda: origin_of(package, None, run), ledger, root, picture)


def _title(
    asset: Path,
    kind: str,
    origin: Callable[[], Origin],
    ledger: Ledger | None,
    root: Path | None,
    picture: bytes | None,
) -> Title:
    known, unknown, digest = None, "", ""
    try:
        digest = digest_of_asset(asset)
        known = origin()
    except TranslightError as error:
        unknown = str(error)
    verdict = verify(asset, root, None if ledger is None or not ledger.path.is_file() else ledger.path)
    decisions: tuple[Entry, ...] = ()
    if ledger is not None:
        decisions = tuple(
            entry
            for entry in ledger.entries
            if entry.action in DECISIONS
            and (
                entry.about.get("sha256") == digest
                or (known is not None and bool(known.candidate) and entry.about.get("candidate") == known.candidate)
            )
        )
    return Title(asset, kind, digest, known, unknown, decisions, verdict, ledger, picture)


def head_claimed(asset: Path) -> str:
    """The ledger's head in an asset's credential; empty where there is none."""
    try:
        reading = read(asset, None)
    except FormatError:
        return ""
    data = None if reading is None else reading.assertion(LEDGER)
    return str(data.get("head") or "") if isinstance(data, dict) else ""


def _ledger(path: Path) -> Ledger | None:
    if not path.is_file():
        return None
    try:
        return Ledger(path, *read_ledger(path), "")
    except FormatError as error:
        return Ledger(path, (), "", str(error))


def _small(file: Path) -> bytes | None:
    """A picture's bytes, where it is a JPEG of a reasonable size."""
    try:
        data = file.read_bytes() if file.stat().st_size <= _MAX_PICTURE else b""
    except OSError:
        return None
    return data if data.startswith(b"\xff\xd8\xff") else None
