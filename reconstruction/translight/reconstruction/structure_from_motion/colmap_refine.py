"""The last adjustment of a model: cameras as detailed as its observations bear; see ``colmap_mapping.py``."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import numpy as np
import pycolmap

_FOCAL_GAIN = 0.98
"""The error that a focal length other than EXIF's must reach, in parts of that with EXIF's, to be believed."""
_DISTORTION_GAIN = 0.98
"""The error that four coefficients must reach, in parts of that with one."""
_OBSERVATIONS_FOR_DISTORTION = 1000
_IMAGES_FOR_DISTORTION = 5
_LARGEST_COEFFICIENT = 1.0


def refined(model: pycolmap.Reconstruction, prior_focals: Mapping[int, float]) -> pycolmap.Reconstruction:
    """The model, adjusted once more. ``prior_focals`` are EXIF's, by camera.

    Where a capture hardly determines the focal length (stills that all look straight at a flat ground), adjustment
    lets it drift far for a gain that means nothing: EXIF's is held then. Four distortion coefficients come in where
    they explain what one does not.
    """
    best = _adjusted(model)
    focals_held = all(camera in prior_focals for camera in model.cameras)
    if focals_held:
        held = copy.deepcopy(model)
        for number, camera in held.cameras.items():
            camera.focal_length = prior_focals[number]
        held = _adjusted(held, focals=False)
        focals_held = _error_px(best) > _FOCAL_GAIN * _error_px(held)
        best = held if focals_held else best
    richer = copy.deepcopy(best)
    changed = [_richer(richer, number) for number in richer.cameras]
    if any(changed):
        richer = _adjusted(richer, focals=not focals_held)
        sane = all(_sane(camera) for camera in richer.cameras.values())
        if sane and _error_px(richer) < _DISTORTION_GAIN * _error_px(best):
            best = richer
    return best


def _adjusted(model: pycolmap.Reconstruction, *, focals: bool = True) -> pycolmap.Reconstruction:
    """A copy of the model after bundle adjustment over everything."""
    model = copy.deepcopy(model)
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = focals
    options.print_summary = False
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()
    return model


def _error_px(model: pycolmap.Reconstruction) -> float:
    """Root mean square over observations, each counted with its point's mean."""
    points = list(model.points3D.values())
    errors = np.array([point.error for point in points])
    weights = np.array([point.track.length() for point in points])
    return float(np.sqrt(np.average(errors**2, weights=weights)))


def _richer(model: pycolmap.Reconstruction, number: int) -> bool:
    """Give a camera COLMAP's OPENCV model, when it has seen enough to determine it."""
    camera = model.camera(number)
    images = [model.image(i) for i in model.reg_image_ids()]
    of_camera = [image for image in images if image.camera_id == number]
    enough = sum(image.num_points3D for image in of_camera) >= _OBSERVATIONS_FOR_DISTORTION
    if camera.model_name != "SIMPLE_RADIAL" or len(of_camera) < _IMAGES_FOR_DISTORTION or not enough:
        return False
    focal, cx, cy, k1 = camera.params
    camera.model = pycolmap.CameraModelId.OPENCV
    camera.params = [focal, focal, cx, cy, k1, 0.0, 0.0, 0.0]
    return True


def _sane(camera: pycolmap.Camera) -> bool:
    """Whether distortion grows outwards over the whole image, as a lens's does, and no coefficient has run away."""
    if camera.model_name != "OPENCV":
        return True
    fx, fy, cx, cy, k1, k2, p1, p2 = camera.params
    corner = math.hypot(max(cx, camera.width - cx) / fx, max(cy, camera.height - cy) / fy)
    radius = np.linspace(0.0, corner, 64)
    grows = bool(np.all(1.0 + 3.0 * k1 * radius**2 + 5.0 * k2 * radius**4 > 0.0))
    return grows and max(abs(k1), abs(k2), abs(p1), abs(p2)) < _LARGEST_COEFFICIENT
