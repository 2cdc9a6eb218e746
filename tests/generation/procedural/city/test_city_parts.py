import numpy as np
import pytest
import trimesh
from tests.generation.procedural.solids import first_hits, solid

from translight.generation.procedural.city import buildings, facades, kit, lots, neon, palette, shopfronts, streets
from translight.generation.procedural.city.palette import PANES, SHADED, SHADES, Surface
from translight.generation.procedural.shapes import merged

ACROSS_AND_DOWN = ("BAKERY", "PHARMACY", "OPTICIAN", "JAZZ", "FLOWERS", "DELI", "CLUB", "BOOKS", "MX", "PIZZA", "GRILL")
"""Every letter that signs use."""
WALL = facades.Wall(np.array([2.0, 3.0, 0.0]), np.array([0.6, 0.8]), 24.0)
FRONT = facades.Wall(np.array([0.0, 0.0, 0.0]), np.array([1.0, 0.0]), 24.0)


@pytest.mark.parametrize("name", kit.PARTS)
def test_parts_are_closed_stand_on_the_ground_and_have_their_size(name):
    made = solid(kit.PARTS[name]())
    assert made.is_watertight
    assert made.is_winding_consistent
    assert made.volume > 0
    assert made.bounds[0, 2] == pytest.approx(0, abs=0.065)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("saloon", (1.7, 4.5, 1.4), (2.2, 4.9, 1.55)), ("van", (1.9, 5.0, 2.0), (2.2, 5.3, 2.2)),
        ("lamp", (2.0, 0.2, 6.0), (2.5, 0.5, 9.0)), ("hydrant", (0.2, 0.2, 0.6), (0.5, 0.5, 0.9)),
        ("bulkhead", (3.0, 2.5, 2.5), (3.6, 3.0, 3.0)), ("water tank", (3.0, 3.0, 5.0), (4.0, 4.0, 8.0)),
    ],
)  # fmt: skip
def test_parts_have_real_sizes(name, low, high):
    size = np.ptp(kit.PARTS[name]().vertices, axis=0)
    assert (size > low).all()
    assert (size < high).all()


def test_a_kit_places_each_part_once_with_all_its_copies():
    made = kit.Kit()
    made.put("bin", (1, 2, 3))
    made.put("bin", (4, 5, 6), np.pi, tint=(0.5, 0.5, 0.5))
    made.put("hydrant", (0, 0, 0))
    bins, hydrants = made.placed()
    np.testing.assert_allclose(bins.stage_from_mesh[:, :, 3], [(1, 2, 3), (4, 5, 6)])
    assert (len(hydrants.tint), bins.tint[1, 0]) == (1, 0.5)


@pytest.mark.parametrize("name", facades.STYLES)
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_as_many_windows_are_lit_as_was_asked(name, share):
    style, storeys = facades.STYLES[name], 6
    bays = round(WALL.width_m / style.bay_m)
    made = facades.facade(WALL, style, storeys, (0.4, 0.4, 0.4), np.random.default_rng(3), lit_share=share)
    dark = sum((m.material == Surface.GLASS).sum() for m in made) / 2
    assert bays * storeys - dark == round(share * bays * storeys)


@pytest.mark.parametrize("name", facades.STYLES)
def test_storeys_and_windows_have_real_heights(name):
    style = facades.STYLES[name]
    made = facades.facade(WALL, style, 5, (0.4, 0.4, 0.4), np.random.default_rng(3), lit_share=0.0)
    glass = merged(made)
    z = np.unique(np.round(glass.vertices[np.unique(glass.triangles[glass.material == Surface.GLASS])][:, 2], 3))
    sills, heads = z[::2], z[1::2]
    assert len(sills) == 5
    np.testing.assert_allclose(np.diff(sills), style.storey_m, atol=2e-3)
    assert 3.0 <= style.storey_m <= 4.0
    assert ((heads - sills > 1.2) & (heads - sills < 3.4)).all()


