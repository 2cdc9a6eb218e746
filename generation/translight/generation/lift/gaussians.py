"""Cells of layers as flat Gaussians: sized by angle, depth and slant, turned to the surface, in linear light.

A cell's plane is fitted to its pixels' inverse distances, its spread is theirs, carried from angles onto that plane:
for one pixel that is k·distance·(2π/width)·cos(elevation)/cos(slant) across, as panorama lifting usually has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import quaternions_turned
from translight.environment.surfels import Surfels
from translight.environment.surfels import gaussians as shaped
from translight.generation.lift.cells import Cells
from translight.generation.lift.layers import Layer
from translight.splats.cloud import SplatCloud
from translight.splats.raw import SH_C0

OPACITY = 0.99
OVERLAP = 0.4
"""σ over a cell's width, for pictures about as fine as the panorama."""
SLANT_COS = 0.1
"""A cell is stretched no further than the inverse of this along the line of sight."""
_RIDGE = 1e-6
_ALIKE = 0.1


def overlap_for(magnification: float) -> float:
    """σ over a cell's width for a picture whose pixels are a ``magnification``-th of the panorama's.

    Seen as finely as it is, 0.4 measured sharpest without gaps; enlarged, up to 0.7 (docs/generation/lift.md).
    """
    return float(np.clip(OVERLAP + 0.1 * (magnification - 1), OVERLAP, 0.7))


def gaussians(layers: Sequence[Layer], cells: Cells, eye_m: np.ndarray, overlap: float = OVERLAP) -> SplatCloud:
    """One splat for each cell, around an eye (3) on the stage; the cloud is in scene axes, its colours linear."""
    height = layers[0].mask.shape[0]
    count = len(cells)
    facts = np.zeros((count, 12))
    images = np.stack([layer.image for layer in layers])
    inverses = np.stack([layer.inverse for layer in layers])
    masks = np.stack([layer.mask for layer in layers])
    _gather(images, inverses, masks, cells.layer, cells.top, cells.bottom, cells.left, cells.right, facts)
    ray, plane = facts[:, 0:3], facts[:, 3:6]
    colour, spread = facts[:, 6:9], facts[:, 9:12]
    plane = _less_slanted(ray, plane)
    along = np.einsum("ij,ij->i", plane, ray)
    east, north = _tangents(ray)
    point = ray / along[:, None]

    def carried(tangent: np.ndarray) -> np.ndarray:
        """The step on the plane that a step of angle along a tangent makes."""
        slope = np.einsum("ij,ij->i", plane, tangent)
        return (tangent - ray * (slope / along)[:, None]) / along[:, None]

    turn = 0.5 * np.arctan2(2 * spread[:, 1], spread[:, 0] - spread[:, 2])
    middle = 0.5 * (spread[:, 0] + spread[:, 2])
    swing = np.hypot(0.5 * (spread[:, 0] - spread[:, 2]), spread[:, 1])
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    floor = (np.pi / height / 4) ** 2 / 12
    first, second = (
        np.sqrt(12 * np.maximum(middle + sign * swing, floor))[:, None] * carried(tangent)
        for sign, tangent in ((1, c * east + s * north), (-1, c * north - s * east))
    )
    normal = -plane / np.linalg.norm(plane, axis=1, keepdims=True)
    surfels = Surfels(
        point, first, second, normal, np.zeros(count, np.uint8), np.zeros(count, np.int32), np.zeros((count, 2))
    )
    scales, wxyz = shaped(surfels, overlap)
    scene_from_stage = STAGE_FROM_RDF.inverse()
    turned = quaternions_turned(scene_from_stage.wxyz, wxyz)
    return SplatCloud(
        np.ascontiguousarray(scene_from_stage.apply(point + eye_m), dtype=np.float32),
        np.ascontiguousarray(scales),
        np.ascontiguousarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), dtype=np.float32),
        np.full(count, OPACITY, np.float32),
        np.ascontiguousarray(((colour - 0.5) / SH_C0)[:, None, :], dtype=np.float32),
    )


