"""Canvases: what fits, what is refused, and what is left over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ShowError
from translight.volume.canvas import Canvas, rectangle, side_by_side
from translight.volume.wall import PlaneWall


def at(name: str, x: int, y: int, width: int = 40, height: int = 20) -> PlaneWall:
    return PlaneWall(name, (0.0, 4.0, 1.5), 2.0, 1.0, width, height, canvas_x_px=x, canvas_y_px=y)


@pytest.mark.parametrize(
    ("walls", "message"),
    [
        ((), "canvas: walls is empty; a canvas shows at least one wall"),
        (
            (at("left", 70, 0),),
            "wall 'left': canvas_x_px 70 and 40 pixels wide do not fit the canvas, which is 100 wide",
        ),
        (
            (at("left", -1, 0),),
            "wall 'left': canvas_x_px -1 and 40 pixels wide do not fit the canvas, which is 100 wide",
        ),
        ((at("top", 0, 31),), "wall 'top': canvas_y_px 31 and 20 pixels high do not fit the canvas, which is 50 high"),
        ((at("a", 0, 0), at("b", 39, 19)), "wall 'b': canvas_x_px 39, canvas_y_px 19 puts it over wall 'a'"),
        ((at("a", 0, 0), at("a", 40, 0)), "canvas: two walls are named 'a'; names must differ"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(walls: tuple[PlaneWall, ...], message: str) -> None:
    with pytest.raises(ShowError) as refused:
        Canvas(100, 50, walls)
    assert str(refused.value) == message


def test_the_smallest_canvas_holds_every_wall() -> None:
    assert side_by_side([at("a", 0, 5), at("b", 50, 0)]) == (90, 25)
    assert side_by_side([]) == (1, 1)


def test_walls_may_touch() -> None:
    Canvas(80, 40, (at("a", 0, 0), at("b", 40, 0), at("c", 0, 20), at("d", 40, 20)))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 3), st.integers(1, 3)), max_size=5))
def test_walls_and_gaps_cover_the_canvas_once(cells: list[tuple[int, int, int, int]]) -> None:
    covered = np.zeros((40, 60), int)
    walls = []
    for x, y, width, height in cells:
        part = covered[y * 8 : (y + height) * 8, x * 10 : (x + width) * 10]
        if part.size and part.shape == (height * 8, width * 10) and not part.any():
            part += 1
            walls.append(at(str(len(walls)), x * 10, y * 8, width * 10, height * 8))
    if not walls:
        return
    canvas = Canvas(60, 40, tuple(walls))
    count = np.zeros((40, 60), int)
    for x, y, width, height in [*(rectangle(w) for w in walls), *canvas.gaps()]:
        count[y : y + height, x : x + width] += 1
    assert (count == 1).all()
