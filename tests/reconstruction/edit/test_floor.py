import re

import numpy as np
import pytest

from translight.core.errors import ReconstructionError
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.procedural import demo_environment
from translight.reconstruction.edit.floor import find_floor
from translight.splats.cloud import SplatCloud

UP = np.array([0.0, 0.0, 1.0])


def _room(seed=0, tilt_deg=(0.0, 0.0), height=0.0, table=True):
    """A noisy floor, a table above it, walls and clutter; tilted and raised on the stage."""
    rng = np.random.default_rng(seed)
    floor = np.column_stack([rng.uniform(-4, 4, (1500, 2)), rng.normal(0, 0.01, 1500)])
    top = np.column_stack([rng.uniform(-2, 2, (2000, 2)), rng.normal(0.8, 0.005, 2000)])
    wall = np.column_stack([rng.uniform(-4, 4, 1500), np.full(1500, 4.0), rng.uniform(0, 3, 1500)])
    clutter = rng.uniform((-4, -4, 0), (4, 4, 3), (800, 3))
    points = np.concatenate([floor, *([top] if table else []), wall, clutter])
    turn = Pose.exp([0, 0, 0, *np.radians(tilt_deg), 0.0])
    points = turn.apply(points) + np.array([0, 0, height])
    n = len(points)
    cloud = SplatCloud(
        points.astype(np.float32), np.full((n, 3), 0.02, np.float32), np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        np.full(n, 0.9, np.float32), np.zeros((n, 1, 3), np.float32),
    )  # fmt: skip
    return Environment("room", cloud, Similarity.identity()), turn.rotation() @ UP


@pytest.mark.parametrize(("tilt", "height"), [((0, 0), 0.0), ((12, -7), 1.5), ((-25, 20), -40.0)])
def test_a_tilted_floor_is_found_beneath_a_larger_table(tilt, height):
    environment, normal = _room(tilt_deg=tilt, height=height)
    floor = find_floor(environment, UP)
    assert np.degrees(np.arccos(floor.normal @ normal)) < 0.3
    assert abs(floor.height_m - normal[2] * height) < 0.02
    assert floor.rms_m < 0.02
    assert abs(floor.tilt_deg - np.degrees(np.arccos(normal[2]))) < 0.3
    assert abs(floor.normal @ floor.beneath(np.array([1.0, 2.0, 9.0])) - floor.height_m) < 1e-9


def test_the_same_seed_finds_the_same_floor():
    environment, _ = _room()
    first, second = find_floor(environment, UP, 4), find_floor(environment, UP, 4)
    assert np.array_equal(first.normal, second.normal)
    assert first.height_m == second.height_m


def test_the_built_in_environments_land_is_level_already():
    floor = find_floor(demo_environment(splats=20_000, sky_height_px=64), UP)
    assert floor.tilt_deg < 3


def test_walls_and_dust_are_no_floor():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (3000, 3))
    n = len(points)
    cloud = SplatCloud(
        points.astype(np.float32), np.ones((n, 3), np.float32), np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        np.full(n, 0.9, np.float32), np.zeros((n, 1, 3), np.float32),
    )  # fmt: skip
    dust = Environment("dust", cloud, Similarity.identity())
    with pytest.raises(ReconstructionError, match=r"^no floor: the best level plane holds \d\.\d% of the opaque"):
        find_floor(dust, UP)
    faint = Environment("faint", SplatCloud(cloud.means, cloud.scales, cloud.wxyz, cloud.opacities * 0, cloud.sh))
    message = "no floor: only 0 splats are opaque; set it with three points"
    with pytest.raises(ReconstructionError, match=f"^{re.escape(message)}$"):
        find_floor(faint, UP)
