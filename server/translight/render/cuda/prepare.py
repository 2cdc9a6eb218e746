"""A cloud laid out for the kernels: a plane of numbers a field, splats side by side, and groups' bounds for culling.

The mathematics is that of ``render/cpu/prepare.py``; ``kernels/project.cu`` reads what is made here.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from jaxtyping import Float16, Float32, Int64, UInt32

from translight.core.device import THREADS
from translight.core.rotations import rotations
from translight.render.contract import ALPHA_CUT
from translight.render.cuda.source import GROUP
from translight.splats.cloud import SplatCloud

MEAN, AXES, LOG2_OPACITY, GEOMETRY_FIELDS = 0, 3, 12, 13
"""Planes of the mean (3), the scaled axes R·S row by row (9), and log₂ of the opacity."""
GROUP_FIELDS = 7
"""Planes of a group's centre (3) and half size (3) of the box around its means, and its largest scale."""
HALF_ERROR = 0.5 / 255
"""What packing harmonics into halves may change of any splat's colour, seen from anywhere."""
_SLICE = 1 << 15
_MOST_THREADS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The ``count`` splats that can be seen at all (finite, opacity not below the cut), in the cloud's order.

    Planes are ``stride`` long, a multiple of a block. ``base`` holds the constant harmonic, ``rest`` the others,
    harmonic by harmonic, RGB inner: as floats, or (``half``) two halves to a word, where that changes no colour by more
    than ``HALF_ERROR``.
    """

    geometry: Float32[np.ndarray, "13 stride"]
    base: Float32[np.ndarray, "3 stride"]
    rest: UInt32[np.ndarray, "words stride"]
    groups: Float32[np.ndarray, "7 groups"]
    count: int
    degree: int
    half: bool

    @property
    def stride(self) -> int:
        """Length of a plane."""
        return self.geometry.shape[1]


def lay_out(splats: SplatCloud) -> Layout:
    """Copy a cloud's arrays into the kernels' layout, on all of the processor's cores."""
    kept = _kept(splats)
    n = len(kept)
    stride = max(1, -(-n // THREADS)) * THREADS
    geometry = np.zeros((GEOMETRY_FIELDS, stride), np.float32)
    geometry[LOG2_OPACITY, n:] = -np.inf
    base = np.zeros((3, stride), np.float32)
    values = 3 * (splats.sh.shape[1] - 1)
    slices = range(0, n, _SLICE)

    def fill(first: int) -> None:
        which = kept[first : first + _SLICE]
        to = slice(first, first + len(which))
        axes = rotations(splats.wxyz[which]) * splats.scales[which].astype(np.float64)[:, None, :]
        geometry[MEAN:AXES, to] = splats.means[which].T
        geometry[AXES:LOG2_OPACITY, to] = axes.reshape(len(which), 9).T
        geometry[LOG2_OPACITY, to] = np.log2(splats.opacities[which].astype(np.float64))
        base[:, to] = splats.sh[which, 0].T

    def fill_halves(first: int) -> bool:
        which = kept[first : first + _SLICE]
        sh = splats.sh[which, 1:]
        packed = halves(sh)
        rest[:, first : first + len(which)] = packed.view("<u4").T
        return bool((half_errors(sh, packed) <= HALF_ERROR).all())

    def fill_floats(first: int) -> None:
        which = kept[first : first + _SLICE]
        rest[:, first : first + len(which)] = splats.sh[which, 1:].reshape(len(which), values).view(np.uint32).T

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(fill, slices))
        rest = np.zeros((-(-values // 2), stride), np.uint32)
        half = all(list(pool.map(fill_halves, slices)))
        if not half:
            rest = np.zeros((values, stride), np.uint32)
            list(pool.map(fill_floats, slices))
    return Layout(geometry, base, rest, _groups(splats, kept, stride), n, splats.sh_degree, half)


def lay_out_sky(sky: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 4"]:
    """A sky with a fourth channel of zeros, so that a texel is one load."""
    laid = np.zeros((*sky.shape[:2], 4), np.float32)
    laid[..., :3] = sky
    return laid


def halves(sh: Float32[np.ndarray, "n k 3"]) -> Float16[np.ndarray, "n v"]:
    """Coefficients as halves, each splat's in a row of an even number of them."""
    values = sh.shape[1] * 3
    packed = np.zeros((len(sh), -(-values // 2) * 2), "<f2")
    with np.errstate(over="ignore", invalid="ignore"):
        packed[:, :values] = sh.reshape(len(sh), values)
    return packed


def half_errors(sh: Float32[np.ndarray, "n k 3"], packed: Float16[np.ndarray, "n v"]) -> Float32[np.ndarray, "n 3"]:
    """The most that halves in place of all but the constant harmonic change of each splat's colour, from anywhere.

    ``sh`` begins with degree 1. Of degree l, the squares of the harmonics add up to (2l + 1)/4π in any direction (the
    addition theorem), so by Cauchy and Schwarz errors e change the sum by at most |e|·√((2l + 1)/4π).
    """
    n, k = sh.shape[:2]
    with np.errstate(over="ignore", invalid="ignore"):
        errors = sh - packed[:, : 3 * k].reshape(n, k, 3).astype(np.float32)
    total = np.zeros((n, 3), np.float32)
    for degree in range(1, round(sqrt(k + 1))):
        own = errors[:, degree**2 - 1 : (degree + 1) ** 2 - 1]
        total += np.sqrt(np.einsum("nkc,nkc->nc", own, own) * np.float32((2 * degree + 1) / (4 * pi)))
    return total


def _kept(splats: SplatCloud) -> Int64[np.ndarray, "n"]:
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    return np.flatnonzero(finite & (splats.opacities >= np.float32(ALPHA_CUT)))


def _groups(splats: SplatCloud, kept: Int64[np.ndarray, "n"], stride: int) -> Float32[np.ndarray, "7 groups"]:
    groups = np.zeros((GROUP_FIELDS, stride // GROUP), np.float32)
    groups[3:6] = -np.inf
    if len(kept):
        firsts = np.arange(0, len(kept), GROUP)
        means = splats.means[kept]
        low, high = np.minimum.reduceat(means, firsts), np.maximum.reduceat(means, firsts)
        own = slice(0, len(firsts))
        groups[0:3, own] = (np.float32(0.5) * (low + high)).T
        groups[3:6, own] = (np.float32(0.5) * (high - low)).T
        groups[6, own] = np.maximum.reduceat(splats.scales[kept].max(axis=1), firsts)
    return groups
