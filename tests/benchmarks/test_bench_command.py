"""``translight bench render``: rows of a fixed shape, and mistakes in one line."""

import json
import sys
from pathlib import Path

import pytest

from translight.cli import main
from translight.commands import bench

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = bench.benchmarks_module("benchmarks.scenes")
    monkeypatch.setattr(scenes, "COUNTS", {"room_2k": 2000})


@pytest.mark.usefixtures("small")
def test_rows_of_a_named_scene(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "render", "--scene", "room_2k", "--size", "96x54", "--rounds", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {key: row[key] for key in ("backend", "scene", "splats", "width", "height")} == {
        "backend": "cpu",
        "scene": "room_2k",
        "splats": 2000,
        "width": 96,
        "height": 54,
    }
    assert row["fps"] == pytest.approx(1e3 / row["median_ms"])
    assert row["threads"] >= 1
    assert row["p99_ms"] >= row["median_ms"]
    assert row["fragments"] > 96 * 54
    assert 0 < row["fragments_per_fma"] < 1


@pytest.mark.usefixtures("small")
def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "render", "--scene", "room_2k", "--size", "96x54", "--rounds", "1", "--threads", "1"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["backend", "scene", "splats", "size"]
    assert line.split()[:5] == ["cpu", "room_2k", "2,000", "96x54", "1"]
    assert "blend " in line


def test_a_file_is_a_scene(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "tests" / "data" / "splats" / "minimal.splat"
    arguments = ["--scene", str(file), "--size", "64x36", "--rounds", "1", "--backend", "reference", "--json"]
    assert main(["bench", "render", *arguments]) == 0
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (row["backend"], row["scene"], row["stages_ms"]) == ("reference", str(file), {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--scene", "nope"],
            "--scene: no file and no bench scene 'nope'; there are room_100k, room_500k, room_2m, room_6m",
        ),
        (["--size", "0x4"], "--size: 1 to 65536 pixels a side, got 0x4"),
        (["--rounds", "0"], "--rounds: at least 1, got 0"),
        (
            ["--backend", "gpu", "--scene", "room_100k"],
            "no renderer backend 'gpu'; there are: auto, cuda, cpu, gsplat, reference",
        ),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "render", *arguments]) == 1
    assert capsys.readouterr().err == f"translight: {message}\n"


def test_without_a_checkout_named_scenes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "_CHECKOUT", tmp_path)
    assert main(["bench", "render", "--scene", "room_100k"]) == 1
    assert "run it from a checkout" in capsys.readouterr().err


def test_the_same_name_gives_the_same_splats() -> None:
    scenes = bench.benchmarks_module("benchmarks.scenes")
    a, b = scenes.room(3000), scenes.room(3000)
    assert a.means.tobytes() == b.means.tobytes()
    assert a.sh.tobytes() == b.sh.tobytes()
    assert a.sh_degree == 3
    assert len(a) == 3000
    assert "benchmarks.scenes" in sys.modules
