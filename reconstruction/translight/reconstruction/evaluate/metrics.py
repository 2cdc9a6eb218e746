"""PSNR and SSIM of a picture against a photograph, pixels of weight 0 left out; perceptual.py has the learned one."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64

BEST_PSNR_DB = 100.0
"""Said of pictures that are equal, whose PSNR has no bound and which JSON could not hold."""
SSIM_WINDOW_PX = 11
SSIM_SIGMA_PX = 1.5
_C1, _C2 = 0.01**2, 0.03**2
_LEAST_ERROR = 10 ** (-BEST_PSNR_DB / 10)
_FEWEST_PIXELS = 4
"""An affine fit has four unknowns a channel."""


def psnr_db(
    picture: Float32[np.ndarray, "h w 3"],
    truth: Float32[np.ndarray, "h w 3"],
    weight: Float32[np.ndarray, "h w"] | None = None,
) -> float | None:
    """−10·log10 of the mean square error of values from 0 to 1, at most BEST_PSNR_DB; None where nothing has weight."""
    seen = _seen(picture, truth, weight)
    if not seen.any():
        return None
    difference = picture[seen].astype(np.float64) - truth[seen]
    return -10.0 * math.log10(max(float(np.mean(difference**2)), _LEAST_ERROR))


def ssim(
    picture: Float32[np.ndarray, "h w 3"],
    truth: Float32[np.ndarray, "h w 3"],
    weight: Float32[np.ndarray, "h w"] | None = None,
) -> float | None:
    """Mean structural similarity of values from 0 to 1, over channels and over windows that lie in the picture.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004): Gaussian windows
    of 11×11 pixels, σ 1.5, K1 0.01, K2 0.03, population covariances. A window counts where all of its pixels have
    weight; None where no window does.
    """
    seen = _seen(picture, truth, weight)
    whole = _windows(seen.astype(np.float64)[..., None], np.ones(SSIM_WINDOW_PX))[..., 0] > SSIM_WINDOW_PX**2 - 0.5
    if not whole.any():
        return None
    kernel = gaussian(SSIM_WINDOW_PX, SSIM_SIGMA_PX)
    x, y = picture.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _windows(x, kernel), _windows(y, kernel)
    var_x = _windows(x * x, kernel) - mean_x**2
    var_y = _windows(y * y, kernel) - mean_y**2
    covariance = _windows(x * y, kernel) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    alike /= (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    return float(alike[whole].mean())


def colour_corrected(
    picture: Float32[np.ndarray, "h w 3"],
    truth: Float32[np.ndarray, "h w 3"],
    weight: Float32[np.ndarray, "h w"] | None = None,
) -> Float32[np.ndarray, "h w 3"]:
    """The picture under the affine map of its colours (3×3 and an offset) that brings it nearest to ``truth``.

    A held-out photograph's own exposure and white balance are unknown to the environment; this takes them out of the
    comparison, by least squares over pixels of weight, in the encoded values, clipped to 0 to 1. It is the affine form
    of the correction that RawNeRF's evaluation introduced (Mildenhall et al. 2022, "colour correction") and that
    gsplat's example trainer offers. Unchanged where fewer than four pixels have weight.
    """
    seen = _seen(picture, truth, weight)
    if int(seen.sum()) < _FEWEST_PIXELS:
        return picture
    colours = np.concatenate([picture[seen], np.ones((int(seen.sum()), 1), np.float32)], axis=1).astype(np.float64)
    found = np.linalg.lstsq(colours, truth[seen].astype(np.float64), rcond=None)[0]
    return np.clip(picture @ found[:3] + found[3], 0, 1).astype(np.float32)


def gaussian(count: int, sigma: float) -> Float64[np.ndarray, "n"]:
    """A window of ``count`` samples of a Gaussian about its middle, whose sum is 1."""
    x = np.arange(count) - (count - 1) / 2
    values = np.exp(-(x**2) / (2 * sigma**2))
    return values / values.sum()


def _seen(picture: np.ndarray, truth: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    if picture.shape != truth.shape or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"pictures to compare are (h w 3) of one size, got {picture.shape} and {truth.shape}")
    if weight is None:
        return np.ones(picture.shape[:2], bool)
    if weight.shape != picture.shape[:2]:
        raise ValueError(f"weights are (h w) as the picture, got {weight.shape} for {picture.shape}")
    return np.asarray(weight > 0)


def _windows(planes: Float64[np.ndarray, "h w c"], kernel: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "h2 w2 c"]:
    """Sums under ``kernel`` ⊗ ``kernel``, of windows that lie wholly inside; of none, an empty array."""
    from scipy.ndimage import correlate1d

    margin = len(kernel) // 2
    summed = correlate1d(correlate1d(planes, kernel, axis=0), kernel, axis=1)
    height, width = (max(side - 2 * margin, 0) for side in planes.shape[:2])
    return np.asarray(summed[margin : margin + height, margin : margin + width])