def _tangents(ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors across a ray, to the right and up, as ``_gather`` measures spreads."""
    level = np.maximum(np.hypot(ray[:, 0], ray[:, 1]), 1e-9)
    east = np.stack([ray[:, 1] / level, -ray[:, 0] / level, np.zeros(len(ray))], axis=1)
    return east, np.cross(east, ray)


def _less_slanted(ray: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Planes turned towards the eye until the cosine of their slant is at least ``SLANT_COS``."""
    along = np.einsum("ij,ij->i", plane, ray)[:, None] * ray
    across = plane - along
    most = np.sqrt(1 / SLANT_COS**2 - 1) * np.linalg.norm(along, axis=1)
    steep = np.linalg.norm(across, axis=1)
    return along + across * np.minimum(1, most / np.maximum(steep, 1e-12))[:, None]


@numba.njit(cache=True, nogil=True)
def _gather(
    images: np.ndarray, inverses: np.ndarray, masks: np.ndarray, layer: np.ndarray, top: np.ndarray,
    bottom: np.ndarray, left: np.ndarray, right: np.ndarray, facts: np.ndarray,
) -> None:  # fmt: skip
    """Of each cell: middle ray, plane, mean colour, and second moments of angles (right·right, right·up, up·up)."""
    height, width = masks.shape[1:]
    pixel = np.pi / height
    for i in range(len(layer)):
        n = layer[i]
        x = y = z = weight = value = 0.0
        red = green = blue = 0.0
        for r in range(top[i], bottom[i]):
            elevation = (0.5 - (r + 0.5) / height) * np.pi
            level, up = np.cos(elevation), np.sin(elevation)
            for c in range(left[i], right[i]):
                if not masks[n, r, c]:
                    continue
                azimuth = ((c + 0.5) / width - 0.5) * 2 * np.pi
                x += level * level * np.sin(azimuth)
                y += level * level * np.cos(azimuth)
                z += level * up
                weight += level
                value += level * inverses[n, r, c]
                red += level * images[n, r, c, 0]
                green += level * images[n, r, c, 1]
                blue += level * images[n, r, c, 2]
        length = np.sqrt(x * x + y * y + z * z)
        x, y, z, value = x / length, y / length, z / length, value / weight
        flat = max(np.sqrt(x * x + y * y), 1e-9)
        ax, ay = y / flat, -x / flat
        bx, by, bz = ay * z, -ax * z, ax * y - ay * x
        aa = bb = _RIDGE
        ab = fa = fb = f = a1 = b1 = ones = 0.0
        uu = uv = vv = mu = mv = 0.0
        for r in range(max(top[i] - 1, 0), min(bottom[i] + 1, height)):
            elevation = (0.5 - (r + 0.5) / height) * np.pi
            level, up = np.cos(elevation), np.sin(elevation)
            for k in range(left[i] - 1, right[i] + 1):
                c = k % width
                here = masks[n, r, c]
                inside = here and top[i] <= r < bottom[i] and left[i] <= k < right[i]
                if not inside and not (here and abs(inverses[n, r, c] - value) < _ALIKE * value):
                    continue
                azimuth = ((c + 0.5) / width - 0.5) * 2 * np.pi
                px, py = level * np.sin(azimuth), level * np.cos(azimuth)
                along = px * x + py * y + up * z
                a, b = ax * px + ay * py, bx * px + by * py + bz * up
                if inside:
                    u, v = a / along, b / along
                    mu += level * u
                    mv += level * v
                    uu += level * (u * u + (level * pixel) ** 2 / 12)
                    uv += level * u * v
                    vv += level * (v * v + pixel**2 / 12)
                rest = inverses[n, r, c] / value - along
                ones += 1
                a1 += a
                b1 += b
                f += rest
                aa += a * a
                ab += a * b
                bb += b * b
                fa += a * rest
                fb += b * rest
        # the plane's value on the middle ray is free too: deviations from the means are fitted
        aa -= a1 * a1 / ones
        ab -= a1 * b1 / ones
        bb -= b1 * b1 / ones
        fa -= f * a1 / ones
        fb -= f * b1 / ones
        under = aa * bb - ab * ab
        s, t = (fa * bb - fb * ab) / under, (fb * aa - fa * ab) / under
        middle = max(1 + (f - s * a1 - t * b1) / ones, 0.1)
        facts[i, 0], facts[i, 1], facts[i, 2] = x, y, z
        facts[i, 3] = value * (middle * x + s * ax + t * bx)
        facts[i, 4] = value * (middle * y + s * ay + t * by)
        facts[i, 5] = value * (middle * z + t * bz)
        facts[i, 6], facts[i, 7], facts[i, 8] = red / weight, green / weight, blue / weight
        mu, mv = mu / weight, mv / weight
        facts[i, 9] = uu / weight - mu * mu
        facts[i, 10] = uv / weight - mu * mv
        facts[i, 11] = vv / weight - mv * mv
