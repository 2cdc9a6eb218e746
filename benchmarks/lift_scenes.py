"""Scenes whose picture and distance are known from every place, for bench_lift.py.

A room, where everything is near, and a yard under an open sky, where near stands before far: boxes, cast rays at in
NumPy. And the shipped briefs' procedural places, drawn by the ray tracer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.generation.brief.read import read_brief
from translight.generation.brief.translate import translate
from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.procedural.engine import scene_of
from translight.generation.procedural.scene import Scene
from translight.generation.procedural.trace import Panorama, Shot, draw

EYE_M = (0.0, 0.0, 1.6)
BRIEFS = Path(__file__).parents[1] / "docs" / "briefs"
_SAMPLES = 4


class Place(Protocol):
    """What bench_lift.py asks of a scene."""

    @property
    def eye(self) -> np.ndarray:
        """Where the panorama is made (3)."""
        ...

    def free(self, eye: np.ndarray) -> bool:
        """Whether a camera may stand there."""
        ...

    def panorama(self, height_px: int) -> View:
        """What is lifted."""
        ...

    def picture(self, camera: Camera, stage_from_camera: Pose) -> tuple[np.ndarray, np.ndarray]:
        """What a camera sees (h w 3), and where that is a surface (h w)."""
        ...


@dataclass(frozen=True)
class Procedural:
    """A family's scene of a shipped brief, whose stage is free ground."""

    scene: Scene

    @property
    def eye(self) -> np.ndarray:
        return self.scene.eye_m

    def free(self, _eye: np.ndarray) -> bool:
        return True

    def panorama(self, height_px: int) -> View:
        drawn = draw(self.scene, Panorama(height_px, self.eye), samples=_SAMPLES)
        pose = Pose.from_wxyz((1, 0, 0, 0), self.eye)
        return View(drawn.image, None, pose, drawn.distance_m, np.isinf(drawn.distance_m))

    def picture(self, camera: Camera, stage_from_camera: Pose) -> tuple[np.ndarray, np.ndarray]:
        drawn = draw(self.scene, Shot(camera, stage_from_camera), samples=_SAMPLES)
        return drawn.image, np.isfinite(drawn.distance_m)


def procedural(name: str, height_px: int) -> Procedural:
    """The place of the shipped brief of that name, for its first seed."""
    brief = read_brief(BRIEFS / f"{name}.toml")
    parameters = translate(brief)
    return Procedural(scene_of(brief, parameters.needed_family(), parameters.seeds[0], height_px))


