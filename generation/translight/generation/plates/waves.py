"""A sea that moves and repeats: families/ocean.py's sines, each turned a whole number of times in the loop.

Deep water's dispersion, ω² = g·k, with ω rounded to whole turns of the loop as in Tessendorf (2001), "Simulating Ocean
Water", section 4.3. A plate stands behind the splats, so those of the far sea make room for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.environment.environment import Environment
from translight.environment.plate import Area
from translight.generation.brief.brief import Brief
from translight.generation.plates.window import Lens, Window, smooth, soft_edge
from translight.generation.procedural.families.ground import exposure
from translight.generation.procedural.families.ocean import sea_and_coast
from translight.generation.procedural.families.waves import GRAVITY
from translight.generation.procedural.scene import Material, Scene, Water
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.trace import Shot, draw
from translight.render.cameras import look_at
from translight.splats.cloud import SplatCloud

_SAMPLES = 4
_SKY_PX = 512
"""Height of the sky that the water mirrors."""
_WIDEST_DEG = 120.0
_FEATHER_DEG = 1.5
"""Over which the splats of the sea give way to the plate, inwards from its sides."""
_GONE = 0.98
_CREST = 3.0
"""Standard deviations of the surface from its level within which a splat is the sea's."""


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """``frame(i)`` of ``frames`` is the sea in ``area``; ``cover`` how much of the sky it covers there."""

    area: Area
    frame: Callable[[int], Float32[np.ndarray, "h w 3"]]
    cover: Float32[np.ndarray, "h w"]
    water: Water
    eye_m: Float64[np.ndarray, "3"]
    window: Window
    sky_height_px: int
    parallax_px: float
    """By how many texels its nearest edge is seen wrongly at the end of the camera's reach."""


def turned(water: Water, seconds: float, loop_s: float) -> Water:
    """The water after so many seconds of a loop; after the loop it is the first again."""
    phase = water.waves[:, 3] - whole_turns(water, loop_s) * (2 * np.pi / loop_s) * seconds
    return replace(water, waves=np.column_stack([water.waves[:, :3], phase]))


def whole_turns(water: Water, loop_s: float) -> Float64[np.ndarray, "k"]:
    """How often each wave passes in a loop: whole, and at least once."""
    return np.maximum(np.round(_omega(water) * loop_s / (2 * np.pi)), 1.0)


def speed_error(water: Water, loop_s: float) -> float:
    """How far, relatively, waves run too fast or slow so as to repeat: RMS by their height."""
    rounded = whole_turns(water, loop_s) * 2 * np.pi / loop_s
    weight = water.waves[:, 0] ** 2
    return float(np.sqrt(np.sum(weight * (rounded / _omega(water) - 1) ** 2) / weight.sum()))


def waves(
    brief: Brief, seed: int, sky_height_px: int, window: Window, frames: int, loop_s: float, from_m: float
) -> Waves:
    """The sea of an ocean's brief from ``from_m`` metres out to the horizon, between the window's azimuths.

    Raises GenerationError on another family, a window wider than 120 degrees, and where the rest is less than 4 texels
    high.
    """
    if brief.place.family != "ocean":
        raise GenerationError(f"waves are an ocean's: the brief's family is {brief.place.family}")
    if window.right_deg - window.left_deg > _WIDEST_DEG:
        raise GenerationError(f"waves are drawn up to {_WIDEST_DEG:g}° wide: the window is wider")
    _, water = sea_and_coast(brief, seed)
    eye = np.array([0.0, 0.0, brief.lens.height_m])
    low = -float(np.degrees(np.arctan2(eye[2] - water.level_m, from_m)))
    # what lies below the horizon's row, which a plate does not share with the sky
    window = Window(window.left_deg, window.right_deg, low, 0.0)
    area = window.area(sky_height_px)
    lens = _lens(window, sky_height_px, eye)
    at, _ = lens.texels(area, sky_height_px)
    sky = sky_for(brief, seed, min(sky_height_px, _SKY_PX))
    plain = (Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),)
    scene = Scene(sky, eye, plain, water=water, air=air_for(brief), exposure=exposure(brief))

    def frame(number: int) -> Float32[np.ndarray, "h w 3"]:
        moved = replace(scene, water=turned(water, number * loop_s / frames, loop_s))
        drawn = draw(moved, Shot(lens.camera, lens.stage_from_camera), samples=_SAMPLES, seed=seed)
        return seen(drawn.image, at)

    reach = 0.5 * float(np.linalg.norm(brief.stage.reach_m))
    parallax = reach / float(np.hypot(from_m, eye[2] - water.level_m)) * sky_height_px / np.pi
    cover = soft_edge(area, sky_height_px, bottom=True)
    return Waves(area, frame, np.minimum(4 * cover, 1).astype(np.float32), water, eye, window, sky_height_px, parallax)


