"""A C2PA credential put on a file and read back, by c2pa-python; claim.py says what it holds, verify.py what it means.

ZIP, PNG, JPEG, TIFF and MP4 carry it inside; any other has it beside, in ``STEM.c2pa``, or in ``NAME.EXT.c2pa``
where another of that stem has that one; a folder's lies beside it and is over its list of files (files.py).
Nothing is fetched from any network: no time authority, no remote manifests, no revocation lists.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import c2pa

from translight.core.errors import FormatError, GenerationError
from translight.generation.provenance.certificates import CLAIM_SIGNING, Signer

EMBEDS = {
    ".tlenv": "zip", ".zip": "zip", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".mp4": "video/mp4", ".mov": "video/quicktime",
}  # fmt: skip
"""Suffix of a file that carries its credential inside → its format's name in c2pa."""
SIDECAR = ".c2pa"

_IN_ZIP = "META-INF/content_credential.c2pa"
_PLAIN = "application/octet-stream"
_MAX_SIDECAR = 64 << 20
_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"


@dataclass(frozen=True, slots=True)
class Reading:
    """A credential as it was found, and what came of checking it; all of its words are the signer's, unproved."""

    manifest: Mapping[str, Any]
    """The active manifest, as c2pa's JSON has it."""
    failures: tuple[tuple[str, str], ...]
    """C2PA's status codes and their explanations (C2PA 2.2, "Validation status codes")."""
    successes: tuple[str, ...]

    def assertion(self, label: str) -> Any:
        """The data of the first assertion of a label; None where there is none."""
        found = self.manifest.get("assertions")
        for assertion in found if isinstance(found, list) else ():
            if isinstance(assertion, dict) and assertion.get("label") == label:
                return assertion.get("data")
        return None


def embeds(asset: Path) -> bool:
    """Whether an asset carries its credential inside."""
    return asset.is_file() and asset.suffix.lower() in EMBEDS


def sidecar_of(asset: Path) -> Path:
    """Where the credential of an asset is looked for that does not carry it: NAME.EXT.c2pa before STEM.c2pa."""
    whole = asset.with_name(asset.name + SIDECAR)
    return whole if asset.is_dir() or whole.is_file() else asset.with_name(asset.stem + SIDECAR)


def sidecar_for(asset: Path) -> Path:
    """Where a new credential goes: STEM.c2pa, where C2PA's tools look (c2pa-rs, Store::load_jumbf_from_path);
    NAME.EXT.c2pa where that is another's.

    Raises GenerationError where both are one name, and it is another's.
    """
    place = sidecar_of(asset)
    owner = title_of(place)
    if owner in ("", asset.name):
        return place
    whole = asset.with_name(asset.name + SIDECAR)
    if whole == place:
        raise GenerationError(f"{place}: is the credential of {owner!r}: give one of the two another name")
    return whole


def title_of(sidecar: Path) -> str:
    """The name of the asset that a credential beside it is of, by its own words; empty where that cannot be read."""
    with suppress(FormatError):
        reading = read_beside(io.BytesIO(), sidecar, None)
        return "" if reading is None else str(reading.manifest.get("title") or "")
    return ""


def embed(asset: Path, copy: Path, definition: Mapping[str, Any], signer: Signer) -> None:
    """Write ``copy``, the asset with its credential inside. Raises FormatError; the caller keeps it whole."""
    name = EMBEDS[asset.suffix.lower()]
    try:
        with asset.open("rb") as source, copy.open("w+b") as target:
            _sign(definition, signer, name, source, target, inside=True)
    except c2pa.C2paError as error:
        raise FormatError(f"{asset}: cannot be signed as {name}: {_said(error)}") from error


def made_for(content: IO[bytes], definition: Mapping[str, Any], signer: Signer) -> bytes:
    """The credential of these bytes, to lie beside them. Raises FormatError."""
    try:
        return _sign(definition, signer, _PLAIN, content, io.BytesIO(), inside=False)
    except c2pa.C2paError as error:
        raise FormatError(f"cannot be signed: {_said(error)}") from error


