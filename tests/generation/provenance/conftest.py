"""A production's certificates, and a run with one accepted candidate and its zipped environment."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.generation.candidates import candidate

from translight.core.files import sha256_of
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.generation.provenance.certificates import load, make, write
from translight.generation.review.ledger import append
from translight.generation.run.store import FILE_NAME, save_candidate
from translight.splats.cloud import SplatCloud

NOW = datetime.now(UTC)
NAME = "test-0007"
BRIEF = """name = "Pier"
intent = "A pier in fog"
[[blocking]]
name = "Ada"
"""


def cloud(count=3):
    chance = np.random.default_rng(5)
    return SplatCloud(
        chance.random((count, 3)).astype(np.float32),
        np.full((count, 3), 0.1, np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.full(count, 0.9, np.float32),
        chance.random((count, 1, 3)).astype(np.float32),
    )


def package(path, name=NAME, engine="diffusers", zipped=True, **facts):
    """An environment that says it was lifted from a candidate."""
    report = Report().with_step("generate", brief="Pier", candidate=name, engine=engine, seed=7, settings={}, **facts)
    report = report.with_step("lift", splats=3, models=[])
    save_environment(Environment("Pier", cloud()), path, report=report.values(), zipped=zipped)
    return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Files of two productions, ours and another's, and our signer."""
    folder = tmp_path_factory.mktemp("keys")
    files = {}
    for name in ("ours", "other"):
        files[name] = write(make(f"{name} Pictures", "Signer", None, now=NOW), folder / name)
    return SimpleNamespace(
        folder=folder,
        key=files["ours"][0],
        root=files["ours"][2],
        other_key=files["other"][0],
        other_root=files["other"][2],
        signer=load(files["ours"][0], None, now=NOW),
    )


@pytest.fixture(scope="session")
def _master(tmp_path_factory):
    run = tmp_path_factory.mktemp("master") / "run"
    reference = {"file": "/secret/place/fog.png", "weight": 0.5, "sha256": "a" * 64}
    settings = {"prompt": "a pier", "steps": 3, "drawn_px": [512, 256], "references": [reference]}
    save_candidate(candidate(engine="diffusers", settings=settings), run / "candidates" / NAME)
    (run / "brief.toml").write_text(BRIEF)
    package(run.parent / "pier.tlenv")
    ledger = run / "ledger.jsonl"
    digest = sha256_of(run / "candidates" / NAME / FILE_NAME)
    append(ledger, "Ada", "generated", {"candidate": NAME, "sha256": digest})
    append(ledger, "Ada", "accepted", {"candidate": NAME, "sha256": digest, "reason": "fog as wanted"})
    append(
        ledger,
        "Ada",
        "lifted",
        {"candidate": NAME, "environment": "pier.tlenv", "sha256": sha256_of(run.parent / "pier.tlenv")},
    )
    return run.parent


@pytest.fixture
def work(_master, tmp_path):
    """A copy of its own: ``run`` with ledger and candidate, ``asset``, the environment lifted from it."""
    shutil.copytree(_master, tmp_path / "work")
    folder: Path = tmp_path / "work"
    run = folder / "run"
    return SimpleNamespace(
        folder=folder, run=run, ledger=run / "ledger.jsonl", asset=folder / "pier.tlenv",
        candidate=run / "candidates" / NAME,
    )  # fmt: skip
