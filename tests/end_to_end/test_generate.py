"""A brief becomes candidates, through an interruption, and one of them an environment that plays: by the command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from translight.generation.brief.brief import Block, Brief, Place
from translight.generation.brief.write import write_brief

pytestmark = pytest.mark.slow


def _words(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "translight.cli", *map(str, words)]


def _run(*words: str | Path) -> str:
    done = subprocess.run(_words(*words), capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_a_brief_to_a_wall(tmp_path: Path):
    brief = Brief(
        name="Yard",
        intent="an empty warehouse in the morning",
        seeds=(3, 4, 5),
        candidates=3,
        place=Place(family="hall"),
        blocking=(Block(name="Ada"),),
    )
    write_brief(tmp_path / "yard.toml", brief)
    folder = tmp_path / "yard"
    asked = ("generate", tmp_path / "yard.toml", "-o", folder, "--height", "128")
    with subprocess.Popen(_words(*asked), stderr=subprocess.PIPE, text=True, env={**os.environ}) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.endswith("(1 of 3)\n"):
                break
        run.send_signal(signal.SIGINT)
        rest = run.stderr.read()
        assert run.wait(60) == 130, rest
    assert rest.splitlines()[-1] == "translight: interrupted; the same command goes on from here"
    kept = {path: path.stat().st_mtime_ns for path in (folder / "candidates").glob("*/candidate.json")}
    assert len(kept) == len(list((folder / "candidates").iterdir())) < 3

    made = json.loads(_run(*asked, "--json"))
    assert len(made["candidates"]) == 3
    assert made["made_now"] == 3 - len(kept)
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    output = tmp_path / "yard.tlenv"
    lifted = json.loads(_run("generate", "lift", made["candidates"][1], "-o", output, "--splats", "20000", "--json"))
    assert lifted["splats"] == 20_000
    assert min(lifted["reach_m"][way] for way in ("left", "right", "ahead", "back")) >= 1.0
    played = json.loads(_run("demo", "--environment", output, "--seconds", "3", "--json").splitlines()[-1])
    assert played["frames_received"] > 10
    assert played["frames_torn"] == 0
