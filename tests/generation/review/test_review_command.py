"""``translight review`` as a supervisor uses it: decisions, the ledger, a candidate or ledger that somebody changed."""

import hashlib
import json
import math
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.environment.plates import environment_of
from tests.generation.review import runs

from translight.cli import main
from translight.commands.review_vary import wall_of
from translight.core.file_lock import locked
from translight.core.image import load_image, save_image
from translight.environment.files import save_environment
from translight.generation.review.ledger import append, read_ledger
from translight.generation.review.made import add_lifted, not_accepted, run_entries
from translight.generation.review.measures import measures
from translight.server.show import load_show


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    runs.make(folder)
    return folder


@pytest.fixture
def run(made, tmp_path, capsys):
    """A copy of the run for one test, with its two candidates."""
    shutil.copytree(made / "run", tmp_path / "run")
    capsys.readouterr()
    return tmp_path / "run", sorted((tmp_path / "run" / "candidates").iterdir())


def test_generate_notes_each_candidate_and_measures_it(run, made):
    folder, candidates = run
    entries, _ = read_ledger(folder / "ledger.jsonl")
    assert [(e.who, e.action, e.about["candidate"]) for e in entries] == [
        ("Ana", "generated", c.name) for c in candidates
    ]
    measures = json.loads((candidates[0] / "measures.json").read_text())
    found = {m["name"]: m for m in measures["measures"]}
    assert list(found) == [
        "horizon", "seam", "clipping", "stops", "sharpness", "moire", "coherence", "blocking", "prompt",
    ]  # fmt: skip
    assert found["coherence"]["why"] == "one view"
    assert (found["seam"]["verdict"], found["sharpness"]["verdict"]) == ("good", "look")
    assert found["prompt"]["value"] is None


