"""Trees against closed surfaces as trimesh judges them, da Vinci's rule, and their species' ranges."""

import numpy as np
import pytest
import trimesh

from translight.generation.procedural.vegetation.growth import Habit, broad
from translight.generation.procedural.vegetation.palette import Stuff, palette
from translight.generation.procedural.vegetation.skeleton import limbs, radii
from translight.generation.procedural.vegetation.trees import (
    BEECH,
    SPECIES,
    foliage_mesh,
    grow,
    snowed,
    wood_mesh,
    wood_of,
)


@pytest.fixture(scope="module")
def trees():
    return {species.name: grow(species, 5) for species in SPECIES}


@pytest.mark.parametrize("species", SPECIES, ids=lambda s: s.name)
def test_a_tree_has_its_species_size(trees, species):
    tree = trees[species.name]
    top = tree.skeleton.joint_m[:, 2].max()
    assert species.height_m[0] * 0.93 <= top <= species.height_m[1] * 1.03
    leafy = foliage_mesh(tree, "middle", 0)
    low, high = np.quantile(leafy.vertices[:, 2], [0.005, 1.0])
    share = (high - low) / top
    assert species.crown_share[0] * 0.75 < share < species.crown_share[1] * 1.2
    reach = np.quantile(np.hypot(*leafy.vertices[:, :2].T), 0.98)
    assert species.crown_radius_m[0] * 0.7 < reach < species.crown_radius_m[1] * 1.35


@pytest.mark.parametrize("species", SPECIES, ids=lambda s: s.name)
def test_radii_taper_and_obey_da_vincis_rule(trees, species):
    skeleton = trees[species.name].skeleton
    parent, radius = skeleton.parent, skeleton.radius_m
    assert (parent[1:] < np.arange(1, len(parent))).all()
    assert parent[0] == -1
    assert (radius[1:] <= radius[parent[1:]] + 1e-12).all()
    assert radius[0] == pytest.approx(trees[species.name].habit.foot_radius_m)
    assert radius[skeleton.tips()] == pytest.approx(trees[species.name].habit.tip_radius_m)
    power = np.log(skeleton.tips().sum()) / np.log(radius[0] / radius.min())
    assert 1.4 < power < 2.4
    children = np.bincount(parent[1:], radius[1:] ** power, minlength=len(parent))
    forks = np.flatnonzero(children)
    np.testing.assert_allclose(children[forks], radius[forks] ** power, rtol=1e-9)


@pytest.mark.parametrize("species", SPECIES, ids=lambda s: s.name)
def test_wood_is_closed_and_faces_outwards(trees, species):
    wood = wood_of(trees[species.name], "middle", 1)
    solid = trimesh.Trimesh(wood.vertices, wood.triangles, process=False)
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert np.isfinite(wood.vertices).all()
    parts = solid.split(only_watertight=False)
    assert len(parts) > 5
    assert min(part.volume for part in parts) > 0


def test_the_trunk_flares_at_its_foot_and_goes_below_the_ground(trees):
    wood = wood_of(trees["beech"], "near", 1)
    trunk = wood.vertices[wood.limb == 0]
    assert trunk[:, 2].min() == pytest.approx(-0.4, abs=1e-6)
    foot = np.hypot(*trunk[np.abs(trunk[:, 2]) < 0.02][:, :2].T).mean()
    breast = np.hypot(*trunk[np.abs(trunk[:, 2] - 1.2) < 0.05][:, :2].T).mean()
    assert 1.3 < foot / breast < 2.6


def test_levels_of_detail_keep_the_crown_and_drop_triangles(trees):
    tree = trees["spruce"]
    near, middle, far = (foliage_mesh(tree, level, 0) for level in ("near", "middle", "far"))
    assert len(near.triangles) > 2.5 * len(middle.triangles) > 10 * len(far.triangles)
    areas = [trimesh.Trimesh(m.vertices, m.triangles, process=False).area for m in (near, middle, far)]
    assert 0.8 < areas[1] / areas[0] < 4
    assert 0.8 < areas[2] / areas[0] < 4
    for made in (near, middle, far):
        assert np.isfinite(made.vertices).all()
        assert made.triangles.max() < len(made.vertices)


def test_equal_seeds_grow_equal_trees_and_others_do_not():
    one, same, other = grow(BEECH, 2), grow(BEECH, 2), grow(BEECH, 3)
    np.testing.assert_array_equal(one.skeleton.joint_m, same.skeleton.joint_m)
    np.testing.assert_array_equal(foliage_mesh(one, "far", 1).vertices, foliage_mesh(same, "far", 1).vertices)
    assert one.habit != other.habit


def test_winter_strips_broad_leaves_and_lays_snow_on_top(trees):
    assert foliage_mesh(trees["beech"], "far", 0, "winter") is None
    assert foliage_mesh(trees["spruce"], "far", 0, "winter") is not None
    white = wood_mesh(trees["beech"], "middle", 0, "winter")
    snow = white.material == Stuff.SNOW
    assert 0.005 < snow.mean() < 0.4
    a, b, c = (white.vertices[white.triangles[snow][:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    plain = wood_mesh(trees["beech"], "middle", 0)
    again = snowed(plain)
    np.testing.assert_array_equal(again.vertices[again.triangles], plain.vertices[plain.triangles])


def test_autumn_thins_leaves(trees):
    summer, autumn = (foliage_mesh(trees["birch"], "far", 0, season) for season in ("summer", "autumn"))
    assert len(autumn.triangles) < 0.7 * len(summer.triangles)


def test_a_crown_of_few_points_still_ends():
    rng = np.random.default_rng(0)
    small = broad(Habit(3.0, 0.5, 0.5, 0.03, points=3), rng)
    assert len(small.parent) < 60
    assert np.isfinite(small.radius_m).all()


def test_limbs_share_out_every_joint():
    parent = np.array([-1, 0, 1, 1, 3, 3])
    from translight.generation.procedural.vegetation.skeleton import Skeleton

    skeleton = Skeleton(np.zeros((6, 3)), parent, radii(parent, 0.3, 0.1))
    chains = [chain.tolist() for chain in limbs(skeleton)]
    assert chains[0][:4] == [0, 1, 3, 5]
    assert sorted(chains[1:]) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("season", ["summer", "autumn", "winter"])
def test_the_palette_is_complete_and_rain_darkens_it(season):
    dry, wet = palette(season, wet=False), palette(season, wet=True)
    assert len(dry) == len(wet) == len(Stuff)
    for a, b in zip(dry, wet, strict=True):
        assert all(0 < value <= 1 for value in (*a.a, *a.b))
        assert max(b.a) < max(a.a)
        assert b.roughness < a.roughness
