"""Between the trainer's raw values that files hold (logits, logs, unnormalised quaternions) and ``SplatCloud``'s.

Activations: Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering" (2023), section 5.1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int

from translight.core.errors import FormatError
from translight.splats.cloud import SplatCloud
from translight.splats.limits import blocks

SH_C0 = 0.28209479177387814
"""The constant basis function, 1 / (2 √π): colour = 0.5 + SH_C0 · sh[0] at degree 0."""

REST = {0: 0, 1: 3, 2: 8, 3: 15}
"""SH coefficients per channel beyond the constant one, by degree."""

_LEAST_OPACITY = 2.0**-24
_LEAST_NORM = 1e-12
_PLACES = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 0, 3], [1, 2, 3, 0]])
"""By index of the largest: where the four components stand in (largest, the other three in order)."""


def sigmoid(logits: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """1 / (1 + e^-x); an infinite logit gives exactly 0 or 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (np.float32(1.0) / (np.float32(1.0) + np.exp(-logits))).astype(np.float32, copy=False)


def logit(opacities: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """The inverse of ``sigmoid``; 0 and 1 are moved inwards by 2^-24, so that no file holds an infinity."""
    p = np.clip(opacities.astype(np.float64), _LEAST_OPACITY, 1.0 - _LEAST_OPACITY)
    return np.log(p / (1.0 - p)).astype(np.float32)


def exp(logs: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """e^x without a warning: what overflows is found, and refused, as an infinite scale by ``make_cloud``."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(logs, dtype=np.float32)


def log(scales: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """Natural logarithm of scales ≥ 0; a flat splat's 0 becomes the smallest normal number's."""
    return np.log(np.maximum(scales, np.finfo(np.float32).tiny), dtype=np.float32)


def from_smallest_three(small: Float32[np.ndarray, "n 3"], largest: Int[np.ndarray, "n"]) -> Float32[np.ndarray, "n 4"]:
    """Unit quaternions from three components in order and the index of the one left out, which is positive."""
    rest = np.sqrt(np.maximum(0.0, 1.0 - np.einsum("ij,ij->i", small, small)))
    return np.take_along_axis(np.column_stack([rest, small]), _PLACES[largest], axis=1).astype(np.float32, copy=False)


def make_cloud(
    what: str,
    *,
    means: Float32[np.ndarray, "n 3"],
    scales: Float32[np.ndarray, "n 3"],
    wxyz: Float32[np.ndarray, "n 4"],
    opacities: Float32[np.ndarray, "n"],
    sh: Float32[np.ndarray, "n k 3"],
) -> SplatCloud:
    """Check linear values and make the cloud; ``wxyz`` is normalised in place.

    Raises FormatError, which begins with ``what``, on NaN or infinite values and on zero quaternions, and says how
    many there are and which is the first.
    """
    _check_finite(what, means, scales, wxyz, opacities, sh)
    zero = _normalise(wxyz)
    _refuse(what, "a zero rotation quaternion", zero)
    return SplatCloud(means, scales, wxyz, opacities, sh)


def check_finite(what: str, cloud: SplatCloud) -> None:
    """Raise FormatError, as ``make_cloud`` does, when a cloud made elsewhere holds a NaN or an infinity."""
    _check_finite(what, cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)


def _check_finite(what: str, *arrays: Float32[np.ndarray, "n *rest"]) -> None:
    for name, array in zip(("position", "scale", "rotation", "opacity", "colour"), arrays, strict=True):
        _refuse(what, f"a NaN or infinite {name}", _not_finite(array))


def _not_finite(array: Float32[np.ndarray, "n *rest"]) -> list[int]:
    """Indices of rows that hold a NaN or an infinity."""
    found: list[int] = []
    for rows in blocks(len(array)):
        part = array[rows]
        # A NaN or an infinity makes the sum so too: one pass in the usual case, the rows only when there is one.
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not np.isfinite(part.sum(dtype=np.float64))
        if suspicious:
            bad = ~np.isfinite(part.reshape(len(part), -1)).all(axis=1)
            found += (np.flatnonzero(bad) + rows.start).tolist()
    return found


def _normalise(wxyz: Float32[np.ndarray, "n 4"]) -> list[int]:
    """Scale quaternions to unit length in place; the result is the indices of those too short to have a direction."""
    zero: list[int] = []
    for rows in blocks(len(wxyz)):
        q = wxyz[rows].astype(np.float64)
        norm = np.sqrt(np.einsum("ij,ij->i", q, q))
        short = norm < _LEAST_NORM
        if short.any():
            zero += (np.flatnonzero(short) + rows.start).tolist()
            norm[short] = 1.0
        wxyz[rows] = q / norm[:, None]
    return zero


def _refuse(what: str, fault: str, rows: list[int]) -> None:
    if rows:
        many = "splat has" if len(rows) == 1 else "splats have"
        raise FormatError(f"{what}: {len(rows):,} {many} {fault}, the first at index {rows[0]:,}")
