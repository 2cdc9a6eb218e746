"""What a credential proves of an asset, in plain words: proved, claimed, and wrong or not proved.

Proved is what mathematics holds: these bytes, this key, this root, this ledger. Claimed is what the signer wrote and
nobody else vouches for. sign.py made it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from translight.core.errors import FormatError
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.generation.provenance import credential
from translight.generation.provenance.certificates import common_name, read_certificates
from translight.generation.provenance.claim import FILES, LEDGER, ORIGIN
from translight.generation.provenance.credential import Reading
from translight.generation.provenance.decision import Subject, decide, ledger_at, signed_once, wrong_with
from translight.generation.provenance.files import differences, digest_of_asset, files_of, listing
from translight.generation.review.ledger import Entry
from translight.generation.review.made import lineage, made_words

PROVED, WRONG, NOT_SIGNED = 0, 1, 2
"""Exit statuses."""

_BYTES = {
    "assertion.dataHash.match": "its bytes",
    "assertion.collectionHash.match": "every file of the zip",
    "assertion.bmffHash.match": "its boxes",
    "assertion.boxesHash.match": "its boxes",
}
_CODES = {
    "assertion.dataHash.mismatch": "its bytes are not the ones that were signed",
    "assertion.collectionHash.mismatch": "the zip's files are not the ones that were signed",
    "assertion.bmffHash.mismatch": "its bytes are not the ones that were signed",
    "assertion.boxesHash.mismatch": "its bytes are not the ones that were signed",
    "assertion.hashedURI.mismatch": "what the credential says was changed after it was signed",
    "claimSignature.mismatch": "the signature is not of this claim: the credential was changed",
    "signingCredential.expired": "the certificate is not valid at this time",
    "signingCredential.invalid": "the certificate is not one for signing claims",
}
_UNTRUSTED = "signingCredential.untrusted"
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """Lines of plain words, with nothing in them that a terminal obeys."""

    status: int
    proved: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    """Not proved, or changed."""


def verify(asset: Path, root: Path | None = None, ledger: Path | None = None) -> Verdict:
    """Check an asset's credential, against a root that is trusted and the run's ledger where they are given.

    Raises FormatError or GenerationError only on what the caller named wrongly: no such asset, root or ledger; what is
    wrong with the asset stands in the verdict.
    """
    roots = None if root is None else b"".join(c.public_bytes(Encoding.PEM) for c in read_certificates(root))
    if not asset.exists():
        raise FormatError(f"{asset}: no such file or folder")
    try:
        reading = read(asset, roots)
    except FormatError as error:
        return Verdict(WRONG, wrong=(plain(f"the credential cannot be read, so nothing is proved: {error}"),))
    if reading is None:
        return _unsigned(asset, ledger)
    proved, wrong = _bytes(asset, reading)
    title = reading.manifest.get("title")
    if wrong and title != asset.name and not credential.embeds(asset):
        wrong.append(f"{credential.sidecar_of(asset).name} is the credential of “{title}”, by its own words")
    _certificate(reading, root, proved, wrong)
    if ledger is None:
        wrong.append("the ledger was not looked at: give --ledger RUN/ledger.jsonl")
        unseen = 1
    else:
        unseen = 0
        _ledger(asset, reading, ledger, proved, wrong)
    status = PROVED if len(wrong) == unseen else WRONG
    return Verdict(
        status, *(tuple(plain(line) for line in lines) for lines in (proved, _claims(reading, proved), wrong))
    )


def _unsigned(asset: Path, ledger: Path | None) -> Verdict:
    """Of an asset without a credential: the ledger may know that it had one."""
    sidecar = credential.sidecar_of(asset).name
    wrong, status = [f"not signed: no credential inside, and no {sidecar} beside it"], NOT_SIGNED
    if ledger is not None:
        try:
            more = signed_once(ledger_at(ledger)[0], asset.name, digest_of_asset(asset))
        except FormatError as error:
            more = f"the ledger was changed, or a file cannot be read: {error}"
        if more:
            wrong, status = [*wrong, more], WRONG
    return Verdict(status, wrong=tuple(plain(line) for line in wrong))


def read(asset: Path, roots: bytes | None) -> Reading | None:
    """The credential of an asset, inside or beside; None where there is none. Raises FormatError."""
    if credential.embeds(asset) and (inside := credential.read_inside(asset, roots)) is not None:
        return inside
    sidecar = credential.sidecar_of(asset)
    if not sidecar.is_file():
        return None
    if asset.is_dir():
        return credential.read_beside(io.BytesIO(listing(files_of(asset))), sidecar, roots)
    try:
        if not asset.is_file():
            raise FormatError(f"{asset}: neither a file nor a folder")
        with asset.open("rb") as content:
            return credential.read_beside(content, sidecar, roots)
    except OSError as error:
        raise FormatError(f"{asset}: cannot be read ({error.strerror})") from error


def plain(text: str) -> str:
    """Words from elsewhere as they may be printed: no control characters, not without end."""
    shown = "".join(c if c.isprintable() else "�" for c in text)
    return shown if len(shown) <= 2 * _MAX_WORDS else shown[: 2 * _MAX_WORDS] + "…"


def _bytes(asset: Path, reading: Reading) -> tuple[list[str], list[str]]:
    proved: list[str] = []
    wrong = [_CODES.get(code, f"{code}: {explanation}") for code, explanation in reading.failures if code != _UNTRUSTED]
    listed = _table(reading, FILES).get("files")
    several = asset.is_dir() or len(listed if isinstance(listed, dict) else ()) > 1
    if several:  # its own reading of the zip, so that no other reader's view of it can be another
        signed = {str(name): str(digest) for name, digest in listed.items()} if isinstance(listed, dict) else {}
        try:
            wrong += differences(signed, files_of(asset))
        except FormatError as error:
            wrong.append(str(error))
    whole = [words for code, words in _BYTES.items() if code in reading.successes]
    if whole and not wrong and "claimSignature.validated" in reading.successes:
        more = f", {len(listed)} files compared" if several and isinstance(listed, dict) else ""
        proved.append(f"unchanged since it was signed: {whole[0]}{more}")
    elif not wrong:
        wrong.append("the credential does not say which bytes were signed")
    return proved, wrong


def _certificate(reading: Reading, root: Path | None, proved: list[str], wrong: list[str]) -> None:
    info = reading.manifest.get("signature_info")
    info = info if isinstance(info, dict) else {}
    who = f"“{info.get('common_name', '')}” of “{info.get('issuer', '')}”"
    if root is None:
        wrong.append(f"signed by {who}, or by anybody who calls himself so: no root was given, --trust ROOT.pem")
        return
    names = ", ".join(f"“{common_name(certificate)}”" for certificate in read_certificates(root))
    if "signingCredential.trusted" in reading.successes:
        proved.append(f"signed by {who}, whose certificate comes from the root that you trust: {names}")
    else:
        wrong.append(f"signed by {who}, whose certificate does not come from the root that you trust: {names}")


def _ledger(asset: Path, reading: Reading, ledger: Path, proved: list[str], wrong: list[str]) -> None:
    try:
        entries, head = ledger_at(ledger)
    except FormatError as error:
        wrong.append(f"the ledger was changed: {error}")
        return
    claimed = _table(reading, LEDGER)
    if claimed.get("head") is None:
        wrong.append("it was signed without a ledger")
        return
    found = wrong_with(entries, head, claimed, digest_of_asset(asset))
    wrong += found
    if not found:
        count = claimed["entries"]
        proved.append(
            f"the ledger goes on from the one that was signed: lines 1 to {count} of {len(entries)} are as they were"
        )
        if claimed.get("approved") is True:
            _acceptance(asset, reading, entries, proved, wrong)
        if not wrong:
            proved += [
                f"line {made.number} of the ledger says: {made_words(made)}"
                for made in lineage(entries[:count], _seen(asset, reading))
                if made.action == "plated"
            ]


def _acceptance(asset: Path, reading: Reading, entries: Sequence[Entry], proved: list[str], wrong: list[str]) -> None:
    """Whether a ledger that is the signed one holds the acceptance that the credential names, and still holds to it."""
    claimed, origin = _table(reading, LEDGER), _table(reading, ORIGIN)
    before = origin.get("asset_sha256_before_signing")
    seen = _seen(asset, reading)
    subject = Subject(
        str(origin.get("candidate") or ""),
        str(origin.get("candidate_sha256") or ""),
        frozenset(str(digest) for digest in (before, *seen) if digest),
    )
    then, told = decide(entries[: claimed["entries"]], subject), claimed.get("decision")
    named = (told.get("line"), told.get("who"), told.get("at")) if isinstance(told, dict) else None
    if not then.accepted or then.entry is None or named != (then.entry.number, then.entry.who, then.entry.at):
        wrong.append("the ledger does not hold the acceptance that the credential names")
        return
    if not wrong:  # else nobody knows whose words these are
        entry, made = then.entry, then.recorded
        what = f"candidate {subject.candidate}"
        if entry.about.get("sha256") in seen:
            what = "exactly this"
        elif "environment" in entry.about:
            what = f"{entry.about['environment']}, which this was before it was signed"
        proved.append(
            f"line {entry.number} of the ledger says that {entry.who} accepted {what}, and has not changed since"
        )
        if made is not None and entries[made - 1].about.get("sha256") in seen:
            proved.append(_made_in(made, subject.candidate))
    now = decide(entries, subject)
    if not now.accepted:
        wrong.append(f"that holds no more: {now.why_not}, after it was signed")


def _seen(asset: Path, reading: Reading) -> set[str]:
    """What the file's own bytes answer for: the rest is the signer's word."""
    listed = _table(reading, FILES).get("files")
    manifest = listed.get(MANIFEST) if isinstance(listed, dict) else None
    return {digest_of_asset(asset), *([str(manifest)] if manifest else [])}


def _made_in(line: object, candidate: object) -> str:
    return f"line {line} of the ledger says that this was made of candidate {candidate}"


def _claims(reading: Reading, proved: Sequence[str]) -> Iterable[str]:
    ledger, origin = _table(reading, LEDGER), _table(reading, ORIGIN)
    if ledger.get("signed_at"):
        yield f"signed at {ledger['signed_at']} by {ledger.get('signed_by')}: by the signer's own clock"
    told = ledger.get("decision")
    if ledger.get("approved") is True and isinstance(told, dict):
        yield f"accepted by {told.get('who')} at {told.get('at')}"
        if ledger.get("made_in_line") is None:
            yield "that this file was made of what was accepted: no line of the ledger says so of its bytes"
        elif (made := _made_in(ledger["made_in_line"], origin.get("candidate"))) not in proved:
            yield f"{made}, before it got its credential"
    else:
        yield f"signed unapproved: {ledger.get('why_not_approved', 'it does not say why')}"
    hows = {
        "procedural": "computed, without a trained model",
        "model": "made by a trained model (AI)",
        "mixed": "made of a trained model's work (AI) and of something else",
        "photographs": "made of photographs",
        "imported": "imported: what made it is not known",
    }
    if origin.get("how") in hows:
        engine = f", engine {origin['engine']}, seed {origin.get('seed')}" if origin.get("engine") else ""
        candidate = f", as candidate {origin['candidate']}" if origin.get("candidate") else ""
        yield f"{hows[origin['how']]}{engine}{candidate}"
    models = origin.get("models")
    for model in models if isinstance(models, list) else ():
        if isinstance(model, dict):
            commercial: dict[Any, str] = {True: "commercial use allowed", False: "NOT for commercial use"}
            allowed = commercial.get(model.get("commercial"), "commercial use not known")
            yield f"{model.get('role')} {model.get('name')}, licence {model.get('licence')}: {allowed}"


def _table(reading: Reading, label: str) -> dict[str, Any]:
    data = reading.assertion(label)
    return data if isinstance(data, dict) else {}
