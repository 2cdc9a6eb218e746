"""The compositor on walls, cameras and pictures drawn at random, against the exact formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

from translight.colour.output import OutputTransform, unpack
from translight.core.camera import Camera, View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.volume.canvas import Canvas, rectangle
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view
from translight.volume.sampling import Sampling, resample
from translight.volume.wall import ArcWall, PlaneWall, Wall

OUTPUTS = [OutputTransform(), OutputTransform(pixel_format=PixelFormat.RGB10A2, dither=False)]


def stage(rng: np.random.Generator) -> Canvas:
    """An arc and a plane somewhere around, of odd sizes, and gaps between."""
    x, y, z = rng.uniform([-1, 2, 0.5], [1, 6, 2.5])
    width, height = (int(v) for v in rng.integers(4, 400, 2))
    arc_width, arc_height = (int(v) for v in rng.integers(4, 400, 2))
    walls: tuple[Wall, ...] = (
        PlaneWall(
            "plane", (x, y, z), rng.uniform(1, 8), rng.uniform(1, 5), width, height,
            heading_deg=rng.uniform(-60, 60), tilt_deg=rng.uniform(-90, 90),
            canvas_x_px=int(rng.integers(9)), canvas_y_px=int(rng.integers(9)),
        ),
        ArcWall(
            "arc", (0.2, -0.5), rng.uniform(3, 7), rng.uniform(20, 200), rng.uniform(1, 5), arc_width, arc_height,
            heading_deg=rng.uniform(-40, 40), canvas_x_px=410, canvas_y_px=int(rng.integers(9)),
        ),
    )  # fmt: skip
    return Canvas(830, 420, walls)


def camera_on(rng: np.random.Generator) -> View:
    """Anything from a wide to a long lens, leaning at random."""
    camera = Camera.from_fov(
        int(rng.integers(8, 300)), int(rng.integers(8, 300)), horizontal_deg=float(rng.uniform(4, 100))
    )
    turn = rng.uniform([-0.8, -0.5, -np.pi], [0.8, 0.5, np.pi])
    return inner_view(camera_from_pan_tilt_roll(*turn, tuple(rng.uniform(-1, 1, 3))), camera, overscan=0.2)


def exact(
    canvas: Canvas, inner: np.ndarray, view: View, outer: np.ndarray, feather: float, sampling: Sampling
) -> np.ndarray:
    floats = outer[..., :3].astype(np.float64)
    camera = view.camera
    size = np.array([camera.width_px, camera.height_px])
    for wall in canvas.walls:
        x, y, width, height = rectangle(wall)
        points = (wall.columns()[None] + wall.rows()[:, None]).reshape(-1, 3)
        seen = view.stage_from_camera.inverse().apply(points)
        with np.errstate(all="ignore"):
            uv = np.where(seen[:, 2:] > view.near_m, camera.project(seen), -1.0)
        edge = np.minimum(uv, size - uv) / size
        t = np.clip(edge.min(axis=-1) / feather, 0, 1)
        weight = (t * t * (3 - 2 * t))[:, None]
        u, v = np.clip(uv, 1.5, size - 1.5).T
        front = resample(inner[..., :3].astype(np.float64), u, v, sampling)
        target = floats[y : y + height, x : x + width]
        target[:] = ((1 - weight) * target.reshape(-1, 3) + weight * front).reshape(target.shape)
    return floats


@pytest.mark.parametrize("seed", range(6))
def test_every_word_is_within_a_code_of_the_exact_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas, output, sampling = stage(rng), OUTPUTS[seed % 2], list(Sampling)[seed % 3]
    feather = float(rng.uniform(0.005, 0.2))
    compositor = Compositor(canvas, output, feather=feather, sampling=sampling)
    outer = np.zeros((canvas.height_px, canvas.width_px, 4), np.float32)
    for wall in canvas.walls:
        x, y, width, height = rectangle(wall)
        outer[y : y + height, x : x + width] = rng.random(4)
    compositor.show_outer(outer)
    out = np.full(output.pixel_format.shape(830, 420), 7, output.pixel_format.dtype)
    touched = 0.0
    for _ in range(3):
        view = camera_on(rng)
        shape = (view.camera.height_px, view.camera.width_px, 4)
        # Smooth enough that float32's error in a place of hundreds of pixels is no whole code
        ramp = np.linspace(0, 1, shape[0])[:, None, None] * rng.random(4) + np.linspace(0, 0.5, shape[1])[:, None]
        inner = (ramp + rng.uniform(-0.02, 0.02, shape)).astype(np.float32)
        compositor.composite(_Picture(inner), view, out)
        codes = output.codes(np.maximum(exact(canvas, inner, view, outer, feather, sampling), 0))
        assert np.abs(unpack(out, output.pixel_format) - codes).max() < 1.0
        touched += float((np.abs(codes - output.codes(outer[..., :3])) > 0.5).any(axis=-1).mean())
    assert touched > 0, "some camera sees a wall"


class _Picture:
    def __init__(self, rgba: np.ndarray) -> None:
        self.rgba = rgba
