"""What the film camera sees of the walls, to be compared with the scene itself: the through-the-lens check.

Written apart from the compositor's kernel (rays onto analytic walls here, wall pixels into views there), so that an
error in either shows. ``registration.py`` measures how far two pictures are shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from translight.colour.output import unpack
from translight.core.camera import Camera, View
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.volume.canvas import Canvas, rectangle
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view
from translight.volume.registration import shifts
from translight.volume.sampling import Sampling, resample
from translight.volume.surfaces import Picture

_RAYS_AT_ONCE = 1 << 18
_TEXTURED = 0.02
"""A pixel is textured where the picture changes by this much of full signal from pixel to pixel."""
_DIFFERENCE_GAIN = 8

_Scene = TypeVar("_Scene")


@dataclass(frozen=True, slots=True, eq=False)
class LensView:
    """One pose of a check. ``seen`` and ``direct`` (h w 3) are wall signals, 1 being the brightest that it shows.

    PSNR is of the signal, over the pixels that look at walls alone (``coverage`` is their share), and over those of
    them with texture. ``registration_px`` is the largest shift of any window with texture, ``median_px`` the middle
    one, in camera pixels; NaN where nothing can be measured.
    """

    stage_from_camera: Pose
    psnr_db: float
    textured_psnr_db: float
    textured: float
    coverage: float
    registration_px: float
    median_px: float
    wall_px_per_camera_px: float
    seen: Float32[np.ndarray, "h w 3"]
    direct: Float32[np.ndarray, "h w 3"]


def check_lens(
    compositor: Compositor,
    render: Callable[[_Scene, list[View]], Sequence[Picture]],
    scene: _Scene,
    camera: Camera,
    poses: Sequence[Pose],
    *,
    overscan: float = 0.1,
    scale: float = 1.0,
    samples: int = 4,
    behind: Float64[np.ndarray, "k 4"] | None = None,
) -> list[LensView]:
    """For each pose, draw the walls as the live path does, look at them through ``camera``, compare with the scene.

    ``overscan`` and ``scale`` are the inner view's, ``behind`` that of all views, ``samples`` squared the rays a camera
    pixel. It is the wall's finished, rounded code values that the camera averages, as a signal and not as light: splats
    are blended in the signal too, and averaging light would only add a bloom at bright edges that the scene itself had
    as well.
    """
    canvas, output = compositor.canvas, compositor.output
    out = np.empty(output.pixel_format.shape(canvas.width_px, canvas.height_px), output.pixel_format.dtype)
    found = []
    for pose in poses:
        view = inner_view(pose, camera, overscan=overscan, scale=scale, behind=behind)
        direct_view = View(pose, camera, behind=behind)
        inner, direct = render(scene, [view, direct_view])
        compositor.composite(inner, view, out)
        signal = unpack(out, output.pixel_format) / output.nominal_peak
        seen, covered, density = see_walls(canvas, signal, direct_view, samples=samples)
        found.append(compare(pose, seen, output.codes(direct.rgba[..., :3]) / output.nominal_peak, covered, density))
    return found


def see_walls(
    canvas: Canvas, signal: Float[np.ndarray, "h w 3"], view: View, *, samples: int = 4
) -> tuple[Float64[np.ndarray, "y x 3"], Float64[np.ndarray, "y x"], float]:
    """What a camera sees of a canvas that shows ``signal``, and how much of each pixel is lit wall (0 to 1).

    ``samples``² rays a pixel meet the walls' exact geometry; between wall pixels the signal is Catmull-Rom's, and a
    camera pixel's value is the mean over its area. Also the median of wall pixels to a camera pixel, along a row.
    """
    camera = view.camera
    height, width = camera.height_px, camera.width_px
    inside = (np.arange(samples) + 0.5) / samples
    u = (np.arange(width)[:, None] + inside).ravel()
    picture, covered = np.zeros((height, width, 3)), np.zeros((height, width))
    densities = []
    lines = max(1, _RAYS_AT_ONCE // (len(u) * samples))
    for top in range(0, height, lines):
        v = (np.arange(top, min(top + lines, height))[:, None] + inside).ravel()
        pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
        rays = camera.ray(pixels) @ view.stage_from_camera.rotation().T
        values, met, place = _look(canvas, signal, view.stage_from_camera.position_m, rays)
        shape = (len(v) // samples, samples, width, samples)
        picture[top : top + lines] = values.reshape(*shape, 3).mean(axis=(1, 3))
        covered[top : top + lines] = met.reshape(shape).mean(axis=(1, 3))
        steps = np.hypot(*np.diff(place.reshape(len(v), len(u), 2), axis=1).reshape(-1, 2).T) * samples
        densities.append(steps[np.isfinite(steps)])
    density = float(np.median(np.concatenate(densities))) if sum(map(len, densities)) else float("nan")
    return picture, covered, density


def compare(
    pose: Pose,
    seen: Float[np.ndarray, "h w 3"],
    direct: Float[np.ndarray, "h w 3"],
    covered: Float[np.ndarray, "h w"],
    wall_px_per_camera_px: float,
) -> LensView:
    """Measure two pictures' difference where ``covered`` is 1; values within 0 to 1."""
    valid = covered > 1 - 1e-9
    across, down = np.gradient(direct.mean(axis=-1), axis=(1, 0))
    textured = valid & (np.abs(across) + np.abs(down) > _TEXTURED)
    lengths = np.linalg.norm(shifts(direct.mean(axis=-1), seen.mean(axis=-1), valid), axis=-1)
    lengths = lengths[np.isfinite(lengths)]
    return LensView(
        stage_from_camera=pose,
        psnr_db=psnr_db(seen, direct, valid),
        textured_psnr_db=psnr_db(seen, direct, textured),
        textured=float(textured.mean()),
        coverage=float(valid.mean()),
        registration_px=float(lengths.max()) if len(lengths) else float("nan"),
        median_px=float(np.median(lengths)) if len(lengths) else float("nan"),
        wall_px_per_camera_px=wall_px_per_camera_px,
        seen=seen.astype(np.float32),
        direct=direct.astype(np.float32),
    )


