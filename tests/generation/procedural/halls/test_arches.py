import numpy as np
import pytest
from tests.generation.procedural.solids import first_hits, solid

from translight.generation.procedural.city.facades import Wall
from translight.generation.procedural.halls import furnishings
from translight.generation.procedural.halls.arches import (
    Arched,
    arch,
    arched_wall,
    groin_vault,
    rise_m,
    tracery,
    vault_ribs,
)

FRONT = Wall(np.array([0.0, 0.0, 0.0]), np.array([1.0, 0.0]), 12.0)
SLANTED = Wall(np.array([3.0, 2.0, 1.0]), np.array([0.0, -1.0]), 12.0)
SHAPES = {
    "round window": Arched(2.0, 1.0, 3.0, 0.5),
    "pointed window": Arched(2.0, 1.0, 3.0, 1.0),
    "arcade": Arched(3.0, 0.0, 2.5, 0.8),
    "lintel": Arched(2.4, 1.0, 3.2, 0.0),
}


def test_arches_have_their_known_shapes():
    u = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(arch(u, 0.5), np.sqrt(1 - u**2), atol=1e-12)  # a semicircle
    assert rise_m(2.0, 0.5) == pytest.approx(1.0)
    assert rise_m(2.0, 1.0) == pytest.approx(np.sqrt(3))  # an equilateral triangle's height
    np.testing.assert_allclose(arch([-1, 1], 0.8), 0, atol=1e-12)


def _area(hole):
    curve = hole.outline()
    above = np.trapezoid(curve[:, 1] - hole.spring_m, curve[:, 0])
    return hole.width_m * (hole.spring_m - hole.foot_m) + above


@pytest.mark.parametrize("wall", [FRONT, SLANTED], ids=["front", "side"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_wall_with_openings_is_closed_and_lacks_only_them(name, wall):
    hole = SHAPES[name]
    made = solid(arched_wall(wall, [2.0, 6.0, 10.0], hole, 7.0, 0.5, 0, (0.5, 0.5, 0.5)))
    assert made.is_watertight
    assert made.is_winding_consistent
    assert made.volume == pytest.approx(0.5 * (12 * 7 - 3 * _area(hole)), rel=1e-4)


def test_openings_go_right_through():
    made = arched_wall(FRONT, [2.0, 6.0, 10.0], SHAPES["pointed window"], 7.0, 0.5, 0, (0.5, 0.5, 0.5))
    triangles = made.vertices[made.triangles].astype(np.float64)
    through = [first_hits(triangles, (x, -3, z), [(0, 1, 0)])[0] for x, z in ((2, 2), (6.9, 1.1), (10, 4.6), (2, 4.0))]
    assert np.isinf(through).all()
    stopped = [first_hits(triangles, (x, -3, z), [(0, 1, 0)])[0] for x, z in ((4, 2), (2, 0.5), (2, 4.8), (2.9, 4.4))]
    np.testing.assert_allclose(stopped, 3)


@pytest.mark.parametrize("middles", [[0.5], [2.0, 3.5], [11.5]])
def test_openings_that_do_not_fit_are_refused(middles):
    with pytest.raises(ValueError, match=r"^openings must fit into their wall and not touch$"):
        arched_wall(FRONT, middles, SHAPES["round window"], 7.0, 0.5, 0, (1, 1, 1))


def test_an_opening_must_lie_below_the_walls_top():
    with pytest.raises(ValueError, match=r"^openings must fit into their wall and not touch$"):
        arched_wall(FRONT, [6.0], SHAPES["round window"], 3.9, 0.5, 0, (1, 1, 1))


def test_tracery_stays_within_its_opening():
    hole = SHAPES["pointed window"]
    bars = tracery(FRONT, [6.0], hole, 3, -0.25, 0)
    assert solid(bars).is_winding_consistent
    assert bars.vertices[:, 0].min() > 5.0 - 0.15
    assert bars.vertices[:, 0].max() < 7.0 + 0.15
    assert bars.vertices[:, 2].max() < hole.top_m + 0.15
    assert ((bars.vertices[:, 1] > 0.1) & (bars.vertices[:, 1] < 0.4)).all()  # −Y is outside


def test_a_groin_vault_spans_its_bay_and_faces_down():
    vault = groin_vault(8.0, 6.0, 5.0, 0.8, 0, (0.5, 0.5, 0.5))
    at = vault.vertices
    np.testing.assert_allclose(np.ptp(at[:, :2], axis=0), (8, 6), rtol=1e-6)
    corner = np.isclose(np.abs(at[:, 0]), 4) & np.isclose(np.abs(at[:, 1]), 3)
    np.testing.assert_allclose(at[corner, 2], 0, atol=1e-6)
    np.testing.assert_allclose(at[np.isclose(at[:, 0], 0, atol=1e-6), 2], 5, rtol=1e-6)
    a, b, c = np.moveaxis(at[vault.triangles].astype(np.float64), 1, 0)
    normal = np.cross(b - a, c - a)
    assert (normal[:, 2] < 1e-9).all()
    creased = np.abs(at[:, 0] / 4) - np.abs(at[:, 1] / 3)
    u = at[np.isclose(creased, 0, atol=1e-6)]
    np.testing.assert_allclose(u[:, 2], 5 * arch(u[:, 0] / 4, 0.8) / arch(0.0, 0.8), atol=1e-5)


def test_ribs_run_below_the_vault_from_corner_to_corner():
    ribs = vault_ribs(8.0, 6.0, 5.0, 0.8, 0.3, 0, (0.5, 0.5, 0.5))
    assert solid(ribs).is_watertight
    assert solid(ribs).volume > 0
    assert ribs.vertices[:, 2].max() < 5.3


@pytest.mark.parametrize(
    ("mesh", "height_m"),
    [
        (furnishings.column(0.6, 6.0, (1, 1, 1), shafts=8), 6.0), (furnishings.pew(3.0), 0.98),
        (furnishings.bench(2.6), 1.1), (furnishings.crate((1.2, 1.0, 0.9)), 1.06), (furnishings.drum((1, 1, 1)), 0.88),
        (furnishings.door(1.9, 2.6), 2.6), (furnishings.respond(5.0, (1, 1, 1)), 5.7),
    ],
    ids=["column", "pew", "bench", "crate", "drum", "door", "respond"],
)  # fmt: skip
def test_furniture_is_closed_and_has_its_height(mesh, height_m):
    made = solid(mesh)
    assert made.is_watertight
    assert made.is_winding_consistent
    assert made.volume > 0
    assert np.ptp(mesh.vertices[:, 2]) == pytest.approx(height_m, abs=0.02)


@pytest.mark.parametrize(
    "lamp", [furnishings.chandelier(1.1, 6.0), furnishings.globe_lamp(3.0), furnishings.shade_lamp(1.7)]
)
def test_hanging_lights_hang(lamp):
    assert solid(lamp).is_watertight
    assert lamp.vertices[:, 2].max() < 0.05
    assert lamp.vertices[:, 2].min() < -1.5
