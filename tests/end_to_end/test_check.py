"""``translight check``: a show file, and its walls through the film camera's lens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SHOW = Path(__file__).parents[2] / "docs" / "lens_check.toml"


def _check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "translight.cli", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_the_documented_show_passes_the_lens_check(tmp_path: Path) -> None:
    picture = tmp_path / "lens.png"
    done = _check("lens", str(SHOW), "--json", "--picture", str(picture), "--samples", "3")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    assert len(rows) == 5
    for row in rows:
        assert row["coverage"] == 1
        assert row["registration_px"] <= 0.1
        assert row["psnr_db"] >= 38
    with Image.open(picture) as opened:
        assert opened.size == (3 * 640, 360)


def test_a_good_and_a_bad_show_file(tmp_path: Path) -> None:
    assert "good; 1 walls" in _check("show", str(SHOW)).stdout
    bad = tmp_path / "bad.toml"
    bad.write_text(SHOW.read_text().replace('kind = "arc"', 'kind = "dome"'))
    done = _check("show", str(bad))
    assert done.returncode == 1
    assert done.stderr == f'translight: {bad}: walls[arc].kind is "dome", give "plane" or "arc"\n'
