import numpy as np
import pytest

from translight.generation.brief.brief import Block, Brief, Stage
from translight.generation.procedural.blocking import clearance_m, is_ground, masses, needs_room


def brief_with(*blocks):
    return Brief(name="b", intent="i", stage=Stage(reach_m=(3.0, 2.0, 1.0)), blocking=blocks)


def test_the_camera_s_reach_stays_free():
    clear = clearance_m(brief_with(), np.array([[0, 0], [1.5, 1.0], [2.5, 0], [0, -3], [4.5, 5.0]]))
    assert clear == pytest.approx([0, 0, 1, 2, 5])


def test_a_turned_actor_stays_free_and_a_wall_does_not():
    actor = Block(name="a", size_m=(4.0, 1.0, 1.8), position_m=(10.0, 0.0), turn_deg=90.0)
    wall = Block(name="w", kind="wall", size_m=(4.0, 1.0, 3.0), position_m=(-10.0, 0.0))
    # turned to the right by a quarter, its width lies along Y
    clear = clearance_m(brief_with(actor, wall), np.array([[10, 2.0], [10, 2.5], [12.0, 0], [-10, 0]]))
    assert clear == pytest.approx([0, 0.5, 1.5, 8.5])


def test_an_eighth_of_a_turn_goes_from_forward_to_the_right():
    actor = Block(name="a", size_m=(0.2, 6.0, 1.8), position_m=(0.0, 20.0), turn_deg=45.0)
    clear = clearance_m(brief_with(actor), np.array([[2.0, 22.0], [-2.0, 18.0], [-2.0, 22.0]]))
    assert clear[:2] == pytest.approx([0, 0])
    assert clear[2] == pytest.approx(np.hypot(2, 2) - 0.1)


def test_masses_are_closed_boxes_of_the_right_volume_and_place():
    blocks = (
        Block(name="w", kind="wall", size_m=(4.0, 1.0, 3.0), position_m=(-10.0, 5.0), turn_deg=30.0),
        Block(name="f", kind="floor", size_m=(2.0, 2.0, 0.5), position_m=(0.0, 6.0, 1.0)),
        Block(name="a"),
    )
    mesh = masses(brief_with(*blocks), 3)
    corners = mesh.vertices[mesh.triangles].astype(float)
    volume = np.einsum("tc,tc->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).reshape(2, 12).sum(axis=1) / 6
    assert volume == pytest.approx([12.0, 2.0], rel=1e-4)  # outward, by the divergence theorem
    assert mesh.vertices[:8].mean(axis=0) == pytest.approx([-10.0, 5.0, 1.5], abs=1e-5)
    assert (mesh.vertices[8:, 2].min(), mesh.vertices[8:, 2].max()) == (1.0, 1.5)
    assert set(mesh.material) == {3}


@pytest.mark.parametrize(("top_m", "built"), [(0.0, False), (0.1, False), (-0.1, False), (0.2, True), (-0.5, True)])
def test_a_floor_level_with_the_stage_is_the_ground_itself(top_m, built):
    floor = Block(name="f", kind="floor", size_m=(8.0, 8.0, 0.3), position_m=(0.0, 0.0, top_m - 0.3))
    assert (masses(brief_with(floor), 0) is not None) == built


def test_nothing_to_build():
    assert masses(brief_with(Block(name="a")), 0) is None


def test_a_figure_that_the_picture_shows_far_off_keeps_nothing_free():
    figure = Block(name="a", position_m=(10.0, 0.0), in_picture=True)
    assert clearance_m(brief_with(figure), np.array([[10.0, 0.0]])) == pytest.approx([8.5])


@pytest.mark.parametrize(
    ("block", "room"),
    [
        (Block(name="on the stage"), True),
        (Block(name="far off", kind="hero", in_picture=True), False),
        (Block(name="said twice", kind="wall", in_picture=True), True),
        (Block(name="dais", kind="floor", size_m=(4.0, 4.0, 0.5)), True),
        (Block(name="ground", kind="floor", size_m=(400.0, 400.0, 0.1)), False),
    ],
    ids=lambda value: value.name if isinstance(value, Block) else "",
)
def test_a_place_grows_around_what_stands_in_it(block, room):
    assert needs_room(block) == room
    assert is_ground(block) == (block.name == "ground")
