"""What lies behind everything that a NeRF shows, as an equirectangular picture; bake.py leaves it out of the splats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import distance_transform_edt, gaussian_filter

from translight.colour.transfer import srgb_decode
from translight.core.pose import Similarity
from translight.reconstruction.nerf.bake import LEAST_ACCUMULATION
from translight.reconstruction.nerf.run import NerfPicture

HEIGHT_PX = 256
_LEAST_SHARE = 0.002
"""Less of all pixels than this is no sky but a hole."""
_SMOOTH_PX = 2.0


def sky_pixels(picture: NerfPicture, far: float) -> Bool[np.ndarray, "h w"]:
    """Where a pixel shows nothing, or something beyond ``far``."""
    return (picture.accumulation <= LEAST_ACCUMULATION) | (picture.depth >= far)


def baked_sky(
    pictures: Sequence[NerfPicture], far: float, stage_from_scene: Similarity, height_px: int = HEIGHT_PX
) -> Float32[np.ndarray, "h w 3"] | None:
    """The sky in an environment's layout and linear light, or None where the pictures show hardly any.

    What no picture shows is filled with the nearest of what one does, softly.
    """
    width_px = 2 * height_px
    total = np.zeros((height_px * width_px, 3))
    count = np.zeros(height_px * width_px)
    turn = stage_from_scene.pose.rotation()
    for picture in pictures:
        found = sky_pixels(picture, far)
        v, u = np.nonzero(found)
        rays = picture.view.camera.ray(np.stack([u + 0.5, v + 0.5], -1))
        x, y, z = (rays @ (turn @ picture.view.scene_from_camera.rotation()).T).T
        column = (np.arctan2(x, y) / (2 * np.pi) + 0.5) * width_px
        row = (0.5 - np.arctan2(z, np.hypot(x, y)) / np.pi) * height_px
        places = np.clip(row.astype(int), 0, height_px - 1) * width_px + column.astype(int) % width_px
        count += np.bincount(places, minlength=len(count))
        colours = srgb_decode(picture.rgb[found].astype(np.float64))
        for channel in range(3):
            total[:, channel] += np.bincount(places, colours[:, channel], minlength=len(count))
    if count.sum() < _LEAST_SHARE * sum(picture.depth.size for picture in pictures):
        return None
    known = (count > 0).reshape(height_px, width_px)
    sky = (total / np.maximum(count, 1)[:, None]).reshape(height_px, width_px, 3)
    # thrice side by side: azimuth has no end
    beside = np.tile(known, (1, 3))
    nearest = distance_transform_edt(~beside, return_distances=False, return_indices=True)
    filled = np.tile(sky, (1, 3, 1))[nearest[0], nearest[1]]
    middle = slice(width_px, 2 * width_px)
    soft = gaussian_filter(filled, (_SMOOTH_PX, _SMOOTH_PX, 0))[:, middle]
    return np.where(known[..., None], filled[:, middle], soft).astype(np.float32)
