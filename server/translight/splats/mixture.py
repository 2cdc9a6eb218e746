"""A cloud as a mixture of Gaussians whose members can be merged by their moments; detail.py chooses which.

Two Gaussians are replaced by the one of equal mean and covariance (Goldberger and Roweis 2004, "Hierarchical clustering
of a mixture model"), each weighing its opacity times its area (Kerbl et al. 2024, "A Hierarchical 3D Gaussian
Representation"), and that product, its absorbance, is kept. Area is the root mean square, over all directions, of the
ellipsoid's shadow: along n that is 2π·√(nᵀ·adj(Σ)·n), so the mean square is (2π)²·tr adj(Σ)/3, without eigenvalues.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from translight.core.rotations import quaternions, rotations
from translight.splats.cloud import SplatCloud
from translight.splats.limits import blocks

OPACITY_MAX = 0.999
"""More absorbance than this opacity gives makes a merged splat larger instead."""

XX, XY, XZ, YY, YZ, ZZ = range(6)
"""Where a row of six holds the elements of a symmetric matrix."""
DIAGONAL = [XX, YY, ZZ]
_SQUARE = [[XX, XY, XZ], [XY, YY, YZ], [XZ, YZ, ZZ]]


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """n Gaussians in scene axes.

    ``covariances`` (n 6) are the splats' own plus ``blur``² on the diagonal; ``sh`` (n 3k) as the cloud's, flat;
    ``seen`` (n 3), within [0, 1], is how much of the splat is seen along each axis past its neighbours.
    """

    means: Float64[np.ndarray, "n 3"]
    covariances: Float64[np.ndarray, "n 6"]
    opacities: Float64[np.ndarray, "n"]
    sh: Float32[np.ndarray, "n c"]
    seen: Float64[np.ndarray, "n 3"]
    blur: float

    def __len__(self) -> int:
        return len(self.means)

    @classmethod
    def of(cls, cloud: SplatCloud, blur: float) -> Mixture:
        """The mixture of a cloud of finite values, all of it seen."""
        covariances = np.empty((len(cloud), 6))
        for part in blocks(len(cloud)):
            axes = rotations(cloud.wxyz[part]) * cloud.scales[part, None, :].astype(np.float64)
            square = axes @ axes.transpose(0, 2, 1)
            covariances[part] = square[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
        covariances[:, DIAGONAL] += blur**2
        return cls(
            cloud.means.astype(np.float64),
            covariances,
            cloud.opacities.astype(np.float64),
            cloud.sh.reshape(len(cloud), cloud.sh.shape[1] * 3),
            np.ones((len(cloud), 3)),
            blur,
        )

    def cloud(self) -> SplatCloud:
        """The splats, the largest of a splat's three scales last."""
        n = len(self)
        scales, wxyz = np.empty((n, 3), np.float32), np.empty((n, 4), np.float32)
        largest = float(np.finfo(np.float32).max)
        for part in blocks(n):
            variances, axes = np.linalg.eigh(self.covariances[part][:, _SQUARE])
            axes[np.linalg.det(axes) < 0, :, 0] *= -1
            scales[part] = np.minimum(np.sqrt(np.maximum(variances - self.blur**2, 0.0)), largest)
            wxyz[part] = quaternions(axes)
        return SplatCloud(
            self.means.astype(np.float32),
            scales,
            wxyz,
            self.opacities.astype(np.float32),
            np.ascontiguousarray(self.sh.reshape(n, self.sh.shape[1] // 3, 3)),
        )

    def taken(self, rows: Int64[np.ndarray, "m"]) -> Mixture:
        """The mixture of these splats, in this order."""
        return Mixture(
            self.means[rows], self.covariances[rows], self.opacities[rows], self.sh[rows], self.seen[rows], self.blur
        )  # fmt: skip

    def areas(self) -> Float64[np.ndarray, "n"]:
        """Each splat's root mean square shadow over 2π/√3, in square scene units."""
        return areas(self.covariances)

    def merged(self, pairs: Int64[np.ndarray, "m 2"]) -> Mixture:
        """The mixture with each pair merged in the place of its first; no splat may be in two pairs."""
        first, second = pairs.T
        kept = np.ones(len(self), bool)
        kept[second] = False
        places = np.cumsum(kept)[first] - 1

        def replaced(values: np.ndarray, by: np.ndarray) -> np.ndarray:
            left = values[kept]
            left[places] = by
            return left

        absorbances = self.opacities * self.areas()
        p, q = _shares(absorbances[first], absorbances[second])
        offset = self.means[first] - self.means[second]
        spread = (offset[:, [0, 0, 0, 1, 1, 2]] * offset[:, [0, 1, 2, 1, 2, 2]]) * (p * q)
        covariances = p * self.covariances[first] + q * self.covariances[second] + spread

        area = areas(covariances)
        absorbance = absorbances[first] + absorbances[second]
        flat = ~(area > 0)
        opacity = np.where(flat, np.maximum(self.opacities[first], self.opacities[second]), 0.0)
        np.divide(absorbance, area, out=opacity, where=~flat)
        covariances *= np.maximum(opacity / OPACITY_MAX, 1.0)[:, None]

        # What is hidden behind neighbours lends its colour to nobody: trainers leave it any colour.
        lit = absorbances * self.seen.mean(axis=1)
        u, v = (share.astype(np.float32) for share in _shares(lit[first], lit[second]))
        return Mixture(
            replaced(self.means, p * self.means[first] + q * self.means[second]),
            replaced(self.covariances, covariances),
            replaced(self.opacities, np.minimum(opacity, OPACITY_MAX)),
            replaced(self.sh, u * self.sh[first] + v * self.sh[second]),
            replaced(self.seen, p * self.seen[first] + q * self.seen[second]),
            self.blur,
        )


def areas(covariances: Float64[np.ndarray, "n 6"]) -> Float64[np.ndarray, "n"]:
    """√tr adj(Σ) of each; see the module's docstring."""
    xx, xy, xz, yy, yz, zz = covariances.T
    return np.sqrt(np.maximum(xx * yy - xy**2 + xx * zz - xz**2 + yy * zz - yz**2, 0.0))


def _shares(
    a: Float64[np.ndarray, "m"], b: Float64[np.ndarray, "m"]
) -> tuple[Float64[np.ndarray, "m 1"], Float64[np.ndarray, "m 1"]]:
    """What part of a + b each is; halves where both are nothing."""
    total = a + b
    nothing = total <= 0
    total[nothing] = 1.0
    return np.where(nothing, 0.5, a / total)[:, None], np.where(nothing, 0.5, b / total)[:, None]
