"""A ledger and its signed environment: verified, then tampered with and refused, in the words that a user reads."""

import importlib
import json
import re
import zipfile
from dataclasses import replace

import av
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.generation.candidates import candidate
from tests.generation.provenance.conftest import NAME, NOW, cloud, package

from translight import cli
from translight.core.errors import FormatError, GenerationError
from translight.core.files import sha256_of
from translight.core.image import save_image
from translight.environment.environment import Environment
from translight.environment.files import load_environment
from translight.generation.candidate import Model
from translight.generation.provenance.certificates import load, make, write
from translight.generation.provenance.decision import Decision
from translight.generation.provenance.sign import Order, sign
from translight.generation.provenance.verify import read, verify
from translight.generation.review.ledger import append, read_ledger
from translight.generation.run.store import save_candidate


@pytest.fixture
def signed(work, keys):
    work.done = sign(Order(work.asset, "Grace", ledger=work.ledger), keys.signer)
    return work


def check(work, keys, root=None):
    return verify(work.asset, root or keys.root, work.ledger)


def test_a_signed_environment_is_proved_and_still_opens(signed, keys):
    assert load_environment(signed.asset).name == "Pier"
    verdict = check(signed, keys)
    assert verdict.status == 0
    assert verdict.wrong == ()
    assert verdict.proved == (
        "unchanged since it was signed: every file of the zip, 3 files compared",
        "signed by “Signer” of “ours Pictures”, whose certificate comes from the root that you trust: “ours Pictures root”",
        "the ledger goes on from the one that was signed: lines 1 to 3 of 4 are as they were",
        "line 2 of the ledger says that Ada accepted candidate test-0007, and has not changed since",
    )
    time = read_ledger(signed.ledger)[0][1].at
    assert verdict.claimed[1:] == (
        f"accepted by Ada at {time}",
        f"line 3 of the ledger says that this was made of candidate {NAME}, before it got its credential",
        f"made by a trained model (AI), engine diffusers, seed 7, as candidate {NAME}",
        "text-to-image m, licence MIT: commercial use allowed",
    )
    assert re.fullmatch(r"signed at 20\S+ by Grace: by the signer's own clock", verdict.claimed[0])


def test_the_ledger_says_what_was_signed(signed):
    entry = read_ledger(signed.ledger)[0][-1]
    assert (entry.who, entry.action) == ("Grace", "signed")
    assert entry.about["sha256"] == sha256_of(signed.asset) == signed.done.sha256
    assert entry.about["sha256_before"] == read_ledger(signed.ledger)[0][2].about["sha256"]
    assert (entry.about["environment"], entry.about["candidate"], entry.about["approved"]) == ("pier.tlenv", NAME, True)


def test_any_byte_that_is_changed_is_noticed(signed, keys):
    data = signed.asset.read_bytes()
    chance = np.random.default_rng(0)
    for place in sorted({0, 40, len(data) - 1, *chance.integers(0, len(data), 25).tolist()}):
        changed = bytearray(data)
        changed[place] ^= 1
        signed.asset.write_bytes(changed)
        assert check(signed, keys).status != 0, place


def test_a_changed_part_is_named(signed, keys):
    data = signed.asset.read_bytes()
    with zipfile.ZipFile(signed.asset) as archive:
        report = archive.read("report.json")
        others = {name: archive.read(name) for name in archive.namelist() if name != "report.json"}
    with zipfile.ZipFile(signed.asset, "w") as archive:
        for name, content in others.items():
            archive.writestr(name, content)
        archive.writestr("report.json", report.replace(b"Pier", b"Peer"))
    verdict = check(signed, keys)
    assert verdict.status == 1
    assert verdict.wrong == (
        "the zip's files are not the ones that were signed",
        "report.json was changed",
        "the ledger does not say that exactly these bytes were signed: no such line after line 3",
    )
    signed.asset.write_bytes(data)
    with zipfile.ZipFile(signed.asset, "a") as archive:
        archive.writestr("more.txt", "added, in no list")
    assert "the zip's files are not the ones that were signed" in check(signed, keys).wrong


def test_a_ledger_that_was_touched_is_noticed(signed, keys):
    lines = signed.ledger.read_bytes().splitlines(keepends=True)
    for number, changed, words in (
        (1, lines[1].replace(b"Ada", b"Eve"), "line 3 does not follow the line before it"),
        (3, b"", "the ledger does not say that exactly these bytes were signed: no such line after line 3"),
        (3, lines[3].replace(b'"sha256":"', b'"sha256":"0')[:-3] + b"}\n", "the ledger was changed: "),
    ):
        signed.ledger.write_bytes(b"".join([*lines[:number], changed, *lines[number + 1 :]]))
        verdict = check(signed, keys)
        assert verdict.status == 1
        assert any(words in line for line in verdict.wrong), verdict.wrong
    signed.ledger.write_bytes(b"".join(lines[:2]))
    assert check(signed, keys).wrong == ("the ledger was shortened: it had 3 lines when this was signed, it has 2",)


