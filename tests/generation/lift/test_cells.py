import numpy as np
import pytest

from translight.generation.lift.cells import divide
from translight.generation.lift.layers import Layers


@pytest.mark.parametrize("count", [6000, 6001, 9001])
def test_exactly_as_many_as_asked_that_hold_each_pixel_once(layers: Layers, count: int):
    cells = divide(layers.sheets, count, 2.1)
    assert len(cells) == count
    for number, layer in enumerate(layers.sheets):
        held = np.zeros(layer.mask.shape, int)
        for i in np.flatnonzero(cells.layer == number):
            part = np.s_[cells.top[i] : cells.bottom[i], cells.left[i] : cells.right[i]]
            held[part] += 1
            assert layer.mask[part].any(), "a cell holds something"
        assert (held[layer.mask] == 1).all()
        assert held.max() == 1


def test_one_a_pixel_where_there_are_fewer(layers: Layers):
    pixels = sum(int(layer.mask.sum()) for layer in layers.sheets)
    cells = divide(layers.sheets, 10**6, 2.1)
    assert len(cells) == pixels
    assert ((cells.bottom - cells.top) * (cells.right - cells.left) == 1).all()


def test_too_few_are_refused(layers: Layers):
    with pytest.raises(ValueError, match=r"^\d+ splats are the fewest for these layers, got 10$"):
        divide(layers.sheets, 10, 2.1)


def test_detail_gets_the_splats_and_the_poles_do_not(layers: Layers):
    front = layers.sheets[0]
    cells = divide(layers.sheets, 6000, 2.1)
    own = cells.layer == 0
    width = (cells.right - cells.left)[own]
    row = (cells.top + cells.bottom)[own] // 2
    assert width[row > 85].mean() > 2 * width[row < 60].mean()
    assert front.mask[95].all()
