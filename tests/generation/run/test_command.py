import json
from dataclasses import replace

import numpy as np
import pytest
from tests.generation.candidates import candidate

from translight.cli import main
from translight.core.image import save_image
from translight.environment.files import load_environment
from translight.environment.report import Report
from translight.generation.brief.brief import Brief, Stage
from translight.generation.brief.write import brief_text, write_brief
from translight.generation.panorama import directions
from translight.generation.review.ledger import read_ledger
from translight.generation.run.store import load_candidate, save_candidate


@pytest.fixture
def panorama(tmp_path):
    """A floor 1.7 m below the eye up to 30 m, and a wall all round there, open to the sky above 10 degrees."""
    rays = directions(64)
    distance_m = np.where(rays[..., 2] < -0.06, -1.7 / np.minimum(rays[..., 2], -1e-3), 30.0)
    distance_m[rays[..., 2] > 0.17] = np.inf
    image = np.where(np.isinf(distance_m)[..., None], np.float32(2.0), np.abs(rays)).astype(np.float32)
    save_image(tmp_path / "p.exr", image)
    save_image(tmp_path / "p_distance.exr", distance_m.astype(np.float32))
    write_brief(tmp_path / "b.toml", Brief(name="Ring", intent="grey dunes"))
    return tmp_path


def test_a_brief_becomes_a_candidate_and_that_an_environment(panorama, capsys):
    run = ["generate", str(panorama / "b.toml"), "-o", str(panorama / "run"), "--engine", "import"]
    assert main([*run, "--source", str(panorama / "p.exr"), "--json", "--by", "Ana"]) == 0
    said = capsys.readouterr()
    values = json.loads(said.out)
    assert (values["brief"], values["made_now"]) == ("Ring", 1)
    assert "imported p.exr: unknown, licence not known: ask" in said.err
    (folder,) = values["candidates"]
    output = panorama / "ring.tlenv"
    assert main(["generate", "lift", folder, "-o", str(output), "--splats", "4000", "--by", "Cleo"]) == 0
    said = capsys.readouterr()
    name = folder.rpartition("/")[2]
    assert f"{name} is not accepted by anybody yet: translight review accept {folder}" in said.err.splitlines()
    entries, _ = read_ledger(panorama / "run" / "ledger.jsonl")
    assert [(entry.who, entry.action) for entry in entries] == [("Ana", "generated"), ("Cleo", "lifted")]
    assert entries[1].about["environment"] == "ring.tlenv"
    said = said.out.splitlines()
    assert said[0] == f"{output}: 4,000 splats"
    assert said[1].startswith("holes stay below 1% up to ")
    assert said[2] == f"play it: translight demo --environment {output}"
    environment = load_environment(output)
    assert (environment.name, len(environment.splats)) == ("ring", 4000)
    assert environment.sky.max() == pytest.approx(2.0, rel=0.01)
    steps = [step["step"] for step in Report.of(output).steps]
    assert steps == ["generate", "lift", "parallax"]
    made = Report.of(output).last("generate")
    assert made["candidate"].startswith("import-p-")
    assert (made["intent"], made["family"]) == ("grey dunes", "dunes")
    assert main(["generate", "lift", folder, "-o", str(output)]) == 1
    assert capsys.readouterr().err == f"translight: {output}: exists; --force replaces it\n"


def test_a_variation_is_lifted_for_its_own_stage(panorama, monkeypatch):
    run = ["generate", str(panorama / "b.toml"), "-o", str(panorama / "run"), "--engine", "import"]
    assert main([*run, "--source", str(panorama / "p.exr"), "--by", "Ana"]) == 0
    (folder,) = (panorama / "run" / "candidates").iterdir()
    own = Brief(name="Ring", intent="grey dunes", stage=Stage(reach_m=(9.0, 3.0, 1.0)))
    step = {"step": "varied", "from": "a", "brief": brief_text(own)}
    save_candidate(replace(load_candidate(folder), settings={"derived": [step]}), folder)
    stages = []

    def lift(_panorama, _sky, stage, *_, **__):
        stages.append(stage)
        raise KeyboardInterrupt

    monkeypatch.setattr("translight.generation.lift.lift.lift", lift)
    words = ["generate", "lift", str(folder), "-o", str(panorama / "r.tlenv"), "--by", "Ana"]
    assert main(words) == 130
    assert main([*words, "--brief", str(panorama / "b.toml")]) == 130
    assert [stage.reach_m for stage in stages] == [(9.0, 3.0, 1.0), (3.0, 3.0, 1.0)]


def test_what_is_no_panorama_is_not_lifted(tmp_path, capsys):
    still = candidate(views=candidate().views[1:])
    save_candidate(still, tmp_path / "run" / "candidates" / "c")
    assert load_candidate(tmp_path / "run" / "candidates" / "c").views[0].camera is not None
    write_brief(tmp_path / "run" / "brief.toml", Brief(name="Still", intent="grey dunes"))
    folder = tmp_path / "run" / "candidates" / "c"
    assert main(["generate", "lift", str(folder), "-o", str(tmp_path / "c.tlenv")]) == 1
    assert capsys.readouterr().err == f"translight: {folder}: has no panorama: only panoramas are lifted\n"
    assert main(["generate", "lift", str(tmp_path), "-o", str(tmp_path / "c.tlenv")]) == 1
    assert capsys.readouterr().err == f"translight: {tmp_path}/candidate.json: no such file\n"
    assert main(["generate", "lift", str(folder), "-o", str(tmp_path / "c.ply")]) == 1
    assert capsys.readouterr().err.endswith("c.ply: an environment package's name ends in .tlenv\n")
    assert not (tmp_path / "c.tlenv").exists()


def test_a_run_s_mistakes_are_one_line(panorama, capsys):
    base = ["generate", str(panorama / "b.toml"), "-o", str(panorama / "run")]
    for more, said in (
        (["--engine", "magic"], "no engine 'magic': procedural, diffusers, import exist"),
        (["--height", "1000"], "--height must be a multiple of 64 from 128 to 8192, got 1000"),
        (["--source", "x"], "x: the procedural engine takes no --source: it computes everything"),
    ):
        assert main([*base, *more]) == 1
        assert capsys.readouterr().err == f"translight: {said}\n"
    assert not (panorama / "run").exists()
