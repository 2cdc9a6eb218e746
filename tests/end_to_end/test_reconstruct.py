"""Photographs with known cameras become an environment by the command line, through an interruption."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.evaluate.photographed import CAMERA, photographed

from translight.core.frames import RDF_FROM_RUB, STAGE_FROM_RDF
from translight.environment.report import Report

pytest.importorskip("torch", reason="the train extra is not installed")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as nerfstudio has them: OpenGL cameras in a world whose z is up."""
    folder = tmp_path_factory.mktemp("photographs")
    _, dataset = photographed(folder, count=10)
    frames = []
    for image in dataset.images:
        world_from_camera = STAGE_FROM_RDF @ image.scene_from_camera @ RDF_FROM_RUB
        frames.append({"file_path": image.name, "transform_matrix": world_from_camera.matrix().tolist()})
    intrinsics = {"w": 96, "h": 72, "fl_x": CAMERA.fx, "fl_y": CAMERA.fy, "cx": CAMERA.cx, "cy": CAMERA.cy}
    (folder / "transforms.json").write_text(json.dumps({"camera_model": "PINHOLE", **intrinsics, "frames": frames}))
    return folder


def _started(photos: Path, output: Path) -> subprocess.Popen[str]:
    words = [str(photos), "-o", str(output), "--width", "96", "--splats", "600", "--iterations", "500"]
    return subprocess.Popen(
        [sys.executable, "-m", "translight.cli", "reconstruct", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_an_environment(photos: Path, tmp_path: Path):
    output = tmp_path / "wall.tlenv"
    with _started(photos, output) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("train: "):
                break
        run.send_signal(signal.SIGINT)
        rest = run.stderr.read()
        # Interrupted within an exec of text, as imports of torch do, CPython ends itself by the signal: 130 to a shell.
        assert run.wait(60) in (130, -signal.SIGINT), rest
    assert rest.splitlines()[-1] == "translight: interrupted; the same command goes on from here, --fresh begins anew"
    assert [path.name for path in tmp_path.iterdir()] == [".wall.tlenv.work"]

    with _started(photos, output) as run:
        out, told = run.communicate(timeout=250)
    assert run.returncode == 0, told
    assert "poses: 10 cameras, known, kept from before" in told
    assert out.splitlines()[-1] == f"look at it: translight demo --environment {output}"
    assert [path.name for path in tmp_path.iterdir()] == ["wall.tlenv"]
    report = Report.of(output)
    evaluated, whole = report.last("evaluate"), report.last("reconstruct")
    assert evaluated is not None
    assert whole is not None
    assert (whole["resumed"], evaluated["held_out"]) == (True, 2)
    trained = report.last("train")
    assert trained is not None
    grey_db = _of_a_grey_picture(photos)
    assert trained["training_psnr_db"] > grey_db + 4
    assert evaluated["psnr_db"] > grey_db + 2  # eight views of strewn blobs are learned by heart sooner than understood


def _of_a_grey_picture(photos: Path) -> float:
    """The best that one colour can do on the held-out photographs."""
    from translight.reconstruction.stills import load_still

    values = []
    for name in ("000.png", "008.png"):
        picture = load_still(photos / name)
        values.append(-10 * np.log10(float(((picture - picture.mean(axis=(0, 1))) ** 2).mean())))
    return float(np.mean(values))
