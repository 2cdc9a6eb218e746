"""What a training run is asked for; every number that its result hangs on, besides the dataset, stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from translight.splats.cloud import MAX_DEGREE

Densification = Literal["mcmc", "default"]
"""``mcmc``: Kheradmand et al., "3D Gaussian Splatting as Markov Chain Monte Carlo" (2024). ``default``: Kerbl et al.,
"3D Gaussian Splatting for Real-Time Radiance Field Rendering" (2023), by its gradients' magnitudes where asked."""
Sky = Literal["auto", "dome", "backdrop", "none"]
"""``dome`` is learned, ``backdrop`` the photographs' mean colour; ``auto`` takes the dome where they look above the
horizon, else the backdrop; with ``none`` what is not covered is black."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A run. Learning rates and thresholds are gsplat's defaults (examples/simple_trainer.py, 1.5) where it has them.

    Pictures are trained on at ``width_px`` (never wider than they are), the first ``coarse_share`` of the run at half
    of it; the harmonics' degree rises by 1 every ``degree_share``. ``splats`` is the most there may be. ``seconds``
    ends a run early; its schedule then follows the clock wherever that is ahead, so only runs without it repeat to the
    bit. ``stop_db`` ends it when the training pictures are matched so well on average (after exposure).
    ``depth_weight`` counts where pictures have depths, ``points_weight`` at the known points where they have none.
    ``drop`` is the share of splats that are left out of an iteration by the end of a run, the others being the more
    opaque for it (Park et al., "DropGaussian", 2025): with few pictures, no splat then explains one of them alone.
    A run begins with ``fill_share`` of ``splats``, also where fewer points are known; 0 begins with these alone.
    """

    width_px: int = 400
    splats: int = 100_000
    iterations: int = 7_000
    seconds: float | None = None
    stop_db: float | None = None
    degree: int = 3
    degree_share: float = 0.1
    densification: Densification = "mcmc"
    absolute_gradients: bool = False
    antialiased: bool = True
    seed: int = 0
    coarse_share: float = 0.2
    refine_from: int = 500
    refine_every: int = 100
    refine_until_share: float = 0.8
    ssim_weight: float = 0.2
    opacity_weight: float = 0.01
    scale_weight: float = 0.01
    depth_weight: float = 0.1
    points_weight: float = 0.1
    drop: float = 0.0
    fill_share: float = 0.5
    exposure: bool = True
    poses: bool = False
    sky: Sky = "auto"
    checkpoint_s: float = 30.0
    preview_s: float = 10.0

    def __post_init__(self) -> None:
        if min(self.width_px, self.splats, self.iterations, self.refine_every) < 1:
            raise ValueError("width_px, splats, iterations and refine_every are at least 1")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"a run takes more than 0 seconds, got {self.seconds}")
        if not 0 <= self.degree <= MAX_DEGREE:
            raise ValueError(f"the harmonics' degree is 0 to {MAX_DEGREE}, got {self.degree}")
        shares = (
            self.coarse_share,
            self.degree_share,
            self.refine_until_share,
            self.ssim_weight,
            self.drop,
            self.fill_share,
        )
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares, ssim_weight and drop lie within 0 and 1, got {shares}")
        if self.drop == 1:
            raise ValueError("drop is below 1: with every splat left out nothing is drawn")
        if self.densification not in ("mcmc", "default") or self.sky not in ("auto", "dome", "backdrop", "none"):
            raise ValueError("densification is mcmc or default, sky is auto, dome, backdrop or none")
