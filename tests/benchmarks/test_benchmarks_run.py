from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem.removeprefix("bench_") for path in (ROOT / "benchmarks").glob("bench_*.py"))
SLOW: set[str] = {
    "busy_interpreter", "composite", "latency", "panorama", "prediction", "procedural", "receivers",
    "reconstruct", "render",
}  # fmt: skip
"""Those that take more than 5 s even when tiny."""


def results() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (ROOT / "benchmarks" / "results").rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NAMES])
def test_it_runs_tiny_and_leaves_the_results_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.__main__ import main

    before = results()
    assert main(["--tiny", name]) == 0
    assert f"== {name}: " in capsys.readouterr().out
    assert results() == before


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.__main__ import main

    with pytest.raises(SystemExit):
        main(["--tiny", "nothing"])
    assert "no benchmark nothing; there are " in capsys.readouterr().err
