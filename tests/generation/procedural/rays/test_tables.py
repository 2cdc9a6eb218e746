"""The dither: what a few pixels beside each other are given must be spread evenly."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.procedural.rays.tables import dither


@pytest.mark.parametrize("square_px", [2, 4, 8, 16])
def test_every_square_of_pixels_fills_every_share_of_the_unit_square_once(square_px: int) -> None:
    pairs = dither(32).astype(np.float64)
    blocks = 32 // square_px
    squares = pairs.reshape(blocks, square_px, blocks, square_px, 2).transpose(0, 2, 1, 3, 4).reshape(blocks**2, -1, 2)
    count = square_px**2
    for columns in (1, square_px, count):  # tall, square and flat shares
        cells = np.floor(squares * [columns, count // columns]) @ [count // columns, 1]
        np.testing.assert_array_equal(np.sort(cells, axis=1), np.broadcast_to(np.arange(count), cells.shape))


def test_neighbours_have_no_order() -> None:
    first = dither(64)[..., 0].astype(np.float64) - 0.5
    beside = (first * np.roll(first, 1, axis=1)).mean() / (first**2).mean()
    assert -0.6 < beside < 0.0  # apart, and not in turn