def seen(picture: Float32[np.ndarray, "h w 3"], at: Float64[np.ndarray, "n m 2"]) -> Float32[np.ndarray, "n m 3"]:
    """A lens's picture at columns and rows, bilinear, its border's pixels beyond it."""
    height, width = picture.shape[:2]
    x = np.clip(at[..., 0] - 0.5, 0, width - 1.001)
    y = np.clip(at[..., 1] - 0.5, 0, height - 1.001)
    x0, y0 = x.astype(np.int64), y.astype(np.int64)
    u, v = (x - x0).astype(np.float32)[..., None], (y - y0).astype(np.float32)[..., None]
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    upper = picture[y0, x0] * (1 - u) + picture[y0, x1] * u
    lower = picture[y1, x0] * (1 - u) + picture[y1, x1] * u
    return np.asarray(upper * (1 - v) + lower * v, np.float32)


def without_sea(environment: Environment, made: Waves) -> tuple[Environment, int]:
    """The environment with the sea's splats gone from where the plate is seen, fainter towards its edges, and how many
    are gone. Raises GenerationError where there are none: it is not this sea."""
    splats, window = environment.splats, made.window
    stage = environment.stage_from_scene
    points = stage.scale * splats.means @ stage.pose.rotation().T + stage.pose.position_m
    crest = _CREST * float(np.sqrt(0.5 * np.sum(made.water.waves[:, 0] ** 2))) + 0.3
    away = points - made.eye_m
    azimuth = np.degrees(np.arctan2(away[:, 0], away[:, 1]))
    elevation = np.degrees(np.arctan2(away[:, 2], np.hypot(away[:, 0], away[:, 1])))
    into = np.mod(azimuth - window.left_deg, 360.0)
    wide = window.right_deg - window.left_deg
    share = smooth(np.minimum(into, wide - into) / _FEATHER_DEG) * smooth((elevation - window.low_deg) / _FEATHER_DEG)
    # a splat lies within its pixel of the panorama, which far out is higher than any wave
    pixel = np.pi / made.sky_height_px
    off_m = crest + pixel * np.linalg.norm(away, axis=1)
    on_sea = (np.abs(points[:, 2] - made.water.level_m) < off_m) & (elevation < np.degrees(pixel))
    share = np.where(on_sea, share, 0.0)
    gone = share > _GONE
    if not gone.any():
        raise GenerationError(f"{environment.name}: has no splats of this sea there: is it of this candidate?")
    opacities = (splats.opacities * (1 - share)).astype(np.float32)
    kept = SplatCloud(*(a[~gone] for a in (splats.means, splats.scales, splats.wxyz, opacities, splats.sh)))
    return replace(environment, splats=kept), int(gone.sum())


def _omega(water: Water) -> Float64[np.ndarray, "k"]:
    return np.asarray(np.sqrt(GRAVITY * np.hypot(water.waves[:, 1], water.waves[:, 2])))


def _lens(window: Window, sky_height_px: int, eye_m: Float64[np.ndarray, "3"]) -> Lens:
    """Level, at the eye, with the sky's texels as pixels in its middle, and just as large as the window is."""
    half = np.radians(window.right_deg - window.left_deg) / 2
    focal_px = sky_height_px / np.pi
    width = 2 * int(np.ceil(focal_px * np.tan(half))) + 4
    down = int(np.ceil(focal_px * np.tan(np.radians(-window.low_deg)) / np.cos(half))) + 4
    azimuth = np.radians(window.middle_deg[0])
    ahead = look_at(eye_m, eye_m + np.array([np.sin(azimuth), np.cos(azimuth), 0.0]))
    return Lens(Camera(width, down, focal_px, focal_px, width / 2, 0.0), ahead)