def test_a_ledger_written_anew_is_noticed(signed, keys):
    entries, _ = read_ledger(signed.ledger)
    signed.ledger.unlink()
    for entry in entries:  # a chain that hangs together, with another name in it
        append(signed.ledger, entry.who.replace("Ada", "Eve"), entry.action, entry.about)
    assert check(signed, keys).wrong == (
        "the ledger is another, or was written anew: line 3 is not the one that was signed",
    )


def test_another_root_proves_nothing(signed, keys):
    verdict = check(signed, keys, keys.other_root)
    assert verdict.status == 1
    assert verdict.wrong == (
        "signed by “Signer” of “ours Pictures”, whose certificate does not come from the root that you trust: “other Pictures root”",
    )
    assert verify(signed.asset, None, signed.ledger).wrong == (
        "signed by “Signer” of “ours Pictures”, or by anybody who calls himself so: no root was given, --trust ROOT.pem",
    )


def test_equal_names_are_not_the_same_key(work, keys, tmp_path):
    key, _, _ = write(make("ours Pictures", "Signer", None, now=NOW), tmp_path / "ours")
    sign(Order(work.asset, "Grace", ledger=work.ledger), load(key, None, now=NOW))
    assert check(work, keys).wrong == (
        "signed by “Signer” of “ours Pictures”, whose certificate does not come from the root that you trust: “ours Pictures root”",
    )
    assert not any("accepted" in line for line in check(work, keys).proved)


def test_a_signer_certifies_nobody(work, keys):
    # a certificate that the signer's own key made, below the chain that is trusted
    ours, key = x509.load_pem_x509_certificates(keys.signer.chain)[0], ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(ours.subject, ours.subject, key.public_key(), 7, NOW, ours.not_valid_after_utc)
    for extension in ours.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(ours.public_key())
    below = builder.add_extension(above, critical=False)
    made = below.sign(serialization.load_pem_private_key(keys.signer.key, None), hashes.SHA256())
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = made.public_bytes(serialization.Encoding.PEM) + keys.signer.chain
    sign(Order(work.asset, "Grace", ledger=work.ledger), replace(keys.signer, key=plain, chain=chain))
    assert "does not come from the root that you trust" in check(work, keys).wrong[0]


def test_an_acceptance_that_was_taken_back_holds_no_more(signed, keys):
    append(signed.ledger, "Alan", "rejected", {"candidate": NAME, "reason": "too dark"})
    verdict = check(signed, keys)
    assert verdict.status == 1
    assert verdict.wrong == (f"that holds no more: Alan rejected candidate {NAME} (line 5), after it was signed",)


def test_an_acceptance_of_something_else_is_noticed(work, keys, monkeypatch):
    entry, _ = append(work.ledger, "Ada", "accepted", {"candidate": "another", "sha256": "c" * 64})
    append(work.ledger, "Alan", "rejected", {"candidate": NAME, "reason": "too dark"})
    # a signer who lies: his own program says what he likes
    module = importlib.import_module("translight.generation.provenance.sign")
    monkeypatch.setattr(module, "decide", lambda *_: Decision(entry, True, "", None))
    sign(Order(work.asset, "Grace", ledger=work.ledger), keys.signer)
    assert check(work, keys).wrong == ("the ledger does not hold the acceptance that the credential names",)


def test_a_package_of_a_candidate_that_was_swapped_is_not_signed(work, keys):
    about = {"candidate": NAME, "environment": "pier.tlenv", "sha256": sha256_of(work.asset)}
    append(work.ledger, "Ada", "lifted", {**about, "candidate_sha256": "d" * 64})
    words = f"{work.asset}: candidate {NAME} is not as Ada accepted it (line 2): this was lifted from another (line 4); --un"
    refused(Order(work.asset, "Grace", ledger=work.ledger), keys, words)


def test_a_candidate_with_a_swapped_picture_is_not_signed(work, keys):
    (work.candidate / "panorama.exr").write_bytes(b"another")
    words = f"{work.candidate}/panorama.exr: is not the file that was generated: its sha256 differs"
    refused(Order(work.candidate, "Grace", ledger=work.ledger), keys, words)


