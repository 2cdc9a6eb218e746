"""Frames that are kept: nothing is drawn twice, nothing that is damaged or another's is taken."""

from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.plates.kept import kept_frames

SHAPE = (2, 3, 3)


def frame(number: int) -> np.ndarray:
    return np.full(SHAPE, number + 0.5, np.float32)


def stopped(number: int, more: int) -> np.ndarray:
    """The first frame, and an interrupt at the second."""
    if number:
        raise KeyboardInterrupt
    return frame(more)


def test_an_interrupted_film_goes_on_where_it_was(tmp_path: Path) -> None:
    drawn: list[int] = []

    def slowly(number: int) -> np.ndarray:
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(number)
        return frame(number)

    with pytest.raises(KeyboardInterrupt), kept_frames(tmp_path / "f", {"seed": 1}, SHAPE) as kept:
        kept.film(5, slowly, silent)
    (tmp_path / "f" / "00001.npy").write_bytes(b"half a frame")
    drawn = []
    with kept_frames(tmp_path / "f", {"seed": 1}, SHAPE) as kept:
        film = kept.film(5, slowly, silent)
    assert drawn == [1, 3, 4]
    np.testing.assert_array_equal(np.stack(film)[:, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5])
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_plate_are_not_taken(tmp_path: Path) -> None:
    for seed in (1, 2):
        with pytest.raises(KeyboardInterrupt), kept_frames(tmp_path / "f", {"seed": seed}, SHAPE) as kept:
            kept.film(2, lambda number, seed=seed: stopped(number, 10 * seed), silent)
    with kept_frames(tmp_path / "f", {"seed": 2}, SHAPE) as kept:
        assert kept.film(1, frame, silent)[0][0, 0, 0] == 20.5


def test_a_folder_of_something_else_stays(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "letter.txt").write_text("dear")
    with pytest.raises(GenerationError) as caught, kept_frames(tmp_path / "f", {}, SHAPE):
        pass
    assert str(caught.value) == f"{tmp_path / 'f'}: exists and holds no frames of a plate: move it away"
    assert (tmp_path / "f" / "letter.txt").read_text() == "dear"


def test_what_a_half_float_does_not_hold_is_cut_off(tmp_path: Path) -> None:
    with kept_frames(tmp_path / "f", {}, SHAPE) as kept:
        (film,) = kept.film(1, lambda _: np.full(SHAPE, 1e6, np.float32), silent)
    assert film[0, 0, 0] == np.float16(65504)
