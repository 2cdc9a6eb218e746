"""The production's own certificates: a root to hand out, and a signer below it; credential.py signs with them.

X.509 as C2PA asks for signers (C2PA 2.2, "Certificate profiles"; RFC 5280): version 3, critical key usage
digitalSignature, extended key usage c2pa-kp-claimSigning and emailProtection, subject and authority key identifiers.
Keys are ECDSA on P-256 (ES256). The root's private key signs one certificate and is then forgotten: nobody can make
another signer under that root, and a new one begins with a new root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from translight.core.errors import FormatError, GenerationError

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning."""
MAX_PASSPHRASE = 1023
"""Bytes, as OpenSSL takes them."""
KEY, CHAIN, ROOT = ".key.pem", ".chain.pem", ".root.pem"

_MAX_BYTES = 1 << 20
_MAX_NAME = 64  # RFC 5280's upper bound of commonName and organizationName
_EARLY = timedelta(minutes=5)
"""Clocks differ: a certificate made now holds from a little earlier."""
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Made:
    """What keygen made, as PEM. ``key`` is encrypted when there was a passphrase."""

    key: bytes
    chain: bytes
    """The signer's certificate, then the root."""
    root: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs: a plain key in memory, and the chain that goes into each credential, as PEM."""

    key: bytes
    chain: bytes
    name: str
    """The signer's common name."""
    not_after: datetime


