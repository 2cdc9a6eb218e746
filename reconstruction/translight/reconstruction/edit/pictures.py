"""Pictures that show an edit: views as a display shows them, how far two differ, thumbnails and contact sheets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera, View
from translight.core.image import to_u8
from translight.reconstruction.evaluate.metrics import psnr_db
from translight.render.cameras import DEFAULT_FOV_DEG, DEFAULT_NEAR_M, look_at
from translight.render.contract import Renderer, Scene
from translight.render.framing import framing
from translight.render.picture import over

THUMBNAIL_PX = (640, 360)
_GAP_PX = 4
_PAPER = 255


def drawn(renderer: Renderer, scene: Scene, view: View) -> Float32[np.ndarray, "h w 3"]:
    """What a display shows of a view: sRGB code values from 0 to 1, over the scene's sky or black."""
    frame = renderer.render(scene, [view], depth="none")[0]
    rgb = over(frame, scene.encoding, (0.0, 0.0, 0.0), sky=scene.sky is not None)
    return np.clip(srgb_encode(rgb) if scene.encoding == "linear" else rgb, 0.0, 1.0)


def mean_psnr_db(renderer: Renderer, scene: Scene, views: Sequence[View], truths: Sequence[np.ndarray]) -> float:
    """The mean over views of the PSNR of a scene against pictures of another."""
    pictures = (drawn(renderer, scene, view) for view in views)
    found = [psnr_db(picture, truth) for picture, truth in zip(pictures, truths, strict=True)]
    return float(np.mean([value for value in found if value is not None]))


def thumbnail(renderer: Renderer, scene: Scene) -> UInt8[np.ndarray, "h w 3"]:
    """A picture of a scene from where ``translight render`` looks at it, for the package's ``thumbnail.jpg``."""
    camera = Camera.from_fov(*THUMBNAIL_PX, horizontal_deg=DEFAULT_FOV_DEG)
    seen = framing(scene, camera)
    return to_u8(drawn(renderer, scene, View(look_at(seen.eye_m, seen.target_m), camera, DEFAULT_NEAR_M)))


def sheet(rows: Sequence[Sequence[UInt8[np.ndarray, "h w 3"]]]) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures in rows on white paper, each in its cell's upper left corner. Raises ValueError on none."""
    if not rows or not all(rows):
        raise ValueError("a contact sheet has at least one picture in every row")
    widths = [max(row[c].shape[1] for row in rows if c < len(row)) for c in range(max(map(len, rows)))]
    heights = [max(picture.shape[0] for picture in row) for row in rows]
    size = (sum(heights) + _GAP_PX * (len(heights) - 1), sum(widths) + _GAP_PX * (len(widths) - 1), 3)
    paper = np.full(size, _PAPER, np.uint8)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for picture, width in zip(row, widths, strict=False):
            paper[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += width + _GAP_PX
        top += height + _GAP_PX
    return paper