def test_a_package_is_known_by_its_manifest_in_a_zip_too(work, keys):
    folder = package(work.folder / "folder.tlenv", zipped=False)
    about = {"candidate": NAME, "environment": "folder.tlenv", "sha256": sha256_of(folder / "environment.json")}
    append(work.ledger, "Ada", "lifted", about)
    work.asset = work.folder / "zipped.tlenv"
    sign(Order(folder, "Grace", output=work.asset, ledger=work.ledger), keys.signer)
    verdict = check(work, keys)
    assert f"line 4 of the ledger says that this was made of candidate {NAME}" in verdict.proved
    assert not any("made of" in line and "line" in line for line in verdict.claimed)


def test_a_credential_that_was_taken_away_is_missed(work, keys):
    still = work.folder / "still.png"
    save_image(still, np.zeros((24, 32, 3), np.uint8))
    plain = still.read_bytes()
    sign(Order(still, "Grace", ledger=work.ledger, source=work.candidate), keys.signer)
    save_image(still, np.zeros((24, 31, 3), np.uint8))
    told = ("not signed: no credential inside, and no still.c2pa beside it",)
    gone = "line 4 of the ledger says that a still.png was signed: this is another, or its credential was taken out"
    assert (verify(still).status, verify(still).wrong) == (2, told)
    assert (verify(still, None, work.ledger).status, verify(still, None, work.ledger).wrong) == (1, (*told, gone))
    still.write_bytes(plain)  # the file that was signed as a copy lacks nothing
    assert verify(still, None, work.ledger).status == 2
    view = work.folder / "view.exr"
    view.write_bytes(b"some bytes")
    sign(Order(view, "Grace", ledger=work.ledger, source=work.candidate), keys.signer).sidecar.unlink()
    assert verify(view, None, work.ledger).wrong[1] == (
        "line 5 of the ledger says that exactly these bytes were signed: the credential is gone"
    )


def test_a_credential_of_another_asset_proves_nothing(work, keys):
    for name in ("one.exr", "two.exr"):
        (work.folder / name).write_bytes(name.encode())
    done = sign(Order(work.folder / "one.exr", "Grace", ledger=work.ledger, source=work.candidate), keys.signer)
    done.sidecar.rename(work.folder / "two.c2pa")
    verdict = verify(work.folder / "two.exr", keys.root, work.ledger)
    assert verdict.status == 1
    assert verdict.wrong[0] == "its bytes are not the ones that were signed"


def test_files_of_one_stem_have_a_credential_each(work, keys):
    made = {}
    for name in ("view.exr", "view.ply", "view"):
        (work.folder / name).write_bytes(name.encode())
    order = Order(work.folder / "view.exr", "Grace", ledger=work.ledger, source=work.candidate, force=True)
    for name in ("view.exr", "view.ply", "view.exr"):
        made[name] = sign(replace(order, asset=work.folder / name), keys.signer).sidecar
    assert {name: file.name for name, file in made.items()} == {"view.exr": "view.c2pa", "view.ply": "view.ply.c2pa"}
    for name in made:
        assert verify(work.folder / name, keys.root, work.ledger).status == 0
    words = f"{work.folder}/view.c2pa: is the credential of 'view.exr': give one of the two another name"
    refused(replace(order, asset=work.folder / "view"), keys, words)
    made["view.ply"].unlink()
    assert "view.c2pa is the credential of “view.exr”, by its own words" in verify(work.folder / "view.ply").wrong


def test_without_a_ledger_the_asset_is_proved_and_the_ledger_is_said_to_be_unseen(signed, keys):
    verdict = verify(signed.asset, keys.root)
    assert verdict.status == 0
    assert verdict.wrong == ("the ledger was not looked at: give --ledger RUN/ledger.jsonl",)


@pytest.mark.parametrize("name", ["splats.ply", "view.exr", "plain"])
def test_files_that_carry_nothing_have_it_beside(work, keys, name):
    asset = work.folder / name
    asset.write_bytes(b"some bytes")
    done = sign(Order(asset, "Grace", ledger=work.ledger, source=work.candidate), keys.signer)
    assert done.sidecar == asset.with_name(asset.stem + ".c2pa")
    assert asset.read_bytes() == b"some bytes"
    work.asset = asset
    assert check(work, keys).status == 0
    asset.write_bytes(b"some bytes.")
    assert check(work, keys).wrong[0] == "its bytes are not the ones that were signed"
    asset.write_bytes(b"some bytes")
    sidecar = bytearray(done.sidecar.read_bytes())
    sidecar[sidecar.index(b"Grace")] ^= 1
    done.sidecar.write_bytes(sidecar)
    assert check(work, keys).wrong[0] == "what the credential says was changed after it was signed"


