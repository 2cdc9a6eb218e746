"""The parallax budget: how far a camera may move from the eye before holes show; parallax_plan.py draws it.

Cameras are set on a grid about the eye and look all round. A hole is a pixel that splats cover by less than half, in a
direction in which the panorama shows no sky, nor sky behind something that a camera within reach sees past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.generation.panorama import pixels
from translight.render.cameras import look_at
from translight.render.contract import Renderer, Scene

COVERED = 0.5
LIMIT = 0.01
"""Holes up to this share of all directions are allowed."""
FACE_PX = 48
_NEAR_M = 0.05
_EXTENT_M = 2.0
"""How far the grid goes at least."""
_DIRECTIONS = {
    "right": (1, 0, 0), "ahead right": (1, 1, 0), "ahead": (0, 1, 0), "ahead left": (-1, 1, 0),
    "left": (-1, 0, 0), "back left": (-1, -1, 0), "back": (0, -1, 0), "back right": (1, -1, 0),
    "up": (0, 0, 1), "down": (0, 0, -1),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Parallax:
    """Shares of all directions that are holes, for cameras about the eye, in stage axes."""

    offsets_m: Float64[np.ndarray, "n"]
    """The grid's places along X and along Y, the eye at 0."""
    heights_m: Float64[np.ndarray, "n"]
    """Those above and below the eye."""
    holes: Float32[np.ndarray, "n n"]
    """At the eye's height: rows along Y, columns along X."""
    reach_m: dict[str, float]
    """How far one may go in each direction, at most the grid's end, before the limit is passed."""
    corners: float
    """The largest share at the corners of the stage's own reach."""
    limit: float
    stage_m: tuple[float, float, float]
    """Width, depth and height of the volume that the camera moves in."""

    def reach(self, way: str) -> str:
        """``reach_m`` in words; with a + where the grid ended before holes passed the limit."""
        direction = _DIRECTIONS[way]
        end = float((self.heights_m if direction[2] else self.offsets_m)[-1] * np.linalg.norm(direction))
        return f"{self.reach_m[way]:.1f}{'+' if self.reach_m[way] > end - 1e-9 else ''} m"

    def facts(self) -> dict[str, Any]:
        """As the report holds it."""
        half = self.stage_m[0] / 2, self.stage_m[1] / 2
        x, y = np.abs(self.offsets_m) <= half[0] + 1e-9, np.abs(self.offsets_m) <= half[1] + 1e-9
        inside = self.holes[np.ix_(y, x)]
        return {
            "limit": self.limit,
            "reach_m": {name: round(value, 2) for name, value in self.reach_m.items()},
            "stage_m": list(self.stage_m),
            "holes_within_stage": {"mean": round(float(inside.mean()), 5), "most": round(float(inside.max()), 5)},
            "holes_at_corners": round(self.corners, 5),
            "grid_m": [round(float(v), 3) for v in self.offsets_m],
            "grid_heights_m": [round(float(v), 3) for v in self.heights_m],
            "holes": [[round(float(v), 5) for v in row] for row in self.holes],
        }


def measure(
    renderer: Renderer,
    scene: Scene,
    eye_m: Float64[np.ndarray, "3"],
    sky: Bool[np.ndarray, "h w"],
    stage_m: tuple[float, float, float],
    *,
    extent_m: float | None = None,
    steps: int = 4,
    progress: Progress = silent,
) -> Parallax:
    """The budget of a lifted scene. ``sky``: where it may be seen (layers.py). ``steps`` on each side of the eye.

    The grid goes to ``extent_m``: if not given, 2 m or a third beyond the stage's own reach, whichever is more, along
    the floor and upright each.
    """
    half = extent_m or max(_EXTENT_M, 4 / 3 * max(stage_m[:2]) / 2)
    height = extent_m or max(_EXTENT_M, 4 / 3 * stage_m[2] / 2)
    offsets, heights = (np.linspace(-end, end, 2 * steps + 1) for end in (half, height))
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * stage_m
    level = [(x, y, 0.0) for y in offsets for x in offsets]
    upright = [(0.0, 0.0, z) for z in heights]
    places = np.array([*level, *upright, *corners])
    open_sky = _grown(sky)
    camera = Camera.from_fov(FACE_PX, FACE_PX, horizontal_deg=90)
    found = np.empty(len(places), np.float32)
    for i, place in enumerate(places):
        progress("measuring parallax", i / len(places))
        # the ground is not gone through
        found[i] = _holes(renderer, scene, eye_m + place, camera, open_sky) if eye_m[2] + place[2] > _NEAR_M else 1.0
    count = len(offsets)
    holes = found[: count * count].reshape(count, count)
    column = found[count * count : count * count + count]
    reach = {
        name: _reach(heights, column, way[2], LIMIT)
        if way[2]
        else _reach(offsets, _along(holes, way), 1, LIMIT) * float(np.hypot(*way[:2]))
        for name, way in _DIRECTIONS.items()
    }
    return Parallax(offsets, heights, holes, reach, float(found[-len(corners) :].max()), LIMIT, stage_m)


def _faces(position: Float64[np.ndarray, "3"]) -> list[Pose]:
    """Six cameras of 90° that see everything."""
    ways = np.array([(0, 1, 0), (1, 0, 0), (0, -1, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1)], np.float64)
    return [look_at(position, position + way) for way in ways]


def _holes(
    renderer: Renderer, scene: Scene, position: np.ndarray, camera: Camera, sky: Bool[np.ndarray, "h w"]
) -> float:
    poses = _faces(position)
    frames = renderer.render(scene, [View(pose, camera, _NEAR_M) for pose in poses], order="distance")
    u, v = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    rays = camera.ray(np.stack([u, v], axis=-1))
    angle = np.linalg.norm(rays, axis=-1) ** -3.0  # a pixel's solid angle
    missing = total = 0.0
    for pose, frame in zip(poses, frames, strict=True):
        column, row = np.moveaxis(pixels(rays @ pose.rotation().T, sky.shape[0]), -1, 0)
        at = np.clip(row.astype(int), 0, sky.shape[0] - 1), np.clip(column.astype(int), 0, sky.shape[1] - 1)
        missing += float(angle[(frame.rgba[..., 3] < COVERED) & ~sky[at]].sum())
        total += float(angle.sum())
    return missing / total


def _grown(sky: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """By as much as a pixel of the measuring cameras."""
    by = max(round(sky.shape[0] / (2 * FACE_PX)), 1)
    wrapped = np.pad(sky, ((0, 0), (by, by)), mode="wrap")
    return ndimage.binary_dilation(wrapped, iterations=by)[:, by:-by]


def _along(holes: Float32[np.ndarray, "n n"], way: tuple[int, int, int]) -> Float32[np.ndarray, "n"]:
    """Values of a line of the grid through its middle, forwards along ``way``; diagonals count in steps of a cell."""
    middle = len(holes) // 2
    steps = np.arange(-middle, middle + 1)
    return holes[middle + way[1] * steps, middle + way[0] * steps]


def _reach(offsets: np.ndarray, line: np.ndarray, sign: int, limit: float) -> float:
    """Where holes first pass the limit on the way out from the middle, between places in proportion."""
    middle = len(offsets) // 2
    values = line[middle:] if sign > 0 else line[middle::-1]
    out = offsets[middle:]
    if values[0] > limit:
        return 0.0
    for k in range(1, len(values)):
        if values[k] > limit:
            share = (limit - values[k - 1]) / (values[k] - values[k - 1])
            return float(out[k - 1] + share * (out[k] - out[k - 1]))
    return float(out[-1])