def test_the_usual_styles_follow_the_height():
    assert buildings.usual_styles(29.9) == ("walk-up", "stone")
    assert buildings.usual_styles(30.0) == ("stone", "office")
    assert buildings.usual_styles(62.0) == ("office", "curtain", "curtain")


def test_a_wall_without_its_rooms_is_a_sheet_with_one_rim():
    style = facades.STYLES["stone"]
    made = facades.facade(WALL, style, 3, (0.4, 0.4, 0.4), np.random.default_rng(3), lit_share=0.0)
    glass = [m for m in made if m.material[0] == Surface.GLASS]
    sheet = solid(merged([*made[:2], *glass]))
    _, counts = np.unique(sheet.edges_sorted, axis=0, return_counts=True)
    rim = 3 * round(24 / style.bay_m) * 2 + 3 * 3 * 2  # three edges a bay below and above, three a storey at the sides
    assert (counts == 1).sum() == rim
    assert set(counts) == {1, 2}


def test_a_lit_room_is_seen_through_its_window_with_depth():
    style = facades.STYLES["walk-up"]
    rng = np.random.default_rng(8)
    made = merged(facades.facade(FRONT, style, 4, (0.4, 0.4, 0.4), rng, lit_share=1.0))
    triangles = made.vertices[made.triangles].astype(np.float64)
    bays = round(24 / style.bay_m)
    middle = (np.arange(1, bays - 1) + 0.3) * 24 / bays
    hit = np.array([first_hits(triangles, (s, -5, 0.95), [(0, 1, 0)])[0] - 5 for s in middle])
    assert hit.max() == pytest.approx(style.reveal_m + facades.ROOM_M, abs=1e-3)
    assert (hit > style.reveal_m - 0.05).all()


def test_brightness_comes_in_shades_of_their_own_material():
    materials = palette.materials(wet=False, lit_share=0.3, lights=0.5)
    assert len(materials) == len(Surface) + len(SHADED) * len(SHADES)
    for kind in SHADED:
        index = palette.shaded(kind, np.array([1e-9, 0.45, 0.8, 50.0]))
        got = [materials[i].emission[0] / materials[kind].emission[0] for i in index]
        assert got == pytest.approx([SHADES[0], 0.45, 0.75, SHADES[-1]])
    albedos = np.array([m.a for m in materials])
    assert albedos.min() >= 0
    assert albedos.max() <= 1


def test_doors_of_shops_are_as_high_as_doors_and_lie_in_their_window():
    rng = np.random.default_rng(4)
    made = merged(shopfronts.ground_floor(FRONT, (0.4, 0.4, 0.4), rng, open_share=1.0))
    black = made.vertices[made.triangles[made.material == Surface.PAINT]].astype(np.float64)
    colour = made.colour[made.triangles[made.material == Surface.PAINT]]
    doors = black[(colour == np.float32(0.10)).all(axis=(1, 2))].reshape(-1, 8, 3, 3)  # four bars of two triangles each
    edges = np.linspace(0, FRONT.width_m, len(doors) + 1)
    pier = 0.5 * 0.14 * FRONT.width_m / len(doors)
    assert len(doors) == 4
    for door, left, right in zip(doors, edges[:-1], edges[1:], strict=True):
        corners = door.reshape(-1, 3)
        assert np.ptp(corners[:, 0]) == pytest.approx(1.0, abs=1e-5)
        assert (corners[:, 2].min(), corners[:, 2].max()) == pytest.approx((0.06, 2.1), abs=1e-5)
        assert corners[:, 0].min() > left + pier
        assert corners[:, 0].max() < right - pier
        assert (corners[:, 1] > 0.05).all()  # behind the wall's face
    lights = made.material >= len(Surface)
    assert lights.any()
    assert made.vertices[:, 2].min() >= 0
    dark = merged(shopfronts.ground_floor(FRONT, (0.4, 0.4, 0.4), rng, open_share=0.0))
    assert (dark.material < len(Surface)).all()


