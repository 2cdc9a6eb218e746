"""A credential read without c2pa: boxes by hand (ISO 19566-5), COSE (RFC 9052) by cbor2 and cryptography."""

import base64
import hashlib
import io
import os
import re
import stat
import struct
from contextlib import suppress
from datetime import timedelta

import cbor2
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.generation.provenance.conftest import NOW

from translight import cli
from translight.core.errors import FormatError, GenerationError
from translight.generation.provenance.certificates import (
    CLAIM_SIGNING,
    is_locked,
    load,
    make,
    read_certificates,
    readable_by_others,
    write,
)
from translight.generation.provenance.sign import Order, sign

X5CHAIN = 33


def boxes(data):
    """Type and content of each box."""
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        yield kind, data[8:size]
        data = data[size:]


def tree(content, found, path=()):
    """Label path → the content of a superbox, whole, and of what lies in it."""
    (_, description), *rest = boxes(content)
    label = description[17:].split(b"\0")[0].decode()
    path = (*path, label)
    found[path] = (content, [inner for kind, inner in rest if kind != b"jumb"])
    for kind, inner in rest:
        if kind == b"jumb":
            tree(inner, found, path)
    return found


@pytest.fixture
def parsed(work, keys):
    asset = work.folder / "splats.ply"
    asset.write_bytes(b"ply\n" * 99)
    done = sign(Order(asset, "Grace", ledger=work.ledger, source=work.candidate), keys.signer)
    ((_, store),) = boxes(done.sidecar.read_bytes())
    found = {path[2:]: value for path, value in tree(store, {}).items() if len(path) > 2}
    return asset, found


def check(claim, signature):
    protected, unprotected, payload, raw = signature.value
    headers = cbor2.loads(protected)
    assert payload is None
    assert headers[1] == -7  # ES256
    chain = headers.get(X5CHAIN) or unprotected[X5CHAIN]
    certificates = [x509.load_der_x509_certificate(der) for der in ([chain] if isinstance(chain, bytes) else chain)]
    signed = cbor2.dumps(["Signature1", protected, b"", claim])
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    certificates[0].public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))
    return certificates


def test_the_signature_is_over_the_claim_and_the_chain_is_ours(parsed, keys):
    _, found = parsed
    claim, signature = found["c2pa.claim.v2",][1][0], cbor2.loads(found["c2pa.signature",][1][0])
    certificates = check(claim, signature)
    root = x509.load_pem_x509_certificate(keys.root.read_bytes())
    certificates[0].verify_directly_issued_by(root)
    with pytest.raises(InvalidSignature):
        check(claim.replace(b"translight", b"translighT"), signature)
    with pytest.raises(ValueError, match="Issuer certificate subject does not match"):
        certificates[0].verify_directly_issued_by(x509.load_pem_x509_certificate(keys.other_root.read_bytes()))


def test_the_claim_hashes_each_assertion_and_the_asset(parsed):
    asset, found = parsed
    claim = cbor2.loads(found["c2pa.claim.v2",][1][0])
    hashed = {}
    for entry in (*claim["created_assertions"], *claim.get("gathered_assertions", ())):
        path = tuple(entry["url"].removeprefix("self#jumbf=").split("/")[-2:])
        assert hashlib.sha256(found[path][0]).digest() == entry["hash"]
        hashed[path[1]] = found[path][1]
    data = cbor2.loads(hashed["c2pa.hash.data"][0])
    assert data["hash"] == hashlib.sha256(asset.read_bytes()).digest()
    assert {"c2pa.actions.v2", "cawg.training-mining", "translight.ledger", "translight.origin"} <= set(hashed)
    created = [entry["url"].rpartition("/")[2] for entry in claim["created_assertions"]]
    assert "translight.ledger" in created
    mining = cbor2.loads(hashed["cawg.training-mining"][0])["entries"]
    assert {use["use"] for use in mining.values()} == {"notAllowed"}


def test_certificates_are_what_c2pa_asks_for(keys):
    first, root = x509.load_pem_x509_certificates(keys.signer.chain)
    usage = first.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        CLAIM_SIGNING,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ]
    assert not first.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    issuer = first.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert issuer == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert keys.key.stat().st_mode & 0o777 == 0o600


def test_keys_are_locked_and_mismatches_are_one_line(tmp_path, keys):
    key, chain, root = write(make("Pier", "Ada", b"sesame", now=NOW), tmp_path / "pier")
    assert is_locked(key)
    assert load(key, b"sesame", now=NOW).name == "Ada"
    for words, act in (
        (f"{key}: the passphrase is wrong, or it is no private key", lambda: load(key, b"open", now=NOW)),
        (f"{key}: it is locked: a passphrase is wanted", lambda: load(key, None, now=NOW)),
        (
            f"{keys.key} and {chain} do not belong together: the first certificate is another key's",
            lambda: load(keys.key, None, chain, now=NOW),
        ),
        (f"{root}: keygen's keys end in .key.pem: give --chain", lambda: load(root, None, now=NOW)),
        (f"{chain}: no private key in PEM", lambda: load(chain, None, chain, now=NOW)),
        (f"{key}: holds no certificates in PEM, or damaged ones", lambda: load(keys.key, None, key, now=NOW)),
        (
            f"{key}: exists; keys are never replaced: choose another name",
            lambda: write(make("P", "A", None, now=NOW), tmp_path / "pier"),
        ),
    ):
        with pytest.raises(FormatError) as caught:
            act()
        assert str(caught.value) == words
    late = NOW + timedelta(days=4100)
    with pytest.raises(
        FormatError, match=rf"^{chain}: the certificate of 'Ada' expired on 20\d\d-\d\d-\d\d: make new keys \(keygen\)$"
    ):
        load(key, b"sesame", now=late)
    words = r"holds from 20\S+ \d\d:\d\d UTC on, and this machine's clock says 20\S+ \d\d:\d\d UTC: set the clock$"
    with pytest.raises(FormatError, match=rf"^{chain}: the certificate of 'Ada' {words}"):
        load(key, b"sesame", now=NOW - timedelta(days=1))
    chain.rename(tmp_path / "elsewhere.pem")
    with pytest.raises(FormatError, match=rf"^{chain}: no such file: keygen wrote it with the key; if it lies els"):
        load(key, b"sesame", now=NOW)
    assert load(key, b"sesame", tmp_path / "elsewhere.pem", now=NOW).name == "Ada"
    with pytest.raises(
        GenerationError, match=r"^the production's name has 1 to 64 bytes of printable characters, got 'a\\nb'$"
    ):
        make("a\nb", "Ada", None, now=NOW)


