"""The commands: a real show measured, reports compared, wrong words said in a line."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.server.latency.runs import run_with

from translight import cli
from translight.server.demo import free_udp_port
from translight.server.latency.report import VERSION, Report, decode, encode

SHOW = """\
rate = "24"
outputs = ["shm://{name}"]

[environment]
path = "builtin:demo"

[tracking]
source = "simulate://crane?protocol=osc&port={port}&rate=120"

[camera]
pixels = [64, 36]

[[walls]]
name = "a"
kind = "plane"
centre_m = [0.0, 2.0, 1.5]
width_m = 4.0
height_m = 2.0
pixels = [96, 48]

[latency]
budget_ms = {budget}
"""


def _report(path: Path, seed: int, shift_ms: float, name: str = "a run") -> Path:
    values = 20 + shift_ms + np.random.default_rng(seed).gamma(2.0, 1.0, 600)
    path.write_bytes(encode(Report(VERSION, "0.1.0", "", "a machine", [run_with(list(values), name)])))
    return path


@pytest.mark.parametrize(("shift_ms", "status"), [(0.0, 0), (1.0, 4), (-1.0, 0)])
def test_two_reports_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shift_ms: float, status: int
) -> None:
    first, second = _report(tmp_path / "a.json", 1, 0), _report(tmp_path / "b.json", 2, shift_ms)
    assert cli.main(["bench", "compare", str(first), str(second)]) == status
    verdict = {0.0: "no difference shown", 1.0: "slower", -1.0: "faster"}[shift_ms]
    assert capsys.readouterr().out.splitlines()[1].endswith(f": {verdict}")


def test_reports_of_other_runs_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = _report(tmp_path / "a.json", 1, 0), _report(tmp_path / "b.json", 2, 0, "another")
    assert cli.main(["bench", "compare", str(first), str(second)]) == 1
    assert capsys.readouterr().err == (
        f"translight: {second}: has another where {first} has a run: compare reports of the same runs\n"
    )
    assert cli.main(["bench", "compare", str(first), str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err == f"translight: {tmp_path / 'none.json'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seconds", "0.5"], "--seconds: 1 to 86400, got 0.5"),
        (["--sweep", "fps"], "--sweep fps: give AXIS=VALUE,VALUE with AXIS one of "),
        (["--sweep", "fps=0"], "the demo's show: rate is "),
        (["--html", "/nowhere/x.html"], "/nowhere/x.html: there is no folder /nowhere"),
        (["nothing.toml"], "nothing.toml: No such file or directory"),
    ],
)
def test_wrong_options_are_said(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert cli.main(["bench", "latency", *options]) == 1
    assert capsys.readouterr().err.startswith(f"translight: {message}")


@pytest.mark.slow
def test_a_show_is_measured_and_its_budget_held_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    port = free_udp_port()
    show = tmp_path / "show.toml"
    show.write_text(SHOW.format(name=f"latency-{port}", port=port, budget=1))
    options = ["--seconds", "2", "--sweep", "outputs=1,2", "--save", "a.json", "--html", "a.html"]
    assert cli.main(["bench", "latency", str(show), *options, "--json"]) == 3
    printed = capsys.readouterr().out
    report = decode((tmp_path / "a.json").read_bytes(), "a.json")
    assert json.loads(printed) == json.loads((tmp_path / "a.json").read_bytes())
    assert [run.name for run in report.runs] == ["outputs=1", "outputs=2"]
    for run in report.runs:
        assert run.over_budget
        assert run.frames["received"] > 20
        assert run.frames["torn"] == 0
        assert (run.width_px, run.height_px) == (96, 48)
        parts = sum(run.stages_ms[name].p50 for name in run.stages_ms)
        assert run.total_ms.p50 == pytest.approx(parts, rel=0.5)
        assert len(run.totals_us) == run.frames["received"]
    assert "over its budget of 1 ms" in (tmp_path / "a.html").read_text()
