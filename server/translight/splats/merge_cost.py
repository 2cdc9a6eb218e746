"""What a picture loses by a merge of two splats: kernels over mixture.py's arrays, for detail.py.

A merge costs the squared difference of pictures with and without it, summed over three orthographic pictures along the
scene's axes: ∫‖a·G_a + b·G_b − m·G_m‖², where a splat's picture is its opacity, times its colour and a constant for its
alpha, times its Gaussian seen along the axis. Products of Gaussians integrate in closed form, and a Gaussian seen along
an axis only loses a row and a column of its covariance. Each picture counts as much as its splats are seen in it.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

ALPHA_WEIGHT = 0.25
"""A splat's alpha counts as a fourth colour of half the range: the error against a mid-grey background."""
HIDDEN_WEIGHT = 0.02
"""A splat behind others still counts a little: parallax may bare it."""

_SH_0 = 0.28209479177387814
_FAR = 1e300
"""The cost of a merge whose true cost passes all numbers: it comes last, but comes."""

# Along z, y and x: the two axes across, the places of their variances and covariance in a row of six, the axis itself.
_PICTURES = ((0, 1, 0, 3, 1, 2), (0, 2, 0, 5, 2, 1), (1, 2, 3, 5, 4, 0))

_kernel = numba.njit(cache=True, nogil=True, error_model="numpy")


@_kernel
def look(neighbours: Any, first: int, means: Any, covariances: Any, opacities: Any, seen: Any) -> None:
    """Fill ``seen`` for splats from ``first`` on: the squared transmittance of neighbours to either side, averaged."""
    for m in range(len(neighbours)):
        i = first + m
        for view in range(3):
            a, b, aa, bb, ab, along = _PICTURES[view]
            before = behind = 1.0
            for j in neighbours[m]:
                if j < 0:
                    break
                c = covariances[j]
                determinant = c[aa] * c[bb] - c[ab] * c[ab]
                if not determinant > 0:
                    continue
                x, y = means[i, a] - means[j, a], means[i, b] - means[j, b]
                square = (c[bb] * x * x - 2 * c[ab] * x * y + c[aa] * y * y) / determinant
                through = 1 - opacities[j] * math.exp(-0.5 * square)
                if means[j, along] > means[i, along]:
                    behind *= through
                else:
                    before *= through
            seen[i, view] = HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * 0.5 * (before * before + behind * behind)


@_kernel
def cheapest(
    neighbours: Any,
    first: int,
    means: Any,
    covariances: Any,
    opacities: Any,
    areas: Any,
    sh: Any,
    seen: Any,
    partners: Any,
    costs: Any,
) -> None:
    """For splats from ``first`` on, the neighbours after them that are cheapest to merge with, cheapest first.

    Fills their rows of ``partners`` and ``costs`` (n k); −1 and infinity where there are fewer.
    """
    k = partners.shape[1]
    for m in range(len(neighbours)):
        i = first + m
        partners[i, :], costs[i, :] = -1, np.inf
        for j in neighbours[m]:
            if j <= i:  # a pair is looked at from one end
                continue
            cost = _cost(i, j, means, covariances, opacities, areas, sh, seen)
            place = k
            while place > 0 and costs[i, place - 1] > cost:
                if place < k:
                    partners[i, place], costs[i, place] = partners[i, place - 1], costs[i, place - 1]
                place -= 1
            if place < k:
                partners[i, place], costs[i, place] = j, cost


@_kernel
def match(order: Any, partners: Any, most: int) -> Any:
    """Up to ``most`` pairs (m 2) that share no splat, taken as they come in ``order``, entries of ``partners`` flat."""
    n, k = partners.shape
    taken = np.zeros(n, np.bool_)
    pairs = np.empty((most, 2), np.int64)
    m = 0
    for entry in order:
        i = entry // k
        j = partners[i, entry % k]
        if m < most and j >= 0 and not taken[i] and not taken[j]:
            taken[i] = taken[j] = True
            pairs[m, 0], pairs[m, 1] = i, j
            m += 1
    return pairs[:m]


