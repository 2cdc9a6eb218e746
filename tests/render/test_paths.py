from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose, angle_between
from translight.render.cameras import NamedView
from translight.render.framing import Framing
from translight.render.paths import orbit, through, times_of

CAMERA = Camera.from_fov(16, 9, horizontal_deg=50)


def stop(position, pan_deg=0.0, fx=100.0, time_s=None, tilt_deg=0.0) -> NamedView:
    pose = camera_from_pan_tilt_roll(np.radians(pan_deg), np.radians(tilt_deg), 0.0, position)
    return NamedView("x", View(pose, Camera(16, 9, fx, fx, 8.0, 4.5)), time_s)


def test_orbit_goes_round_and_looks_in():
    target = np.array([1.0, 2.0, 3.0])
    views = orbit(Framing(target + np.array([0, -2, 0.5]), target, inside=False), CAMERA, 8, 0.1)
    assert len(views) == 8
    for view in views:
        np.testing.assert_allclose(np.linalg.norm(view.stage_from_camera.position_m - target), np.hypot(2, 0.5))
        np.testing.assert_allclose(CAMERA.project(view.stage_from_camera.inverse().apply(target)), [8, 4.5])
    np.testing.assert_allclose(views[0].stage_from_camera.position_m, target + np.array([0, -2, 0.5]))
    np.testing.assert_allclose(views[2].stage_from_camera.position_m, target + np.array([2, 0, 0.5]), atol=1e-12)
    steps = [angle_between(a.stage_from_camera, b.stage_from_camera) for a, b in pairwise([*views, views[0]])]
    np.testing.assert_allclose(steps, steps[0])


def test_orbit_inside_turns_on_the_spot():
    eye = np.array([0.0, 0.0, 1.6])
    views = orbit(Framing(eye, eye + np.array([0, 1, 0]), inside=True), CAMERA, 4, 0.1)
    ahead = [view.stage_from_camera.rotation()[:, 2] for view in views]
    np.testing.assert_allclose(ahead, [[0, 1, 0], [-1, 0, 0], [0, -1, 0], [1, 0, 0]], atol=1e-12)
    assert all((view.stage_from_camera.position_m == eye).all() for view in views)


def test_path_meets_every_stop_at_its_time():
    stops = [
        stop((0, 0, 1), 0, 100),
        stop((1, 2, 1), 40, 200, tilt_deg=10),
        stop((4, 2, 2), 170, 50),
        stop((5, 0, 1), -90),
    ]
    times = [0.0, 1.0, 2.5, 3.0]
    for named, time in zip(stops, times, strict=True):
        view = through(stops, times, time)
        np.testing.assert_allclose(
            view.stage_from_camera.position_m, named.view.stage_from_camera.position_m, atol=1e-12
        )
        assert angle_between(view.stage_from_camera, named.view.stage_from_camera) < 1e-7
        assert view.camera.fx == pytest.approx(named.view.camera.fx)


def test_path_is_smooth_at_its_stops():
    """Velocity, of position and of rotation, is the same on both sides of a stop, however unequal the legs."""
    stops = [stop((0, 0, 1)), stop((1, 2, 1), 40, tilt_deg=10), stop((4, 2, 2), 100), stop((5, 0, 1), 60, tilt_deg=-20)]
    times, e = [0.0, 1.0, 2.5, 3.0], 1e-4

    def velocity(a: Pose, b: Pose) -> np.ndarray:
        return (b @ a.inverse()).log()[3:] / e, (b.position_m - a.position_m) / e

    for time in times[1:-1]:
        before, at, after = (through(stops, times, time + d).stage_from_camera for d in (-e, 0.0, e))
        for early, late in zip(velocity(before, at), velocity(at, after), strict=True):
            np.testing.assert_allclose(early, late, atol=2e-3 * max(1.0, np.linalg.norm(late)))


def test_even_stops_on_a_line_are_passed_evenly():
    stops = [stop((float(x), 0, 1), 30.0 * x) for x in range(5)]
    times = [float(x) for x in range(5)]
    for time in np.linspace(0, 4, 33):
        pose = through(stops, times, time).stage_from_camera
        np.testing.assert_allclose(pose.position_m, [time, 0, 1], atol=1e-12)
        assert angle_between(pose, stop((0, 0, 0), 30.0 * time).view.stage_from_camera) < 1e-6


def test_a_turn_longer_than_half_goes_on_the_same_way():
    stops = [stop((0, 0, 1), pan) for pan in (0, 100, 200, 300)]
    pans = []
    for time in np.linspace(0, 3, 61):
        ahead = through(stops, [0.0, 1.0, 2.0, 3.0], time).stage_from_camera.rotation()[:, 2]
        pans.append(np.arctan2(-ahead[0], ahead[1]))
    assert (np.diff(np.unwrap(pans)) > 0).all()
    assert np.unwrap(pans)[-1] == pytest.approx(np.radians(300))


def test_held_beyond_the_ends():
    stops, times = [stop((0, 0, 1)), stop((1, 0, 1), 20)], [0.0, 1.0]
    np.testing.assert_allclose(through(stops, times, -5).stage_from_camera.position_m, [0, 0, 1])
    np.testing.assert_allclose(through(stops, times, 99).stage_from_camera.position_m, [1, 0, 1])
    assert through(stops[:1], times[:1], 3.0) is stops[0].view


def test_zoom_changes_by_equal_ratios():
    stops = [stop((0, 0, 1), fx=50.0), stop((0, 0, 1), fx=200.0)]
    assert through(stops, [0.0, 1.0], 0.5).camera.fx == pytest.approx(100)


def test_times():
    assert times_of([stop((0, 0, 0))] * 3) == [0.0, 2.0, 4.0]
    assert times_of([stop((0, 0, 0), time_s=t) for t in (5.0, 5.5, 9.0)]) == [0.0, 0.5, 4.0]
    with pytest.raises(ValueError, match="either every camera has a time_s or none"):
        times_of([stop((0, 0, 0), time_s=1.0), stop((0, 0, 0))])
    with pytest.raises(ValueError, match="must grow"):
        times_of([stop((0, 0, 0), time_s=1.0), stop((0, 0, 0), time_s=1.0)])