@dataclass(frozen=True)
class World:
    """Boxes (n 2 3), lower and upper corner, and their colours; the first may hold the eye: a room, seen from inside.

    ``sky``: what no box stops sees a gradient with a bright sun, above a ground at Z 0.
    """

    boxes: np.ndarray
    colours: np.ndarray
    sky: bool

    @property
    def eye(self) -> np.ndarray:
        """Where the panorama is made."""
        return np.array(EYE_M)

    def free(self, eye: np.ndarray) -> bool:
        """In no box, and not close to one."""
        boxes = self.boxes[0 if self.sky else 1 :]
        return not ((boxes[:, 0] - 0.2 < eye) & (eye < boxes[:, 1] + 0.2)).all(axis=1).any()

    def cast(self, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Radiance (n 3) and distance (n) along unit rays (n 3); the sky is infinitely far."""
        nearest = np.full(len(rays), np.inf)
        hit = np.full(len(rays), -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / np.where(rays == 0, 1e-12, rays)
        for number, (low, high) in enumerate(self.boxes):
            a, b = (low - origin) * inverse, (high - origin) * inverse
            into, out = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
            inside = bool((low < origin).all() and (origin < high).all())
            t = out if inside else np.where((into < out) & (into > 0), into, np.inf)
            closer = t < nearest
            nearest[closer], hit[closer] = t[closer], number
        if self.sky:
            t = np.where(rays[:, 2] < -1e-4, -origin[2] / np.minimum(rays[:, 2], -1e-4), np.inf)
            closer = t < nearest
            nearest[closer], hit[closer] = t[closer], len(self.boxes)
        seen = np.isfinite(nearest)
        colour = np.empty((len(rays), 3))
        points = origin + rays[seen] * nearest[seen, None]
        base = np.vstack([self.colours, [(0.30, 0.26, 0.20)]])[hit[seen]]
        colour[seen] = base * _texture(points, nearest[seen])[:, None]
        up = np.clip(rays[~seen, 2:], 0, 1)
        sun = np.exp(-np.maximum(1 - rays[~seen] @ np.array([0.48, 0.6, 0.64]), 0) / 2e-4)[:, None]
        colour[~seen] = (1 - up) * (0.9, 0.8, 0.7) + up * (0.2, 0.35, 0.7) + 300 * sun
        return colour.astype(np.float32), nearest.astype(np.float32)

    def panorama(self, height_px: int, eye_m: tuple[float, float, float] = EYE_M) -> View:
        """The equirectangular picture, the mean of four rays a pixel, and the distance along a fifth in its middle."""
        origin, shape = np.array(eye_m), (height_px, 2 * height_px)
        fine = directions(2 * height_px).astype(np.float64)
        quarters = [self.cast(origin, fine[i::2, j::2].reshape(-1, 3))[0] for i in (0, 1) for j in (0, 1)]
        image = (sum(quarters) / 4).astype(np.float32).reshape(*shape, 3)
        depth = self.cast(origin, directions(height_px).reshape(-1, 3).astype(np.float64))[1].reshape(shape)
        return View(image, None, Pose(np.array([1.0, 0, 0, 0]), origin), depth, ~np.isfinite(depth))

    def picture(self, camera: Camera, stage_from_camera: Pose) -> tuple[np.ndarray, np.ndarray]:
        """What a pinhole sees, four rays a pixel, and which pixels see something nearer than the sky."""
        total, seen = np.zeros((camera.height_px, camera.width_px, 3)), None
        for du, dv in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
            u, v = np.meshgrid(np.arange(camera.width_px) + du, np.arange(camera.height_px) + dv)
            rays = (camera.ray(np.stack([u, v], axis=-1)) @ stage_from_camera.rotation().T).reshape(-1, 3)
            rays /= np.linalg.norm(rays, axis=1, keepdims=True)
            colour, distance = self.cast(stage_from_camera.position_m, rays)
            total += colour.reshape(total.shape)
            part = np.isfinite(distance).reshape(total.shape[:2])
            seen = part if seen is None else seen & part
        assert seen is not None
        return (total / 4).astype(np.float32), seen


def room(seed: int = 3) -> World:
    """9 × 10 × 3.4 m with furniture two to five metres from the eye."""
    return _world(np.array([[-4.5, -5.0, 0.0], [4.5, 5.0, 3.4]]), seed, near_m=2.2, far_m=4.0, sky=False)


def yard(seed: int = 5) -> World:
    """Boxes and posts from 3.5 to 40 m on open ground."""
    return _world(None, seed, near_m=3.5, far_m=40.0, sky=True)


def _world(shell: np.ndarray | None, seed: int, *, near_m: float, far_m: float, sky: bool) -> World:
    rng = np.random.default_rng(seed)
    boxes = [] if shell is None else [shell]
    for k in range(14 if shell is None else 9):
        away = near_m * (far_m / near_m) ** rng.uniform()
        angle = 2 * np.pi * (k + rng.uniform(0, 0.7)) / (14 if shell is None else 9)
        half = np.array([rng.uniform(0.05, 0.5), rng.uniform(0.05, 0.5)]) * (
            1.0 if shell is not None else 0.08 * away + 1
        )
        top = rng.uniform(0.5, 2.4) if shell is not None else rng.uniform(0.8, 3.0) * (1 + 0.1 * away)
        middle = away * np.array([np.sin(angle), np.cos(angle)])
        boxes.append(np.array([[*(middle - half), 0.0], [*(middle + half), top]]))
    colours = rng.uniform(0.15, 0.8, (len(boxes), 3))
    return World(np.array(boxes), colours, sky)


def _texture(points: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Waves of several lengths, each fading out before it is finer than pixels are at its distance."""
    value = np.ones(len(points))
    for k, length in enumerate((2.3, 0.9, 0.35, 0.13, 0.05)):
        phase = 2 * np.pi / length
        wave = np.sin(phase * (points[:, 0] + 0.31 * points[:, 1]) + k) * np.sin(
            phase * (points[:, 1] - 0.2 * points[:, 0])
        )
        wave += np.sin(phase * points[:, 2] * 1.1 + 2 * k) * 0.7
        value += 0.22 * wave * np.clip(length / (0.012 * distance) - 1, 0, 1)
    return np.clip(value, 0.1, None)