@_kernel
def _cost(i: int, j: int, means: Any, covariances: Any, opacities: Any, areas: Any, sh: Any, seen: Any) -> float:
    total = opacities[i] * areas[i] + opacities[j] * areas[j]
    p = opacities[i] * areas[i] / total if total > 0 else 0.5
    q = 1 - p
    # Inner products of what the splats show: two of them with themselves, and the two with each other.
    ii = jj = ij = ALPHA_WEIGHT
    for channel in range(3):
        u, v = 0.5 + _SH_0 * sh[i, channel], 0.5 + _SH_0 * sh[j, channel]
        ii, jj, ij = ii + u * u, jj + v * v, ij + u * v
    im, jm, mm = p * ii + q * ij, p * ij + q * jj, p * p * ii + 2 * p * q * ij + q * q * jj

    x, y, z = means[i, 0] - means[j, 0], means[i, 1] - means[j, 1], means[i, 2] - means[j, 2]
    offset = (x, y, z)
    merged = _merged(covariances[i], covariances[j], p, q, x, y, z)
    area = math.sqrt(
        max(merged[0] * merged[3] - merged[1] ** 2 + merged[0] * merged[5] - merged[2] ** 2
            + merged[3] * merged[5] - merged[4] ** 2, 0.0)
    )  # fmt: skip
    alpha_i, alpha_j = opacities[i], opacities[j]
    alpha_m = min(total / area, 1.0) if area > 0 else max(alpha_i, alpha_j)
    cost = 0.0
    for view in range(3):
        a, b, aa, bb, ab, _ = _PICTURES[view]
        dx, dy = offset[a], offset[b]
        ci = (covariances[i, aa], covariances[i, bb], covariances[i, ab])
        cj = (covariances[j, aa], covariances[j, bb], covariances[j, ab])
        cm = (merged[aa], merged[bb], merged[ab])
        error = (
            alpha_i * alpha_i * ii * _square(ci)
            + alpha_j * alpha_j * jj * _square(cj)
            + alpha_m * alpha_m * mm * _square(cm)
            + 2 * alpha_i * alpha_j * ij * _overlap(ci, cj, dx, dy)
            - 2 * alpha_i * alpha_m * im * _overlap(ci, cm, q * dx, q * dy)
            - 2 * alpha_j * alpha_m * jm * _overlap(cj, cm, p * dx, p * dy)
        )
        cost += max(error, 0.0) * max(seen[i, view], seen[j, view])
    return cost if cost < _FAR else _FAR


@_kernel
def _merged(a: Any, b: Any, p: float, q: float, x: float, y: float, z: float) -> Any:
    """The covariance of both, as a tuple of six."""
    s = p * q
    return (
        p * a[0] + q * b[0] + s * x * x,
        p * a[1] + q * b[1] + s * x * y,
        p * a[2] + q * b[2] + s * x * z,
        p * a[3] + q * b[3] + s * y * y,
        p * a[4] + q * b[4] + s * y * z,
        p * a[5] + q * b[5] + s * z * z,
    )


@_kernel
def _square(c: Any) -> float:
    """∫G² over the plane, over 2π, for a Gaussian of peak 1 and covariance (xx, yy, xy)."""
    return 0.5 * math.sqrt(max(c[0] * c[1] - c[2] * c[2], 0.0))


@_kernel
def _overlap(a: Any, b: Any, x: float, y: float) -> float:
    """∫G_a·G_b over the plane, over 2π, for Gaussians of peak 1 and covariances (xx, yy, xy) at the distance (x, y)."""
    xx, yy, xy = a[0] + b[0], a[1] + b[1], a[2] + b[2]
    determinant = xx * yy - xy * xy
    if not determinant > 0:
        return 0.0
    areas = max(a[0] * a[1] - a[2] * a[2], 0.0) * max(b[0] * b[1] - b[2] * b[2], 0.0)
    square = (yy * x * x - 2 * xy * x * y + xx * y * y) / determinant
    return math.sqrt(areas / determinant) * math.exp(-0.5 * square)