def test_a_folder_has_it_beside_and_each_file_is_named(work, keys):
    work.asset = package(work.folder / "folder.tlenv", zipped=False)
    assert (
        sign(Order(work.asset, "Grace", ledger=work.ledger), keys.signer).sidecar == work.folder / "folder.tlenv.c2pa"
    )
    assert check(work, keys).status == 0
    (work.asset / "splats.ply").write_bytes(b"x")
    (work.asset / "new.txt").write_bytes(b"x")
    assert check(work, keys).wrong[:3] == (
        "its bytes are not the ones that were signed",
        "splats.ply was changed",
        "new.txt was added",
    )


def test_a_folder_with_an_output_is_zipped_and_signed(work, keys):
    folder = package(work.folder / "folder.tlenv", zipped=False)
    work.asset = work.folder / "zipped.tlenv"
    sign(Order(folder, "Grace", output=work.asset, ledger=work.ledger), keys.signer)
    assert check(work, keys).status == 0
    assert load_environment(work.asset).name == "Pier"
    assert sorted(path.name for path in work.folder.iterdir()) == ["folder.tlenv", "pier.tlenv", "run", "zipped.tlenv"]


def film(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in (*(av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames), None):
            container.mux(stream.encode(frame))


def shown(path):
    """Every pixel that a reader which is not ours takes from a picture or film."""
    if path.suffix in (".mp4", ".mov"):
        with av.open(str(path)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with Image.open(path) as picture:
        return np.array(picture)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".mp4", ".mov"])
