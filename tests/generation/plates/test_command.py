"""``translight generate plate`` as a user runs it."""

import html
import json
import shutil
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.environment.plates import environment_of
from tests.generation.candidates import candidate, panorama

from translight.cli import main
from translight.core.files import sha256_of
from translight.core.image import save_image
from translight.environment.environment import Environment
from translight.environment.files import load_environment, load_json_part, save_environment
from translight.environment.report import Report
from translight.generation.provenance.files import digest_of_asset
from translight.generation.review.ledger import append, read_ledger
from translight.generation.review.made import add_lifted, lineage
from translight.generation.run.job import Identity, write_identity
from translight.generation.run.store import save_candidate

BRIEFS = Path(__file__).parents[3] / "docs" / "briefs"
SKY = np.full((64, 128, 3), 0.4, np.float32)


@pytest.fixture
def sea(tmp_path: Path) -> Path:
    save_environment(
        environment_of(sky=SKY),
        tmp_path / "sea.tlenv",
        report=Report().with_step("lift").values(),
        cameras=[],
        thumbnail=np.zeros((9, 16, 3), np.uint8),
    )
    return tmp_path / "sea.tlenv"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """32 linear pictures of a wave that comes round in 12."""
    folder = tmp_path / "film"
    folder.mkdir()
    x = np.arange(48)
    for k in range(32):
        row = 0.5 + 0.3 * np.sin(2 * np.pi * (x / 24 - k / 12))
        save_image(folder / f"{k:03d}.exr", np.broadcast_to(row[None, :, None], (32, 48, 3)).astype(np.float32))
    return folder


