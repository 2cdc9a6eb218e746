"""Cutting surfaces: exact counts, whole coverage, cells sized by how they look, orientations that are rotations."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.surfels import Surface, cut, gaussians, grid, quaternions

EYE = np.array([[0.0, -4.0, 1.5]])


def grey(points: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.full((len(points), 3), 0.5)


def floor() -> Surface:
    """The plane z = 0 from y = 1 to 81, x ±20."""

    def point(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.column_stack([u, v, np.zeros_like(u)])

    return Surface(point, grid(0, (-20.0, 20.0), (1.0, 81.0), 4, 8), grey)


def ball() -> Surface:
    def point(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.column_stack([np.cos(u) * np.cos(v), 10 + np.sin(u) * np.cos(v), 1.5 + np.sin(v)])

    return Surface(point, grid(0, (-np.pi, np.pi), (-np.pi / 2, np.pi / 2), 16, 8), grey)


@pytest.mark.parametrize("count", [32, 33, 500, 4321])
def test_the_count_is_exact(count: int) -> None:
    seen, unseen = cut([floor()], EYE, count, np.random.default_rng(1))
    assert (len(seen), len(unseen)) == (count, 0)


def test_too_few() -> None:
    with pytest.raises(ValueError, match="surfaces of 32 patches take at least 32 splats, got 31"):
        cut([floor()], EYE, 31, np.random.default_rng(1))


def test_cells_tile_the_surface() -> None:
    seen, _ = cut([floor()], EYE, 3000, np.random.default_rng(1))
    area = np.linalg.norm(np.cross(seen.span_u, seen.span_v), axis=1)
    assert area.sum() == pytest.approx(40 * 80, rel=1e-9)
    np.testing.assert_allclose(seen.normal, np.tile([0.0, 0.0, 1.0], (3000, 1)), atol=1e-12)


def test_cells_look_alike_near_and_far() -> None:
    seen, _ = cut([floor()], EYE, 6000, np.random.default_rng(1))
    distance = np.linalg.norm(seen.point - EYE, axis=1)
    width = np.linalg.norm(seen.span_u, axis=1) / distance
    near, far = distance < 15, distance > 50
    assert np.median(width[far]) / np.median(width[near]) < 2.1
    assert np.linalg.norm(seen.span_v[far], axis=1).mean() > 3 * np.linalg.norm(seen.span_u[far], axis=1).mean()


def test_what_faces_away_is_kept_apart_and_coarse() -> None:
    seen, unseen = cut([ball()], EYE, 2000, np.random.default_rng(1))
    assert len(seen) == 2000
    away = np.einsum("ij,ij->i", unseen.normal, unseen.point - EYE)
    assert (away > 0).all()
    assert len(unseen) < 400
    outwards = np.einsum("ij,ij->i", seen.normal, seen.point - np.array([0, 10, 1.5]))
    assert (outwards > 0).all()
    flipped = Surface(ball().point, ball().patches, grey, flip=True)
    inside, _ = cut([flipped], EYE, 500, np.random.default_rng(1))
    assert np.einsum("ij,ij->i", inside.normal, inside.point - EYE).max() < 0.3 * 13


def test_gaussians_lie_in_the_surface_and_overlap() -> None:
    seen, _ = cut([ball()], EYE, 2000, np.random.default_rng(1))
    scales, wxyz = gaussians(seen, 0.6)
    assert scales.dtype == wxyz.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(wxyz, axis=1), 1, atol=1e-6)
    area = np.linalg.norm(np.cross(seen.span_u, seen.span_v), axis=1)
    np.testing.assert_allclose(scales[:, 0] * scales[:, 1], 0.36 * area, rtol=2e-3)
    w, x, y, z = wxyz.T.astype(np.float64)
    third = np.column_stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    np.testing.assert_allclose(np.abs(np.einsum("ij,ij->i", third, seen.normal)), 1, atol=1e-5)


def test_quaternions_of_random_rotations() -> None:
    rng = np.random.default_rng(7)
    axes, _ = np.linalg.qr(rng.normal(size=(500, 3, 3)))
    axes *= np.sign(np.linalg.det(axes))[:, None, None]
    w, x, y, z = quaternions(axes).T.astype(np.float64)
    rebuilt = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1),
        ],
        axis=1,
    )
    np.testing.assert_allclose(rebuilt, axes, atol=1e-5)
