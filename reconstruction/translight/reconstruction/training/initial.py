"""Where training begins: a splat for every point that is known, from poses or from depth pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.spatial import cKDTree

from translight.reconstruction.dataset import Dataset, SparsePoints
from translight.reconstruction.pixels import Photograph
from translight.render.sh import SH_0, SH_OFFSET
from translight.splats.cloud import SplatCloud

FEWEST_POINTS = 100
"""With fewer, places are guessed within the views as well."""
_FEWEST_AROUND = 8
"""Known points in a picture, with fewer of which it foretells nothing."""
_NEIGHBOURS = 3


def initial_cloud(
    dataset: Dataset,
    photographs: Sequence[Photograph],
    *,
    most: int,
    opacity: float,
    fill: int,
    beyond: bool = True,
    rng: np.random.Generator,
) -> SplatCloud:
    """A round splat at each known point, as large as the mean distance to its three neighbours (Kerbl et al., 2023).

    Points come from ``dataset.points``; where there are depths, from those too. Where these are fewer than ``fill``,
    the rest lies between them, at the depth they foretell for random pixels: matching finds next to nothing in leaves
    and on walls, and a few huge splats there take long to part. ``beyond`` says whether pixels outside of all known
    points are filled too. Where there are next to none, places are guessed in view of the cameras. At most ``most``,
    drawn at random. ``photographs`` go with the training pictures of ``dataset``. Raises ValueError when ``most`` is
    not above 0.
    """
    if most < 1:
        raise ValueError(f"a cloud begins with 1 splat or more, got {most}")
    known = [] if dataset.points is None else [dataset.points]
    training = dataset.split()[0]
    share = most // max(1, sum(photograph.depth is not None for photograph in photographs))
    for image, photograph in zip(training, photographs, strict=True):
        if photograph.depth is not None:
            known.append(_from_depth(image.scene_from_camera.matrix(), photograph, share, rng))
    count = sum(map(len, known))
    if count < FEWEST_POINTS:
        known.append(_guessed(dataset, photographs, min(most, max(fill, 20_000)), rng))
    elif dataset.points is not None and count < fill:
        known.append(_between(dataset, photographs, fill - count, rng, beyond=beyond))
    xyz = np.concatenate([points.xyz for points in known])
    rgb = np.concatenate([points.rgb for points in known])
    finite = np.isfinite(xyz).all(axis=1)
    xyz, rgb = xyz[finite], rgb[finite]
    if len(xyz) > most:
        chosen = rng.choice(len(xyz), most, replace=False)
        xyz, rgb = xyz[chosen], rgb[chosen]
    n = len(xyz)
    scales = np.repeat(_spacing(xyz)[:, None], 3, axis=1).astype(np.float32)
    wxyz = np.zeros((n, 4), np.float32)
    wxyz[:, 0] = 1
    sh = ((rgb.astype(np.float32) / 255 - SH_OFFSET) / np.float32(SH_0))[:, None, :]
    return SplatCloud(xyz.astype(np.float32), scales, wxyz, np.full(n, opacity, np.float32), np.ascontiguousarray(sh))


def typical_depths(dataset: Dataset) -> Float64[np.ndarray, "k"]:
    """Depths of known points before the cameras that look at them, in scene units; empty without points."""
    if dataset.points is None:
        return np.zeros(0)
    found = []
    for image in dataset.images:
        points = image.scene_from_camera.inverse().apply(dataset.points.xyz)
        u, v = np.moveaxis(image.camera.project(points), -1, 0)
        with np.errstate(invalid="ignore"):
            inside = (
                (points[:, 2] > 0) & (u >= 0) & (v >= 0) & (u < image.camera.width_px) & (v < image.camera.height_px)
            )
        found.append(points[inside, 2])
    return np.concatenate(found)


def scene_size(dataset: Dataset) -> float:
    """What learning rates and thresholds are measured by: how far cameras stand apart, or from what they see.

    The largest distance of a camera from their middle, a tenth more (as gsplat has it), and no less than a quarter of
    the points' median depth, for captures taken from one spot.
    """
    centres = dataset.centres()
    spread = 1.1 * float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).max())
    depths = typical_depths(dataset)
    return max(spread, 0.25 * float(np.median(depths)) if depths.size else 0.0) or 1.0


def _from_depth(
    scene_from_camera: np.ndarray, photograph: Photograph, most: int, rng: np.random.Generator
) -> SparsePoints:
    assert photograph.depth is not None
    rows, columns = np.nonzero((photograph.depth > 0) & (photograph.weight > 0))
    if len(rows) > most:
        chosen = rng.choice(len(rows), most, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    rays = photograph.camera.ray(np.stack([columns, rows], axis=-1) + 0.5)
    points = rays * photograph.depth[rows, columns, None]
    xyz = points @ scene_from_camera[:3, :3].T + scene_from_camera[:3, 3]
    return SparsePoints(xyz, (photograph.rgb[rows, columns] * 255 + 0.5).astype(np.uint8))


def _between(
    dataset: Dataset, photographs: Sequence[Photograph], count: int, rng: np.random.Generator, *, beyond: bool
) -> SparsePoints:
    """Places on random pixels' rays whose inverse depth is that between the known points around the pixel.

    Linear within the points' Delaunay triangles in the picture; outside of all the nearest point's, or with ``beyond``
    false nothing: there may be sky.
    """
    assert dataset.points is not None
    training = dataset.split()[0]
    which = rng.integers(0, len(training), count)
    xyz, rgb = [], []
    for i, (image, photograph) in enumerate(zip(training, photographs, strict=True)):
        camera = photograph.camera
        points = image.scene_from_camera.inverse().apply(dataset.points.xyz)
        points = points[points[:, 2] > 0]
        at = camera.project(points)
        inside = ((at >= 0) & (at < (camera.width_px, camera.height_px))).all(axis=1)
        if inside.sum() < _FEWEST_AROUND:
            continue
        at, inverse = at[inside], 1 / points[inside, 2]
        rows, columns = np.nonzero(photograph.weight > 0)
        chosen = rng.integers(0, len(rows), int((which == i).sum()))
        rows, columns = rows[chosen], columns[chosen]
        pixels = np.stack([columns, rows], axis=-1) + 0.5
        found = LinearNDInterpolator(at, inverse)(pixels)
        within = np.isfinite(found)
        if beyond:
            found = np.where(within, found, NearestNDInterpolator(at, inverse)(pixels))
        else:
            rows, columns, pixels, found = rows[within], columns[within], pixels[within], found[within]
        xyz.append(image.scene_from_camera.apply(camera.ray(pixels) / found[:, None]))
        rgb.append((photograph.rgb[rows, columns] * 255 + 0.5).astype(np.uint8))
    if not xyz:
        return SparsePoints(np.zeros((0, 3)), np.zeros((0, 3), np.uint8))
    return SparsePoints(np.concatenate(xyz), np.concatenate(rgb))


def _guessed(dataset: Dataset, photographs: Sequence[Photograph], count: int, rng: np.random.Generator) -> SparsePoints:
    """Places along random pixels' rays, at depths of the scene's size, evenly in their logarithms."""
    size = scene_size(dataset)
    training = dataset.split()[0]
    which = rng.integers(0, len(training), count)
    xyz, rgb = np.empty((count, 3)), np.empty((count, 3), np.uint8)
    for i, (image, photograph) in enumerate(zip(training, photographs, strict=True)):
        mine = np.flatnonzero(which == i)
        columns = rng.integers(0, photograph.camera.width_px, len(mine))
        rows = rng.integers(0, photograph.camera.height_px, len(mine))
        depth = size * np.exp(rng.uniform(np.log(0.3), np.log(6.0), len(mine)))
        rays = photograph.camera.ray(np.stack([columns, rows], axis=-1) + 0.5)
        xyz[mine] = image.scene_from_camera.apply(rays * depth[:, None])
        rgb[mine] = (photograph.rgb[rows, columns] * 255 + 0.5).astype(np.uint8)
    return SparsePoints(xyz, rgb)


def _spacing(xyz: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """Root mean square distance to the nearest three others, never 0."""
    if len(xyz) < 2:
        return np.ones(len(xyz))
    k = min(_NEIGHBOURS, len(xyz) - 1)
    distances, _ = cKDTree(xyz).query(xyz, k=k + 1)
    spacing = np.sqrt((distances[:, 1:] ** 2).mean(axis=1))
    return np.maximum(spacing, 1e-6 * max(1e-12, float(np.ptp(xyz, axis=0).max())))
