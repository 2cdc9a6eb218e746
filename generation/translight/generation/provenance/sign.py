"""Signing an asset: its records are read, its acceptance is asked for, it gets its credential, the ledger says so.

origin.py, decision.py, claim.py and credential.py in their order.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from translight.core.errors import FormatError, GenerationError
from translight.core.files import sha256_of, whole_file
from translight.environment.manifest import FILE_NAME as MANIFEST
from translight.environment.package import SUFFIX, is_package
from translight.environment.package_write import pack_stored
from translight.generation.provenance import credential
from translight.generation.provenance.certificates import Signer
from translight.generation.provenance.claim import Facts, definition
from translight.generation.provenance.decision import Subject, decide, ledger_at
from translight.generation.provenance.files import digest_of_asset, files_of, listing
from translight.generation.provenance.origin import Step, origin_of
from translight.generation.review.ledger import Entry, append
from translight.generation.review.made import lineage
from translight.generation.run.store import FILE_NAME


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be signed, and in whose name."""

    asset: Path
    by: str
    output: Path | None = None
    """Of a file that carries its credential inside: the signed copy; None replaces the asset."""
    ledger: Path | None = None
    source: Path | None = None
    """The candidate's folder or the environment that the asset was made of, where its own folder does not say."""
    unapproved: bool = False
    """Sign what nobody has accepted; the credential says so."""
    force: bool = False
    """Replace the output, or the credential beside the asset, when it exists."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of it."""

    asset: Path
    sidecar: Path | None
    """Where the credential lies when it is not inside."""
    sha256_before: str
    sha256: str
    approved: bool
    entry: Entry | None
    """The ledger's new line."""


def sign(order: Order, signer: Signer, *, now: datetime | None = None) -> Signed:
    """Sign. The credential, or the asset with it, appears whole or not at all, and after the ledger has its line.

    Raises GenerationError where nothing says how the asset was made, its candidate was not accepted, or it is signed
    already; FormatError where a record is damaged or a file cannot be written.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC)
    if not order.by.strip():
        raise GenerationError("a signature wants a name: --by NAME")
    asset = Path(order.asset.absolute())
    if not asset.exists():
        raise FormatError(f"{order.asset}: no such file or folder")
    # a package's folder keeps its credential beside it, unless a zip is asked for
    inside = credential.embeds(asset) or (asset.is_dir() and is_package(asset) and order.output is not None)
    output, sidecar = _places(order, asset, inside=inside)
    run = None if order.ledger is None else order.ledger.absolute().parent
    entries, head = ledger_at(order.ledger)
    files, before = files_of(asset), digest_of_asset(asset)
    origin = origin_of(asset, order.source, run)
    marked = next((e for e in reversed(entries) if e.action == "marked" and e.about.get("sha256") == before), None)
    if marked is not None:
        step = Step("watermarked", marked.at, {"id": str(marked.about.get("id"))})
        origin = replace(origin, steps=(*origin.steps, step))
    # a package is known by its environment.json as well, which is the same in a folder and in a zip
    digests = frozenset((before, files.get(MANIFEST, before)))
    decision = decide(entries, Subject(origin.candidate, origin.candidate_sha256, digests))
    if not decision.accepted and not order.unapproved:
        raise GenerationError(f"{order.asset}: {decision.why_not}; --unapproved signs it all the same, and says so")
    facts = Facts(
        asset.name, order.by.strip(), now.isoformat(timespec="seconds"), before, files, head, len(entries),
        order.ledger is not None, lineage(entries, digests),
    )  # fmt: skip
    claim = definition(origin, decision, facts)
    about: dict[str, Any] = {
        "environment" if is_package(asset) else "file": output.name,
        "certificate": f"{x509.load_pem_x509_certificates(signer.chain)[0].serial_number:x}",
        "approved": decision.accepted,
        **({"candidate": origin.candidate} if origin.candidate else {}),
    }
    if inside:
        try:
            with whole_file(output) as aside:
                _embedded(asset, aside, claim, signer)
                after = sha256_of(aside)
                entry = _noted(order, {**about, "sha256_before": before, "sha256": after})
        except OSError as error:
            raise FormatError(f"{output}: cannot be written ({error.strerror})") from error
        return Signed(output, None, before, after, decision.accepted, entry)
    assert sidecar is not None
    try:
        with whole_file(sidecar) as aside:
            with io.BytesIO(listing(files)) if asset.is_dir() else asset.open("rb") as content:
                aside.write_bytes(credential.made_for(content, claim, signer))
            entry = _noted(order, {**about, "sha256": before, "credential_sha256": sha256_of(aside)})
    except OSError as error:
        raise FormatError(f"{sidecar}: cannot be written ({error.strerror})") from error
    return Signed(asset, sidecar, before, before, decision.accepted, entry)


def _embedded(asset: Path, output: Path, claim: Mapping[str, Any], signer: Signer) -> None:
    """Into ``output``. A package is packed anew first: c2pa reads only what a zip holds without compression."""
    if not is_package(asset):
        credential.embed(asset, output, claim, signer)
        return
    with tempfile.TemporaryDirectory("", ".signing-", output.parent) as aside:
        packed = Path(aside) / f"package{SUFFIX}"
        pack_stored(asset, packed)
        credential.embed(packed, output, claim, signer)


def _places(order: Order, asset: Path, *, inside: bool) -> tuple[Path, Path | None]:
    """Where the signed asset and the credential beside it go. Raises GenerationError where they may not."""
    if not inside:
        sidecar = credential.sidecar_for(asset)
        if order.output is not None:
            raise GenerationError(f"{order.asset}: keeps its bytes, its credential goes to {sidecar}: no --output")
        if sidecar.exists() and not order.force:
            raise GenerationError(f"{sidecar}: exists; --force replaces it")
        return asset, sidecar
    if asset.is_file() and credential.read_inside(asset, None) is not None:
        raise GenerationError(f"{order.asset}: is signed already; sign the file it was made of")
    output = asset if order.output is None else order.output.absolute()
    if output.suffix.lower() != asset.suffix.lower():
        raise GenerationError(f"{order.output}: must end in {asset.suffix}, as the asset does")
    if output == asset and (asset.parent / FILE_NAME).is_file():
        raise GenerationError(f"{order.asset}: {FILE_NAME} lists it as it is: sign a copy, --output FILE")
    if output != asset and output.exists() and not order.force:
        raise GenerationError(f"{order.output}: exists; --force replaces it")
    return output, None


def _noted(order: Order, about: dict[str, Any]) -> Entry | None:
    return None if order.ledger is None else append(order.ledger, order.by, "signed", about)[0]
