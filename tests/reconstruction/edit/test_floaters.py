from dataclasses import replace

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.environment.files import load_environment
from translight.environment.procedural import demo_environment
from translight.reconstruction.edit.floaters import CAUSES, Limits, find_floaters
from translight.reconstruction.edit.motion import taken
from translight.reconstruction.edit.pictures import drawn
from translight.reconstruction.evaluate.metrics import psnr_db
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.scene import scene_of
from translight.splats.cloud import SplatCloud
from translight.splats.motion import joined


def _splats(means, size, opacity, seed):
    rng = np.random.default_rng(seed)
    n = len(means)
    return SplatCloud(
        means=np.ascontiguousarray(means, dtype=np.float32),
        scales=(size * rng.uniform(0.7, 1.4, (n, 3))).astype(np.float32),
        wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        opacities=np.full(n, opacity, np.float32),
        sh=np.zeros((n, 1, 3), np.float32),
    )


def _planted(environment, seed=0):
    """(cloud, which planted cause each splat is of: 0 for the set's own) with floaters in the set's free air."""
    rng = np.random.default_rng(seed)
    own = environment.splats
    to_scene = environment.stage_from_scene.inverse()

    def air(n):  # between the colonnades, well above the ground
        return to_scene.apply(rng.uniform((-2.5, 6, 2.2), (2.5, 25, 6), (n, 3)))

    faint = _splats(own.means[rng.integers(0, len(own), 300)] + 0.01, 0.05, 0.01, 1)
    lonely = _splats(air(60), 0.01, 0.8, 2)
    groups = air(20)[:, None] + rng.normal(0, 0.03, (20, 9, 3))
    cluster = _splats(groups.reshape(-1, 3), 0.02, 0.6, 3)
    rows = rng.integers(0, len(own), 40)
    large = _splats(own.means[rows], 60 * own.scales[rows].max(axis=1, keepdims=True), 0.4, 4)
    parts = [own, faint, large, lonely, cluster]
    planted = np.repeat(np.arange(5), [len(part) for part in parts])
    return joined(parts), planted


@pytest.fixture(scope="module")
def colonnade():
    return demo_environment(splats=30_000, sky_height_px=64)


def test_planted_floaters_are_found_and_little_else(colonnade):
    cloud, planted = _planted(colonnade)
    found = find_floaters(cloud)
    gone = ~found.kept
    for number, name in enumerate(("faint", "large", "lonely", "cluster"), start=1):
        assert gone[planted == number].mean() >= 0.9, name
    assert gone[planted > 0].mean() >= 0.95
    assert gone[planted == 0].mean() <= 0.015


def test_the_picture_is_the_clean_one_again(colonnade):
    cloud, _ = _planted(colonnade)
    view = View(look_at((0.0, -3.0, 1.7), (0.0, 10.0, 2.0)), Camera.from_fov(320, 180, horizontal_deg=70))
    clouds = [colonnade.splats, cloud, taken(cloud, find_floaters(cloud).kept)]
    with open_renderer() as renderer:
        clean, dirty, cleaned = (
            drawn(renderer, scene_of(replace(colonnade, splats=splats)), view) for splats in clouds
        )
    assert psnr_db(clean, dirty) < 30
    assert psnr_db(clean, cleaned) > psnr_db(clean, dirty) + 12


def test_counts_add_up_and_name_the_first_cause(colonnade):
    cloud, planted = _planted(colonnade)
    found = find_floaters(cloud)
    assert sum(found.counts().values()) == np.count_nonzero(~found.kept)
    assert (found.cause[planted == 1] == CAUSES.index("faint") + 1).all()
    assert list(found.counts()) == list(CAUSES)


def test_a_cause_that_is_left_out_finds_nothing(colonnade):
    cloud, _ = _planted(colonnade)
    none = find_floaters(cloud, Limits(opacity=None, size=None, spread=None, cluster=None))
    assert none.kept.all()
    only = find_floaters(cloud, Limits(size=None, spread=None, cluster=None))
    assert only.counts() == {"unusable": 0, "faint": 300, "large": 0, "lonely": 0, "cluster": 0}


def test_scale_does_not_matter(colonnade):
    cloud, _ = _planted(colonnade)
    larger = SplatCloud(cloud.means * 1000, cloud.scales * 1000, cloud.wxyz, cloud.opacities, cloud.sh)
    differing = (find_floaters(cloud).cause != find_floaters(larger).cause).mean()
    assert differing < 1e-3  # float32 rounding at the limits


def test_unusable_splats_always_go(cloud_of):
    cloud = cloud_of(100)
    cloud.means[3] = np.inf
    cloud.sh[7, 0, 1] = np.nan
    found = find_floaters(cloud, Limits(opacity=None, size=None, spread=None, cluster=None))
    assert np.flatnonzero(~found.kept).tolist() == [3, 7]
    assert found.counts()["unusable"] == 2


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_splats_have_no_neighbourhood(cloud_of, count):
    assert find_floaters(cloud_of(count)).kept.all()


def test_many_splats_in_one_place_are_no_floaters():
    cloud = _splats(np.zeros((500, 3)), 0.1, 0.9, 0)
    assert find_floaters(cloud).kept.all()


def test_limits_are_checked():
    with pytest.raises(ValueError, match=r"^limits of floaters are above 0$"):
        Limits(size=-1.0)
    with pytest.raises(ValueError, match=r"^2 to 256 neighbours are looked at, got 1$"):
        Limits(neighbours=1)


@pytest.mark.parametrize("name", ["plant_114k.splat", pytest.param("playbot_125k_sog", marks=pytest.mark.slow)])
def test_a_clean_capture_keeps_its_splats(capture, name):
    cloud = load_environment(capture(name)).splats
    counts = find_floaters(cloud).counts()
    assert sum(counts.values()) - counts["faint"] <= 0.002 * len(cloud)
