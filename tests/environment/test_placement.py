"""Placing: algebra of the show's table, and the fit of captures that say nothing of their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.files import load_environment
from translight.environment.placement import auto_placement, fitted, placed
from translight.splats.cloud import SplatCloud

SPLATS = Path(__file__).parents[2].parent / "shared" / "data" / "splats"


def cloud(means: np.ndarray, opacities: np.ndarray | None = None) -> SplatCloud:
    n = len(means)
    return SplatCloud(
        np.ascontiguousarray(means, np.float32),
        np.full((n, 3), 0.01, np.float32),
        np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        np.ones(n, np.float32) if opacities is None else opacities.astype(np.float32),
        np.zeros((n, 1, 3), np.float32),
    )


@pytest.fixture
def environment() -> Environment:
    own = Similarity(2.0, Pose(STAGE_FROM_RDF.wxyz, np.array([0.0, 5.0, 1.0])))
    return Environment("dot", cloud(np.array([[1.0, 2.0, 3.0]])), own, metres_per_unit=3.0)


def test_nothing_asked_changes_nothing(environment: Environment) -> None:
    same = placed(environment)
    np.testing.assert_allclose(same.stage_from_scene.matrix(), environment.stage_from_scene.matrix(), atol=1e-15)
    assert same.splats is environment.splats
    assert same.metres_per_unit == 3.0


def test_heading_turns_left_about_the_stage_origin(environment: Environment) -> None:
    ahead = environment.stage_from_scene.inverse().apply([0.0, 10.0, 0.0])
    turned = placed(environment, (1.0, 2.0, 3.0), 90.0, 0.5)
    np.testing.assert_allclose(turned.stage_from_scene.apply(ahead), [1.0 - 5.0, 2.0, 3.0], atol=1e-12)


@given(
    position=st.tuples(*[st.floats(-100, 100)] * 3),
    heading=st.floats(-360, 360),
    scale=st.floats(0.01, 100),
    point=st.tuples(*[st.floats(-10, 10)] * 3),
)
def test_it_is_a_similarity_about_the_vertical(
    position: tuple[float, ...], heading: float, scale: float, point: tuple[float, ...]
) -> None:
    own = Similarity(2.0, Pose(STAGE_FROM_RDF.wxyz, np.array([0.0, 5.0, 1.0])))
    whole = Environment("dot", cloud(np.zeros((1, 3))), own)
    before, after = own.apply(point), placed(whole, position, heading, scale).stage_from_scene.apply(point)
    assert after[2] - position[2] == pytest.approx(scale * before[2], abs=1e-6 * scale)
    distance = np.hypot(*(after - position)[:2])
    assert distance == pytest.approx(scale * np.hypot(*before[:2]), rel=1e-9, abs=1e-6 * scale)


@pytest.mark.parametrize(
    "bad", [{"scale": 0.0}, {"scale": float("nan")}, {"position_m": (0, 1)}, {"heading_deg": float("inf")}]
)
def test_bad_placements(environment: Environment, bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a placement wants a finite position"):
        placed(environment, **bad)


def test_the_fit_ignores_outliers_and_haze() -> None:
    rng = np.random.default_rng(3)
    # a box 2 wide, 4 high, 1 deep around (7, -20, 3), RDF; some strays, and haze below it
    box = np.array([7.0, -20.0, 3.0]) + rng.uniform(-0.5, 0.5, (20_000, 3)) * [2, 4, 1]
    strays = rng.uniform(-300, 300, (20, 3))
    haze = np.array([7.0, 50.0, 3.0]) + rng.normal(0, 5, (9_000, 3))
    opacities = np.r_[np.full(20_020, 0.9), np.full(9_000, 0.05)]
    fit = auto_placement(cloud(np.concatenate([box, strays, haze]), opacities))
    seen = fit.apply(box)
    assert seen[:, 2].min() == pytest.approx(0, abs=0.1)
    assert seen[:, 2].max() == pytest.approx(4.0, abs=0.15)
    assert seen[:, 1].min() == pytest.approx(4.0, abs=0.05)
    assert (seen[:, 0].min() + seen[:, 0].max()) / 2 == pytest.approx(0, abs=0.05)


def test_wide_captures_are_fitted_by_their_width() -> None:
    means = np.random.default_rng(1).uniform(-1, 1, (5_000, 3)) * [10, 1, 10]
    seen = auto_placement(cloud(means), width_m=6.0, nearest_m=2.0).apply(means)
    assert np.ptp(seen[:, 0]) == pytest.approx(6.0, abs=0.2)
    assert np.ptp(seen[:, 2]) < 0.7


def test_degenerate_clouds() -> None:
    with pytest.raises(ValueError, match="an empty cloud cannot be placed"):
        auto_placement(cloud(np.zeros((0, 3))))
    with pytest.raises(ValueError, match="above 0"):
        auto_placement(cloud(np.zeros((1, 3))), height_m=0.0)
    point = auto_placement(cloud(np.array([[1.0, 2.0, 3.0]]), np.zeros(1)))
    np.testing.assert_allclose(point.apply([1.0, 2.0, 3.0]), [0.0, 4.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(("name", "floor"), [("plant_114k.splat", 0.1), ("playbot_125k_sog", 0.35)])
def test_real_captures_stand_on_the_floor_behind_the_wall(name: str, floor: float) -> None:
    if not (SPLATS / name).exists():
        pytest.skip("needs the real captures in shared/data/splats")
    environment = fitted(load_environment(SPLATS / name))
    points = environment.stage_from_scene.apply(environment.splats.means[environment.splats.opacities > 0.3])
    assert abs(np.percentile(points[:, 2], 1)) < floor
    assert 2.0 < np.percentile(points[:, 2], 99.5) < 4.5
    assert np.percentile(points[:, 1], 1) == pytest.approx(4.0, abs=0.01)
