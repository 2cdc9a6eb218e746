import numpy as np

from translight.generation.brief.brief import Block, Brief
from translight.generation.procedural.halls.carpet import WIDTH_M, carpet
from translight.generation.procedural.halls.hall import Room
from translight.generation.procedural.turned import Turned

ROOM = Room(10.0, 40.0, (-3.0, -3.0, 3.0, 20.0))


def laid(*blocks, turned=Turned(0.0)):  # noqa: B008
    return carpet(Brief(name="x", intent="x", blocking=blocks), turned, ROOM)


def bounds(mesh):
    return mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)


def test_it_leads_from_wall_to_wall_and_is_level_enough_to_stand_on():
    (mesh,) = laid(Block(name="him", position_m=(0, 5)))
    low, high = bounds(mesh)
    np.testing.assert_allclose(low, (-WIDTH_M / 2, -7, 0), atol=1e-5)
    np.testing.assert_allclose(high[:2], (WIDTH_M / 2, 37), atol=1e-5)
    assert high[2] < 0.03


def test_it_ends_at_a_dais_and_passes_a_wall_aside():
    dais = Block(name="dais", kind="floor", size_m=(8, 4, 0.6), position_m=(0.0, 30.0))
    aside = Block(name="aside", kind="wall", size_m=(1, 4, 3), position_m=(5.0, 10.0))
    (mesh,) = laid(dais, aside)
    assert bounds(mesh)[1][1] == 28


def test_it_ends_at_a_turned_wall_s_nearest_corner():
    wall = Block(name="w", kind="wall", size_m=(2, 2, 3), position_m=(0.0, 20.0), turn_deg=45)
    (mesh,) = laid(wall)
    np.testing.assert_allclose(bounds(mesh)[1][1], 20 - 2**0.5, atol=1e-5)
    (mesh,) = laid(wall, turned=Turned(np.radians(45)))
    assert bounds(mesh)[1][1] == 37  # there, the wall stands aside


def test_there_is_none_where_a_block_fills_its_way():
    assert laid(Block(name="bridge", kind="floor", size_m=(6, 60, 0.5), position_m=(0.0, 10.0, 3.0))) == []


def test_the_ground_itself_carries_it():
    (mesh,) = laid(Block(name="ground", kind="floor", size_m=(30, 60, 0.1), position_m=(0.0, 10.0)))
    assert bounds(mesh)[1][1] == 37
