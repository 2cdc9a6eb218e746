"""The words of ``kernels/composition.cu``: a view of the inner picture, the filter and the colour."""

from __future__ import annotations

import numpy as np

from translight.core.camera import View
from translight.volume.encoding import Encoding
from translight.volume.sampling import Sampling, coefficients
from translight.volume.surfaces import frustum_planes, projection_of

COMPOSITION = np.dtype(
    [
        ("matrix", "<f8", (3, 3)), ("offset", "<f8", 3), ("planes", "<f8", (10, 4)), ("width", "<i4"),
        ("height", "<i4"), ("near_m", "<f4"), ("feather", "<f4"), ("filter", "<f4", (4, 4)), ("mixing", "<f4", (3, 3)),
        ("rounding", "<f4", (8, 8)), ("scale", "<f4"), ("limit", "<f4"), ("kind", "<i4"), ("shift", "<i4"),
        ("opaque", "<u4"),
    ]
)  # fmt: skip


def composition_of(encoding: Encoding, sampling: Sampling, feather: float) -> np.ndarray:
    """What stays from frame to frame; ``aim`` adds the view."""
    block = np.zeros((), COMPOSITION)
    block["feather"], block["filter"] = feather, coefficients(sampling)
    block["mixing"], block["rounding"] = encoding.matrix, encoding.rounding
    block["scale"], block["limit"], block["kind"] = encoding.scale, encoding.limit, encoding.kind
    block["shift"], block["opaque"] = encoding.shift, encoding.opaque
    return block


def aim(block: np.ndarray, view: View) -> None:
    """Write a view of the inner picture into the block."""
    block["matrix"], block["offset"] = projection_of(view)
    frustum_planes(view, float(block["feather"]), block["planes"])
    block["width"], block["height"] = view.camera.width_px, view.camera.height_px
    block["near_m"] = view.near_m