def psnr_db(a: Float[np.ndarray, "h w 3"], b: Float[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]) -> float:
    """Peak signal-to-noise ratio for a peak of 1 over the pixels ``where``; NaN for none, inf for equal ones."""
    if not where.any():
        return float("nan")
    error = float(np.mean((a[where] - b[where]) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def save_comparison(path: Path, view: LensView) -> None:
    """Write a picture: the scene itself, the scene through the wall, and 8 times their difference, side by side."""
    difference = np.abs(view.seen - view.direct) * _DIFFERENCE_GAIN
    save_image(path, to_u8(np.concatenate([view.direct, view.seen, np.minimum(difference, 1)], axis=1)))


def _look(
    canvas: Canvas,
    signal: Float[np.ndarray, "h w 3"],
    origin_m: Float64[np.ndarray, "3"],
    rays: Float64[np.ndarray, "n 3"],
) -> tuple[Float64[np.ndarray, "n 3"], Bool[np.ndarray, "n"], Float64[np.ndarray, "n 2"]]:
    """Signal along rays, whether they meet a lit face, and at which of its pixels (NaN where not)."""
    values, nearest = np.zeros((len(rays), 3)), np.full(len(rays), np.inf)
    place = np.full((len(rays), 2), np.nan)
    for wall in canvas.walls:
        hits = wall.intersect(origin_m, rays)
        first = hits.distance < nearest
        nearest[first] = hits.distance[first]
        values[first], place[first] = 0.0, hits.pixels[first]
        lit = first & np.isfinite(hits.pixels[:, 0])
        x, y, width, height = rectangle(wall)
        part = np.asarray(signal[y : y + height, x : x + width], np.float64)
        values[lit] = resample(part, hits.pixels[lit, 0], hits.pixels[lit, 1], Sampling.CATMULL_ROM)
    return values, np.isfinite(place[:, 0]), place
