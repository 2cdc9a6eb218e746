"""The clearing is free, trunks stand apart, the brief and the seed show, and counts stay bounded."""

import numpy as np
import pytest

from translight.generation.brief.brief import Block, Brief, Light, Place, Stage
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.families import clearing, forest
from translight.generation.procedural.vegetation.palette import Stuff
from translight.generation.procedural.vegetation.trees import SPECIES

BRIEF = Brief(
    name="clearing",
    intent="A clearing in an old forest",
    place=Place(where="forest clearing", wind_m_s=8.0, wind_from_deg=270.0),
    light=Light(sun_elevation_deg=25.0),
    blocking=(
        Block(name="rider", position_m=(2.0, 11.0), size_m=(1.0, 2.6, 2.5)),
        Block(name="hut", kind="wall", position_m=(-4.0, 6.0), size_m=(2.0, 2.0, 2.2)),
    ),
)


@pytest.fixture(scope="module")
def plan():
    return clearing.plan(BRIEF, 7)


@pytest.fixture(scope="module")
def trees(plan):
    return forest.where_trees_stand(plan)


@pytest.fixture(scope="module")
def scene():
    return forest.build(BRIEF, 7, 96)


def test_trunks_stand_apart_outside_the_clearing_the_track_and_blocking(plan, trees):
    xy = trees.xy
    gap = np.linalg.norm(xy[:600, None] - xy[None, :], axis=-1)
    gap[np.arange(600), np.arange(600)] = np.inf
    assert gap.min() >= forest.TRUNKS_APART_M
    assert clearance_m(BRIEF, xy).min() > clearing.TREE_FREE_M
    assert plan.depth_in_m(xy).min() > -3.0
    assert plan.off_track_m(xy).min() > clearing.TRACK_HALF_M + 1.0
    assert np.hypot(*xy.T).min() > 6.0


def test_the_wood_is_closed_and_mixed(plan, trees):
    radius = np.hypot(*trees.xy.T)
    ring = (radius > 30) & (radius < 90)
    assert 150 < ring.sum() / (np.pi * (90**2 - 30**2)) * 10_000 < 900  # stems a hectare
    assert np.bincount(trees.species[radius < 100], minlength=len(SPECIES)).min() > 10
    azimuth = np.arctan2(trees.xy[:, 0], trees.xy[:, 1])
    assert np.histogram(azimuth[radius < 60], bins=12, range=(-np.pi, np.pi))[0].min() > 5


def test_the_floor_is_level_where_people_walk_and_rises_behind(plan):
    walk = np.random.default_rng(1).uniform(-1.5, 1.5, (400, 2))
    near_rider = walk * (0.3, 0.8) + (2.0, 11.0)
    for spot in (walk, near_rider):
        assert np.abs(plan.height_m(*spot.T, 0.01)).max() < 0.03
    far = plan.height_m(np.linspace(300, 1400, 50), np.zeros(50), 1.0)
    assert far.mean() > 10


def test_height_agrees_between_footprints(plan):
    xy = np.random.default_rng(2).uniform(-60, 60, (500, 2))
    fine, coarse = plan.height_m(*xy.T, 0.02), plan.height_m(*xy.T, 0.2)
    assert np.abs(fine - coarse).max() < 0.12


def test_nothing_but_turf_and_litter_lies_where_people_walk(scene):
    for placed in scene.placed:
        at = placed.stage_from_mesh[:, :2, 3]
        height = placed.mesh.vertices[:, 2].max()
        if height > 0.08 and len(at) > 1:
            assert clearance_m(BRIEF, at).min() > clearing.PLANT_FREE_M, height


def test_no_leaf_hangs_where_people_walk(scene):
    for placed in scene.placed[:-1]:
        corners = placed.mesh.vertices[::7].astype(np.float64)
        if corners[:, 2].max() < 0.08:
            continue
        near = placed.stage_from_mesh[clearance_m(BRIEF, placed.stage_from_mesh[:, :2, 3]) < 14]
        for pose in near[np.argsort(clearance_m(BRIEF, near[:, :2, 3]))[:12]]:
            at = corners @ pose[:, :3].T + pose[:, 3]
            low = at[at[:, 2] < 3.0]
            if len(low):
                assert clearance_m(BRIEF, low[:, :2]).min() > 0.3


