"""The sheet shows what was measured: its cells are the pictures, its differences magnified, its words drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.evaluate.photographed import CAMERA

from translight.reconstruction.evaluate import contact_sheet as module
from translight.reconstruction.evaluate.contact_sheet import contact_sheet
from translight.reconstruction.evaluate.evaluation import Compared, Evaluation, Score


def _evaluation(*shapes: tuple[int, int], error: float = 0.1, held_out: bool = True) -> Evaluation:
    shown = []
    for i, (height, width) in enumerate(shapes):
        truth = np.full((height, width, 3), 0.5, np.float32)
        weight = np.ones((height, width), np.float32)
        weight[:, width // 2 :] = 0
        shown.append(Compared(Score(f"{i}.jpg", 20.0, 0.75, 0.25, 22.0), truth, truth + np.float32(error), weight))
    return Evaluation(tuple(c.score for c in shown), held_out, 400, "cpu", 1.0, None, tuple(shown))


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written on sheets that are made."""
    from PIL import ImageDraw

    written: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def text(self, at, words, *arguments, **more):
        written.append(words)
        return draw(self, at, words, *arguments, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return written


def test_cells_hold_the_pictures_and_the_magnified_difference():
    sheet = contact_sheet(_evaluation((300, 400), error=0.1), "Beach")
    assert sheet.dtype == np.uint8
    row = sheet[sheet.shape[0] // 2]
    assert tuple(row[100]) == (128, 128, 128)
    assert tuple(row[550]) == (153, 153, 153)
    assert tuple(row[1000]) == (204, 204, 204)  # 0.1 × 8; ×16 would be above white
    assert tuple(row[1300]) == (61, 61, 82)  # no weight there


@pytest.mark.parametrize(("error", "factor"), [(0.01, 16), (0.1, 8), (0.2, 4), (0.3, 2), (0.49, 2), (0.0, 16)])
def test_the_magnification_is_the_largest_that_stays_readable_and_is_written(
    error: float, factor: int, words: list[str]
):
    contact_sheet(_evaluation((30, 40), error=error), "Beach")
    assert f"difference, {factor} times; blue-grey: not looked at" in words


def test_each_row_says_its_name_and_values(words: list[str]):
    contact_sheet(_evaluation((30, 40), (40, 30)), "Beach")
    assert words[0] == "Beach: held-out views, never trained on"
    values = "PSNR 20.00 dB (22.00 colour-corrected)   SSIM 0.750   ST-LPIPS 0.250"
    assert words[1] == f"mean of 2 views   {values}"
    assert all(words.isascii() for words in words)  # what Pillow's own font surely has
    assert words[-2:] == [f"0.jpg   {values}", f"1.jpg   {values}"]


def test_training_views_are_called_so(words: list[str]):
    contact_sheet(_evaluation((30, 40), held_out=False), "Beach")
    assert words[0] == "Beach: training views (too few photographs to hold any out)"


def test_values_that_are_not_there_are_left_out(words: list[str]):
    evaluation = _evaluation((30, 40))
    bare = replace(evaluation.shown[0], score=Score("a.jpg", 20.0, None, None, None))
    masked = replace(evaluation.shown[0], score=Score("b.jpg", None, None, None, None))
    contact_sheet(replace(evaluation, shown=(bare, masked), scores=(bare.score, masked.score)), "Beach")
    assert words[-2:] == ["a.jpg   PSNR 20.00 dB", "b.jpg   nothing of it has weight"]


def test_long_names_stay_on_the_sheet(words: list[str]):
    contact_sheet(_evaluation((30, 40)), "x" * 500)
    assert len(words[0]) == 91


def test_upright_and_wide_pictures_keep_their_shape():
    sheet = contact_sheet(_evaluation((400, 200), (100, 400)), "Beach")
    # a row is as high as its picture made to fit a square cell
    assert sheet.shape[0] == contact_sheet(_evaluation((200, 200), (100, 400)), "Beach").shape[0]
    assert sheet.shape[1] == 2 * module._MARGIN_PX + 3 * module._CELL_PX + 2 * module._GAP_PX
    assert CAMERA.aspect == 4 / 3


def test_where_nothing_has_weight_there_is_still_a_sheet(tmp_path: Path):
    evaluation = _evaluation((30, 40))
    unseen = replace(evaluation.shown[0], weight=np.zeros((30, 40), np.float32))
    assert contact_sheet(replace(evaluation, shown=(unseen,)), "Beach").size
