"""How fast this machine trains: a few short trials give the rate that budget.py plans with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from translight.reconstruction.dataset import Dataset
from translight.reconstruction.run.budget import Rate
from translight.splats.cloud import SplatCloud


@dataclass(frozen=True, slots=True)
class Trial:
    """A few iterations to be timed, of so many splats on a picture so wide."""

    width_px: int
    splats: int


TRIALS = (Trial(200, 10_000), Trial(400, 10_000), Trial(200, 60_000))
"""Two widths and two counts: one unknown each, and the base."""
USUAL = Rate(0.001, 1.0e-7, 4.0e-8)
"""Two cores: some 64 iterations a second of 100,000 splats at 400×300."""
_OPACITY = 0.5
_NEAREST_SHARE, _FARTHEST_SHARE = 0.1, 0.9
_DEPTH_WITHOUT_POINTS = 5.0
_COEFFICIENTS = 16


def measured_rate(timed: Sequence[tuple[Trial, float]], pixels: Callable[[int], int]) -> Rate:
    """The rate that explains trials' seconds an iteration best, no part of it negative.

    ``pixels`` gives a picture's pixels at a width. Non-negative least squares (Lawson and Hanson 1974) of relative
    errors: timings err in proportion. Of fewer trials than there are unknowns, a usual machine's rate is scaled to
    them. Raises ValueError on none.
    """
    if not timed:
        raise ValueError("a rate is measured by at least one trial")
    if len(timed) < len(TRIALS):
        ratios = [seconds / USUAL.iteration_s(trial.splats, pixels(trial.width_px)) for trial, seconds in timed]
        scale = float(np.exp(np.mean(np.log(ratios))))
        return Rate(USUAL.base_s * scale, USUAL.splat_s * scale, USUAL.pixel_s * scale)
    from scipy.optimize import nnls

    matrix = np.array([np.array([1.0, t.splats, pixels(t.width_px)]) / seconds for t, seconds in timed])
    unit = np.linalg.norm(matrix, axis=0)
    found, _ = nnls(matrix / unit, np.ones(len(timed)))
    base_s, splat_s, pixel_s = (float(value) for value in found / unit)
    return Rate(base_s, splat_s, pixel_s)


def crowd(dataset: Dataset, trial: Trial) -> SplatCloud:
    """As many splats as the trial wants, strewn over what the dataset's cameras see, as large as theirs usually are.

    Each is on the screen about as wide as makes all of them cover the picture once; grey, of degree 3.
    """
    rng = np.random.default_rng(0)
    image = dataset.images[0]
    camera = image.camera
    depths = _depths(dataset)
    depth = rng.choice(depths, trial.splats)
    pixels = rng.uniform((0, 0), (camera.width_px, camera.height_px), (trial.splats, 2))
    means = image.scene_from_camera.apply(camera.ray(pixels) * depth[:, None])
    width = np.sqrt(camera.width_px * camera.height_px / trial.splats) / camera.fx
    scales = (depth * width)[:, None] * rng.uniform(0.3, 1.0, (trial.splats, 3))
    wxyz = rng.normal(size=(trial.splats, 4))
    return SplatCloud(
        means.astype(np.float32),
        scales.astype(np.float32),
        (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        np.full(trial.splats, _OPACITY, np.float32),
        np.zeros((trial.splats, _COEFFICIENTS, 3), np.float32),
    )


def _depths(dataset: Dataset) -> np.ndarray:
    """Of the known points before the first camera, the nearest and the farthest left out; of none, one."""
    if dataset.points is None or not len(dataset.points):
        return np.array([_DEPTH_WITHOUT_POINTS])
    depths = dataset.images[0].scene_from_camera.inverse().apply(dataset.points.xyz)[:, 2]
    depths = depths[depths > 0]
    if not len(depths):
        return np.array([_DEPTH_WITHOUT_POINTS])
    low, high = np.quantile(depths, (_NEAREST_SHARE, _FARTHEST_SHARE))
    return depths[(depths >= low) & (depths <= high)]
