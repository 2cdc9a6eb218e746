"""A panorama cut into layers: what is seen, and what a camera within reach can see behind it; cells.py divides them.

edges.py finds the cuts, behind.py how surfaces go on, fill.py their colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from translight.generation.lift.behind import Behind, behind
from translight.generation.lift.edges import Edges, find_edges, inverse_distance, near_band, snapped
from translight.generation.lift.fill import Inpaint, filled

_FARTHER = 0.03
"""Weight of colours that come from further away than the surface they fill."""
_ALIKE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One sheet around the eye, as panorama.py lays it out; ``inverse`` is 1/m, ``mask`` where there is any of it."""

    image: Float32[np.ndarray, "h w 3"]
    inverse: Float32[np.ndarray, "h w"]
    mask: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Nearest first; ``sky`` is where the sky is seen, or can be once the camera moves."""

    sheets: tuple[Layer, ...]
    sky: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True)
class Cut:
    """How a panorama is cut."""

    hidden: int = 2
    """Sheets behind the visible one; 0 for none."""
    erode_px: int = 0
    """The near surface loses this much at its edges, where a network's depth is late and light is mixed."""
    clean_px: int = 0
    """The far surface gets new colours this close to edges."""
    soft_px: int = 0
    """Depth edges are blurred over up to this many pixels."""


TRUE_DEPTH = Cut()
"""Measured best where distances are a renderer's own: nothing is taken away (docs/generation/lift.md)."""
ESTIMATED_DEPTH = Cut(erode_px=2, clean_px=2, soft_px=3)
"""For a network's."""


def cut_layers(
    image: Float32[np.ndarray, "h w 3"],
    distance_m: Float32[np.ndarray, "h w"],
    sky: Bool[np.ndarray, "h w"],
    reach_m: float,
    cut: Cut = TRUE_DEPTH,
    inpaint: Inpaint | None = None,
) -> Layers:
    """The visible sheet and those behind it, for cameras up to ``reach_m`` from the eye.

    ``inpaint`` takes the place of fill.py's own textures: any function from a picture and a mask to a picture.
    """
    inverse, between = snapped(inverse_distance(distance_m, sky), cut.soft_px)
    sky = inverse == 0
    edges = find_edges(inverse)
    lost = near_band(edges, inverse, cut.erode_px) | (between & ~sky & near_band(edges, inverse, cut.soft_px))
    far = _far_band(edges, cut.clean_px)
    unclean = far | between
    margin = 1 + max(cut.erode_px, cut.soft_px)
    open_sky = sky.copy()
    sheets: list[Layer] = []
    near, composite, picture = ~sky, inverse, image
    for number in range(cut.hidden):
        if number:
            edges = find_edges(composite)
        found = behind(composite, edges, near, reach_m, margin)
        if found is None:
            break
        if sheets:
            found = Behind(found.inverse, found.hidden & near, found.hidden_sky & near)
        open_sky |= found.hidden_sky
        wanted = found.hidden | (unclean & (composite > 0))
        picture = filled(picture, _sources(composite, found, unclean), wanted, inpaint)
        sheets.append(Layer(picture, found.inverse, found.hidden))
        composite = np.where(found.hidden, found.inverse, np.where(found.hidden_sky, np.float32(0), composite))
        near, unclean = found.hidden, np.zeros_like(unclean)
    front = image
    if sheets:
        cleaned = far & ~sheets[0].mask
        front = np.where(cleaned[..., None], sheets[0].image, image)
    visible = Layer(front, inverse, ~sky & ~(lost & _covered(sheets, open_sky)))
    return Layers((visible, *(sheet for sheet in sheets if sheet.mask.any())), open_sky)


def _covered(sheets: list[Layer], open_sky: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Where a pixel can be taken away because something stands in for it."""
    return open_sky | sheets[0].mask if sheets else open_sky & False


def _far_band(edges: Edges, width_px: int) -> Bool[np.ndarray, "h w"]:
    """Pixels on the far side of edges."""
    far = np.zeros(edges.right.shape, bool)
    if width_px == 0:
        return far
    far |= (edges.right == -1) | np.roll(edges.right == 1, 1, axis=1)
    far |= edges.below == -1
    far[1:] |= edges.below[:-1] == 1
    if width_px > 1:
        near = (edges.right == 1) | np.roll(edges.right == -1, 1, axis=1) | (edges.below == 1)
        near[1:] |= edges.below[:-1] == -1
        far = ndimage.binary_dilation(far, iterations=width_px - 1) & ~near
    return far


def _sources(
    composite: Float32[np.ndarray, "h w"], found: Behind, unclean: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """How much each pixel's colour says of the surfaces behind: all where it is that surface, a little beyond it."""
    alike = np.abs(composite - found.inverse) <= _ALIKE * found.inverse
    weight = np.where(alike, 1.0, np.where(composite < found.inverse, _FARTHER, 0.0))
    weight[(composite == 0) | found.hidden | unclean] = 0.0
    return weight.astype(np.float32)
