import numpy as np
import pytest

from translight.core.pose import Pose, Similarity
from translight.core.rotations import rotations
from translight.reconstruction.edit.region import EXTENT_SIGMAS, Ball, Box, selected

LOWER, UPPER, CENTRE = (-0.6, -1.0, -0.2), (1.5, 0.7, 1.8), (0.3, 0.0, 0.5)
_PLACEMENT = Similarity(1.7, Pose.from_wxyz((0.3, 0.5, -0.7, 0.4), (0.4, -0.2, 0.6)))


def _in_box(points, lower, upper, heading_deg):
    """By turning the points back instead of the box's faces."""
    middle = (np.array(lower) + upper) / 2
    a = np.radians(heading_deg)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    local = (points - middle) @ turn + middle
    return ((local >= lower) & (local <= upper)).all(axis=1)


@pytest.mark.parametrize("heading", [0.0, 37.0, -120.0])
def test_a_box_on_the_stage_by_centres(cloud_of, heading):
    cloud, placement = cloud_of(800), _PLACEMENT
    lower, upper = LOWER, UPPER
    box = Box.between(lower, upper, heading)
    wanted = _in_box(placement.apply(cloud.means), lower, upper, heading)
    assert 50 < wanted.sum() < 750
    assert np.array_equal(selected(cloud, placement, box), wanted)
    assert np.array_equal(selected(cloud, placement, box, inside=False), ~wanted)


def test_a_ball_on_the_stage_by_centres(cloud_of):
    cloud, placement = cloud_of(800), _PLACEMENT
    wanted = np.linalg.norm(placement.apply(cloud.means) - CENTRE, axis=1) <= 1.5
    assert 50 < wanted.sum() < 750
    assert np.array_equal(selected(cloud, placement, Ball(CENTRE, 1.5)), wanted)
    assert np.array_equal(selected(cloud, placement, Ball(CENTRE, 1.5), inside=False), ~wanted)


def _surfaces(cloud, placement):
    """Points (n 400 3) on the splats' ellipsoids, on the stage."""
    sphere = np.random.default_rng(0).normal(size=(400, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    axes = rotations(cloud.wxyz) * cloud.scales[:, None, :].astype(np.float64)
    points = cloud.means[:, None] + EXTENT_SIGMAS * np.einsum("nij,kj->nki", axes, sphere)
    return placement.apply(points)


@pytest.mark.parametrize("region", [Box.between(LOWER, UPPER, 20.0), Ball(CENTRE, 1.5)])
@pytest.mark.parametrize("inside", [True, False])
def test_extents_keep_only_what_lies_there_wholly(cloud_of, region, inside):
    cloud, placement = cloud_of(400, size=0.1), _PLACEMENT
    points = _surfaces(cloud, placement)
    if isinstance(region, Ball):
        within = np.linalg.norm(points - region.centre_m, axis=2) <= region.radius_m
    else:
        half = np.array(region.size_m) / 2
        within = _in_box(points.reshape(-1, 3), region.centre_m - half, region.centre_m + half, 20.0).reshape(400, -1)
    wholly = within.all(axis=1) if inside else ~within.any(axis=1)
    kept = selected(cloud, placement, region, inside=inside, extents=True)
    centres = selected(cloud, placement, region, inside=inside)
    assert (kept <= wholly).all()  # never lax
    assert (kept <= centres).all()
    assert kept.sum() > 0.6 * wholly.sum()
    if isinstance(region, Box) and inside:
        # exact but for what 400 points of a surface miss
        assert (kept != wholly).sum() <= 4


def test_what_is_not_finite_is_kept_by_neither(cloud_of):
    cloud = cloud_of(5)
    cloud.means[2, 1] = np.nan
    for inside in (True, False):
        assert not selected(cloud, Similarity.identity(), Ball((0, 0, 0), 10), inside=inside)[2]


def test_regions_of_no_size_are_refused():
    with pytest.raises(ValueError, match=r"^a box wants upper above lower along every axis"):
        Box.between((0, 0, 0), (1, 0, 1))
    with pytest.raises(ValueError, match=r"^a ball wants a finite centre and a radius above 0"):
        Ball((0, 0, 0), 0.0)
