"""Sums of sines: the polynomial against NumPy's sine, and the surface that rays meet against the sum itself."""

from __future__ import annotations

import numpy as np

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.generation.procedural.rays import waves
from translight.generation.procedural.scene import Material, Scene, Sky, Water
from translight.generation.procedural.trace import Shot, draw


def test_the_sine_is_one_of_any_angle() -> None:
    angles = np.concatenate([np.linspace(-10, 10, 20_001), np.linspace(-4e4, 4e4, 20_001)])
    found = waves._sine.py_func(angles)
    np.testing.assert_allclose(found, np.sin(angles), atol=2e-9)


def test_rays_meet_the_sum_of_all_displaced_waves() -> None:
    rng = np.random.default_rng(5)
    number, turn = np.linspace(0.3, 2.0, 7), rng.uniform(0, 2 * np.pi, 7)
    sines = np.stack(
        [0.04 / number, number * np.cos(turn), number * np.sin(turn), rng.uniform(0, 2 * np.pi, 7)], axis=-1
    )
    water = Water(0.5, sines, 0.5, (0.1, 0.1, 0.1), (5.0, 5.0, 5.0))
    sky = Sky(np.full((16, 32, 3), 0.3, np.float32), np.array([0.0, 0.0, 1.0]), np.zeros(3))
    scene = Scene(sky, np.array([0.0, 0.0, 4.0]), (Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),), water=water)
    camera = Camera.from_fov(24, 24, horizontal_deg=60)
    down = Pose.from_matrix(np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 4]]))
    distance = draw(scene, Shot(camera, down), samples=1).distance_m
    rays = camera.ray(np.stack(np.meshgrid(np.arange(24), np.arange(24)), axis=-1) + 0.5)
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    x, y, z = distance * unit[..., 0], -distance * unit[..., 1], 4 - distance * unit[..., 2]
    a, kx, ky, phase = sines.T[:, :, None, None]
    np.testing.assert_allclose(z, 0.5 + (a * np.sin(kx * x + ky * y + phase)).sum(axis=0), atol=2e-4)
    assert np.ptp(z) > 0.1
