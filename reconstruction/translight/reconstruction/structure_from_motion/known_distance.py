"""A distance that somebody measured on the set, between two points seen in photographs: the size of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ReconstructionError, ShowError
from translight.core.lens import LensModel
from translight.reconstruction.capture import Capture
from translight.reconstruction.structure_from_motion.model import ModelCamera, SparseModel

_NEIGHBOURS = 8
_FARTHEST = 0.08
"""Of the longer side: the model must hold a point so near to a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A pixel of a still as it is shown, counted from the upper left corner."""

    still: str
    x_px: float
    y_px: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``photo.jpg:812,440``. Raises ShowError."""
        found = re.fullmatch(r"(.+):(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", text)
        if found is None:
            raise ShowError(f"{text}: a mark is a photograph and a pixel in it, as in photo.jpg:812,440")
        return cls(found[1], float(found[2]), float(found[3]))


@dataclass(frozen=True, slots=True)
class KnownDistance:
    """``metres`` between what two marks show, in one still or in two."""

    a: Mark
    b: Mark
    metres: float

    def __post_init__(self) -> None:
        if not 0 < self.metres < float("inf"):
            raise ShowError(f"a known distance is some metres, got {self.metres:g}")


def metres_per_unit(known: KnownDistance, capture: Capture, files: Sequence[str], model: SparseModel) -> float:
    """The size of the model's unit. ``files`` are the capture's stills as the model names them, in order.

    Raises ReconstructionError when a mark's still has no pose, or nothing of the model is seen near a mark.
    """
    a, b = (_place(mark, capture, files, model) for mark in (known.a, known.b))
    units = float(np.linalg.norm(a - b))
    if units < 1e-9:
        raise ReconstructionError(f"{known.a.still} and {known.b.still}: both marks show the same point")
    return known.metres / units


def _place(mark: Mark, capture: Capture, files: Sequence[str], model: SparseModel) -> Float64[np.ndarray, "3"]:
    """What a mark shows, in the model's frame: its ray, as deep as the model is around it."""
    stills = {still.name: (still, file) for still, file in zip(capture.stills, files, strict=True)}
    if mark.still not in stills:
        raise ReconstructionError(f"{mark.still}: no photograph of that name; there is {', '.join(list(stills)[:3])} …")
    still, file = stills[mark.still]
    if file not in model.files:
        raise ReconstructionError(f"{mark.still}: has no pose, so that no distance can be taken from it")
    if not (0 <= mark.x_px <= still.width_px and 0 <= mark.y_px <= still.height_px):
        size = f"{still.width_px}x{still.height_px}"
        raise ReconstructionError(f"{mark.still}: has {size} pixels, the mark is at {mark.x_px:g},{mark.y_px:g}")
    image = model.files.index(file)
    seen = model.cameras[model.camera_of[image]]
    shrink = np.array([seen.camera.width_px / still.width_px, seen.camera.height_px / still.height_px])
    pixel = np.array([mark.x_px, mark.y_px]) * shrink
    depth = _depth(model, image, pixel, mark)
    ray = seen.camera.ray(undistorted(seen, pixel))
    return model.world_from_camera[image].apply(ray * depth)


def _depth(model: SparseModel, image: int, pixel: Float64[np.ndarray, "2"], mark: Mark) -> float:
    """The camera-frame z around a pixel: inverse depth is linear in pixels on a plane, so a plane is fitted to it."""
    mine = model.seen_by == image
    where = model.seen_px[mine]
    points = model.world_from_camera[image].inverse().apply(model.xyz[model.seen_point[mine]])
    camera = model.cameras[model.camera_of[image]].camera
    distance = np.linalg.norm(where - pixel, axis=1)
    nearest = np.argsort(distance)[:_NEIGHBOURS]
    reach = _FARTHEST * max(camera.width_px, camera.height_px)
    nearest = nearest[(distance[nearest] <= reach) & (points[nearest, 2] > 0)]
    if not len(nearest):
        at = f"{mark.x_px:g},{mark.y_px:g}"
        raise ReconstructionError(f"{mark.still}: the model holds nothing near {at}; mark something with texture")
    inverse = 1.0 / points[nearest, 2]
    middle = float(np.median(inverse))
    agreeing = np.abs(inverse - middle) <= 0.25 * middle  # what lies far before or behind is another thing
    offsets = where[nearest] - pixel
    if agreeing.sum() < 4:
        return 1.0 / middle
    weights = 1.0 / (1.0 + np.linalg.norm(offsets[agreeing], axis=1))
    design = np.column_stack([np.ones(agreeing.sum()), offsets[agreeing]]) * weights[:, None]
    fitted = float(np.linalg.lstsq(design, inverse[agreeing] * weights, rcond=None)[0][0])
    within = float(inverse[agreeing].min()) * 0.8 <= fitted <= float(inverse[agreeing].max()) * 1.25
    return 1.0 / (fitted if within else middle)


def undistorted(seen: ModelCamera, pixel: Float64[np.ndarray, "2"]) -> Float64[np.ndarray, "2"]:
    """Where the pinhole sees what the lens has at a pixel."""
    if not seen.distortion:
        return pixel
    camera = seen.camera
    K = camera.matrix()
    K[:2, 2] -= 0.5  # OpenCV counts pixel centres at whole numbers
    lens = LensModel.from_opencv(
        K, seen.distortion, width_px=camera.width_px, height_px=camera.height_px, sensor_width_mm=36.0
    )
    return lens.undistorted_pixels(pixel, camera.width_px, camera.height_px, camera)
