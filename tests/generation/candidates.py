"""Small candidates that tests of the run share."""

import numpy as np

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.candidate import Candidate, Model, View

EYE = Pose.from_wxyz((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.7))


def panorama(height_px=16, seed=0, peak=20.0):
    """A view with light up to ``peak``, land below the horizon and sky above."""
    chance = np.random.default_rng(seed)
    image = chance.random((height_px, 2 * height_px, 3)).astype(np.float32)
    image[2, 3] = peak
    distance_m = np.full((height_px, 2 * height_px), np.inf, np.float32)
    distance_m[height_px // 2 :] = 1.0 + chance.random((height_px // 2, 2 * height_px))
    return View(image, None, EYE, distance_m, np.isinf(distance_m))


def candidate(seed=7, **changed):
    """A candidate with a panorama and a still."""
    still = View(
        np.full((6, 9, 3), 0.25, np.float32), Camera(9, 6, 8.0, 8.0, 4.5, 3.0), Pose(STAGE_FROM_RDF.wxyz, np.ones(3))
    )
    values = {
        "name": f"test-{seed:04d}",
        "engine": "test",
        "seed": seed,
        "views": (panorama(seed=seed), still),
        "sky": np.ones((4, 8, 3), np.float32),
        "models": (Model("m", "text-to-image", "abc", "0" * 64, "MIT", True),),
        "settings": {"steps": 3, "words": ["a", "b"]},
    }
    return Candidate(**{**values, **changed})
