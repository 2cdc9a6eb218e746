import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.pose import Pose, Similarity
from translight.reconstruction.capture import Capture, GeoPosition, Still
from translight.reconstruction.structure_from_motion.geodesy import east_north_up_m, local_positions_m
from translight.reconstruction.structure_from_motion.gps import fit_gps

GRID = np.array([[x, y, 0.3 * ((x + y) % 2)] for x in range(5) for y in range(4)], dtype=float)


@settings(deadline=None, max_examples=15)
@given(st.floats(5, 50), st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.integers(0, 99))
def test_size_and_up_come_from_places_with_errors(scale, twist, seed):
    """A flight over 4 by 3 units, GPS of one metre of error and three lies."""
    enu_from_world = Similarity(scale, Pose.exp(twist))
    chance = np.random.default_rng(seed)
    positions = enu_from_world.apply(GRID) + chance.normal(0, 0.03 * scale, GRID.shape)
    positions[chance.choice(len(GRID), 3, replace=False)] += 15 * scale
    found = fit_gps(GRID, positions)
    assert found is not None
    assert found.given == 20
    assert 14 <= found.used <= 17
    assert found.enu_from_world.scale == pytest.approx(scale, rel=6 * found.scale_error)
    up = enu_from_world.pose.rotation()[2]
    assert (
        np.degrees(np.arccos(np.clip(found.enu_from_world.pose.rotation()[2] @ up, -1, 1))) < 6 * found.tilt_deg + 0.1
    )
    assert found.residual_m == pytest.approx(0.03 * scale, rel=0.6) or found.residual_m < 0.5
    assert found.scales
    assert found.levels


def test_a_small_capture_is_not_measured_by_gps():
    chance = np.random.default_rng(3)
    found = fit_gps(GRID, GRID + chance.normal(0, 4, GRID.shape))
    assert found is None or not found.scales


def test_a_line_tells_the_size_and_not_up():
    line = np.linspace(0, 1, 12)[:, None] * [100.0, 20.0, 0.0]
    found = fit_gps(line / 10, line + np.random.default_rng(0).normal(0, 0.5, line.shape))
    assert found is not None
    assert (found.scales, found.levels) == (True, False)
    assert found.enu_from_world.scale == pytest.approx(10, rel=0.02)


def test_three_places_are_too_few():
    assert fit_gps(GRID[:3], GRID[:3] * 10) is None
    unknown = GRID * 10
    unknown[3:] = np.nan
    assert fit_gps(GRID, unknown) is None


def test_metres_of_degrees():
    """A minute of latitude at 45° is 1852.2 m (its old definition of the nautical mile), one of longitude 1314 m."""
    around = east_north_up_m(
        np.array([[45 + 1 / 60, 9.0, 100.0], [45.0, 9 + 1 / 60, 100.0], [45.0, 9.0, 130.0]]),
        np.array([45.0, 9.0, 100.0]),
    )
    assert np.allclose(around[0, :2], [0, 1852.2], atol=0.5)
    assert np.allclose(around[1, :2], [1314.2, 0.1], atol=0.5)
    assert np.allclose(around[2], [0, 0, 30], atol=1e-6)


def test_stills_without_gps_have_no_place(tmp_path):
    geo = [GeoPosition(50.0, 8.0, 200.0), None, GeoPosition(50.0, 8.0, 260.0)]
    stills = tuple(Still(f"{i}", tmp_path, 4, 3, "c", geo=g) for i, g in enumerate(geo))
    found = local_positions_m(Capture(tmp_path, stills))
    assert np.allclose(found[[0, 2]], [[0, 0, -30], [0, 0, 30]], atol=1e-6)
    assert np.isnan(found[1]).all()
    assert np.isnan(local_positions_m(Capture(tmp_path, stills[1:2]))).all()