def test_a_film_becomes_a_plate_of_the_package(sea: Path, film: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "moving.tlenv"
    command = ["generate", "plate", str(sea), "-o", str(output), "--kind", "film", "--film", str(film), "--rate", "12"]
    command += ["--seconds", "2", "--fade", "0.25", "--window=-40,40,-20,30", "--name", "traffic"]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["rate"], told["film_px"], told["cut"]["faded"]) == (24, "12", [48, 32], 3)
    assert (told["film"], told["film_sha256"]) == ("film", digest_of_asset(film))
    assert told["cut"]["difference"] < 1e-3, "it was cut at its period"
    assert told["coherence"]["cut_flicker"] <= told["coherence"]["flicker_p99"] + 0.002
    environment = load_environment(output)
    (plate,) = environment.plates
    assert (plate.name, plate.rate, plate.area.width_px, plate.seconds) == ("traffic", 12, 28, 2)
    middle = plate.frames[0, plate.area.height_px // 2, plate.area.width_px // 2].astype(float)
    assert middle[3] == 1
    assert 0.2 <= middle[0] <= 0.8
    assert plate.frames[:, 0, 0, 3].max() == 0
    assert [step["step"] for step in Report.of(output).steps] == ["lift", "plate"]
    assert load_json_part(output, "cameras") == []
    assert (output / "thumbnail.jpg").is_file()
    np.testing.assert_array_equal(environment.sky, SKY)
    assert main([*command, "--force"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{output}: plate 'traffic', 24 frames at 12 a second, in ")
    assert said[-1] == f"play it: translight demo --environment {output}"
    assert main(command) == 1
    assert capsys.readouterr().err == f"translight: {output}: exists; --force replaces it\n"
    # one more, and one in the first one's place
    again = ["generate", "plate", str(output), "-o", str(tmp_path / "two.tlenv"), *command[5:-2]]
    assert main([*again, "--name", "more"]) == 0
    assert [plate.name for plate in load_environment(tmp_path / "two.tlenv").plates] == ["traffic", "more"]
    assert main([*again, "--name", "traffic", "--force"]) == 0
    assert [plate.name for plate in load_environment(tmp_path / "two.tlenv").plates] == ["traffic"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rate", "fast"], "--rate: a frame rate is like 24, 23.976 or 24000/1001, got 'fast'"),
        (["--seconds", "0.1"], "--seconds must be from 0.5 to 120, got 0.1"),
        (["--seconds", "2", "--fade", "2"], "--fade must be from 0.05 to 1.9, got 2"),
        (["--window", "1,2"], "--window 1,2: four numbers are wanted: left,right,low,high in degrees"),
        (["--kind", "clouds"], "clouds: the candidate that the environment was made of is needed: --candidate"),
        (["--kind", "film"], "film: give the film: --film FILE"),
        (["--kind", "film", "--film", "none.mp4"], "none.mp4: no such file or folder"),
        (["--kind", "film", "--film", "none.mp4", "--seconds", "1"], "none.mp4: no such file or folder"),
        (["--name", "x" * 101], "--name: 1 to 100 characters, got 101"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(sea: Path, tmp_path: Path, more: list[str], said: str, capsys) -> None:
    assert main(["generate", "plate", str(sea), "-o", str(tmp_path / "out.tlenv"), *more]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"translight: {said}"
    assert [path.name for path in tmp_path.iterdir()] == ["sea.tlenv"]


def test_what_a_plate_cannot_be_added_to(sea: Path, film: Path, tmp_path: Path, capsys) -> None:
    bare: Environment = replace(environment_of(), sky=None)
    save_environment(bare, tmp_path / "bare.tlenv")
    for source, output, said in (
        (tmp_path / "bare.tlenv", "out.tlenv", "Plates: has no sky for a plate to lie on"),
        (film, "out.tlenv", f"{film}: is no environment package, which a plate is added to"),
        (sea, "out.ply", f"{tmp_path}/out.ply: an environment package's name ends in .tlenv"),
        (sea, "no/out.tlenv", f"{tmp_path}/no/out.tlenv: there is no folder {tmp_path}/no"),
    ):
        command = [
            "generate",
            "plate",
            str(source),
            "-o",
            str(tmp_path / output),
            "--kind",
            "film",
            "--film",
            str(film),
        ]
        assert main([*command, "--rate", "12", "--seconds", "1", "--fade", "0.5"]) == 1
        assert capsys.readouterr().err.splitlines()[-1] == f"translight: {said}"


def test_who_added_which_film_is_in_the_ledger_and_proved(sea: Path, film: Path, tmp_path: Path, capsys) -> None:
    """From the lift over two plates to a signature, and one word of the chain changed."""
    made = run_of(tmp_path)
    write_identity(made.parents[1], Identity(1, "0" * 64, "test", None, 128))
    ledger, first, second = made.parents[1] / "ledger.jsonl", tmp_path / "one.tlenv", tmp_path / "two.tlenv"
    report = Report().with_step("generate", candidate=made.name, engine="procedural", seed=7, settings={})
    save_environment(environment_of(sky=SKY), tmp_path / "lifted.tlenv", report=report.with_step("lift").values())
    append(ledger, "Ada", "accepted", {"candidate": made.name, "sha256": sha256_of(made / "candidate.json")})
    add_lifted(made, tmp_path / "lifted.tlenv", "Ada")
    command = ["generate", "plate", "--kind", "film", "--film", str(film), "--rate", "12", "--seconds", "1"]
    command += ["--fade", "0.5", "--by", "Bo"]
    assert main([*command, str(tmp_path / "lifted.tlenv"), "-o", str(first), "--ledger", str(ledger)]) == 0
    assert main([*command, str(first), "-o", str(second), "--name", "more", "--candidate", str(made)]) == 0
    entries, _ = read_ledger(ledger)
    assert [(entry.who, entry.action) for entry in entries[2:]] == [("Bo", "plated"), ("Bo", "plated")]
    about = entries[3].about
    assert (about["from"], about["from_sha256"]) == ("one.tlenv", sha256_of(first / "environment.json"))
    assert about["sha256"] == sha256_of(second / "environment.json")
    assert about["candidate_sha256"] == sha256_of(made / "candidate.json"), "from the lift's line"
    assert about["plate"]["film_sha256"] == digest_of_asset(film)
    assert [entry.number for entry in lineage(entries, {about["sha256"]})] == [2, 3, 4]
    capsys.readouterr()
    assert main(["review", "history", str(made.parents[1])]) == 0
    assert "Bo plated two.tlenv from one.tlenv" in capsys.readouterr().out
    assert main([*command, str(first), "-o", str(tmp_path / "loose.tlenv")]) == 0
    note = "no run's ledger has a line about it: --ledger RUN/ledger.jsonl adds one"
    assert note in capsys.readouterr().err.splitlines()
    # signed, proved, and shown
    pytest.importorskip("c2pa")
    stem, signed = tmp_path / "key", tmp_path / "signed.tlenv"
    assert main(["provenance", "keygen", "-o", str(stem), "--production", "Pier", "--no-passphrase"]) == 0
    sign = ["provenance", "sign", "--key", f"{stem}.key.pem", "--ledger", str(ledger), "--by", "Grace"]
    added = f"Bo added the plate 'more' (film) to one.tlenv, film film, sha256 {digest_of_asset(film)}"
    assert main([*sign, str(second), "-o", str(signed)]) == 1
    assert capsys.readouterr().err == (
        f"translight: {second}: {added} after Ada accepted the candidate (line 1), and nobody has accepted that; "
        "--unapproved signs it all the same, and says so\n"
    )
    accept = ["review", "accept", str(second), "--ledger", str(ledger), "--by", "Ada", "--note", "both plates seen"]
    assert main(accept) == 0
    assert capsys.readouterr().out.startswith("two.tlenv is accepted by Ada: line 5 of the ledger, head ")
    assert main(["review", "history", str(made.parents[1])]) == 0
    assert 'Ada accepted two.tlenv: "both plates seen"' in capsys.readouterr().out
    assert main([*sign, str(second), "-o", str(signed)]) == 0
    capsys.readouterr()
    assert main(["provenance", "verify", str(signed), "--trust", f"{stem}.root.pem", "--ledger", str(ledger)]) == 0
    proved = capsys.readouterr().out.split("claimed by the signer")[0]
    assert f"line 4 of the ledger says: {added}" in proved
    assert "line 5 of the ledger says that Ada accepted exactly this, and has not changed since" in proved
    assert main(["provenance", "show", str(signed)]) == 0
    assert "action: plated" in capsys.readouterr().out
    out = tmp_path / "report.html"
    assert main(["provenance", "report", str(signed), str(made.parents[1]), "-o", str(out)]) == 0
    assert html.escape(added) in out.read_text()
    assert "both plates seen" in out.read_text()
    reject = ["review", "reject", str(second), "--ledger", str(ledger), "--by", "Bo", "--reason", "wrong tide"]
    assert main(reject) == 0
    append(ledger, "Ada", "accepted", {"candidate": made.name, "sha256": sha256_of(made / "candidate.json")})
    capsys.readouterr()
    assert main(["provenance", "verify", str(signed), "--trust", f"{stem}.root.pem", "--ledger", str(ledger)]) == 1
    assert "that holds no more: Bo rejected two.tlenv (line 7), after it was signed" in capsys.readouterr().out
    ledger.write_bytes(ledger.read_bytes().replace(b'"Bo","action":"plated"', b'"Al","action":"plated"', 1))
    assert main(["provenance", "verify", str(signed), "--trust", f"{stem}.root.pem", "--ledger", str(ledger)]) == 1


def test_a_ledger_that_is_broken_is_said_before_the_work(sea: Path, film: Path, tmp_path: Path, capsys) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text("{}\n")
    for given, said in ((ledger, "line 1 is no ledger entry"), (tmp_path / "no.jsonl", "no such ledger")):
        command = ["generate", "plate", str(sea), "-o", str(tmp_path / "out.tlenv"), "--kind", "film"]
        assert main([*command, "--film", str(film), "--ledger", str(given)]) == 1
        assert capsys.readouterr().err.startswith(f"translight: {given}: {said}")
        assert not (tmp_path / "out.tlenv").exists()


def run_of(folder: Path) -> Path:
    """A run's folder with the ocean's brief and one candidate."""
    made = folder / "run" / "candidates" / "test-0007"
    save_candidate(candidate(views=(panorama(32),)), made)
    shutil.copy(BRIEFS / "ocean.toml", folder / "run" / "brief.toml")
    return made


@pytest.mark.slow
def test_clouds_are_kept_when_they_are_interrupted_and_loop(sea: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    command = ["generate", "plate", str(sea), "-o", str(tmp_path / "out.tlenv"), "--candidate", str(run_of(tmp_path))]
    command += ["--window=-40,40,10,50", "--seconds", "1.5", "--fade", "0.5", "--speed", "10", "--json"]
    with monkeypatch.context() as impatient:
        told: list[str] = []

        def progress(self: object, what: str, share: float) -> None:
            told.append(what)
            if what.startswith("drawing frames, 3 "):
                raise KeyboardInterrupt

        impatient.setattr("translight.commands.generate.Lines.progress", progress)
        assert main(command) == 130
    work = tmp_path / ".out.tlenv.frames"
    assert capsys.readouterr().err == (
        f"translight: interrupted, nothing was written; the frames that are done are kept in {work}\n"
    )
    assert len(list(work.glob("*.npy"))) == 3
    assert main(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert not work.exists()
    assert facts["frames"] == 36
    assert facts["coherence"]["cut_warping_codes"] <= 1.5 * facts["coherence"]["warping_p99_codes"]
    (plate,) = load_environment(tmp_path / "out.tlenv").plates
    inner = plate.frames[..., :3].astype(np.float32)[:, 4:-4, 4:-4]
    assert inner.mean() == pytest.approx(0.4, rel=0.5), "as bright as the still sky"
    steps = np.sqrt(((np.roll(inner, -1, axis=0) - inner) ** 2).mean(axis=(1, 2, 3)))
    assert steps.min() > 0
    assert steps[-1] <= np.percentile(steps[:-1], 99) * 1.2


@pytest.mark.slow
def test_a_models_film_begins_with_the_candidates_picture(sea: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    pytest.importorskip("diffusers")
    monkeypatch.setattr("translight.generation.plates.make._MODEL_PX", 64)
    known = import_module("translight.generation.diffusion.video").VIDEO
    kind = "StableVideoDiffusionPipeline"
    monkeypatch.setitem(known, kind, replace(known[kind], steps=2))
    svd = import_module("tests.generation.diffusion.tiny_video").svd(tmp_path / "svd")
    command = ["generate", "plate", str(sea), "-o", str(tmp_path / "out.tlenv"), "--candidate", str(run_of(tmp_path))]
    command += ["--kind", "model", "--model", str(svd), "--window=-30,30,-10,24"]
    assert main([*command, "--seconds", "0.6", "--fade", "0.2", "--json"]) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["rate"] == "7"
    assert facts["models"][0]["role"] == "image-to-video"
    (plate,) = load_environment(tmp_path / "out.tlenv").plates
    assert plate.rate == Fraction(7)
    assert np.isfinite(plate.frames.astype(np.float32)).all()
    assert main([*command, "--model", str(tmp_path), "--force"]) == 1
