"""``translight reconstruct`` as its user sees it: words, exit status, and what lies there afterwards."""

import io
import json
import sys
from pathlib import Path

import pytest
import tyro
from tests.reconstruction.evaluate.photographed import photographed
from tests.reconstruction.run.hands import Hands, raising

from translight import cli
from translight.commands.reconstruct import Reconstruct
from translight.core.errors import MissingExtra, ReconstructionError
from translight.environment.files import load_environment
from translight.reconstruction.evaluate import evaluation
from translight.reconstruction.run import methods
from translight.reconstruction.run.budget import Fixed


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory):
    return photographed(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def hands(truth, monkeypatch: pytest.MonkeyPatch) -> Hands:
    found = Hands(*truth)
    monkeypatch.setattr(methods, "pieces_of", lambda _: found.pieces())
    monkeypatch.setattr(evaluation, "_perceptual", lambda: (None, "not in this test"))
    return found


@pytest.fixture
def photos(truth) -> str:
    return str(truth[1].images[0].file.parent)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "wall.tlenv"


def _main(*words: object) -> int:
    return cli.main(["reconstruct", *map(str, words)])


def test_what_the_user_reads_in_the_end(hands: Hands, photos: str, output: Path, capsys):
    assert _main(photos, "-o", output, "--renderer", "reference", "--budget", "minutes=5") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == str(output)
    assert lines[1] == "  photographs  6 of 6 registered"
    assert lines[2].startswith("  quality      59.")
    assert " on 1 held-out view; 59." in lines[2]
    assert lines[2].endswith(" dB colour-corrected; no LPIPS: not in this test")
    assert lines[3] == "  splats       150"
    assert lines[4].startswith("  time         ")
    assert lines[5].startswith("  peak memory  ")
    assert lines[6:] == [f"look at it: translight demo --environment {output}"]
    assert "train: 96 px wide" in said.err
    assert load_environment(output).name == "wall"
    assert hands.left_s is not None
    assert 290 < hands.left_s < 300


def test_programs_get_one_json_object(hands: Hands, photos: str, output: Path, capsys):
    assert _main(photos, "-o", output, "--renderer", "reference", "--json", "--name", "Wall & co") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["environment"], values["splats"]) == (str(output), 150)
    assert values["poses"]["registered"] == 6
    assert values["evaluate"]["psnr_db"] > 58
    assert values["reconstruct"]["plan"]["width_px"] == 96
    assert load_environment(output).name == "Wall & co"


def test_without_a_budget_there_are_twenty_minutes_or_iterations(hands: Hands, photos: str, output: Path):
    common = (photos, "-o", output, "--renderer", "reference", "--force")
    assert _main(*common) == 0
    assert hands.left_s is not None
    assert 1190 < hands.left_s < 1200
    assert _main(*common, "--iterations", 100) == 0
    assert hands.left_s is None
    assert Reconstruct(Path(photos), output, iterations=5, width=48)._job().fixed == Fixed(48, None, 5)


def test_interrupted_it_says_how_to_go_on(hands: Hands, photos: str, output: Path, capsys):
    hands.failing["make"] = raising(KeyboardInterrupt())
    words = (photos, "-o", output, "--renderer", "reference")
    assert _main(*words) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == (
        "translight: interrupted; the same command goes on from here, --fresh begins anew"
    )
    assert not output.exists()
    hands.calls.clear()
    assert _main(*words) == 0
    assert hands.calls == ["read", "make"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--budget", "5"], "--budget: wants minutes=5, hours=1 or seconds=300, got '5'"),
        (["--width", "0"], "--width: at least 1, got 0"),
        (["--stop-db", "0"], "--stop-db: above 0 and below 100 dB, got 0"),
        (["--renderer", "crayon"], "--renderer: auto or one of cuda, cpu, gsplat, reference, got 'crayon'"),
        (["--name", ""], "--name: 1 to 200 characters, got 0"),
    ],
)
def test_a_mistake_is_one_line(hands: Hands, photos: str, output: Path, capsys, words: list[str], said: str):
    assert _main(photos, "-o", output, *words) == 1
    assert capsys.readouterr().err == f"translight: {said}\n"
    assert hands.calls == []
    assert list(output.parent.iterdir()) == []


def test_a_refusal_is_the_last_line(hands: Hands, photos: str, output: Path, capsys):
    hands.failing["solve"] = raising(ReconstructionError("3 photographs: too few"))
    assert _main(photos, "-o", output, "--renderer", "reference") == 1
    assert capsys.readouterr().err.splitlines()[-1] == "translight: 3 photographs: too few"
    assert list(output.parent.iterdir()) == []


def test_a_missing_extra_is_told_before_anything(photos: str, output: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    def absent(_) -> None:
        raise MissingExtra("torch", "train")

    monkeypatch.setattr(methods, "pieces_of", absent)
    assert _main(photos, "-o", output) == 1
    assert capsys.readouterr().err == 'translight: torch is not installed: pip install "translight[train]"\n'
    assert list(output.parent.iterdir()) == []


def test_a_terminal_sees_the_stages(hands: Hands, photos: str, output: Path, monkeypatch: pytest.MonkeyPatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert _main(photos, "-o", output, "--renderer", "reference") == 0
    drawn = terminal.getvalue()
    assert all(stage in drawn for stage in ("capture", "poses", "train", "evaluate", "write"))
    assert "preview: " in drawn


def test_parsing_and_help(capsys):
    words = ["photos", "-o", "a.tlenv", "--budget", "minutes=5", "--method", "nerf", "--fresh", "--keep-work"]
    parsed = tyro.cli(Reconstruct, args=words)
    assert (parsed.photos, parsed.output, parsed.budget) == (Path("photos"), Path("a.tlenv"), "minutes=5")
    assert (parsed.method, parsed.fresh, parsed.keep_work, parsed.force) == ("nerf", True, True, False)
    distance = tyro.cli(Reconstruct, args=[*words, "--distance", "a.jpg:1,2", "b.jpg:3,4", "2.5"]).distance
    assert distance == ("a.jpg:1,2", "b.jpg:3,4", 2.5)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["reconstruct", "--help"], ("translight reconstruct PHOTOS -o NAME.tlenv", "run", "inspect")),
        (["reconstruct", "run", "--help"], ("PHOTOS", "NAME.tlenv", "--budget minutes=N", "--distance A B METRES")),
        (["reconstruct", "inspect", "--help"], ("PHOTOS", "--picture FILE.jpg")),
    ],
)
def test_help(words: list[str], shown: tuple[str, ...], capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert all(text in out for text in shown)


def test_run_may_be_said_or_left_out(hands: Hands, photos: str, output: Path):
    assert _main(photos, "-o", output, "--renderer", "reference") == 0
    assert _main("run", photos, "-o", output, "--renderer", "reference", "--force") == 0
    assert hands.calls == ["read", "solve", "plan", "make"] * 2
