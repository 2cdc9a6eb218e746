"""What GPS says of a model: its size in metres, and which way is up, each only where it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.pose import Similarity
from translight.reconstruction.structure_from_motion.alignment import robust_similarity

LEAST_POSITIONS = 4
"""Three fit anything: nothing would be left to tell the error by."""
_LEAST_ERROR_M = 0.5
_LARGEST_SCALE_ERROR = 0.1
_LARGEST_TILT_DEG = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class GpsFit:
    """``enu_from_world`` takes the model to metres east, north and up. Of ``given`` positions ``used`` agree with it.

    ``residual_m`` is their error, one standard deviation a coordinate; ``spread_m`` how far they lie from their
    middle, root mean square. ``scale_error`` is the relative error to be expected of the size, ``tilt_deg`` that of up.
    """

    enu_from_world: Similarity
    given: int
    used: int
    residual_m: float
    spread_m: float
    scale_error: float
    tilt_deg: float

    @property
    def scales(self) -> bool:
        """Whether it tells the size to a tenth."""
        return self.scale_error <= _LARGEST_SCALE_ERROR

    @property
    def levels(self) -> bool:
        """Whether it tells up to three degrees."""
        return self.scales and self.tilt_deg <= _LARGEST_TILT_DEG


def fit_gps(centres: Float64[np.ndarray, "n 3"], positions_m: Float64[np.ndarray, "n 3"]) -> GpsFit | None:
    """Camera centres of a model against GPS in metres (``geodesy``), rows that hold NaN unknown; None with too few.

    Errors of position in n places, σ a coordinate, make an error of size of σ/√(n·spread²) and one of tilt of the
    same over the spread across the line that the places lie along best.
    """
    known = np.isfinite(positions_m).all(axis=1)
    if known.sum() < LEAST_POSITIONS:
        return None
    b, a = centres[known], positions_m[known]
    try:
        enu_from_world, kept = robust_similarity(b, a, least_error=_LEAST_ERROR_M)
    except ValueError:
        return None
    used = int(kept.sum())
    if used < LEAST_POSITIONS or used < len(a) / 2:
        return None
    errors = (enu_from_world.apply(b) - a)[kept]
    residual = float(np.sqrt((errors**2).sum() / max(3 * used - 7, 1)))
    about = a[kept] - a[kept].mean(axis=0)
    spread = float(np.sqrt((about**2).sum(axis=1).mean()))
    across = float(np.linalg.svd(about, compute_uv=False)[1])
    scale_error = residual / max(spread * np.sqrt(used), 1e-12)
    tilt_deg = float(np.degrees(np.arctan2(residual, across)))
    return GpsFit(enu_from_world, len(a), used, residual, spread, float(scale_error), tilt_deg)
