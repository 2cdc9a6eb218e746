import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generation.procedural.solids import solid

from translight.generation.procedural import shapes

ELL = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
SQUARE = [(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)]


def _polygon(sides):
    """Share of a circle's area that a regular polygon in it has."""
    return sides / (2 * np.pi) * np.sin(2 * np.pi / sides)


SOLIDS = {
    "box": (shapes.box((1, 2, 3), 0, (5, 5, 5)), 6.0),
    "boxes": (shapes.boxes([(1, 1, 1), (2, 2, 2)], [(0, 0, 0), (5, 0, 0)], 0), 9.0),
    "cylinder": (shapes.cylinder(0.5, 4, 0, sides=30), np.pi * _polygon(30)),
    "cone": (shapes.cylinder(1, 3, 0, top_radius_m=0, sides=24), np.pi * _polygon(24)),
    "trunk": (shapes.cylinder(2, 3, 0, top_radius_m=1, sides=24, smooth=False), 7 * np.pi * _polygon(24)),
    "lathe": (shapes.lathe([(1, 0), (1, 2), (0.5, 2), (0.5, 3)], 0, 40, smooth=True), 2.25 * np.pi * _polygon(40)),
    "extruded": (shapes.extruded(ELL, 2, 0), 6.0),
    "swept": (shapes.swept(SQUARE, [(0, 0, 0), (0, 3, 0)], (1, 0, 0), 0), 0.12),
    "moved": (shapes.moved(shapes.box((1, 1, 1), 0), (1, 2, 3), 0.7, (1, 2, 3)), 6.0),
    "merged": (shapes.merged([shapes.box((1, 1, 1), 0), shapes.box((1, 1, 1), 1, (4, 0, 0))]), 2.0),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_with_their_faces_outwards(name):
    mesh, volume_m3 = SOLIDS[name]
    made = solid(mesh)
    assert made.is_watertight
    assert made.is_winding_consistent
    assert made.volume == pytest.approx(volume_m3, rel=1e-4)


@pytest.mark.parametrize("subdivisions", [0, 3])
def test_a_sphere_is_round_and_nears_its_volume(subdivisions):
    mesh = shapes.sphere(2.0, 0, subdivisions=subdivisions, centre_m=(1, 1, 1))
    assert len(mesh.triangles) == 20 * 4**subdivisions
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - 1, axis=1), 2.0, rtol=1e-6)
    share = solid(mesh).volume / (4 / 3 * np.pi * 8)
    assert solid(mesh).is_watertight
    assert (0.55, 0.98)[subdivisions == 3] < share < 1


def test_a_swept_bar_bends_without_a_gap_and_keeps_its_width():
    t = np.linspace(0, np.pi / 2, 40)
    path = np.column_stack([np.zeros(40), 5 * np.cos(t), 5 * np.sin(t)])
    made = solid(shapes.swept(SQUARE, path, (1, 0, 0), 0))
    assert made.is_watertight
    assert made.volume == pytest.approx(0.04 * 5 * np.pi / 2, rel=2e-3)
    assert made.bounds[:, 0] == pytest.approx([-0.1, 0.1], abs=1e-5)


def test_smooth_lathes_keep_sharp_edges_sharp():
    sharp = shapes.lathe([(1, 0), (1, 1)], 0, 8, smooth=True)
    assert len(sharp.vertices) == 6 * 8  # two rings each for the foot, the side and the top
    curve = [(np.cos(a), np.sin(a)) for a in np.linspace(-0.5, 0.5, 6)]
    assert len(shapes.lathe(curve, 0, 8, smooth=True).vertices) == (2 + 6 + 2) * 8


@given(st.lists(st.floats(0.5, 3.0), min_size=3, max_size=14))
@settings(max_examples=30, deadline=None)
def test_any_star_shaped_outline_is_filled_exactly(radii):
    turn = np.arange(len(radii)) * 2 * np.pi / len(radii)
    outline = np.column_stack([radii * np.cos(turn), radii * np.sin(turn)])
    after = np.roll(outline, -1, axis=0)
    area = 0.5 * (outline[:, 0] * after[:, 1] - outline[:, 1] * after[:, 0]).sum()
    made = solid(shapes.extruded(outline, 1.0, 0))
    assert made.is_watertight
    assert made.volume == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize("outline", [ELL[::-1], [(0, 0), (1, 1)], [(0, 0), (1, 1), (1, 0), (0, 1)]])
def test_other_outlines_are_refused(outline):
    with pytest.raises(ValueError, match=r"^an outline must be a simple polygon, counter-clockwise$"):
        shapes.extruded(outline, 1.0, 0)


def test_nothing_cannot_be_merged():
    with pytest.raises(ValueError, match=r"^there is nothing to merge$"):
        shapes.merged([])


def test_placed_copies_lie_where_moved_ones_do():
    mesh = shapes.box((1, 2, 3), 7, colour=(0.1, 0.2, 0.3))
    copies = shapes.placed(mesh, [(1, 2, 3), (4, 5, 6)], [0.3, -1.2], [1.5, 0.5], (0.5, 1, 1))
    for k, (at, turn, scale) in enumerate([((1, 2, 3), 0.3, 1.5), ((4, 5, 6), -1.2, 0.5)]):
        m = copies.stage_from_mesh[k]
        expected = shapes.moved(mesh, at, turn, scale).vertices
        np.testing.assert_allclose(mesh.vertices @ m[:, :3].T + m[:, 3], expected, atol=1e-5)
    assert copies.tint.shape == (2, 3)
    once = shapes.placed_once(mesh)
    np.testing.assert_array_equal(once.stage_from_mesh, np.eye(4)[None, :3])
    assert mesh.material.tolist() == [7] * 12


def test_a_turn_goes_from_forward_to_the_right():
    ahead = shapes.moved(shapes.box((0.1, 0.1, 0.1), 0, (0, 1, 0)), turn_rad=np.pi / 2)
    np.testing.assert_allclose(ahead.vertices.mean(axis=0), (1, 0, 0.05), atol=1e-6)
