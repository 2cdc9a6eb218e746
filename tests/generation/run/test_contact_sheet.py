import numpy as np
from tests.generation.candidates import candidate

from translight.generation.run.contact_sheet import CELL_PX, GAP_PX, TITLE_PX, contact_sheet
from translight.generation.run.store import save_candidate


def test_small_previews_fill_their_cells(tmp_path):
    save_candidate(candidate(), tmp_path / "one")
    sheet = contact_sheet("a", [tmp_path / "one"])
    cell = sheet[TITLE_PX : TITLE_PX + CELL_PX[1], GAP_PX : GAP_PX + CELL_PX[0]]
    assert np.asarray(cell.max(axis=2) > 0).mean() > 0.95
