"""A run is judged, lifted, signed and verified, then tampered with and refused: by the commands alone."""

import io
import zipfile
from pathlib import Path

import pytest

from translight import cli
from translight.generation.brief.brief import Brief, Place
from translight.generation.brief.write import write_brief

pytestmark = pytest.mark.slow


def test_from_a_run_to_a_signature_that_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    brief, run, asset = tmp_path / "orbit.toml", tmp_path / "run", tmp_path / "orbit.tlenv"
    write_brief(
        brief, Brief(name="Orbit", intent="a planet below", candidates=1, seeds=(3,), place=Place(family="space"))
    )

    def does(*words: str | Path, status: int = 0) -> str:
        assert cli.main([*map(str, words)]) == status, capsys.readouterr()
        told = capsys.readouterr()
        return told.err if status == 1 and told.err else told.out

    does("generate", brief, "-o", run, "--height", "128")
    (candidate,) = (run / "candidates").iterdir()
    does("generate", "lift", candidate, "-o", tmp_path / "lifted.tlenv", "--splats", "2000", "--by", "Ada")
    does("provenance", "keygen", "-o", tmp_path / "k", "--production", "Pier", "--signer", "Grace", "--no-passphrase")
    ledger = run / "ledger.jsonl"
    signs = ("provenance", "sign", tmp_path / "lifted.tlenv", "-o", asset, "--key", tmp_path / "k.key.pem")
    signs = (*signs, "--ledger", ledger, "--by", "Grace")
    verifies = ("provenance", "verify", asset, "--trust", tmp_path / "k.root.pem", "--ledger", ledger)
    assert f": nobody has accepted candidate {candidate.name}; " in does(*signs, status=1)
    assert not asset.exists()
    does("review", "accept", candidate, "--by", "Ada", "--note", "as wanted")
    does(*signs)
    told = does(*verifies)
    assert f"line 3 of the ledger says that Ada accepted candidate {candidate.name}, and has not changed since" in told
    assert f"line 2 of the ledger says that this was made of candidate {candidate.name}\n" in told
    assert "not proved" not in told
    assert "why: as wanted" in does("provenance", "show", asset)

    whole, lines = asset.read_bytes(), ledger.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(asset, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"Orbit", b"Orbis") if name == "report.json" else content)
    assert "\n  report.json was changed\n" in does(*verifies, status=1)
    asset.write_bytes(whole)
    ledger.write_bytes(lines.replace(b"Ada", b"Eve"))
    assert "\n  the ledger was changed: " in does(*verifies, status=1)
    ledger.write_bytes(lines)
    does(*verifies)
    does("review", "reject", candidate, "--by", "Alan", "--reason", "too dark")
    gone = f"that holds no more: Alan rejected candidate {candidate.name} (line 5), after it was signed"
    assert gone in does(*verifies, status=1)
