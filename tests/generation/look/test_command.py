"""``translight generate look`` and ``look-train`` as a user runs them."""

import getpass
import json
import os
import signal

import numpy as np
import pytest
from tests.generation.candidates import candidate, panorama

from translight.cli import main
from translight.commands.generate_look import Look
from translight.commands.generate_look_train import LookTrain
from translight.core.errors import TranslightError
from translight.core.file_lock import locked
from translight.core.files import sha256_of
from translight.core.image import save_image
from translight.generation.brief.brief import Brief, Style
from translight.generation.brief.write import write_brief
from translight.generation.look.cube import read_cube, write_cube
from translight.generation.look.film import film
from translight.generation.look.lattice import Lut, laid_down
from translight.generation.review.ledger import read_ledger
from translight.generation.run.job import Identity, write_identity
from translight.generation.run.store import load_candidate, save_candidate


@pytest.fixture
def run(tmp_path):
    """A run's folder whose brief names a LUT that halves light."""
    folder = tmp_path / "run"
    (folder / "candidates").mkdir(parents=True)
    write_cube(tmp_path / "half.cube", laid_down(lambda light: light / 2, "srgb", 33, "half"))
    write_brief(folder / "brief.toml", Brief(name="b", intent="a beach", style=Style(lut=tmp_path / "half.cube")))
    write_identity(folder, Identity(1, "0" * 64, "test", None, 128))
    save_candidate(candidate(views=(panorama(32),)), folder / "candidates" / "test-0007")
    return folder


def test_looks_stand_beside_their_candidate_and_in_the_ledger(run, tmp_path, capsys):
    first = run / "candidates" / "test-0007"
    chance = np.random.default_rng(0)
    save_image(tmp_path / "ref.png", (chance.random((20, 20, 3)) * 250).astype(np.uint8))
    cube = tmp_path / "made.cube"
    command = ["generate", "look", str(first), "--reference", str(tmp_path / "ref.png"), "--film", "print"]
    assert (
        main([*command, "--halation", "0", "--export-cube", str(cube), "--strength", "0.4", "--by", "Ada", "--json"])
        == 0
    )
    said = json.loads(capsys.readouterr().out)
    made = run / "candidates" / "test-0007-look"
    entries, head = read_ledger(run / "ledger.jsonl")
    assert said["ledger_head"] == head
    assert said["candidate"] == str(made)
    (entry,) = entries
    assert (entry.who, entry.action, entry.about["candidate"]) == ("Ada", "looked", made.name)
    assert entry.about["sha256"] == said["sha256"] == sha256_of(made / "candidate.json")
    looked = load_candidate(made)
    assert [step["look"] for step in looked.settings["derived"][0]["looks"]] == ["reference", "film"]
    # the exported LUT does what was done
    image = load_candidate(first).views[0].image
    lut = Lut(read_cube(cube), "log", "log")
    apart = np.abs(np.log2((lut(image) + 0.01) / (looked.views[0].image + 0.01)))
    assert np.percentile(apart, 95) < 0.1
    assert Look(made, from_brief=True).run() == 0
    second = load_candidate(run / "candidates" / "test-0007-look-look")
    np.testing.assert_allclose(second.views[0].image, looked.views[0].image / 2, rtol=0.03, atol=2e-3)
    assert read_ledger(run / "ledger.jsonl")[0][1].who == getpass.getuser()
    assert Look(first, film="reversal 100").run() == 0
    assert (run / "candidates" / "test-0007-look2" / "candidate.json").is_file()