def test_a_key_is_its_owners_alone_before_it_is_written(tmp_path, monkeypatch):
    modes, fdopen = [], os.fdopen

    def seen(descriptor, mode):
        modes.append((stat.S_IMODE(os.fstat(descriptor).st_mode), os.fstat(descriptor).st_size))
        return fdopen(descriptor, mode)

    monkeypatch.setattr(os, "fdopen", seen)
    before = os.umask(0)
    try:
        write(make("Pier", "Ada", None, now=NOW), tmp_path / "pier")
    finally:
        os.umask(before)
    assert modes == [(0o600, 0), (0o644, 0), (0o644, 0)]


def test_keys_that_cannot_be_written_whole_leave_nothing(tmp_path, monkeypatch):
    (tmp_path / "pier.root.pem").write_bytes(b"another's")
    made = make("Pier", "Ada", None, now=NOW)
    with pytest.raises(FormatError, match=r"pier\.root\.pem: exists; keys are never replaced: choose another name$"):
        write(made, tmp_path / "pier")
    fdopen, count = os.fdopen, iter(range(3))

    def interrupted(descriptor, mode):
        handle = fdopen(descriptor, mode)
        if next(count) == 1:
            handle.close()
            raise KeyboardInterrupt
        return handle

    monkeypatch.setattr(os, "fdopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(made, tmp_path / "ada")
    assert [path.name for path in tmp_path.iterdir()] == ["pier.root.pem"]


@pytest.mark.parametrize(
    ("production", "signer", "passphrase", "words"),
    [
        ("漢" * 22, "Ada", None, f"the production's name has 1 to 64 bytes of printable characters, got '{'漢' * 22}'"),
        ("Pier", "Pier root", None, "the signer's name is the root's, 'Pier root': choose another"),
        ("Pier", "Ada", b"x" * 1024, "a passphrase has 1 to 1023 bytes, got 1024"),
        ("Pier", "Ada", b"", "a passphrase has 1 to 1023 bytes, got 0"),
    ],
)
def test_what_no_certificate_holds_is_one_line(production, signer, passphrase, words):
    with pytest.raises(GenerationError, match=f"^{re.escape(words)}$"):
        make(production, signer, passphrase, now=NOW)
    assert len(make("é" * 31, "漢" * 21, None, now=NOW).root) > 100


def test_damaged_certificates_are_one_line(tmp_path, keys):
    der = x509.load_pem_x509_certificate(keys.root.read_bytes()).public_bytes(serialization.Encoding.DER)
    file = tmp_path / "root.pem"
    place = der.index(bytes.fromhex("2a8648ce3d0301")) + 12  # within the point of the public key, after its curve
    for at, bit in ((place, 1), (der.index(b"ours"), 0x80), (4, 1), (len(der) - 1, 1)):
        changed = bytearray(der)
        changed[at] ^= bit
        text = base64.encodebytes(bytes(changed)).decode()
        file.write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
        with suppress(FormatError):
            read_certificates(file)
        with pytest.raises(FormatError):
            load(keys.key, None, file, now=NOW)


def test_no_passphrase_is_asked_for_where_nobody_can_answer(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    words = ["provenance", "keygen", "-o", str(tmp_path / "k"), "--production", "Pier"]
    assert cli.main(words) == 1
    assert (
        capsys.readouterr().err == "translight: the key's passphrase cannot be asked for here: --passphrase-file FILE\n"
    )
    assert list(tmp_path.iterdir()) == []
    assert cli.main([*words, "--no-passphrase"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.chain.pem", "k.key.pem", "k.root.pem"]


def test_a_key_that_others_can_read_is_warned_of(tmp_path):
    for name, passphrase in (("open", None), ("shut", b"sesame")):
        write(make("Pier", "Ada", passphrase, now=NOW), tmp_path / name)
    plain, locked = tmp_path / "open.key.pem", tmp_path / "shut.key.pem"
    assert readable_by_others(plain) == readable_by_others(locked) == ""
    for key in (plain, locked):
        key.chmod(0o644)
    words = f"{plain}: others on this machine can read or change it (mode 0644): chmod 600 {plain}"
    assert (readable_by_others(plain), readable_by_others(locked)) == (words, "")
    locked.chmod(0o666)
    assert "(mode 0666)" in readable_by_others(locked)
