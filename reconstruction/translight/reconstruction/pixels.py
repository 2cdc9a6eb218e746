"""A dataset's picture as trainers want it: a pinhole's, at the size asked for, with what may be learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.image import load_image
from translight.core.lens import LensModel
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.stills import load_still

_SENSOR_MM = 36.0
"""Any width does: a lens model speaks of millimetres, OpenCV's coefficients of none."""
_LEAST_WEIGHT = 0.999
"""A pixel counts only where all that it averages does."""


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A pinhole's picture: ``rgb`` (h w 3) sRGB-encoded 0 to 1, as large as ``camera``'s image.

    ``weight`` (h w) is 1 where something is to be learned, 0 where the mask says no or the lens saw nothing.
    ``depth`` (h w) is the camera-frame z in scene units, 0 where it is not known; None without a depth picture.
    """

    rgb: Float32[np.ndarray, "h w 3"]
    weight: Float32[np.ndarray, "h w"]
    depth: Float32[np.ndarray, "h w"] | None
    camera: Camera


def load_photograph(image: PosedImage, width_px: int | None = None) -> Photograph:
    """Read a picture, undistort it, and make it ``width_px`` wide (never wider than it is; its own width if None).

    The height follows the picture's shape. Raises FormatError when a file cannot be read or has another size than the
    camera says.
    """
    full = image.camera
    width = full.width_px if width_px is None else min(width_px, full.width_px)
    camera = full.resized(width, max(1, round(full.height_px * width / full.width_px)))
    rgb = _sized(image, image.file, load_still(image.file))
    weight = np.ones(rgb.shape[:2], np.float32) if image.mask is None else _mask(image, image.mask)
    depth = None if image.depth is None else _depth(image, image.depth)
    if image.distortion:
        finer = full.resized(*(min(2 * small, large) for small, large in (
            (camera.width_px, full.width_px), (camera.height_px, full.height_px))))  # fmt: skip
        where = _distorted_pixels(finer, image.distortion)
        planes = np.concatenate([_resized(rgb, finer), _resized(weight[..., None], finer)], axis=-1)
        planes = _sampled(planes, where)
        rgb, weight = planes[..., :3], planes[..., 3]
        if depth is not None:
            depth = _nearest(_nearest_resized(depth, finer), where)
    weight = (_resized(weight[..., None], camera)[..., 0] > _LEAST_WEIGHT).astype(np.float32)
    found = None if depth is None else _nearest_resized(depth, camera)
    return Photograph(np.clip(_resized(rgb, camera), 0, 1), weight, found, camera)


def _mask(image: PosedImage, file: Path) -> Float32[np.ndarray, "h w"]:
    pixels = _sized(image, file, load_still(file))
    return (pixels.max(axis=-1) > 0).astype(np.float32)


def _depth(image: PosedImage, file: Path) -> Float32[np.ndarray, "h w"]:
    """Depth pictures are .exr, or .png with 16 bits, which ``core.image`` would cut to 8."""
    from PIL import Image

    if file.suffix.lower() == ".png":
        try:
            with Image.open(file) as picture:
                values = np.asarray(picture).astype(np.float32)
        except (OSError, ValueError, SyntaxError) as error:
            raise FormatError(f"{file}: not a readable PNG ({error})") from error
    else:
        values = load_image(file)
    if values.ndim != 2:
        raise FormatError(f"{file}: a depth picture has one channel, got the shape {values.shape}")
    height, width = values.shape
    if height <= image.camera.height_px and abs(width * image.camera.height_px / height - image.camera.width_px) <= 4:
        values = _nearest_resized(values, image.camera)  # range finders have fewer pixels than their cameras
    depth = _sized(image, file, values) * np.float32(image.depth_scale)
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)


def _sized(image: PosedImage, file: Path, pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    wanted = (image.camera.width_px, image.camera.height_px)
    if (width, height) != wanted:
        raise FormatError(f"{file}: {width}x{height} pixels, the camera of {image.name} says {wanted[0]}x{wanted[1]}")
    return pixels


def _distorted_pixels(camera: Camera, distortion: tuple[float, ...]) -> Float64[np.ndarray, "h w 2"]:
    """Where the lens has what the pinhole sees, for each of the pinhole's pixels."""
    K = camera.matrix()
    K[:2, 2] -= 0.5  # OpenCV counts pixel centres at whole numbers
    size = (camera.width_px, camera.height_px)
    lens = LensModel.from_opencv(K, distortion, width_px=size[0], height_px=size[1], sensor_width_mm=_SENSOR_MM)
    mm_per_px = np.array([lens.sensor_width_mm / size[0], lens.sensor_height_mm / size[1]])
    v, u = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    points = (np.stack([u, v], axis=-1) - np.array(size) / 2) * mm_per_px
    return lens.distort(points) / mm_per_px + np.array(size) / 2


def _resized(planes: Float32[np.ndarray, "h w c"], camera: Camera) -> Float32[np.ndarray, "h2 w2 c"]:
    """Averaged down with Lanczos' kernel, a plane at a time."""
    from PIL import Image

    size = (camera.width_px, camera.height_px)
    if planes.shape[1::-1] == size:
        return planes
    found = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., c])).resize(size, Image.Resampling.LANCZOS))
        for c in range(planes.shape[2])
    ]
    return np.stack(found, axis=-1)


def _nearest_resized(plane: Float32[np.ndarray, "h w"], camera: Camera) -> Float32[np.ndarray, "h2 w2"]:
    """One value of many: a mean across an edge is the depth of nothing."""
    height, width = plane.shape
    rows = ((np.arange(camera.height_px) + 0.5) * height / camera.height_px).astype(np.intp)
    columns = ((np.arange(camera.width_px) + 0.5) * width / camera.width_px).astype(np.intp)
    return np.ascontiguousarray(plane[rows][:, columns])


def _sampled(planes: Float32[np.ndarray, "h w c"], where: Float64[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w c"]:
    """Bilinear, 0 outside."""
    from scipy.ndimage import map_coordinates

    at = [np.nan_to_num(where[..., axis] - 0.5, nan=-9.0) for axis in (1, 0)]
    found = [map_coordinates(planes[..., c], at, order=1, mode="constant") for c in range(planes.shape[2])]
    return np.stack(found, axis=-1).astype(np.float32)


def _nearest(plane: Float32[np.ndarray, "h w"], where: Float64[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w"]:
    from scipy.ndimage import map_coordinates

    at = [np.nan_to_num(where[..., axis] - 0.5, nan=-9.0) for axis in (1, 0)]
    return np.asarray(map_coordinates(plane, at, order=0, mode="constant"), dtype=np.float32)
