"""The reference against pictures that it drew before; a change of semantics shows here, magnified, before it ships."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translight.render.reference import ReferenceRenderer

FOLDER = Path(__file__).parents[1] / "data" / "render" / "golden"
MAKE = runpy.run_path(str(FOLDER / "make.py"))
MAGNIFIED = 16


def difference_picture(golden: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Golden, drawn, and their difference around mid-grey, magnified in value and in size."""
    difference = (drawn.astype(int) - golden.astype(int)) * MAGNIFIED + 128
    rows = np.vstack([golden, drawn, np.clip(difference, 0, 255).astype(np.uint8)])
    return rows.repeat(2, axis=0).repeat(2, axis=1)


def compare(name: str, drawn: np.ndarray, folder: Path) -> None:
    golden = np.asarray(Image.open(folder / f"{name}.png"))
    failed = folder / f"{name}.failed.png"
    assert drawn.shape == golden.shape
    # one level: rounding may fall to the other side on another processor's exp
    off = int((np.abs(drawn.astype(int) - golden.astype(int)) > 1).sum())
    if off:
        Image.fromarray(difference_picture(golden, drawn)).save(failed)
        pytest.fail(f"{off} values differ; see {failed.name} in {folder.name}: golden, drawn, difference x{MAGNIFIED}")
    failed.unlink(missing_ok=True)


@pytest.mark.parametrize("name", MAKE["PICTURES"])
def test_picture(name):
    scene, view = MAKE["PICTURES"][name]()
    compare(name, MAKE["panels"](ReferenceRenderer().render(scene, [view])[0]), FOLDER)


def test_every_golden_picture_is_tested():
    kept = {path.stem for path in FOLDER.glob("*.png") if not path.stem.endswith(".failed")}
    assert kept == set(MAKE["PICTURES"])


def test_a_failure_leaves_a_difference_picture(tmp_path):
    golden = np.full((4, 6, 3), 100, dtype=np.uint8)
    Image.fromarray(golden).save(tmp_path / "a.png")
    drawn = golden.copy()
    drawn[1, 2] = 104
    with pytest.raises(pytest.fail.Exception, match=r"3 values differ; see a\.failed\.png"):
        compare("a", drawn, tmp_path)
    shown = np.asarray(Image.open(tmp_path / "a.failed.png"))
    assert shown.shape == (24, 12, 3)
    assert shown[2 * (8 + 1), 2 * 2, 0] == 128 + 4 * MAGNIFIED
    assert shown[-1, -1, 0] == 128
    compare("a", golden, tmp_path)
    assert not (tmp_path / "a.failed.png").exists()