def test_pictures_and_films_carry_it_inside(work, keys, suffix):
    work.asset = work.folder / f"still{suffix}"
    frames = np.random.default_rng(1).integers(0, 255, (2, 48, 64, 3)).astype(np.uint8)
    if suffix in (".mp4", ".mov"):
        film(work.asset, frames)
    else:
        Image.fromarray(frames[0]).save(work.asset)
    plain, pixels = work.asset.read_bytes(), shown(work.asset)
    sign(Order(work.asset, "Grace", ledger=work.ledger, source=work.candidate), keys.signer)
    assert verify(work.asset, keys.root).status == check(work, keys).status == 0
    assert (shown(work.asset) == pixels).all()
    data = bytearray(work.asset.read_bytes())
    same = plain[len(plain) // 2 :][:64]  # from the middle of the picture's own bytes
    data[data.index(same) + 32] ^= 1
    work.asset.write_bytes(data)
    verdict = verify(work.asset, keys.root)
    assert verdict.status == 1
    assert verdict.wrong[0] == "its bytes are not the ones that were signed"


def test_what_was_imported_was_opened_not_created(work, keys):
    made = Model("pier.ply", "imported", "", "b" * 64, "unknown", None)
    settings = {"file": "pier.ply", "sha256": "b" * 64}
    environment = Environment("Pier", cloud())
    folder = work.run / "candidates" / "import-pier"
    imported = candidate(name="import-pier", engine="import", views=(), sky=None, models=(made,), settings=settings)
    save_candidate(replace(imported, environment=environment), folder)
    append(work.ledger, "Ada", "accepted", {"candidate": "import-pier", "sha256": sha256_of(folder / "candidate.json")})
    work.asset = work.folder / "import.tlenv"
    order = Order(folder / "environment.tlenv", "Grace", work.asset, work.ledger)
    sign(order, keys.signer)
    assert check(work, keys).status == 0
    assert (
        "imported: what made it is not known, engine import, seed 7, as candidate import-pier"
        in check(work, keys).claimed
    )
    manifest = read(work.asset, None).manifest
    assert manifest["assertions"][0]["data"]["actions"][0]["action"] == "c2pa.opened"
    assert [(one["relationship"], one["title"]) for one in manifest["ingredients"]] == [
        ("parentOf", "pier.ply"),
        ("inputTo", "brief.toml"),
    ]


def refused(order, keys, words):
    before = sorted(path for path in order.asset.parent.rglob("*"))
    with pytest.raises((GenerationError, FormatError), match=f"^{re.escape(words)}"):
        sign(order, keys.signer)
    assert sorted(path for path in order.asset.parent.rglob("*")) == before


def test_what_nobody_accepted_is_not_signed(work, keys):
    order = Order(work.asset, "Grace", ledger=work.ledger)
    append(work.ledger, "Alan", "rejected", {"candidate": NAME, "reason": "too dark"})
    refused(order, keys, f"{work.asset}: Alan rejected candidate {NAME} (line 4); --unapproved signs it all the same")
    refused(Order(work.asset, "Grace"), keys, f"{work.asset}: nobody has accepted candidate {NAME}; --unapproved")
    sign(Order(work.asset, "Grace", ledger=work.ledger, unapproved=True), keys.signer)
    verdict = check(work, keys)
    assert verdict.status == 0
    assert verdict.claimed[1] == f"signed unapproved: Alan rejected candidate {NAME} (line 4)"


def test_a_candidate_that_was_changed_after_it_was_accepted_is_not_signed(work, keys):
    file = work.candidate / "candidate.json"
    file.write_bytes(file.read_bytes() + b"\n")
    words = f"{work.asset}: candidate {NAME} is not as Ada accepted it (line 2): its sha256 differs; --unapproved"
    refused(Order(work.asset, "Grace", ledger=work.ledger), keys, words)


def test_what_is_signed_is_not_signed_again(signed, keys):
    refused(Order(signed.asset, "Grace", ledger=signed.ledger), keys, f"{signed.asset}: is signed already")


def test_what_cannot_be_signed_is_one_line(work, keys):
    stray = work.folder / "stray.ply"
    stray.write_bytes(b"x")
    refused(Order(stray, "Grace"), keys, f"{stray}: nothing beside it says how it was made: name its source, --of")
    refused(Order(work.asset, " "), keys, "a signature wants a name: --by NAME")
    preview = work.candidate / "preview.jpg"
    words = f"{preview}: candidate.json lists it as it is: sign a copy, --output FILE"
    refused(Order(preview, "Grace", ledger=work.ledger), keys, words)
    broken = work.folder / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    refused(Order(broken, "G", source=work.candidate, unapproved=True), keys, f"{broken}: ")


def test_the_commands(work, keys, capsys, tmp_path):
    stem = tmp_path / "prod"
    (tmp_path / "pass").write_text("open sesame\n")
    words = ["--passphrase-file", str(tmp_path / "pass")]
    assert cli.main(["provenance", "keygen", "-o", str(stem), "--production", "Pier Ltd", *words]) == 0
    sign_it = ["provenance", "sign", str(work.asset), "--key", f"{stem}.key.pem", "--ledger", str(work.ledger)]
    assert cli.main([*sign_it, "--by", "Grace", *words]) == 0
    verify_it = ["provenance", "verify", str(work.asset), "--trust", f"{stem}.root.pem", "--ledger", str(work.ledger)]
    capsys.readouterr()
    assert cli.main(verify_it) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["proved", "  unchanged since it was signed: every file of the zip, 3 files compared"]
    assert cli.main([*verify_it, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wrong"] == []
    assert cli.main(["provenance", "show", str(work.asset)]) == 0
    shown = capsys.readouterr().out
    assert "    c2pa.created generated: trainedAlgorithmicMedia" in shown
    assert "      drawn_px: [512,256]" in shown
    assert "    inputTo fog.png: reference" in shown
    assert "    inputTo brief.toml: brief and block-out of 1" in shown
    assert "    inputTo m: text-to-image; licence MIT, commercial use allowed" in shown
    assert "      cawg.ai_generative_training\n        use: notAllowed\n" in shown
    assert "secret" not in shown
    assert "a pier" not in shown
    work.asset.write_bytes(work.asset.read_bytes().replace(b"report.json", b"repart.json"))
    assert cli.main(verify_it) == 1
    assert cli.main(["provenance", "verify", str(work.candidate / "panorama.exr")]) == 2
    capsys.readouterr()
    assert cli.main([*verify_it[:2], str(tmp_path / "none.png")]) == 1
    assert capsys.readouterr().err == f"translight: {tmp_path}/none.png: no such file or folder\n"


@pytest.mark.slow
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 3000), st.booleans())
def test_no_rubbish_in_a_credential_becomes_more_than_a_verdict(tmp_path, keys, rubbish, place, whole):
    asset, sidecar = tmp_path / "view.exr", tmp_path / "view.c2pa"
    asset.write_bytes(b"some bytes")
    good = tmp_path / "good"
    if not good.exists():
        save_candidate(candidate(), tmp_path / "run" / "candidates" / NAME)
        source = tmp_path / "run" / "candidates" / NAME
        good.write_bytes(sign(Order(asset, "Ada", source=source, unapproved=True), keys.signer).sidecar.read_bytes())
    data = good.read_bytes()
    changed = rubbish if whole else data[:place] + rubbish + data[place + len(rubbish) :]
    sidecar.write_bytes(data)
    told = verify(asset, keys.root)
    sidecar.write_bytes(changed)
    verdict = verify(asset, keys.root)
    # the boxes' own frame is not signed: a credential that still proves anything says what it said
    assert verdict.status == 1 or verdict == told
