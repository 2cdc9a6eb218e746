"""Walls' geometry: where pixels stand, and that rays find them again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ShowError
from translight.volume.wall import ArcWall, PlaneWall, Wall, positions


def test_a_straight_plane_faces_somebody_looking_along_y() -> None:
    wall = PlaneWall("w", (1.0, 5.0, 2.0), 4.0, 2.0, 40, 20)
    points = positions(wall)
    assert points.shape == (20, 40, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[0, 0], [1 - 2 + 0.05, 5, 2 + 1 - 0.05], atol=1e-6)
    np.testing.assert_allclose(points[-1, -1], [1 + 2 - 0.05, 5, 2 - 1 + 0.05], atol=1e-6)
    right, up, out = wall.axes()
    np.testing.assert_allclose([right, up, out], [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)


def test_heading_turns_left_and_tilt_turns_the_face_up() -> None:
    left = PlaneWall("w", (0.0, 0.0, 0.0), 1.0, 1.0, 2, 2, heading_deg=90)
    np.testing.assert_allclose(left.axes()[2], [1, 0, 0], atol=1e-12)  # stands at the left, faces right
    floor = PlaneWall("w", (0.0, 0.0, 0.0), 1.0, 1.0, 2, 2, tilt_deg=90)
    np.testing.assert_allclose(floor.axes(), [[1, 0, 0], [0, 1, 0], [0, 0, 1]], atol=1e-12)


@given(heading=st.floats(-180, 180), tilt=st.floats(-90, 90))
def test_plane_axes_are_a_rotation(heading: float, tilt: float) -> None:
    axes = PlaneWall("w", (0.0, 0.0, 0.0), 1.0, 1.0, 2, 2, heading_deg=heading, tilt_deg=tilt).axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_arc_pixels_stand_on_the_radius_at_equal_angles(arc: ArcWall) -> None:
    plan = arc.columns()[:, :2] - arc.centre_m
    np.testing.assert_allclose(np.linalg.norm(plan, axis=1), arc.radius_m, atol=1e-12)
    bearings = np.degrees(np.arctan2(plan[:, 0], plan[:, 1]))
    np.testing.assert_allclose(np.diff(bearings), arc.arc_deg / arc.width_px, atol=1e-9)
    assert bearings.mean() == pytest.approx(5.0)  # heading −5 turns the middle to the right
    heights = positions(arc)[:, 7, 2]
    assert heights[0] == pytest.approx(-0.2 + 4.0 * (1 - 0.5 / 170), abs=1e-6)
    assert heights[-1] == pytest.approx(-0.2 + 4.0 * 0.5 / 170, abs=1e-6)


@pytest.mark.parametrize("origin", [(0.0, 0.0, 1.6), (0.7, -0.4, 0.3), (0.2, -3.0, 1.0)])
@pytest.mark.parametrize("name", ["plane", "arc"])
def test_rays_to_pixels_come_back_with_their_pixels(
    name: str, origin: tuple[float, float, float], request: pytest.FixtureRequest
) -> None:
    wall: Wall = request.getfixturevalue(name)
    points = (wall.columns()[None] + wall.rows()[:, None]).reshape(-1, 3)
    hits = wall.intersect(np.array(origin), 0.3 * (points - origin))
    y, x = np.mgrid[: wall.height_px, : wall.width_px] + 0.5
    np.testing.assert_allclose(hits.pixels, np.stack([x.ravel(), y.ravel()], axis=-1), atol=1e-6)
    np.testing.assert_allclose(hits.distance, 1 / 0.3, atol=1e-9)


def test_rays_that_pass_a_wall_miss_and_its_back_stops_them(plane: PlaneWall, arc: ArcWall) -> None:
    away = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    for wall in (plane, arc):
        hits = wall.intersect(np.array([0.0, 0.0, 1.5]), away)
        assert np.isnan(hits.pixels).all()
        assert np.isinf(hits.distance).all()
    behind = plane.intersect(np.array([0.5, 9.0, 1.5]), np.array([[0.0, -1.0, 0.0]]))
    assert np.isnan(behind.pixels).all()
    assert behind.distance == pytest.approx([5.0])


def test_an_arc_seen_from_outside_shows_its_back_or_through_its_gap_its_face() -> None:
    arc = ArcWall("w", (0.0, 0.0), 5.0, 120.0, 3.0, 120, 30)
    through_back = arc.intersect(np.array([0.0, 9.0, 1.0]), np.array([[0.0, -1.0, 0.0]]))
    assert np.isnan(through_back.pixels).all()
    assert through_back.distance == pytest.approx([4.0])
    through_gap = arc.intersect(np.array([0.0, -9.0, 1.5]), np.array([[0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(through_gap.pixels, [[60.0, 15.0]], atol=1e-9)
    assert through_gap.distance == pytest.approx([14.0])


def test_a_full_circle_has_no_gap() -> None:
    arc = ArcWall("w", (0.0, 0.0), 2.0, 360.0, 3.0, 720, 30)
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rays = np.stack([np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=-1)
    assert np.isfinite(arc.intersect(np.array([0.0, 0.0, 1.0]), rays).pixels).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"radius_m": 0.0}, "wall 'w': radius_m must be above 0, got 0"),
        ({"height_m": float("nan")}, "wall 'w': height_m must be above 0, got nan"),
        ({"arc_deg": 400.0}, "wall 'w': arc_deg must be above 0 and at most 360, got 400"),
        ({"width_px": 0}, "wall 'w': width_px and height_px must be at least 1, got 0 and 30"),
        (
            {"base_m": float("inf")},
            "wall 'w': centre_m, base_m and heading_deg must be finite, got (0.0, 0.0, inf, 0.0)",
        ),
    ],
)
def test_impossible_walls_are_refused(changes: dict[str, float], message: str) -> None:
    values = {
        "centre_m": (0.0, 0.0),
        "radius_m": 2.0,
        "arc_deg": 90.0,
        "height_m": 3.0,
        "width_px": 72,
        "height_px": 30,
    }
    with pytest.raises(ShowError) as refused:
        ArcWall("w", **(values | changes))  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["plane", "arc"])
@pytest.mark.parametrize("eye", [(0.0, 0.0, 1.6), (0.9, -1.4, 0.3), (-1.0, 1.0, 2.5)])
def test_what_an_eye_sees_through_a_wall_is_behind_it_and_what_stands_before_is_not(name, eye, request) -> None:
    wall: Wall = request.getfixturevalue(name)
    points = positions(wall).reshape(-1, 3).astype(np.float64)[::37]
    planes = wall.behind()
    np.testing.assert_allclose(np.linalg.norm(planes[:, :3], axis=1), 1.0)

    def behind(along: float) -> np.ndarray:
        at = np.array(eye) + along * (points - eye)
        return (at @ planes[:, :3].T + planes[:, 3] >= 0).any(axis=1)

    assert behind(1.02).all()
    assert behind(30.0).all()
    for along in (0.0, 0.5, 0.98):
        assert not behind(along).any()
