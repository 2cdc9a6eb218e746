"""Small tables that the kernels look up: the sky blurred, what it gives to surfaces, its horizon, and a dither."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float32

from translight.generation.panorama import directions

_HORIZON_DEG = (0.2, 3.0)


def blurred(sky: Float32[np.ndarray, "h w 3"], height_px: int) -> Float32[np.ndarray, "b c 3"]:
    """A sky in few texels, each the mean of those it covers."""
    rows = _means(len(sky), height_px)
    columns = _means(sky.shape[1], 2 * height_px)
    small = np.stack([rows @ sky[..., c].astype(np.float64) @ columns.T for c in range(3)], axis=-1)
    return small.astype(np.float32)


def irradiance(sky: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """What a surface receives from a small sky, over π, for each normal of a picture of the same size."""
    normals = directions(len(sky)).reshape(-1, 3)
    weight = np.maximum(normals @ normals.T, 0.0) * np.sqrt(1.0 - normals[:, 2] ** 2)
    received = weight @ sky.reshape(-1, 3) / weight.sum(axis=1, keepdims=True)
    return received.reshape(sky.shape).astype(np.float32)


def horizon(sky: Float32[np.ndarray, "h w 3"], columns: int) -> Float32[np.ndarray, "c 3"]:
    """Mean radiance just above the horizon: what far haze tends to."""
    height = len(sky)
    first, last = (int((0.5 - deg / 180.0) * height) for deg in reversed(_HORIZON_DEG))
    band = sky[min(first, height // 2 - 1) : max(last, min(first, height // 2 - 1) + 1)].mean(axis=0)
    return (_means(sky.shape[1], columns) @ band).astype(np.float32)


@cache
def dither(size_px: int) -> Float32[np.ndarray, "n n 2"]:
    """Pairs within [0, 1) for a tile's pixels, so that those of every square of 2, 4, 8 … pixels are spread evenly.

    A scrambled Sobol sequence along a Z-order whose quarters are shuffled, after Ahmed and Wonka, "Screen-Space
    Blue-Noise Diffusion of Monte Carlo Sampling Error via Hierarchical Ordering of Pixels" (2020).
    """
    from scipy.stats import qmc  # takes long to import

    random = np.random.default_rng(7)
    order = np.zeros((1, 1), np.int64)
    while len(order) < size_px:
        quarters = random.permuted(np.tile(np.arange(4), (order.size, 1)), axis=1).reshape(*order.shape, 2, 2)
        order = (4 * order[:, None, :, None] + quarters.transpose(0, 2, 1, 3)).reshape(2 * len(order), -1)
    pairs = qmc.Sobol(2, rng=7).random_base2(2 * int(np.log2(size_px)))
    return pairs[order].astype(np.float32)


def _means(count: int, groups: int) -> np.ndarray:
    """A matrix that turns ``count`` values into ``groups`` means, over shares of values too."""
    edges = np.linspace(0.0, count, groups + 1)
    at = np.arange(count)
    covered = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    weights = np.maximum(covered, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)
