"""A NeRF's pictures become splats: what each pixel shows is put where it is, and what several show is put there once.

A plane's inverse depth is linear in the picture: n·X = 1 with n = (a·fx, b·fy, a·cx + b·cy + c) where 1/z is
a·u + b·v + c. So its bends mark edges, its slopes give normals and what a pixel covers. Points are merged in the cells
of an octree, the finest that their pixels resolve, and become flat discs in the merged points' planes, as in Zwicker et
al. 2001, "Surface splatting".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.ndimage import binary_dilation, gaussian_filter

from translight.environment.surfels import quaternions
from translight.reconstruction.nerf.agreement import Witness, contradicted
from translight.reconstruction.nerf.run import NerfPicture
from translight.splats.cloud import SplatCloud

LEAST_ACCUMULATION = 0.6
"""A pixel through which more than the rest shines shows no surface."""
FAR_RADII = 30.0
"""What is further away than so many radii of the cameras' places is sky."""
_BEND = 0.05
"""A pixel is at an edge where the inverse depth bends by more than this share of itself."""
_SPREAD = 0.15
"""Median and expected depth differ by more than this share where a ray meets several surfaces, or fog."""
_SMOOTH_PX = 1.5
_GRAZING = 0.2
"""A normal counts as facing the eye by at least this cosine: grazing pixels cover no more than five of their widths."""
_CELL = 1.0
"""Pixels' widths in a cell, before the budget makes cells larger."""
_SIGMA = 0.6
_FLATNESS = 0.15
"""A disc's σ in its plane over its cell's width, and its thickness over that σ."""
_OPACITY = 0.95
_SH0 = 0.28209479177387814
_COARSER = 1.12
_LATTICE = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """n oriented coloured points in the scene; ``size`` is the width of what each one's pixel covers there."""

    xyz: Float64[np.ndarray, "n 3"]
    normal: Float64[np.ndarray, "n 3"]
    rgb: Float64[np.ndarray, "n 3"]
    size: Float64[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.xyz)

    def taken(self, rows: np.ndarray) -> Points:
        """These rows."""
        return Points(self.xyz[rows], self.normal[rows], self.rgb[rows], self.size[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Bake:
    """Splats, and how the pixels came to them: seen at all, of a surface, agreed on by the views, splats."""

    cloud: SplatCloud
    pixels: int
    surface: int
    agreed: int


def bake(pictures: Sequence[NerfPicture], splats: int) -> Bake:
    """At most ``splats`` Gaussians of degree 0 that show what the pictures show, in their scene.

    Raises ValueError on no pictures or no splats. A NeRF of fog alone gives an empty cloud.
    """
    if not pictures or splats < 1:
        raise ValueError(f"a bake takes a picture and a splat or more, got {len(pictures)} and {splats}")
    far = far_from([picture.view.scene_from_camera.position_m for picture in pictures])
    found = [unprojected(picture, far) for picture in pictures]
    witnesses = [Witness.of(picture) for picture in pictures]
    agreed = [points.taken(~contradicted(points.xyz, witnesses, but=n)) for n, points in enumerate(found)]
    every = Points(*(np.concatenate([getattr(p, name) for p in agreed]) for name in Points.__slots__))
    surface = sum(map(len, found))
    pixels = sum(picture.depth.size for picture in pictures)
    return Bake(_discs(every, splats), pixels, surface, len(every))


def far_from(centres: Sequence[np.ndarray]) -> float:
    """From which distance on a thing is sky, for cameras at these places."""
    places = np.array(centres)
    radius = float(np.linalg.norm(places - places.mean(axis=0), axis=1).max())
    return FAR_RADII * radius if radius > 0 else np.inf


def unprojected(picture: NerfPicture, far: float) -> Points:
    """The pixels that show one surface nearer than ``far``."""
    camera, pose = picture.view.camera, picture.view.scene_from_camera
    with np.errstate(divide="ignore"):
        inverse = 1.0 / picture.depth.astype(np.float64)
    kept = surface_pixels(picture, far)
    smooth = gaussian_filter(np.where(kept, inverse, 0.0), _SMOOTH_PX)
    share = gaussian_filter(kept.astype(np.float64), _SMOOTH_PX)
    smooth /= np.maximum(share, 1e-9)
    b, a = np.gradient(smooth) if min(smooth.shape) > 1 else (np.zeros_like(smooth), np.zeros_like(smooth))
    v, u = np.nonzero(kept)
    ray = camera.ray(np.stack([u + 0.5, v + 0.5], axis=-1))
    a, b, z = a[kept], b[kept], 1.0 / inverse[kept]
    # the plane through this very pixel: c from its own 1/z
    normal = np.stack(
        [a * camera.fx, b * camera.fy, 1.0 / z - a * camera.fx * ray[:, 0] - b * camera.fy * ray[:, 1]], 1
    )
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    facing = np.einsum("ij,ij->i", normal, ray) / np.linalg.norm(ray, axis=1)
    size = z / np.sqrt(camera.fx * camera.fy) / np.sqrt(np.maximum(np.abs(facing), _GRAZING))
    outward = normal * -np.sign(facing + (facing == 0))[:, None]
    rgb = picture.rgb[kept].astype(np.float64)
    return Points(pose.apply(ray * z[:, None]), outward @ pose.rotation().T, rgb, size)


def surface_pixels(picture: NerfPicture, far: float) -> Bool[np.ndarray, "h w"]:
    """Where a pixel shows one surface: dense, nearer than ``far``, of one depth, and away from edges."""
    depth, expected = picture.depth.astype(np.float64), picture.expected_depth.astype(np.float64)
    solid = (picture.accumulation > LEAST_ACCUMULATION) & (depth > 0) & (depth < far)
    single = np.abs(expected - depth) < _SPREAD * depth
    inverse = gaussian_filter(np.where(solid, 1.0 / np.maximum(depth, 1e-12), 0.0), 0.7)
    bends = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        if depth.shape[axis] > 2:
            middle = [slice(None)] * 2
            middle[axis] = slice(1, -1)
            bend = np.abs(np.diff(inverse, n=2, axis=axis))
            bends[tuple(middle)] |= bend > _BEND * inverse[tuple(middle)]
    return solid & single & ~binary_dilation(bends)


def _discs(points: Points, splats: int) -> SplatCloud:
    """The points merged, as coarsely as it takes, as flat Gaussians."""
    cell = _CELL
    merged = _merged(points, cell)
    while len(merged) > splats:
        cell *= max(_COARSER, 0.98 * (len(merged) / splats) ** 0.5)
        merged = _merged(points, cell)
    n = len(merged)
    helper = np.where(np.abs(merged.normal[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(merged.normal, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    axes = np.stack([first, np.cross(merged.normal, first), merged.normal], axis=2)
    scales = merged.size[:, None] * _SIGMA * np.array([1.0, 1.0, _FLATNESS])
    return SplatCloud(
        merged.xyz.astype(np.float32),
        scales.astype(np.float32),
        quaternions(axes) if n else np.empty((0, 4), np.float32),
        np.full(n, _OPACITY, np.float32),
        np.ascontiguousarray(((merged.rgb - 0.5) / _SH0)[:, None, :], dtype=np.float32),
    )


def _merged(points: Points, cell: float) -> Points:
    """One point a cell: its members' mean, nearer pixels weighing more; ``size`` becomes the cell's width.

    A cell is as wide as the power of two next above ``cell`` pixels' widths. Where a finer cell's points lie within a
    coarser one, that has been seen from nearer, and the coarser point goes.
    """
    if len(points) == 0:
        return points
    # so that a cell's three places in its lattice fit into one number
    least = float(np.ptp(points.xyz, axis=0).max()) / _LATTICE
    level = np.ceil(np.log2(np.maximum(points.size * cell, least))).astype(np.int64)
    # An origin of no special place: a plane through zero would lie between two layers of cells.
    origin = points.xyz.min(axis=0) - 0.37 * points.size.max()
    parts: list[Points] = []
    finer: np.ndarray = np.empty((0, 3))

    def cells(xyz: np.ndarray, width: float) -> np.ndarray:
        x, y, z = np.floor((xyz - origin) / width).astype(np.int64).T
        return (x << 42) | (y << 21) | z

    for step in np.unique(level):
        rows = level == step
        width = 2.0 ** float(step)
        own = points.taken(rows)
        keys, places = np.unique(cells(own.xyz, width), return_inverse=True)
        weight = 1.0 / own.size**2
        total = np.bincount(places, weight)

        def mean(values: np.ndarray, places: np.ndarray = places, weight: np.ndarray = weight,
                 total: np.ndarray = total) -> np.ndarray:  # fmt: skip
            return np.stack([np.bincount(places, weight * column) for column in values.T], 1) / total[:, None]

        normal = mean(own.normal)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        part = Points(mean(own.xyz), normal, mean(own.rgb), np.full(len(keys), width))
        if len(finer):
            part = part.taken(~np.isin(keys, cells(finer, width)))
        parts.append(part)
        finer = np.concatenate([finer, part.xyz])
    return Points(*(np.concatenate([getattr(part, name) for part in parts]) for name in Points.__slots__))
