"""``translight provenance keygen|sign|verify|show``: docs/generation/provenance.md has what each proves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

_MAX_LINE = 4096
"""Of a passphrase's file: more than a passphrase may have, so that none is cut unnoticed."""


@dataclass(frozen=True)
class Keygen:
    """Make the production's own root certificate and a signer below it."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME")]
    """NAME.key.pem (keep it secret), NAME.chain.pem and NAME.root.pem (hand it out) are written."""
    production: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """Whose it is, as the certificates say it."""
    signer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "Provenance signer"
    """Who signs with it, as its certificate says it."""
    years: Annotated[int, tyro.conf.arg(metavar="N")] = 10
    """How long both are valid: no signature is proved after that."""
    passphrase_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Its first line locks the key; it is asked for on a terminal if not given."""
    no_passphrase: bool = False
    """Leave the key unlocked: whoever reads the file can sign."""

    def run(self) -> int:
        """Make and write; no file replaces another."""
        from datetime import UTC, datetime

        from translight.core.errors import GenerationError

        certificates = part("certificates")
        if self.no_passphrase and self.passphrase_file is not None:
            raise GenerationError("--no-passphrase and --passphrase-file: one or the other")
        passphrase = None if self.no_passphrase else _passphrase(self.passphrase_file, twice=True)
        made = certificates.make(self.production, self.signer, passphrase, years=self.years, now=datetime.now(UTC))
        key, chain, root = certificates.write(made, self.output.absolute())
        print(f"{key}: the key, {'unlocked: ' if passphrase is None else ''}keep it secret and back it up")
        print(f"{chain}: goes into every credential")
        print(f"{root}: hand it out: translight provenance verify ASSET --trust {root.name}")
        return 0


@dataclass(frozen=True)
class Sign:
    """Sign an asset that was accepted: an environment, a picture, a film, splats, a folder."""

    asset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ASSET")]
    """ZIP (.tlenv), PNG, JPEG, TIFF, MP4 and MOV carry their credential; any other has it beside, in STEM.c2pa."""
    key: Annotated[Path, tyro.conf.arg(metavar="NAME.key.pem")]
    """The signer's key, as keygen made it."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """The signed copy; the asset itself is replaced if not given."""
    ledger: Annotated[Path | None, tyro.conf.arg(metavar="RUN/ledger.jsonl")] = None
    """The run's ledger: says whether it was accepted, and gets a line."""
    of: Annotated[Path | None, tyro.conf.arg(metavar="SOURCE")] = None
    """The candidate's folder or environment that the asset was made of, where nothing beside it says so."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Who signs; the account's name if not given."""
    chain: Annotated[Path | None, tyro.conf.arg(metavar="NAME.chain.pem")] = None
    """The key's certificates; those beside the key if not given."""
    passphrase_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Its first line unlocks the key; it is asked for on a terminal if not given."""
    unapproved: bool = False
    """Sign what nobody has accepted; the credential says so."""
    force: bool = False
    """Replace the output, or the credential beside the asset, when it exists."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        """Sign; the asset or its credential appears whole or not at all."""
        import sys
        from datetime import UTC, datetime

        from translight.commands.review import account

        certificates, signing = part("certificates"), part("sign")
        if warning := certificates.readable_by_others(self.key):
            print(f"translight: {warning}", file=sys.stderr)
        passphrase = _passphrase(self.passphrase_file) if certificates.is_locked(self.key) else None
        signer = certificates.load(self.key, passphrase, self.chain, now=datetime.now(UTC))
        order = signing.Order(
            self.asset,
            account(self.by),
            self.output,
            self.ledger,
            self.of,
            self.unapproved,
            self.force,
        )
        done = signing.sign(order, signer)
        if self.json:
            values = {
                "asset": str(done.asset),
                "credential": None if done.sidecar is None else str(done.sidecar),
                "sha256_before": done.sha256_before,
                "sha256": done.sha256,
                "approved": done.approved,
                "ledger_line": None if done.entry is None else done.entry.number,
            }
            print(json.dumps(values))
            return 0
        print(f"{done.asset}: signed, {'credential inside' if done.sidecar is None else f'credential {done.sidecar}'}")
        if not done.approved:
            print("nobody has accepted it; the credential says so")
        if done.entry is not None:
            print(f"{self.ledger}: line {done.entry.number} says so")
        return 0


@dataclass(frozen=True)
class Verify:
    """Say in plain words what an asset's credential proves, what it only claims, and what was changed.

    Exit status 0: proved; 1: something is wrong or not proved; 2: not signed.
    """

    asset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ASSET")]
    """The signed asset; a credential beside it is found."""
    trust: Annotated[Path | None, tyro.conf.arg(metavar="NAME.root.pem")] = None
    """The production's root, as it handed it out: without one nobody knows whose the signature is."""
    ledger: Annotated[Path | None, tyro.conf.arg(metavar="RUN/ledger.jsonl")] = None
    """The run's ledger, to see that it goes on from the one that was signed."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        """Check and say."""
        verdict = part("verify").verify(self.asset, self.trust, self.ledger)
        if self.json:
            print(json.dumps(asdict(verdict)))
            return int(verdict.status)
        for title, lines in (
            ("proved", verdict.proved),
            ("claimed by the signer, proved by nobody", verdict.claimed),
            ("not proved, or changed", verdict.wrong),
        ):
            if lines:
                print(title)
                print("\n".join(f"  {line}" for line in lines))
        return int(verdict.status)


@dataclass(frozen=True)
class Show:
    """Show what a credential says, without asking whether it is true."""

    asset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ASSET")]
    """The signed asset."""
    json: bool = False
    """Print the manifest as C2PA's JSON."""

    def run(self) -> int:
        """Read and print. Exit status 2 where there is none."""
        import sys

        from translight.core.errors import FormatError

        if not self.asset.exists():
            raise FormatError(f"{self.asset}: no such file or folder")
        reading = part("verify").read(self.asset, None)
        if reading is None:
            print(f"translight: {self.asset}: not signed", file=sys.stderr)
            return 2
        print(json.dumps(reading.manifest) if self.json else "\n".join(part("tree").tree(reading)))
        if not self.json:
            print("None of this is proved by being shown: translight provenance verify.")
        return 0


def part(name: str) -> Any:
    """A module of generation/provenance, which needs the extra."""
    from importlib import import_module
    from importlib.util import find_spec

    from translight.core.errors import MissingExtra

    for package, words in (("c2pa", "c2pa-python"), ("cryptography", "cryptography")):
        if find_spec(package) is None:
            raise MissingExtra(words, "provenance")
    return import_module(f"translight.generation.provenance.{name}")


def _passphrase(file: Path | None, *, twice: bool = False) -> bytes:
    """From a file's first line, or asked for without an echo."""
    import getpass
    import sys

    from translight.core.errors import FormatError, GenerationError

    if file is not None:
        try:
            with file.open("rb") as handle:
                line = handle.readline(_MAX_LINE)
        except OSError as error:
            raise FormatError(f"{file}: cannot be read ({error.strerror})") from error
        found = line.rstrip(b"\r\n")
        if not found:
            raise FormatError(f"{file}: its first line is empty: a passphrase is wanted")
        return found
    if not sys.stdin.isatty():
        raise GenerationError("the key's passphrase cannot be asked for here: --passphrase-file FILE")
    first = getpass.getpass("passphrase of the key: ")
    if not first:
        raise GenerationError("no passphrase was given")
    if twice and getpass.getpass("once more: ") != first:
        raise GenerationError("the two passphrases differ")
    return first.encode()