def test_decisions_are_told_and_the_last_one_holds(run, capsys):
    folder, (one, two) = run
    assert main(["review", "accept", str(one), "--by", "Ana Díaz", "--note", "soft light"]) == 0
    assert main(["review", "reject", str(two), "--by", "Ben", "--reason", "too\nbright"]) == 0
    assert main(["review", "reject", str(one), "--by", "Ben", "--reason", "changed his mind"]) == 0
    capsys.readouterr()
    assert main(["review", "list", str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["candidates"]
    assert [(r["state"], r["by"], r["words"]) for r in rows] == [
        ("rejected", "Ben", "changed his mind"),
        ("rejected", "Ben", "too bright"),
    ]
    assert main(["review", "list", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["candidate", "state", "measures", "made", "of"]
    assert "rejected by Ben" in lines[1]
    assert "sharpness" in lines[1]
    assert main(["review", "history", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split("UTC  ")[1] for line in told[:5]] == [
        f"Ana generated {one.name} with import",
        f"Ana generated {two.name} with import",
        f'Ana Díaz accepted {one.name}: "soft light"',
        f'Ben rejected {two.name}: "too bright"',
        f'Ben rejected {one.name}: "changed his mind"',
    ]
    assert told[5] == f"the chain of 5 lines is whole; its head is {read_ledger(folder / 'ledger.jsonl')[1]}"


def test_mistakes_are_one_line_and_decide_nothing(run, tmp_path, capsys):
    folder, (one, _) = run
    before = (folder / "ledger.jsonl").read_bytes()

    def refused(*words):
        assert main(["review", *words]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("translight: ")

    assert refused("reject", str(one), "--by", "Ben", "--reason", " ") == "a rejection wants a reason: --reason TEXT"
    assert (
        refused("accept", str(folder), "--by", "B") == f"{folder}: no candidate there; one lies in RUN/candidates/NAME"
    )
    broken = refused("accept", str(one), "--by", "a\nb")
    assert broken == "--by 'a\\nb': a name has neither line breaks nor control characters"
    assert (
        refused("accept", str(one), "--by", "B", "--note", "\udcff") == "a reason or note is UTF-8 text, got '\\udcff'"
    )
    assert refused("accept", str(one), "--by", " ") == "a decision wants a name: --by NAME, at most 200 characters"
    long = refused("accept", str(one), "--by", "B", "--note", "x" * 2001)
    assert long == "a reason or note has at most 2000 characters, got 2001"
    shutil.copytree(one, tmp_path / "loose")
    loose = refused("accept", str(tmp_path / "loose"), "--by", "B")
    assert loose == f"{tmp_path}/loose: lies in no run: decisions are kept for RUN/candidates/NAME"
    for command in ("list", "history", "sheet", "measure"):
        said = refused(command, str(tmp_path))
        assert said == f"{tmp_path}: holds no run: the folder that translight generate -o made is wanted"
    said = refused("measure", str(folder), "--wall-pitch-mm", "0")
    assert said == "--wall-pitch-mm must be from 0.1 to 100, got 0"
    assert (folder / "ledger.jsonl").read_bytes() == before
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 0
    capsys.readouterr()
    assert refused("accept", str(one), "--by", "Ben").startswith(f"{one.name} is accepted already, by Ben on 2")


def test_the_account_s_name_is_taken_when_none_is_given(run, capsys, monkeypatch):
    folder, (one, two) = run
    monkeypatch.setenv("LOGNAME", "cleo")
    assert main(["review", "accept", str(one)]) == 0
    assert read_ledger(folder / "ledger.jsonl")[0][-1].who == "cleo"

    def nameless():
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nameless)
    capsys.readouterr()
    assert main(["review", "accept", str(two)]) == 1
    assert capsys.readouterr().err == "translight: this account has no name: give yours with --by NAME\n"


def test_a_changed_candidate_is_refused(run, capsys):
    _, (one, two) = run
    save_image(one / "preview.jpg", np.zeros((8, 16, 3), np.uint8))
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 1
    assert capsys.readouterr().err == (
        f"translight: {one}/preview.jpg: is not the file that was generated: its sha256 differs\n"
    )
    values = json.loads((two / "candidate.json").read_text())
    (two / "candidate.json").write_text(json.dumps({**values, "seed": 1}))
    assert main(["review", "accept", str(two), "--by", "Ben"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"translight: {two}: is not what Ana generated on 2")
    assert said.endswith(" UTC: candidate.json was changed; --anew decides on what is there now\n")
    assert main(["review", "accept", str(two), "--by", "Ben", "--anew"]) == 0


def test_a_decision_does_not_hold_for_what_was_changed_after_it(run, capsys):
    folder, (one, _) = run
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 0
    values = json.loads((one / "candidate.json").read_text())
    (one / "candidate.json").write_text(json.dumps({**values, "seed": 1}))
    capsys.readouterr()
    assert main(["review", "list", str(folder)]) == 0
    assert "changed since the ledger spoke of it" in capsys.readouterr().out.splitlines()[1]


def test_a_candidate_that_the_ledger_does_not_know_is_told(run, capsys):
    """As a kill between a variation's folder and its line leaves one."""
    folder, (one, _) = run
    left = one.with_name("left")
    shutil.copytree(one, left)
    capsys.readouterr()
    assert main(["review", "list", str(folder)]) == 0
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "the ledger does not know it" in line]
    assert told == ["left"]
    assert main(["review", "list", str(folder), "--json"]) == 0
    unknown = {row["candidate"]: row["unknown"] for row in json.loads(capsys.readouterr().out)["candidates"]}
    assert unknown == {path.name: path == left for path in left.parent.iterdir()}
    assert main(["review", "reject", str(left), "--by", "Ben", "--reason", "nobody asked for it"]) == 0
    assert main(["review", "list", str(folder)]) == 0
    assert "the ledger does not know it" not in capsys.readouterr().out


def test_a_decision_does_not_pass_to_a_candidate_made_anew(run, capsys):
    folder, (one, _) = run
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 0
    values = json.loads((one / "candidate.json").read_text())
    (one / "candidate.json").write_text(json.dumps({**values, "seed": 1}))
    sha256 = hashlib.sha256((one / "candidate.json").read_bytes()).hexdigest()
    append(folder / "ledger.jsonl", "Ana", "generated", {"candidate": one.name, "sha256": sha256})
    capsys.readouterr()
    assert main(["review", "list", str(folder), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["candidates"][0]
    assert (row["state"], row["changed"], row["by"]) == ("undecided", False, None)
    assert "is not accepted by anybody yet" in not_accepted(one, run_entries(one))


def test_a_changed_ledger_is_noticed_and_nothing_is_added(run, capsys):
    folder, (one, _) = run
    assert main(["review", "reject", str(one), "--by", "Ben", "--reason", "dull"]) == 0
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"Ana", b"Eve", 1))
    capsys.readouterr()
    said = f"translight: {ledger}: line 2 does not follow the line before it: one of them was changed, "
    for words in (["history", str(folder)], ["list", str(folder)], ["accept", str(one), "--by", "Ben"]):
        assert main(["review", *words]) == 1
        assert capsys.readouterr().err.startswith(said)


def test_two_at_once(run, capsys, monkeypatch):
    folder, (one, _) = run
    monkeypatch.setattr("translight.generation.review.decisions._WAIT_S", 0.1)
    with locked(folder / "ledger.lock"):
        assert main(["review", "accept", str(one), "--by", "Ben"]) == 1
    assert capsys.readouterr().err == f"translight: {folder}/ledger.jsonl: another is writing to it; try again\n"


def test_fresh_keeps_what_was_accepted(run, made, capsys):
    folder, (one, two) = run
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 0
    again = ["generate", str(made / "brief.toml"), "-o", str(folder), "--engine", "import", "--height", "128"]
    again += ["--source", str(made / "pictures"), "--by", "Ana"]
    capsys.readouterr()
    assert main([*again, "--fresh"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"translight: {folder}: --fresh would remove {one.name}, which Ben accepted; "
        "choose another folder, or reject it first"
    )
    (two / "measures.json").unlink()
    assert main(again) == 0
    assert (two / "measures.json").is_file(), "what an interrupt left out is made up for"
    assert len(read_ledger(folder / "ledger.jsonl")[0]) == 3, "nothing is noted twice"


def test_two_are_compared_in_one_picture(run, tmp_path, capsys):
    _, (one, two) = run
    assert main(["review", "compare", str(one), str(two), "-o", str(tmp_path / "c.jpg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("file: one.exr | two.exr") for line in lines), lines
    picture = load_image(tmp_path / "c.jpg").astype(int)
    assert picture.shape[1] == 2 * 800 + 3 * 12
    floor = [picture[12 + 30 + 12 + 330, 12 + x] for x in (400, 812 + 400)]
    assert floor[1].mean() > floor[0].mean() + 10, "one exposure for both"
    assert main(["review", "compare", str(one), str(two), "-o", str(tmp_path / "c.gif")]) == 1


def test_measures_for_another_wall(run, capsys):
    folder, (one, two) = run
    before = _measure(one, "sharpness")["value"]
    wall = ["--wall-pitch-mm", "40", "--wall-distance-m", "2"]
    assert main(["review", "measure", str(folder), *wall, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["candidates"]
    measures = json.loads((two / "measures.json").read_text())
    assert measures["wall"] == {"pitch_mm": 40.0, "distance_m": 2.0, "camera_width_px": 4096}
    value = rows[0]["measures"]["sharpness"]["value"]
    assert value == pytest.approx(before * (40 / 2) / (2.6 / 7.2), rel=0.01)
    assert value == pytest.approx(math.atan(0.02) / (np.pi / 64), rel=0.3)
    assert (folder / "contact_sheet.jpg").is_file()
    values = json.loads((one / "measures.json").read_text())
    (one / "measures.json").write_text(json.dumps({**values, "schema_version": 2}))
    assert main(["review", "list", str(folder)]) == 1
    assert capsys.readouterr().err == f"translight: {one}/measures.json: schema version 2, 1 is read\n"


def test_a_wall_comes_from_a_show():
    file = Path(__file__).parents[3] / "docs" / "lens_check.toml"  # an arc of 5.5 m around (0, -4)
    wall, rest = wall_of(file), load_show(file).camera.rest.position_m
    assert wall.camera_width_px == 640
    assert wall.pitch_mm == pytest.approx(1000 * 5.5 * math.radians(130) / 2400, rel=0.01)
    assert wall.distance_m == pytest.approx(5.5 - math.hypot(rest[0], rest[1] + 4), abs=0.01)


def _measure(candidate, name):
    return next(m for m in json.loads((candidate / "measures.json").read_text())["measures"] if m["name"] == name)


def test_lifting_is_noted_and_warned_of(run, tmp_path, capsys):
    folder, (one, _) = run
    assert run_entries(tmp_path / "loose") is None
    assert not_accepted(one, run_entries(one)) == (
        f"{one.name} is not accepted by anybody yet: translight review accept {one}"
    )
    assert main(["review", "reject", str(one), "--by", "Ben", "--reason", "dull"]) == 0
    assert not_accepted(one, run_entries(one)) == f'{one.name} was rejected by Ben: "dull"'
    package = tmp_path / "ring.tlenv"
    package.mkdir()
    (package / "environment.json").write_text("{}")
    entry, _ = add_lifted(one, package, "Cleo")
    assert (entry.who, entry.action, entry.about["environment"]) == ("Cleo", "lifted", "ring.tlenv")
    assert entry.about["sha256"] == hashlib.sha256(b"{}").hexdigest()
    assert entry.about["candidate"] == one.name
    capsys.readouterr()
    assert main(["review", "accept", str(one), "--by", "Ben"]) == 0, "a package's line says nothing of the candidate"
    assert not_accepted(one, run_entries(one)) == ""
    assert main(["review", "history", str(folder)]) == 0
    assert f"Cleo lifted ring.tlenv from {one.name}" in capsys.readouterr().out


def test_a_decision_about_an_environment_is_its_own(run, tmp_path, capsys):
    folder, (one, _) = run
    ledger, package = folder / "ledger.jsonl", tmp_path / "ring.tlenv"
    save_environment(environment_of(), package)
    add_lifted(one, package, "Cleo")
    before = ledger.read_bytes()
    accept = ["review", "accept", "--by", "Ana"]
    no = "an environment's decision goes into the ledger of its run: --ledger RUN/ledger.jsonl"
    loose = tmp_path / "loose.tlenv"
    save_environment(replace(environment_of(), name="loose"), loose)
    for command, said in (
        ([*accept, str(package)], f"{package}: {no}"),
        (
            [*accept, str(one), "--ledger", str(ledger)],
            f"{one}: is no environment; a candidate's ledger is its run's, and --ledger is for environments",
        ),
        (
            [*accept, str(loose), "--ledger", str(ledger)],
            f"{loose}: no line of {ledger} says how it was made, so it is not decided on there",
        ),
        ([*accept, str(package), "--ledger", str(folder / "no.jsonl")], f"{folder / 'no.jsonl'}: no such ledger"),
        (
            [*accept, str(tmp_path / "no.tlenv"), "--ledger", str(ledger)],
            f"{tmp_path / 'no.tlenv'}: no such file or folder",
        ),
        (
            ["review", "reject", str(package), "--ledger", str(ledger), "--reason", " "],
            "a rejection wants a reason: --reason TEXT",
        ),
    ):
        capsys.readouterr()
        assert main(command) == 1
        assert capsys.readouterr().err == f"translight: {said}\n"
    assert ledger.read_bytes() == before
    accept += [str(package), "--ledger", str(ledger)]
    assert main(accept) == 0
    assert main(accept) == 1
    assert capsys.readouterr().err.startswith(f"translight: {package} is accepted already, by Ana on ")
    assert main(["review", "list", str(folder), "--json"]) == 0
    assert {row["state"] for row in json.loads(capsys.readouterr().out)["candidates"]} == {"undecided"}
    part = next(package.glob("splats.*"))
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    before = ledger.read_bytes()
    assert main(["review", "accept", str(package), "--ledger", str(ledger), "--by", "Ben"]) == 1
    assert "its SHA-256 is not the manifest's: the file was changed or damaged" in capsys.readouterr().err
    assert ledger.read_bytes() == before


def test_history_tells_of_a_clock_that_went_back(run, capsys):
    folder, (one, _) = run
    append(folder / "ledger.jsonl", "Ben", "rejected", {"candidate": one.name}, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert main(["review", "history", str(folder)]) == 0
    said = "the clock went back before line 3: the order of lines holds, their times do not"
    assert said in capsys.readouterr().out.splitlines()


def test_measuring_that_is_interrupted_keeps_what_was_measured(run, capsys, monkeypatch):
    folder, (one, two) = run
    before, whole = (two / "measures.json").read_bytes(), measures.save_measures

    def interrupted(candidate, *more):
        if candidate == two:
            raise KeyboardInterrupt
        return whole(candidate, *more)

    monkeypatch.setattr(measures, "save_measures", interrupted)
    assert main(["review", "measure", str(folder), "--wall-distance-m", "4"]) == 130
    said = "translight: interrupted; candidates that were measured keep their new measures"
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert json.loads((one / "measures.json").read_text())["wall"]["distance_m"] == 4.0
    assert (two / "measures.json").read_bytes() == before


def test_a_fresh_start_that_is_interrupted_leaves_no_half_candidate(run, made, monkeypatch):
    folder, candidates = run
    again = ["generate", str(made / "brief.toml"), "-o", str(folder), "--engine", "import", "--height", "128"]
    again += ["--source", str(made / "pictures"), "--by", "Ana"]

    def interrupted(path, **_):
        (next(path.iterdir()) / "preview.jpg").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("translight.generation.run.generate.shutil.rmtree", interrupted)
        assert main([*again, "--fresh"]) == 130
    assert main(again) == 0
    assert all((one / "preview.jpg").is_file() for one in candidates)


def test_a_file_that_cannot_be_read_is_named(run, capsys, monkeypatch):
    folder, (one, _) = run
    whole = Path.read_bytes

    def denied(path):
        if path.name == "candidate.json":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert main(["review", "list", str(folder)]) == 1
    assert capsys.readouterr().err == f"translight: {one}/candidate.json: cannot be read (Permission denied)\n"
