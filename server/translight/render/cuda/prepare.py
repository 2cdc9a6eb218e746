"""A scene laid out for the kernels: a plane of numbers a field, splats side by side, and groups' bounds for culling.

The mathematics is that of ``render/cpu/prepare.py``; ``kernels/project.cu`` reads what is made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt32

from translight.core.device import THREADS
from translight.render.contract import ALPHA_CUT, Scene
from translight.render.cuda.source import GROUP
from translight.render.projection import rotations
from translight.splats.cloud import SplatCloud

MEAN, AXES, LOG2_OPACITY, GEOMETRY_FIELDS = 0, 3, 12, 13
"""Planes of the mean (3), the scaled axes R·S row by row (9), and log₂ of the opacity."""
GROUP_FIELDS = 7
"""Planes of a group's centre (3) and half size (3) of the box around its means, and its largest scale."""
HALF_ERROR = 0.5 / 255
"""What packing harmonics into halves may change of any splat's colour, seen from anywhere."""
_SLICE = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The ``count`` splats that can be seen at all (finite, opacity not below the cut), in the cloud's order.

    Planes are ``stride`` long, a multiple of a block. ``base`` holds the constant harmonic, ``rest`` the others,
    harmonic by harmonic, RGB inner: as floats, or (``half``) two halves to a word, where that changes no colour by more
    than ``HALF_ERROR``. ``sky`` has a fourth channel of zeros, and no texels where there is none.
    """

    geometry: Float32[np.ndarray, "13 stride"]
    base: Float32[np.ndarray, "3 stride"]
    rest: UInt32[np.ndarray, "words stride"]
    groups: Float32[np.ndarray, "7 groups"]
    sky: Float32[np.ndarray, "h w 4"]
    count: int
    degree: int
    half: bool

    @property
    def stride(self) -> int:
        """Length of a plane."""
        return self.geometry.shape[1]


def lay_out(scene: Scene) -> Layout:
    """Copy ``scene``'s arrays into the kernels' layout."""
    splats = scene.splats
    kept = _kept(splats)
    n = len(kept)
    stride = max(1, -(-n // THREADS)) * THREADS
    geometry = np.zeros((GEOMETRY_FIELDS, stride), np.float32)
    geometry[LOG2_OPACITY, n:] = -np.inf
    base = np.zeros((3, stride), np.float32)
    values = 3 * (splats.sh.shape[1] - 1)
    half = packs_into_halves(splats.sh)
    rest = np.zeros((-(-values // 2) if half else values, stride), np.uint32)
    for first in range(0, n, _SLICE):
        which = kept[first : first + _SLICE]
        to = slice(first, first + len(which))
        axes = rotations(splats.wxyz[which]) * splats.scales[which].astype(np.float64)[:, None, :]
        geometry[MEAN:AXES, to] = splats.means[which].T
        geometry[AXES:LOG2_OPACITY, to] = axes.reshape(len(which), 9).T
        geometry[LOG2_OPACITY, to] = np.log2(splats.opacities[which].astype(np.float64))
        base[:, to] = splats.sh[which, 0].T
        rest[:, to] = (_halves if half else _floats)(splats.sh[which, 1:].reshape(len(which), values)).T
    return Layout(geometry, base, rest, _groups(splats, kept, stride), _sky(scene), n, splats.sh_degree, half)


def packs_into_halves(sh: Float32[np.ndarray, "n k 3"]) -> bool:
    """Whether halves in place of all but the constant harmonic keep every colour within ``HALF_ERROR``."""
    return all(
        bool((half_errors(sh[first : first + _SLICE]) <= HALF_ERROR).all()) for first in range(0, len(sh), _SLICE)
    )


def half_errors(sh: Float32[np.ndarray, "n k 3"]) -> Float64[np.ndarray, "n 3"]:
    """The most that halves can change of each splat's colour, over all directions.

    Of degree l, the squares of the harmonics add up to (2l + 1)/4π in any direction (the addition theorem), so by
    Cauchy and Schwarz errors e change the sum by at most |e|·√((2l + 1)/4π).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        errors = sh.astype(np.float64) - sh.astype(np.float16).astype(np.float64)
    total = np.zeros((len(sh), 3))
    for degree in range(1, round(sqrt(sh.shape[1]))):
        own = errors[:, degree**2 : (degree + 1) ** 2]
        total += np.sqrt((own * own).sum(axis=1) * ((2 * degree + 1) / (4 * pi)))
    return total


def _kept(splats: SplatCloud) -> Int64[np.ndarray, "n"]:
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    return np.flatnonzero(finite & (splats.opacities >= np.float32(ALPHA_CUT)))


def _floats(values: Float32[np.ndarray, "n v"]) -> UInt32[np.ndarray, "n v"]:
    return np.ascontiguousarray(values).view(np.uint32)


def _halves(values: Float32[np.ndarray, "n v"]) -> UInt32[np.ndarray, "n w"]:
    """Pairs of values as words, the first in the low half."""
    pairs = np.zeros((len(values), -(-values.shape[1] // 2) * 2), "<f2")
    pairs[:, : values.shape[1]] = values
    return pairs.view("<u4").astype(np.uint32, copy=False)


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


def _sky(scene: Scene) -> Float32[np.ndarray, "h w 4"]:
    if scene.sky is None:
        return np.zeros((0, 0, 4), np.float32)
    sky = np.zeros((*scene.sky.shape[:2], 4), np.float32)
    sky[..., :3] = scene.sky
    return sky