def test_counts_are_bounded_and_indices_sound(scene):
    meshes = {id(p.mesh): p.mesh for p in scene.placed}
    assert sum(len(m.triangles) for m in meshes.values()) < 1_500_000
    assert 8_000 < sum(len(p.tint) for p in scene.placed) < 60_000
    assert len(scene.materials) == len(Stuff)
    for placed in scene.placed:
        assert placed.mesh.material.max() < len(scene.materials)
        assert np.isfinite(placed.stage_from_mesh).all()
        assert (np.linalg.det(placed.stage_from_mesh[:, :, :3]) > 0).all()
    for grid in scene.land.grids:
        assert grid.material.max() < len(scene.materials)
        assert np.isfinite(grid.height_m).all()
        assert 0 <= grid.colour.min() <= grid.colour.max() <= 1.5


def test_the_walls_of_the_block_out_stand_in_it(scene):
    last = scene.placed[-1].mesh
    assert set(last.material) == {int(Stuff.STONE)}
    np.testing.assert_allclose(last.vertices.min(axis=0), [-5, 5, 0], atol=1e-6)


def test_grass_leans_with_the_wind(scene):
    blades = [
        p for p in scene.placed if 0.2 < p.mesh.vertices[:, 2].max() < 0.5 and set(p.mesh.material) == {Stuff.GRASS}
    ]
    lean = np.concatenate([p.stage_from_mesh[:, :2, 2] / p.stage_from_mesh[:, 2:, 2] for p in blades])
    assert lean[:, 0].mean() > 0.1  # from the west it blows to +X
    assert abs(lean[:, 1].mean()) < 0.03


def test_equal_seeds_give_equal_clearings_and_others_do_not(plan, trees):
    again = forest.where_trees_stand(clearing.plan(BRIEF, 7))
    np.testing.assert_array_equal(again.xy, trees.xy)
    np.testing.assert_array_equal(again.species, trees.species)
    other = clearing.plan(BRIEF, 8)
    assert other.radius_m != plan.radius_m
    assert len(forest.where_trees_stand(other).xy) != len(trees.xy)


@pytest.mark.parametrize(
    ("place", "words", "season"),
    [
        (Place(), "a wood", "summer"),
        (Place(weather="snow"), "a wood", "winter"),
        (Place(), "A wood in late Autumn", "autumn"),
        (Place(where="winter wood"), "a wood", "winter"),
        (Place(where="a bank of wintergreen"), "a wood", "summer"),
    ],
)
def test_the_season_is_read_from_the_brief(place, words, season):
    assert clearing.plan(Brief(name="w", intent=words, place=place), 1).season == season


def test_snow_covers_the_floor_and_rain_wets_it():
    from translight.generation.procedural.families.ground import Patch

    snowy = clearing.plan(Brief(name="w", intent="w", place=Place(weather="snow")), 1)
    xy = np.random.default_rng(0).uniform(-20, 20, (800, 2))
    zero = np.zeros(len(xy))
    colour, material = snowy.paint(Patch(xy[:, 0], xy[:, 1], zero, zero, zero, 0.1))
    assert (material == Stuff.SNOW).mean() > 0.7
    assert colour[material == Stuff.SNOW].mean() > 0.8
    summer, _ = clearing.plan(Brief(name="w", intent="w"), 1).paint(Patch(xy[:, 0], xy[:, 1], zero, zero, zero, 0.1))
    assert summer.mean() < 0.15


def test_snow_on_fallen_logs_lies_on_their_upper_side():
    plan = clearing.plan(Brief(name="w", intent="w", place=Place(weather="snow")), 7)
    logs = [p for p in forest._floor(plan)[-3:] if len(p.tint)]
    assert logs
    for placed in logs:
        a, b, c = placed.mesh.vertices[placed.mesh.triangles].astype(np.float64).transpose(1, 0, 2)
        pose = placed.stage_from_mesh[0, :, :3]
        up = np.cross(b - a, c - a) @ np.linalg.inv(pose)[:, 2]
        white = placed.mesh.material == Stuff.SNOW
        assert white.mean() > 0.2
        assert (up[white] > 0).all()


def test_ground_and_figures_far_off_widen_no_clearing():
    ground = Block(name="ground", kind="floor", size_m=(400.0, 400.0, 0.1), position_m=(0.0, 0.0))
    figure = Block(name="far", position_m=(0.0, 80.0), in_picture=True)
    bare, other = (clearing.plan(Brief(name="w", intent="w", blocking=b), 3) for b in ((), (ground, figure)))
    assert (other.radius_m, other.stage_m) == (bare.radius_m, bare.stage_m)


def test_a_wide_stage_gets_a_wide_clearing():
    wide = Brief(name="w", intent="w", stage=Stage(reach_m=(30.0, 40.0, 1.0)))
    made = clearing.plan(wide, 3)
    assert made.radius_m >= 24
    assert clearance_m(wide, forest.where_trees_stand(made).xy).min() > clearing.TREE_FREE_M