def test_every_word_can_be_spelt_and_reads_from_left_to_right_outside():
    for word in ACROSS_AND_DOWN:
        made = neon.across(word, FRONT, 1.0, 0.1, 3.0, 0.5, Surface.SIGN, 0.04)
        for tube in range(0, len(made.vertices), 8):
            eight = made.vertices[tube : tube + 8].astype(np.float64)
            faces = made.triangles[made.triangles[:, 0] // 8 == tube // 8] - tube
            alone = trimesh.Trimesh(eight, faces)
            assert alone.is_watertight
            assert alone.volume > 0
        assert np.ptp(made.vertices[:, 0]) <= neon.width_m(word, 0.5) + 0.08
    assert set("".join((*neon.ACROSS, *neon.UPRIGHT))) <= set("".join(ACROSS_AND_DOWN))
    # L: its foot is at the lower right of its stem, seen from outside (from −Y, where +X is right).
    ell = neon.across("L", FRONT, 0.0, 0.1, 0.0, 1.0, Surface.SIGN, 0.02).vertices
    assert ell[ell[:, 0] > 0.2][:, 2].max() < 0.05
    assert ell[:, 1].max() < 0


def test_upright_signs_read_downwards():
    made = neon.upright("LI", FRONT, 0.0, 0.1, 0.0, 1.0, Surface.SIGN, 0.02).vertices
    lower = made[made[:, 2] < 1.1]
    assert np.ptp(lower[:, 0]) < 0.1  # the I is the lower one


def test_far_buildings_end_where_their_panes_do():
    rng = np.random.default_rng(1)
    plots = np.array([(x, y, x + 27.3, y + 31.1) for x in range(0, 900, 60) for y in range(0, 600, 60)], np.float64)
    made = merged(buildings.far_buildings(plots, rng.uniform(12, 240, len(plots)), rng))
    for kind, (bay, storey) in PANES.items():
        corners = made.vertices[np.unique(made.triangles[made.material == kind])]
        assert len(corners)
        for column, step in ((0, bay), (1, bay), (2, storey)):
            off = corners[:, column] / step
            np.testing.assert_allclose(off, np.round(off), atol=2e-3)


def test_the_plan_is_a_grid_of_real_blocks_beyond_three_kilometres():
    home = (-6.0, -90.0, 70.0, 8.0)
    plan = streets.plan(home, 3400.0, np.random.default_rng(2))
    assert tuple(plan.blocks[0]) == home
    assert np.abs(plan.blocks).max() > 3000
    size = plan.blocks[:, 2:] - plan.blocks[:, :2]
    assert (size >= 60).all()
    gaps = np.abs(plan.avenues[:, None] - plan.blocks[:, [0, 2]].reshape(1, -1)).min(axis=1)
    np.testing.assert_allclose(gaps, streets.AVENUE_M / 2, atol=1e-9)


def test_plots_lie_within_their_pavements_and_do_not_overlap():
    blocks = np.array([(0.0, 0.0, 80.0, 100.0), (1000.0, 0.0, 1070.0, 90.0)])
    plots = lots.lots(blocks, np.random.default_rng(0))
    near, far = plots[plots[:, 0] < 500], plots[plots[:, 0] > 500]
    assert len(near) > len(far) > 1
    for group, block in ((near, blocks[0]), (far, blocks[1])):
        inner = block + np.array([1, 1, -1, -1]) * streets.PAVEMENT_M
        assert (group[:, :2] >= inner[:2] - 1e-9).all()
        assert (group[:, 2:] <= inner[2:] + 1e-9).all()
        area = np.prod(group[:, 2:] - group[:, :2], axis=1).sum()
        assert area == pytest.approx(np.prod(inner[2:] - inner[:2]))


def test_around_a_terrace_the_near_roofs_stay_below_it():
    rng = np.random.default_rng(0)
    plots = rng.uniform(-1500, 1500, (3000, 2))
    plots = np.hstack([plots, plots + 25])
    height = lots.heights_m(plots, 45.0, rng)
    near = np.linalg.norm(0.5 * (plots[:, :2] + plots[:, 2:]), axis=1) < 45
    assert (height[near] <= 36.0 + 1e-9).all()
    assert height.max() > 120
