"""A candidate's panorama in more pixels: tiles.py cuts it, network.py enlarges, range.py keeps its light.

Distances and masks follow in distance.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from translight.colour.transfer import srgb_decode
from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.generation.candidate import DERIVED, Candidate, Model, View
from translight.generation.upscale.distance import finer_distance, finer_mask
from translight.generation.upscale.range import see
from translight.generation.upscale.tiles import Around, Canvas, tiles_for

MAX_HEIGHT_PX = 8192
"""Of a panorama; at 8192 the sums of its tiles and the result take 4 GB."""

_WIDE_PX = 3.0
"""Of a tile before it is enlarged: over such areas light stays what it was; finer is the network's."""
_DARK = 1e-3


class Enlarger(Protocol):
    """What makes more pixels of a picture that is sRGB-encoded from 0 to 1."""

    scale: int

    def enlarge(self, encoded: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h2 w2 3"]:
        """``scale`` times as many rows and columns, from 0 to 1."""
        ...


def upscale(candidate: Candidate, height_px: int, enlarger: Enlarger, model: Model, progress: Progress) -> Candidate:
    """The candidate with its panorama, and its sky, ``height_px`` high; named after both, its other views as they are.

    Raises GenerationError where it has no panorama, is as high already, or more than ``scale`` times is asked for.
    """
    if not candidate.views or candidate.views[0].camera is not None:
        raise GenerationError(f"{candidate.name}: has no panorama: only panoramas are enlarged")
    view = candidate.views[0]
    own, width = view.image.shape[:2]
    if width != 2 * own:
        raise GenerationError(
            f"{candidate.name}: its panorama is {width}x{own} pixels: twice as wide as high is wanted"
        )
    most = min(MAX_HEIGHT_PX, enlarger.scale * own)
    if height_px % 64 or not own < height_px <= most:
        raise GenerationError(
            f"--height must be a multiple of 64 above {own}, the panorama's own, and up to {most}, got {height_px}"
        )
    sky = candidate.sky
    skies = 1 if sky is not None and sky.shape[0] < height_px <= enlarger.scale * sky.shape[0] else 0

    def share_of(first: int) -> Progress:
        return lambda what, share: progress(what, (first + share) / (1 + skies))

    larger = View(
        finer_picture(view.image, height_px, enlarger, share_of(0)),
        None,
        view.stage_from_camera,
        None if view.distance_m is None else finer_distance(view.distance_m, height_px),
        None if view.sky is None else finer_mask(view.sky, height_px),
    )
    if sky is not None and skies:
        sky = finer_picture(sky, height_px, enlarger, share_of(1))
    told = {
        "step": "upscaled",
        "from": candidate.name,
        "from_height_px": own,
        "height_px": height_px,
        "network": model.name,
    }
    return replace(
        candidate,
        name=f"{candidate.name}-{height_px}",
        views=(larger, *candidate.views[1:]),
        sky=sky,
        models=(*candidate.models, model),
        settings={**candidate.settings, DERIVED: [*candidate.settings.get(DERIVED, []), told]},
    )


def finer_picture(
    light: Float32[np.ndarray, "h w 3"], height_px: int, enlarger: Enlarger, progress: Progress
) -> Float32[np.ndarray, "h2 w2 3"]:
    """A panorama's linear light in ``height_px`` rows, by a network on tiles; nothing of it is cut off.

    Raises GenerationError where it holds values that are not finite.
    """
    if not np.isfinite(light).all():
        raise GenerationError("the panorama holds values that are not numbers: it cannot be enlarged")
    seen = see(light)
    around, canvas = Around(seen.encoded), Canvas(height_px)
    tiles = tiles_for(light.shape[0])
    # a picture that is finer than the canvas is averaged down to it first
    spare = enlarger.scale * light.shape[0] / height_px
    shrink = max(k for k in range(1, enlarger.scale + 1) if enlarger.scale % k == 0 and k <= max(1.0, spare))
    for number, tile in enumerate(tiles):
        progress(f"enlarging, tile {number + 1} of {len(tiles)}", number / len(tiles))
        small = np.clip(around.seen(tile), 0, 1)
        larger = srgb_decode(enlarger.enlarge(small)).astype(np.float32)
        canvas.lay(tile, _shrunk(_in_colours_of(srgb_decode(small), larger, enlarger.scale), shrink))
    progress(f"enlarging, tile {len(tiles)} of {len(tiles)}", 1.0)
    shown = canvas.picture()
    return seen.light(np.maximum(shown, 0, out=shown))


def _in_colours_of(
    small: Float32[np.ndarray, "n n 3"], large: Float32[np.ndarray, "m m 3"], scale: int
) -> Float32[np.ndarray, "m m 3"]:
    """The larger picture with the smaller one's light in wide areas, of which networks are not sure."""
    blur = (_WIDE_PX, _WIDE_PX, 0)
    wanted, got = (ndimage.gaussian_filter(x, blur, mode="nearest") for x in (small, _shrunk(large, scale)))
    ratio = np.clip((wanted + _DARK) / (got + _DARK), 0.5, 2.0)
    finer = ndimage.zoom(ratio, (scale, scale, 1), order=1, mode="nearest", grid_mode=True)
    return (large * finer).astype(np.float32)


def _shrunk(picture: Float32[np.ndarray, "n n 3"], factor: int) -> Float32[np.ndarray, "m m 3"]:
    """Means of whole squares of pixels; ``factor`` divides the scale, so nothing is left over."""
    if factor == 1:
        return picture
    side = picture.shape[0] // factor
    return picture.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
