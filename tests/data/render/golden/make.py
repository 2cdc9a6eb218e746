"""Draws the golden pictures beside it with the reference renderer: ``python tests/data/render/golden/make.py``.

A picture is three panels: RGB over black, alpha, and 1 m / depth; 8 bits, as the blend left them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from translight.core.camera import Camera, View
from translight.core.frames import STAGE_FROM_RDF, camera_from_pan_tilt_roll
from translight.core.pose import Similarity
from translight.render.contract import Frame, Scene
from translight.render.reference import ReferenceRenderer
from translight.splats.cloud import SplatCloud

FOLDER = Path(__file__).parent


def room() -> SplatCloud:
    """Built in stage metres, stored in RDF: a chequered floor of discs, a red ball on the left, a blue one right and
    further, green needles that stand upright, and a ball whose colour depends on where it is seen from (degree 3).
    """
    rng = np.random.default_rng(7)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(-14, 15), np.arange(0, 29)))
    floor = np.stack([x * 0.25, y * 0.25, np.zeros(x.size)], axis=-1)
    chequer = ((x + y) % 2)[:, None] * np.array([0.6, 0.55, 0.5]) + 0.2
    parts = [(floor, [0.1, 0.1, 0.01], 0.95, chequer, 0.0)]
    for centre, radius, colour, gloss in (
        ((-1.0, 3.0, 0.7), 0.6, (0.9, 0.15, 0.1), 0.0),
        ((1.3, 4.5, 0.9), 0.8, (0.1, 0.2, 0.9), 0.0),
        ((0.1, 2.2, 0.4), 0.35, (0.5, 0.5, 0.5), 0.35),
    ):
        normals = rng.normal(size=(400, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        shade = 0.7 + 0.3 * normals[:, 2:]
        parts.append((normals * radius + centre, [radius / 9] * 3, 0.8, shade * colour, gloss))
    stalks = np.stack([rng.uniform(-2.5, 2.5, 60), rng.uniform(5, 6.5, 60), np.full(60, 0.5)], axis=-1)
    parts.append((stalks, [0.02, 0.02, 0.25], 0.7, np.tile([0.2, 0.7, 0.15], (60, 1)), 0.0))

    n = sum(len(means) for means, *_ in parts)
    sh = np.zeros((n, 16, 3))
    sh[:, 0] = (np.concatenate([colour for *_, colour, _ in parts]) - 0.5) / 0.28209479177387814
    gloss = np.concatenate([np.full(len(means), g) for means, *_, g in parts])
    sh[:, 1:] = rng.normal(size=(15, 3)) * gloss[:, None, None]
    means = STAGE_FROM_RDF.inverse().apply(np.concatenate([means for means, *_ in parts]))
    return SplatCloud(
        means=means.astype(np.float32),
        scales=np.concatenate([np.tile(scale, (len(m), 1)) for m, scale, *_ in parts])[:, [0, 2, 1]].astype(
            np.float32, order="C"
        ),
        wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        opacities=np.concatenate([np.full(len(m), o) for m, _, o, *_ in parts]).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def sky() -> np.ndarray:
    """Blue above, earth below, a yellow sun 35° to the right of forward and 25° up."""
    height, width = 64, 128
    elevation = np.radians(90 - (np.arange(height) + 0.5) * 180 / height)[:, None]
    azimuth = np.radians((np.arange(width) + 0.5) * 360 / width - 180)[None, :]
    picture = np.where(elevation[..., None] > 0, [0.35, 0.5, 0.8], [0.25, 0.2, 0.15]) * np.ones((1, width, 1))
    towards = np.sin(elevation) * np.sin(np.radians(25))
    towards = towards + np.cos(elevation) * np.cos(np.radians(25)) * np.cos(azimuth - np.radians(35))
    return np.where(towards[..., None] > np.cos(np.radians(5)), [1.0, 0.9, 0.4], picture).astype(np.float32)


def stage(with_sky: bool = True) -> Scene:
    """The room in metres, upright."""
    return Scene.of(room(), Similarity(1.0, STAGE_FROM_RDF), sky() if with_sky else None)


def forward() -> tuple[Scene, View]:
    """From a person's height at the room's edge, level, turned a little."""
    pose = camera_from_pan_tilt_roll(-0.05, -0.06, 0.0, (0.0, -1.0, 1.2))
    return stage(), View(pose, Camera.from_fov(160, 90, horizontal_deg=70))


def off_axis() -> tuple[Scene, View]:
    """A wall's frustum: the eye stands left of and below the picture's middle."""
    pose = camera_from_pan_tilt_roll(0.0, 0.0, 0.0, (-0.7, 0.0, 0.6))
    return stage(), View(pose, Camera.from_frustum(160, 90, left=-0.3, right=1.1, bottom=-0.25, top=0.54))


def rolled() -> tuple[Scene, View]:
    """From the middle of the room, looking back and down, rolled; no sky."""
    pose = camera_from_pan_tilt_roll(np.radians(150), np.radians(-25), np.radians(20), (0.6, 3.4, 1.9))
    return stage(with_sky=False), View(pose, Camera.from_fov(123, 82, horizontal_deg=80), near_m=0.3)


PICTURES: dict[str, Callable[[], tuple[Scene, View]]] = {"forward": forward, "off_axis": off_axis, "rolled": rolled}


def panels(frame: Frame) -> np.ndarray:
    """RGB, alpha and 1 m / depth side by side, uint8 (h 3w 3)."""
    grey = [np.repeat(plane[..., None], 3, axis=-1) for plane in (frame.rgba[..., 3], 1.0 / frame.depth)]
    return np.round(np.clip(np.hstack([frame.rgba[..., :3], *grey]), 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    for name, build in PICTURES.items():
        scene, view = build()
        Image.fromarray(panels(ReferenceRenderer().render(scene, [view])[0])).save(
            FOLDER / f"{name}.png", optimize=True
        )
