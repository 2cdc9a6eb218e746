import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.generation.brief.brief import Block
from translight.generation.procedural.halls.arcade import Order, arcade, is_row
from translight.generation.procedural.halls.palette import Surface

ORDERS = {
    "columns": Order(Surface.ASHLAR, (0.5, 0.5, 0.5), 0.6, round=True),
    "piers": Order(Surface.BRICK, (1.0, 1.0, 1.0), 0.5, round=False),
}


@pytest.mark.parametrize(
    ("size_m", "kind", "row"),
    [
        ((1.2, 34.0, 9.0), "wall", True),
        ((34.0, 1.2, 9.0), "wall", True),
        ((1.2, 34.0, 9.0), "floor", False),
        ((1.2, 5.9, 9.0), "wall", False),
        ((2.0, 9.0, 9.0), "wall", False),
        ((0.3, 34.0, 9.0), "wall", False),
        ((1.2, 34.0, 4.5), "wall", False),
        ((1.4, 1.2, 9.0), "wall", False),
    ],
)
def test_long_thin_high_walls_are_rows(size_m, kind, row):
    assert is_row(Block(name="x", kind=kind, size_m=size_m)) is row


@pytest.mark.parametrize("order", ORDERS)
@given(
    st.floats(0.4, 2.0), st.floats(0, 1), st.floats(5.0, 40.0), st.floats(-360, 360), st.booleans(), st.floats(-1, 3)
)
def test_a_row_fills_its_box_and_stays_in_it(order, thin, more, high, turn, across, foot):
    long = max(6.0, 5.0 * thin) + 40.0 * more
    size = (long, thin, high) if across else (thin, long, high)
    mesh = arcade(Block(name="x", kind="wall", size_m=size, position_m=(3.0, -7.0, foot), turn_deg=turn), ORDERS[order])
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    x, y, z = (mesh.vertices.astype(float) - (3.0, -7.0, foot)).T
    local = np.stack([c * x - s * y, s * x + c * y, z], axis=-1)
    low, high_m = local.min(axis=0), local.max(axis=0)
    np.testing.assert_allclose(low, (-0.5 * size[0], -0.5 * size[1], 0.0), atol=1e-3)
    np.testing.assert_allclose(high_m, (0.5 * size[0], 0.5 * size[1], high), atol=1e-3)