def test_mistakes_are_one_line_and_leave_nothing(run, tmp_path, capsys):
    first, half, free = run / "candidates" / "test-0007", tmp_path / "half.cube", tmp_path / "x.cube"
    before = sorted(tmp_path.rglob("*"))
    no, stock = tmp_path / "no", {"film": "print"}
    for given, said in (
        (
            {"film": "gold"},
            "no film stock 'gold': daylight negative 250, tungsten negative 500, reversal 100, print exist",
        ),
        ({**stock, "halation": -1.0}, "--halation must lie within 0 and 10, got -1"),
        ({**stock, "halation_radius": 0.0}, "--halation-radius must lie within 0 and 10 degrees, got 0"),
        ({**stock, "grain": float("nan")}, "--grain must lie within 0 and 10, got nan"),
        ({**stock, "transfer": "ot"}, "--transfer must be mk or idt, got 'ot'"),
        ({"lut": half, "lut_input": "aces"}, "--lut-input must be srgb, linear or log, got 'aces'"),
        ({"lut": half, "from_brief": True}, "--lut and --from-brief are two LUTs: give one"),
        ({"lut": tmp_path / "no.cube"}, f"{no}.cube: no such file"),
        ({"reference": tmp_path / "no.png"}, f"{no}.png: no such file"),
        ({"cut": no}, f"{no}: no such folder; translight generate look-train makes one"),
        ({**stock, "export_cube": half}, f"{half}: exists; --force replaces it"),
        ({**stock, "export_cube": tmp_path / "x.txt"}, f"{tmp_path}/x.txt: a LUT's name ends in .cube"),
        ({**stock, "export_cube": no / "x.cube"}, f"{no}: no such folder"),
        ({**stock, "export_cube": free, "cube_size": 1}, "--cube-size must lie within 2 and 129, got 1"),
        (
            {"cut": no, "export_cube": free},
            "--export-cube: a network changes colours place by place, which no LUT can hold",
        ),
        ({**stock, "seed": -1}, "--seed must lie within 0 and 4294967295, got -1"),
        ({**stock, "by": " "}, "a decision wants a name: --by NAME, at most 200 characters"),
    ):
        with pytest.raises(TranslightError) as caught:
            Look(first, **given).run()
        assert str(caught.value) == said
        assert sorted(tmp_path.rglob("*")) == before, given
    (run / "ledger.jsonl").write_text("{}\n")
    with pytest.raises(TranslightError, match=r"ledger.jsonl: line 1 is no ledger entry"):
        Look(first, film="print").run()
    assert sorted(path.name for path in first.parent.iterdir()) == [first.name]
    write_brief(run / "brief.toml", Brief(name="b", intent="a beach"))
    assert main(["generate", "look", str(first), "--from-brief"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"translight: {run}/brief.toml: names no LUT (style.lut)"
    with pytest.raises(
        TranslightError, match=r"^no look is asked for: give --cut, --reference, --film, --lut or --from"
    ):
        Look(first).run()


def test_a_look_without_its_line_is_taken_back(run, tmp_path, capsys, monkeypatch):
    first, cube = run / "candidates" / "test-0007", tmp_path / "made.cube"
    with locked(run / "ledger.lock") as have:  # another writes, and goes on
        assert have
        monkeypatch.setattr("translight.commands.generate_look._WAIT_S", 0.0)
        assert main(["generate", "look", str(first), "--film", "print", "--export-cube", str(cube)]) == 1
    said = f"translight: {run}/ledger.jsonl: another is writing to it; try again"
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert [path.name for path in first.parent.iterdir()] == [first.name]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["half.cube", "run"]


def test_two_looks_at_once_get_a_name_each(run, monkeypatch):
    first = run / "candidates" / "test-0007"
    whole = save_candidate

    def late(candidate, folder, **more):
        if folder.name == "test-0007-look" and not folder.exists():
            whole(candidate, folder)  # another's, finished while this one was on its way
        return whole(candidate, folder, **more)

    monkeypatch.setattr("translight.generation.run.store.save_candidate", late)
    assert Look(first, film="print").run() == 0
    (entry,) = read_ledger(run / "ledger.jsonl")[0]
    assert entry.about["candidate"] == "test-0007-look2"
    made = load_candidate(first.parent / "test-0007-look2")
    assert made.name == "test-0007-look2"
    digest = sha256_of(first / "candidate.json")
    assert made.settings["derived"][0]["from_sha256"] == entry.about["from_sha256"] == digest


def test_an_interrupt_leaves_nothing_and_no_run_needs_no_ledger(tmp_path, capsys, monkeypatch):
    save_candidate(candidate(views=(panorama(32),)), tmp_path / "test-0007")
    command = Look(tmp_path / "test-0007", film="print")
    with monkeypatch.context() as patch:
        patch.setattr("translight.commands.generate.Lines.progress", lambda *_: signal.raise_signal(signal.SIGINT))
        assert command.run() == 130
    assert capsys.readouterr().err.splitlines()[-1] == "translight: interrupted, nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["test-0007"]
    assert command.run() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test-0007", "test-0007-look"]
    made = load_candidate(tmp_path / "test-0007-look")
    assert made.sky == pytest.approx(film("print")(np.ones((1, 3)))[0, 0] * np.ones((4, 8, 3)), rel=0.1)


@pytest.fixture
def one_thread():
    """Of torch's: small pictures are slower with more."""
    torch = pytest.importorskip("torch", reason="the extra generate is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_network_is_taught_stopped_gone_on_with_and_used(tmp_path, capsys, monkeypatch):
    chance = np.random.default_rng(0)
    for name, tint in (("a", [200, 150, 100]), ("b", [100, 150, 200])):
        (tmp_path / name).mkdir()
        save_image(tmp_path / name / "1.png", (chance.random((40, 40, 3)) * tint).astype(np.uint8))
    model = tmp_path / "m"
    train = ["generate", "look-train", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(model)]
    train += ["--size", "32", "--filters", "4", "--blocks", "0", "--device", "cpu", "--steps", "2"]
    calls = []

    def press(self, what, share):
        calls.append(what)
        if what.startswith("step 1"):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("translight.commands.generate.Lines.progress", press)
        assert main(train) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "translight: interrupted; the same command goes on from here"
    assert json.loads((model / "model.json").read_text())["steps"] == 1
    assert main([*train, "--json"]) == 0
    assert json.loads(capsys.readouterr().out).items() >= {"model": str(model), "steps": 2}.items()
    save_candidate(candidate(views=(panorama(32),)), tmp_path / "test-0007")
    assert Look(tmp_path / "test-0007", cut=model, device="cpu").run() == 0
    assert "image-translation m: the user's own, licence not known: ask" in capsys.readouterr().err
    looked = load_candidate(tmp_path / "test-0007-look")
    assert looked.models[-1].role == "image-translation"
    assert looked.settings["derived"][0]["looks"][0].items() >= {"look": "cut", "network": "m", "steps": 2}.items()
    for given, said in (
        ({"steps": 0}, "--steps must lie within 1 and 10000000, got 0"),
        ({"steps": 2, "size": 34}, "--size must be a multiple of 4, got 34"),
        ({"steps": 2, "size": 16}, "--size: Expected `int` >= 32"),
        ({"steps": 2, "size": 32, "filters": 8}, f"{model}: was begun with other settings; --fresh begins anew"),
        ({"licence": " "}, "--licence wants some words, at most 200 characters"),
    ):
        with pytest.raises(TranslightError) as caught:
            LookTrain(tmp_path / "a", tmp_path / "b", model, device="cpu", **given).run()
        assert str(caught.value) == said


def test_a_missing_package_is_told_by_its_extra(run, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    first = run / "candidates" / "test-0007"
    for command in (Look(first, cut=tmp_path), LookTrain(tmp_path, tmp_path, tmp_path / "m")):
        with pytest.raises(TranslightError, match=r'^torch is not installed: pip install "translight\[generate\]"$'):
            command.run()
