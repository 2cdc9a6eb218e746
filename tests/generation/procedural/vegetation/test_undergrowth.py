"""Undergrowth's sizes and soundness."""

import numpy as np
import pytest
import trimesh

from translight.generation.procedural.vegetation import undergrowth
from translight.generation.procedural.vegetation.palette import Stuff

MAKERS = {
    "turf": (undergrowth.turf, 0.0, 0.06),
    "grass": (undergrowth.grass, 0.2, 0.5),
    "fern": (undergrowth.fern, 0.25, 0.9),
    "bush": (undergrowth.bush, 1.2, 2.8),
    "sapling": (undergrowth.sapling, 1.7, 3.8),
    "litter": (undergrowth.litter, 0.0, 0.06),
    "log": (undergrowth.log, 0.2, 1.2),
    "stone": (undergrowth.stone, 0.15, 0.6),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_plant_is_sound_and_as_high_as_it_should_be(name):
    make, low, high = MAKERS[name]
    for seed in (1, 2):
        made = make(seed)
        assert np.isfinite(made.vertices).all()
        assert np.isfinite(made.colour).all()
        assert made.colour.min() >= 0
        assert made.triangles.min() >= 0
        assert made.triangles.max() < len(made.vertices)
        assert len(made.material) == len(made.triangles)
        assert set(np.unique(made.material)) <= set(map(int, Stuff))
        assert low <= made.vertices[:, 2].max() <= high
        corners = made.vertices[made.triangles].astype(np.float64)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        assert (area > 0).mean() > 0.99
        np.testing.assert_array_equal(made.vertices, make(seed).vertices)
    assert not np.array_equal(make(1).vertices[:30], make(2).vertices[:30])


@pytest.mark.parametrize("make", [undergrowth.stone, undergrowth.log], ids=["stone", "log"])
def test_solids_are_closed_and_face_outwards(make):
    made = make(3)
    solid = trimesh.Trimesh(made.vertices, made.triangles, process=False)
    assert solid.is_watertight
    assert solid.volume > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_log_lies_on_the_ground_by_all_its_length_with_its_moss_above(seed):
    made = undergrowth.log(seed)
    whole = trimesh.Trimesh(made.vertices, made.triangles, process=False)
    corners = max(whole.split(), key=lambda limb: limb.volume).vertices
    assert 4.4 <= np.ptp(corners[:, 0]) <= 9.9
    assert np.ptp(corners[:, 1]) < 1.0
    for low in np.arange(0.0, corners[:, 0].max() - 1.0):
        here = (corners[:, 0] >= low) & (corners[:, 0] <= low + 1.0)
        assert -0.12 < corners[here, 2].min() < 0.02
    up = whole.vertex_normals[:, 2]
    green = made.colour[:, 1] - made.colour[:, 2]
    assert green[up > 0.5].mean() > 2 * green[up < -0.5].mean()


def test_snow_is_no_part_of_a_summer_plant():
    assert Stuff.SNOW not in undergrowth.fern(1).material


def test_a_bush_without_leaves_is_its_stems():
    bare = undergrowth.bush(1, 0)
    assert set(np.unique(bare.material)) == {int(Stuff.BEECH_BARK)}
