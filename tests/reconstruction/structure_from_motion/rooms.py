"""Rooms of textured rectangles, photographed by ray casting with known cameras: truth for poses to be measured by."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates, zoom

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.capture import Capture, Still

CAMERA = Camera(320, 240, 267.0, 267.0, 160.0, 120.0)
TEXELS = 256


@dataclass(frozen=True, eq=False)
class Rectangle:
    corner: np.ndarray
    u: np.ndarray
    v: np.ndarray
    texture: np.ndarray


def texture(seed: int) -> np.ndarray:
    """Noise of many sizes, with corners and edges at each."""
    chance = np.random.default_rng(seed)
    total = np.zeros((TEXELS, TEXELS, 3))
    for cells, weight in ((8, 1.0), (32, 1.0), (64, 0.7)):
        noise = chance.random((cells, cells, 3)) > 0.5
        total += weight * zoom(noise.astype(float), (TEXELS / cells, TEXELS / cells, 1), order=0)
    return total / 2.7


def room(seed: int = 0) -> list[Rectangle]:
    """RDF, metres: the floor at y = 0, walls ahead and at the sides, and two boxes on the floor."""
    found = [
        Rectangle(*map(np.array, parts), texture(seed + i))
        for i, parts in enumerate(
            [
                ([-4.0, 0, -2], [8.0, 0, 0], [0, 0, 8.0]),
                ([-4.0, -5, 6], [8.0, 0, 0], [0, 5.0, 0]),
                ([-4.0, -5, -2], [0, 0, 8.0], [0, 5.0, 0]),
                ([4.0, -5, -2], [0, 0, 8.0], [0, 5.0, 0]),
            ]
        )
    ]
    for x, z in ((-1.6, 3.2), (0.9, 4.0)):
        found.append(Rectangle(np.array([x, -1.2, z]), np.array([1.1, 0, 0]), np.array([0, 1.2, 0]), texture(seed + 9)))
        found.append(Rectangle(np.array([x, -1.2, z]), np.array([1.1, 0, 0]), np.array([0, 0, 1.0]), texture(seed + 8)))
    return found


def photograph(rectangles: list[Rectangle], world_from_camera: Pose, camera: Camera = CAMERA) -> np.ndarray:
    """What the camera sees, (h w 3) uint8."""
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    rays = camera.ray(np.stack([u, v], axis=-1)) @ world_from_camera.rotation().T
    nearest = np.full(u.shape, np.inf)
    picture = np.full((*u.shape, 3), 0.5)
    for flat in rectangles:
        normal = np.cross(flat.u, flat.v)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = ((flat.corner - world_from_camera.position_m) @ normal) / (rays @ normal)
            at = world_from_camera.position_m + rays * depth[..., None] - flat.corner
            a, b = at @ flat.u / (flat.u @ flat.u), at @ flat.v / (flat.v @ flat.v)
            seen = (depth > 1e-3) & (depth < nearest) & (a >= 0) & (a <= 1) & (b >= 0) & (b <= 1)
        nearest[seen] = depth[seen]
        where = np.stack([b[seen], a[seen]]) * (TEXELS - 1)
        for channel in range(3):
            picture[seen, channel] = map_coordinates(flat.texture[..., channel], where, order=1, mode="nearest")
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def looking(position: tuple[float, float, float], pan_deg: float = 0.0, tilt_deg: float = 0.0) -> Pose:
    """A camera in RDF at ``position``, turned to its right by ``pan_deg`` and up by ``tilt_deg``."""
    pan, tilt = np.radians([pan_deg, tilt_deg])
    turn = Pose.exp([0, 0, 0, 0, pan, 0]) @ Pose.exp([0, 0, 0, tilt, 0, 0])
    return Pose(turn.wxyz, np.array(position, dtype=float))


def walk(count: int = 8) -> list[Pose]:
    """An arc through the room at a man's height."""
    steps = np.linspace(-1, 1, count)
    return [looking((1.6 * s, -1.6 - 0.2 * np.cos(5 * s), 0.4 * s * s - 0.5), -14 * s, -8) for s in steps]


def capture_of(pictures: dict[str, np.ndarray], folder: Path, focal_px: float | None = 267.0) -> Capture:
    """The pictures as PNG files, and the capture of them."""
    folder.mkdir(parents=True, exist_ok=True)
    stills = []
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / name, compress_level=1)
        stills.append(Still(name, folder / name, pixels.shape[1], pixels.shape[0], "camera", focal_px))
    return Capture(folder, tuple(stills))


def photographed(poses: list[Pose], folder: Path, seed: int = 0, prefix: str = "p") -> Capture:
    rectangles = room(seed)
    return capture_of({f"{prefix}{i:02d}.png": photograph(rectangles, pose) for i, pose in enumerate(poses)}, folder)