def read_inside(asset: Path, roots: bytes | None) -> Reading | None:
    """The credential in a file, checked; None where there is none.

    ``roots`` are the certificates that are trusted, as PEM. Raises FormatError where there is one that cannot be read.
    """
    try:
        # c2pa reads no zip with compressed files in it, and such a one holds no credential of ours
        if EMBEDS[asset.suffix.lower()] == "zip" and not _holds(asset, _IN_ZIP):
            return None
        with asset.open("rb") as source, c2pa.Context(_settings(roots)) as context:
            return _read(c2pa.Reader(EMBEDS[asset.suffix.lower()], source, context=context))
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        raise FormatError(f"{asset}: {_said(error)}") from error
    except OSError as error:
        raise FormatError(f"{asset}: cannot be read ({error.strerror})") from error


def read_beside(content: IO[bytes], sidecar: Path, roots: bytes | None) -> Reading | None:
    """The same of a credential that lies beside the bytes it is about."""
    try:
        if not sidecar.is_file():
            return None
        if sidecar.stat().st_size > _MAX_SIDECAR:
            raise FormatError(f"{sidecar}: {sidecar.stat().st_size} bytes, the limit is {_MAX_SIDECAR}")
        with c2pa.Context(_settings(roots)) as context:
            return _read(c2pa.Reader(_PLAIN, content, manifest_data=sidecar.read_bytes(), context=context))
    except c2pa.C2paError as error:
        raise FormatError(f"{sidecar}: {_said(error)}") from error
    except OSError as error:
        raise FormatError(f"{sidecar}: cannot be read ({error.strerror})") from error


def _holds(archive: Path, name: str) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return name in opened.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise FormatError(f"{archive}: a damaged zip: {error}") from error


def _sign(
    definition: Mapping[str, Any], signer: Signer, name: str, source: IO[bytes], copy: IO[bytes], *, inside: bool
) -> bytes:
    # ta_url None: an empty string is taken for an address, and no authority can be asked without a network
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, signer.chain, signer.key, None)
    with (
        c2pa.Signer.from_info(info) as signs,
        c2pa.Context(_settings(None)) as context,
        c2pa.Builder(dict(definition), context) as builder,
    ):
        if not inside:
            builder.set_no_embed()
        credential = builder.sign(signs, name, source, copy)
    if not credential:
        raise GenerationError("c2pa made no credential, and did not say why")
    return credential


def _settings(roots: bytes | None) -> c2pa.Settings:
    trust: dict[str, Any] = {"trust_config": f"{CLAIM_SIGNING.dotted_string}\n{_EMAIL_PROTECTION}\n"}
    if roots is not None:
        trust["trust_anchors"] = roots.decode("ascii")
    off = ("verify_after_sign", "remote_manifest_fetch", "ocsp_fetch")
    verify = {"verify_trust": True, **dict.fromkeys(off, False)}
    return c2pa.Settings.from_dict({"trust": trust, "verify": verify, "builder": {"thumbnail": {"enabled": False}}})


def _read(reader: c2pa.Reader) -> Reading:
    with reader:
        whole = json.loads(reader.json())
    manifest = whole.get("manifests", {}).get(whole.get("active_manifest"))
    results = whole.get("validation_results", {}).get("activeManifest", {})
    if not isinstance(manifest, dict) or not isinstance(results, dict):
        raise FormatError("the credential has no active manifest")
    failures = [(str(entry.get("code")), str(entry.get("explanation", ""))) for entry in results.get("failure", ())]
    for delta in whole.get("validation_results", {}).get("ingredientDeltas", ()):
        wrong = delta.get("validationDeltas", {}).get("failure", ())
        failures += [(str(entry.get("code")), str(entry.get("explanation", ""))) for entry in wrong]
    successes = tuple(str(entry.get("code")) for entry in results.get("success", ()))
    return Reading(manifest, tuple(failures), successes)


def _said(error: Exception) -> str:
    """c2pa's words without the name of their kind, in one line."""
    text = " ".join(str(error).split())
    with suppress(ValueError):
        text = text[text.index(": ") + 2 :]
    return text