def make(production: str, signer: str, passphrase: bytes | None, *, years: int = 10, now: datetime) -> Made:
    """A root and a signer of a production. Raises GenerationError on names that a certificate does not hold."""
    for name, what in ((production, "production"), (signer, "signer")):
        if not name.isprintable() or not name.strip() or len(name.encode()) > _MAX_NAME:
            raise GenerationError(f"the {what}'s name has 1 to {_MAX_NAME} bytes of printable characters, got {name!r}")
    if not 1 <= years <= 30:
        raise GenerationError(f"--years must be from 1 to 30, got {years}")
    common = f"{production} root".encode()[:_MAX_NAME].decode(errors="ignore")
    if signer == common:  # a certificate whose issuer has its own name is taken for a root
        raise GenerationError(f"the signer's name is the root's, {common!r}: choose another")
    if passphrase is not None and not 0 < len(passphrase) <= MAX_PASSPHRASE:
        raise GenerationError(f"a passphrase has 1 to {MAX_PASSPHRASE} bytes, got {len(passphrase)}")
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = _name(production, common), _name(production, signer)
    until = now + timedelta(days=365.25 * years)
    root = (
        _started(issuer, issuer, root_key, now, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    certificate = (
        _started(subject, issuer, key, now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        lock = serialization.BestAvailableEncryption(passphrase)
    pem = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, lock)
    return Made(pem, certificate.public_bytes(_PEM) + root.public_bytes(_PEM), root.public_bytes(_PEM))


def write(made: Made, stem: Path) -> tuple[Path, Path, Path]:
    """``STEM.key.pem`` that only its owner reads, ``STEM.chain.pem``, ``STEM.root.pem``; none replaces another.

    Raises FormatError when one is there already or cannot be written; then none is left behind.
    """
    files = tuple((stem.with_name(stem.name + end), pem, mode) for end, pem, mode in (
        (KEY, made.key, 0o600), (CHAIN, made.chain, 0o644), (ROOT, made.root, 0o644),
    ))  # fmt: skip
    with ExitStack() as undo:
        for file, pem, mode in files:
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                undo.callback(file.unlink, missing_ok=True)
                with os.fdopen(descriptor, "wb") as handle:
                    handle.write(pem)
            except FileExistsError as error:
                raise FormatError(f"{file}: exists; keys are never replaced: choose another name") from error
            except OSError as error:
                raise FormatError(f"{file}: cannot be written ({error.strerror})") from error
        undo.pop_all()
    return files[0][0], files[1][0], files[2][0]


def is_locked(key: Path) -> bool:
    """Whether a key file wants a passphrase. Raises FormatError when it cannot be read."""
    return b"ENCRYPTED" in _read(key)


def load(key: Path, passphrase: bytes | None, chain: Path | None = None, *, now: datetime) -> Signer:
    """A signer from its files; the chain is ``NAME.chain.pem`` beside ``NAME.key.pem`` unless it is given.

    Raises FormatError, in one line, on a wrong passphrase, files that are no PEM, a chain that is another key's or
    does not hang together, and a certificate that is not valid now.
    """
    if chain is None:
        if not key.name.endswith(KEY):
            raise FormatError(f"{key}: keygen's keys end in {KEY}: give --chain")
        chain = key.with_name(key.name.removesuffix(KEY) + CHAIN)
        if key.is_file() and not chain.is_file():
            raise FormatError(
                f"{chain}: no such file: keygen wrote it with the key; if it lies elsewhere, give --chain"
            )
    try:
        private = serialization.load_pem_private_key(_read(key), passphrase)
    except TypeError as error:
        wanted = "it is locked: a passphrase is wanted" if passphrase is None else "it is not locked by a passphrase"
        raise FormatError(f"{key}: {wanted}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "no private key in PEM" if passphrase is None else "the passphrase is wrong, or it is no private key"
        raise FormatError(f"{key}: {what}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise FormatError(f"{key}: an ECDSA key on P-256 is wanted, as keygen makes them")
    certificates = read_certificates(chain)
    if certificates[0].public_key() != private.public_key():
        raise FormatError(f"{key} and {chain} do not belong together: the first certificate is another key's")
    _check_chain(certificates, chain)
    first = certificates[0]
    for certificate in certificates:
        _check_time(certificate, chain, now)
    plain = private.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = b"".join(certificate.public_bytes(_PEM) for certificate in certificates)
    return Signer(plain, pem, common_name(first), first.not_valid_after_utc)


def readable_by_others(key: Path) -> str:
    """A warning where others on this machine can read a key that no passphrase locks, or change any; else empty.

    Raises FormatError when it cannot be read.
    """
    locked = is_locked(key)
    mode = stat.S_IMODE(key.stat().st_mode)
    others = mode & (0o022 if locked else 0o066)
    if os.name != "posix" or not others:
        return ""
    return f"{key}: others on this machine can read or change it (mode {mode:04o}): chmod 600 {key}"


def read_certificates(file: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file, one at least, whose names and keys can be read. Raises FormatError."""
    try:
        certificates = x509.load_pem_x509_certificates(_read(file))
        for certificate in certificates:  # each part is read when it is asked for
            certificate.public_key(), certificate.subject, certificate.issuer
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError(f"{file}: holds no certificates in PEM, or damaged ones") from error
    return certificates


def common_name(certificate: x509.Certificate) -> str:
    """Of its subject; empty where it has none."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _check_chain(certificates: Sequence[x509.Certificate], chain: Path) -> None:
    for below, above in pairwise(certificates):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise FormatError(f"{chain}: its certificates do not follow from one another") from error


def _check_time(certificate: x509.Certificate, chain: Path, now: datetime) -> None:
    """Raises FormatError on a certificate that is not valid yet, or no more."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    name = common_name(certificate)
    if now > ends:
        raise FormatError(f"{chain}: the certificate of {name!r} expired on {ends:%Y-%m-%d}: make new keys (keygen)")
    if now < begins:
        raise FormatError(
            f"{chain}: the certificate of {name!r} holds from {begins:%Y-%m-%d %H:%M} UTC on, and this machine's clock "
            f"says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC: set the clock"
        )


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)
    ])  # fmt: skip


def _started(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _EARLY)
        .not_valid_after(until.astimezone(UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{file}: {file.stat().st_size} bytes, the limit is {_MAX_BYTES}")
        return file.read_bytes()
    except OSError as error:
        raise FormatError(f"{file}: cannot be read ({error.strerror})") from error
