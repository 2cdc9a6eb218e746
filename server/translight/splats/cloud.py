"""The Gaussian cloud, in the values a renderer uses; codecs translate to and from each file's own activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

MAX_DEGREE = 3
_COEFFICIENTS = {1: 0, 4: 1, 9: 2, 16: 3}


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SplatCloud:
    """n Gaussians, float32 and C-contiguous, in scene axes: RDF, as INRIA's trainer writes them (x right, y down).

    ``means`` (n 3), ``scales`` (n 3) linear standard deviations ≥ 0, ``wxyz`` (n 4) unit quaternions,
    ``opacities`` (n) within [0, 1], ``sh`` (n k 3) spherical-harmonics coefficients, k = (degree + 1)², RGB inner,
    in INRIA's basis and order: colour = max(0, 0.5 + Σ sh·basis(direction from the eye to the splat)).
    """

    means: Float32[np.ndarray, "n 3"]
    scales: Float32[np.ndarray, "n 3"]
    wxyz: Float32[np.ndarray, "n 4"]
    opacities: Float32[np.ndarray, "n"]
    sh: Float32[np.ndarray, "n k 3"]

    def __post_init__(self) -> None:
        n = len(self.means)
        k = self.sh.shape[1] if self.sh.ndim == 3 else -1
        wanted = {"means": (n, 3), "scales": (n, 3), "wxyz": (n, 4), "opacities": (n,), "sh": (n, k, 3)}
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32 or not array.flags.c_contiguous:
                raise ValueError(f"{name} must be C-contiguous float32 {shape}, got {array.dtype} {array.shape}")
        if k not in _COEFFICIENTS:
            raise ValueError(f"sh must have 1, 4, 9 or 16 coefficients (degree 0 to {MAX_DEGREE}), got {k}")

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return _COEFFICIENTS[self.sh.shape[1]]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for a in (self.means, self.scales, self.wxyz, self.opacities, self.sh))

    def bounds(self) -> tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]:
        """Lower and upper corner of the means' box. Raises ValueError on an empty cloud."""
        if len(self) == 0:
            raise ValueError("an empty cloud has no bounds")
        return self.means.min(axis=0), self.means.max(axis=0)
