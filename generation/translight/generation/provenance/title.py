"""The chain of title of each generated asset of a show: what it is, of what, by whose decision, and whether signed.

rows.py puts it into words, report_html.py and report_pdf.py draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError, GenerationError, TranslightError
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.environment.package import is_package, open_package
from translight.generation.candidate import Model
from translight.generation.provenance.certificates import read_certificates
from translight.generation.provenance.claim import LEDGER, SOURCE_TYPES
from translight.generation.provenance.files import digest_of_asset, files_of
from translight.generation.provenance.origin import Origin, Step, of_candidate, origin_of
from translight.generation.provenance.verify import WRONG, Verdict, read, verify
from translight.generation.review.decisions import DECISIONS, check_whole, decisions
from translight.generation.review.ledger import FILE_NAME as LEDGER_FILE
from translight.generation.review.ledger import Entry, read_ledger
from translight.generation.review.made import known_as, lineage
from translight.generation.run.generate import candidate_folders
from translight.generation.run.job import FILE_NAME as RUN_FILE
from translight.generation.run.store import FILE_NAME, PREVIEW, read_stored

MISSING = "missing"
_MAX_PICTURE = 4 << 20


@dataclass(frozen=True, slots=True)
class Ledger:
    """A run's ledger. ``broken`` says in words what is wrong with it, or is MISSING; empty when nothing is."""

    path: Path
    entries: tuple[Entry, ...]
    head: str
    broken: str


@dataclass(frozen=True, slots=True)
class Title:
    """One asset. Texts are as the records have them, not yet safe to show."""

    asset: Path
    kind: str
    """Environment, splats or candidate."""
    fault: str
    """MISSING where it is not there; why it is damaged where it cannot be read whole; else empty."""
    sha256: str
    origin: Origin | None
    unknown: str
    """Why there is no origin, where there is none."""
    decisions: tuple[Entry, ...]
    made: tuple[Entry, ...]
    """The ledger's lines that lead to it from a candidate."""
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


def titles(paths: Sequence[Path], root: Path | None, *, shown: Collection[Path] = ()) -> list[Title]:
    """Of environments and runs' folders, in their order; environments find their run's ledger among the folders.

    ``shown`` are those of the paths that a show names: they are listed where they are missing, and splat files among
    them too. What is wrong with an asset stands in its title, and the others follow. A run is also missing what its
    ledger says is accepted and its folder does not hold. Raises GenerationError on any other path that is neither an
    environment nor a run's folder, FormatError on a root that cannot be read.
    """
    if root is not None:
        read_certificates(root)
    runs = [path for path in paths if (path / RUN_FILE).is_file()]
    ledgers = {run: _ledger(run / LEDGER_FILE) for run in runs}
    found = []
    for path in paths:
        if path in ledgers:
            found += [_of_candidate(folder, ledgers[path], root) for folder in candidate_folders(path)]
            found += [_gone(folder, "candidate", ledgers[path]) for folder in _accepted_and_gone(path, ledgers[path])]
        elif path.exists() and (path in shown or is_package(path)):
            found.append(_of_environment(path, ledgers, root))
        elif path in shown:
            found.append(_gone(path, "environment", None))
        else:
            raise GenerationError(f"{path}: neither an environment nor a run's folder")
    return found


def _accepted_and_gone(run: Path, ledger: Ledger) -> Iterator[Path]:
    for name, decision in sorted(decisions(ledger.entries).items()):
        folder = run / "candidates" / name
        if decision.state == "accepted" and Path(name).name == name and not (folder / FILE_NAME).is_file():
            yield folder


def _gone(asset: Path, kind: str, ledger: Ledger | None) -> Title:
    entries = () if ledger is None else ledger.entries
    said = tuple(e for e in entries if e.action in DECISIONS and e.about.get("candidate") == asset.name)
    verdict = Verdict(WRONG, wrong=(MISSING,))
    return Title(asset, kind, MISSING, "", None, MISSING, said, (), verdict, ledger, None)


def _of_candidate(folder: Path, ledger: Ledger, root: Path | None) -> Title:
    picture, fault = None, ""
    try:
        picture = _small(folder / PREVIEW) if PREVIEW in read_stored(folder).files else None
        check_whole(folder)
    except (TranslightError, OSError) as error:
        fault = _said(error)
    return _title(folder, "candidate", fault, lambda: of_candidate(folder), ledger, root, picture)


def _of_environment(asset: Path, ledgers: dict[Path, Ledger], root: Path | None) -> Title:
    picture, run, fault = None, None, ""
    packed = is_package(asset)
    try:
        if packed:
            with open_package(asset) as opened:
                thumbnail = opened.part("thumbnail")
                picture = None if thumbnail is None else _small(thumbnail)
    except (TranslightError, OSError) as error:
        fault = _said(error)
    try:
        candidate = origin_of(asset, None, None).candidate
        run = next((one for one in ledgers if candidate and (one / "candidates" / candidate).is_dir()), None)
    except (TranslightError, OSError):
        pass  # said by what follows
    ledger = None if run is None else ledgers[run]
    kind = "environment" if packed else "splats"
    return _title(asset, kind, fault, lambda: origin_of(asset, None, run), ledger, root, picture)


def _title(
    asset: Path,
    kind: str,
    fault: str,
    origin: Callable[[], Origin],
    ledger: Ledger | None,
    root: Path | None,
    picture: bytes | None,
) -> Title:
    known, unknown, digest = None, "", ""
    try:
        digest = digest_of_asset(asset)
        known = origin()
    except (TranslightError, OSError) as error:
        unknown = _said(error)
    try:
        verdict = verify(asset, root, None if ledger is None or not ledger.path.is_file() else ledger.path)
    except (TranslightError, OSError) as error:
        verdict = Verdict(WRONG, wrong=(_said(error),))
    said: tuple[Entry, ...] = ()
    made: tuple[Entry, ...] = ()
    if ledger is not None:
        name = known.candidate if known is not None else asset.name if kind == "candidate" else ""
        digests = _digests(asset, digest)
        own, made = known_as(ledger.entries, digests), lineage(ledger.entries, digests)
        said = tuple(
            entry
            for entry in ledger.entries
            if entry.action in DECISIONS
            and (entry.about.get("sha256") in own or (bool(name) and entry.about.get("candidate") == name))
        )
    return Title(asset, kind, fault, digest, known, unknown, said, made, verdict, ledger, picture)


def _digests(asset: Path, digest: str) -> set[str]:
    """What a ledger may know an asset by."""
    try:
        return {digest, files_of(asset).get(MANIFEST, digest)} - {""}
    except FormatError:
        return {digest} - {""}


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: cannot be read ({error.strerror})"
    return str(error)


def head_claimed(asset: Path) -> str:
    """The ledger's head in an asset's credential; empty where there is none."""
    try:
        reading = read(asset, None)
    except FormatError:
        return ""
    data = None if reading is None else reading.assertion(LEDGER)
    return str(data.get("head") or "") if isinstance(data, dict) else ""


def _ledger(path: Path) -> Ledger:
    try:
        return Ledger(path, *read_ledger(path), "" if path.is_file() else MISSING)
    except FormatError as error:
        return Ledger(path, (), "", str(error))


def _small(file: Path) -> bytes | None:
    """A picture's bytes, where it is a JPEG of a reasonable size."""
    try:
        data = file.read_bytes() if file.stat().st_size <= _MAX_PICTURE else b""
    except OSError:
        return None
    return data if data.startswith(b"\xff\xd8\xff") else None
