import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from translight.generation.brief.brief import Block, Brief, Stage
from translight.generation.procedural.shapes import box, placed
from translight.generation.procedural.turned import Turned


@given(st.floats(-7, 7), st.floats(-50, 50), st.floats(-50, 50))
def test_there_and_back(turn, x, y):
    turned = Turned(turn)
    np.testing.assert_allclose(turned.place(turned.stage(np.array([[x, y]]))), [[x, y]], atol=1e-9)


def test_a_place_turned_to_the_right_has_its_forward_there():
    np.testing.assert_allclose(Turned(np.pi / 2).stage(np.array([0.0, 1.0])), [1, 0], atol=1e-12)


def test_copies_are_turned_about_the_stage_and_raised():
    copies = placed(box((1, 1, 1), 0), [(0, 5, 1)], 0.2)
    (made,) = Turned(np.pi / 2, -3.0).copies([copies])
    np.testing.assert_allclose(made.stage_from_mesh[0, :, 3], (5, 0, -2), atol=1e-12)
    direct = placed(box((1, 1, 1), 0), [(5, 0, -2)], 0.2 + np.pi / 2)
    np.testing.assert_allclose(made.stage_from_mesh, direct.stage_from_mesh, atol=1e-12)


def test_what_is_kept_free_holds_reach_and_blocks_however_turned():
    block = Block(name="a", position_m=(3, 8), size_m=(2, 1, 2), turn_deg=33)
    brief = Brief(name="x", intent="x", stage=Stage(reach_m=(4, 2, 1)), blocking=(block,))
    corners = [(4.1110, 7.8746), (2.4336, 8.9640), (3.5664, 7.0360), (1.8890, 8.1254)]
    for turn in (0.0, 0.4, -2.0):
        turned = Turned(turn)
        x0, y0, x1, y1 = turned.kept_free(brief, 0.5)
        must = turned.place(np.array([(-2, -1), (2, -1), (-2, 1), (2, 1), *corners], float))
        assert ((must >= (x0 + 0.5 - 1e-4, y0 + 0.5 - 1e-4)) & (must <= (x1 - 0.5 + 1e-4, y1 - 0.5 + 1e-4))).all()
        np.testing.assert_allclose((x0 + 0.5, y1 - 0.5), (must[:, 0].min(), must[:, 1].max()), atol=1e-4)


def test_ground_and_figures_far_off_need_no_room():
    ground = Block(name="ground", kind="floor", size_m=(500, 500, 0.1), position_m=(0, 0))
    figure = Block(name="far", position_m=(0, 200), in_picture=True)
    brief = Brief(name="x", intent="x", stage=Stage(reach_m=(4, 2, 1)), blocking=(ground, figure))
    assert Turned(0.0).kept_free(brief, 0.5) == (-2.5, -1.5, 2.5, 1.5)
