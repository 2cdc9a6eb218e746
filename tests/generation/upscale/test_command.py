"""``translight generate upscale`` as a user runs it."""

import json

import numpy as np
import pytest
from tests.generation.candidates import candidate, panorama

from translight.cli import main
from translight.generation.run.store import load_candidate, save_candidate

pytest.importorskip("ncnn", reason="the extra upscale is not installed")


@pytest.mark.slow
def test_a_larger_candidate_stands_beside_the_smaller(tmp_path, capsys):
    view = panorama(32)
    view.image[:] = 0.3
    view.image[:16] = 4.0
    small = tmp_path / "candidates" / "test-0007"
    save_candidate(candidate(views=(view,), sky=None), small)
    command = ["generate", "upscale", str(small), "--height", "64", "--network", "fast"]
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    large = tmp_path / "candidates" / "test-0007-64"
    assert json.loads(said.out).items() >= {"candidate": str(large), "height_px": 64}.items()
    assert "super-resolution realesr-animevideov3-x4: BSD-3-Clause, commercial use allowed" in said.err
    loaded = load_candidate(large)
    assert loaded.models[-1].name == "realesr-animevideov3-x4"
    assert loaded.settings["derived"][0]["from"] == "test-0007"
    assert loaded.views[0].image.shape == (64, 128, 3)
    np.testing.assert_allclose(np.median(loaded.views[0].image[:24]), 4.0, rtol=0.02)
    np.testing.assert_allclose(np.median(loaded.views[0].image[40:]), 0.3, rtol=0.02)
    assert main(command) == 1
    assert capsys.readouterr().err == f"translight: {large}: exists; --force replaces it\n"


def test_mistakes_are_one_line_and_leave_nothing(tmp_path, capsys):
    small = tmp_path / "test-0007"
    save_candidate(candidate(views=(panorama(32),), sky=None), small)
    for more, said in (
        (["--height", "256"], "--height must be a multiple of 64 above 32, the panorama's own, and up to 128, got 256"),
        (["--height", "64", "--network", "best"], "no super-resolution network 'best': photo, fast exist"),
    ):
        assert main(["generate", "upscale", str(small), *more]) == 1
        assert capsys.readouterr().err.splitlines()[-1] == f"translight: {said}"
    assert main(["generate", "upscale", str(tmp_path), "--height", "64"]) == 1
    assert capsys.readouterr().err == f"translight: {tmp_path}/candidate.json: no such file\n"
    assert [path.name for path in tmp_path.iterdir()] == ["test-0007"]


def test_an_interrupt_leaves_nothing(tmp_path, capsys, monkeypatch):
    small = tmp_path / "test-0007"
    save_candidate(candidate(views=(panorama(32),), sky=None), small)

    def interrupt(self, what, share):
        raise KeyboardInterrupt

    monkeypatch.setattr("translight.commands.generate.Lines.progress", interrupt)
    assert main(["generate", "upscale", str(small), "--height", "64", "--network", "fast"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "translight: interrupted, nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["test-0007"]
