"""The NumPy reference renderer: plain, float64, the truth that every other backend of backends.py is held to.

Colours are blended front to back (Kerbl et al., "3D Gaussian Splatting", 2023, eq. 3), with gsplat 1.5's cap, cut and
stop; projection.py says what is projected and sky.py what stands behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np

from translight.core.camera import View
from translight.render.contract import (
    ALPHA_CUT,
    ALPHA_MAX,
    HALF,
    TRANSMITTANCE_STOP,
    DepthKind,
    Frame,
    Order,
    Scene,
    frames_for,
)
from translight.render.projection import project
from translight.render.sky import sky_picture
from translight.render.tint import tint_curve, tinted


def open_backend(threads: int | None = None) -> ReferenceRenderer:  # noqa: ARG001 - every backend is asked
    """The entry that backends.py calls; always opens, and draws in the one thread that calls it."""
    return ReferenceRenderer()


class ReferenceRenderer:
    """Draws splat by splat, near ones first; seconds a picture, one thread, nothing cached."""

    name = "reference"

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: DepthKind = "expected",
    ) -> list[Frame]:
        """Draw ``scene`` for each view; see ``contract.Renderer``."""
        frames = frames_for(views, out)
        for view, frame in zip(views, frames, strict=True):
            _draw(scene, view, frame, order, depth)
        return frames

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _draw(scene: Scene, view: View, frame: Frame, order: Order, kind: DepthKind) -> None:
    width, height = view.camera.width_px, view.camera.height_px
    rgb = np.zeros((height, width, 3))
    depth = np.zeros((height, width))
    median = np.full((height, width), np.inf)
    transmittance = np.ones((height, width))
    alive = np.ones((height, width), dtype=bool)
    splats = project(scene, view, order)
    for i in range(len(splats)):
        x0, x1, y0, y1 = splats.box_px[i]
        box = (slice(y0, y1), slice(x0, x1))
        if not alive[box].any():
            continue
        dx = np.arange(x0, x1) + 0.5 - splats.centre_px[i, 0]
        dy = (np.arange(y0, y1) + 0.5 - splats.centre_px[i, 1])[:, None]
        a, b, c = splats.conic[i]
        sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
        alpha = np.minimum(ALPHA_MAX, splats.opacity[i] * np.exp(-sigma))
        drawn = alive[box] & (alpha >= ALPHA_CUT) & (sigma >= 0.0)
        left = transmittance[box] * (1.0 - alpha)
        ends = drawn & (left <= TRANSMITTANCE_STOP)
        drawn &= ~ends
        weight = np.where(drawn, transmittance[box] * alpha, 0.0)
        rgb[box] += weight[:, :, None] * splats.rgb[i]
        depth[box] += weight * splats.depth_m[i]
        middle = drawn & (transmittance[box] > HALF) & (left <= HALF)
        median[box] = np.where(middle, splats.depth_m[i], median[box])
        transmittance[box] = np.where(drawn, left, transmittance[box])
        alive[box] &= ~ends
    if scene.sky is not None:
        sky = tinted(sky_picture(scene.sky, view), tint_curve(scene.sky_tint, scene.encoding))
        rgb += transmittance[:, :, None] * sky
    coverage = 1.0 - transmittance
    frame.rgba[..., :3] = rgb
    frame.rgba[..., 3] = coverage
    if kind == "expected":
        frame.depth[...] = np.where(coverage > 0, depth / np.where(coverage > 0, coverage, 1.0), np.inf)
    elif kind == "median":
        frame.depth[...] = median
