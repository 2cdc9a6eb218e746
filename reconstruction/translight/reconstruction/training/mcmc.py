"""Densification as sampling: dead splats move to living ones, more are added, and the faint ones are shaken.

Kheradmand et al., "3D Gaussian Splatting as Markov Chain Monte Carlo" (2024); constants as in gsplat's MCMCStrategy.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.shake_kernel import shake_rows
from translight.reconstruction.training.splats import NAMES, TrainedSplats

DEAD_OPACITY = 0.005
LEAST_GROWTH = 1.05
NOISE = 5e5
STEEPNESS, MIDDLE = 100.0, 0.995
SHAKEN_BELOW = 0.1
"""Above this opacity the noise is under 1e-4 of its most, and is left out."""
_MOST_COPIES = 51


class Mcmc:
    """The strategy: a count that grows to ``most`` splats by the factor ``growth`` at each refinement."""

    def __init__(self, most: int, growth: float, generator: torch.Generator) -> None:
        self._most, self._growth, self._generator = most, max(LEAST_GROWTH, growth), generator

    def refine(self, splats: TrainedSplats, optimiser: Adam) -> None:
        """Move the dead and add new ones; each is a share of a living splat, and the picture stays nearly the same."""
        opacities = splats.opacities().detach()
        dead = torch.nonzero(opacities <= DEAD_OPACITY)[:, 0]
        if 0 < len(dead) < len(opacities):
            alive = torch.nonzero(opacities > DEAD_OPACITY)[:, 0]
            sources = alive[self._sampled(opacities[alive], len(dead))]
            shared = self._share(splats, sources)
            with torch.no_grad():
                for name in NAMES:
                    getattr(splats, name)[dead] = shared[name]
            optimiser.forget(NAMES, dead)
            optimiser.forget(NAMES, sources)
        more = min(self._most, int(self._growth * len(splats))) - len(splats)
        if more > 0:
            sources = self._sampled(splats.opacities().detach(), more)
            shared = self._share(splats, sources)
            optimiser.forget(NAMES, sources)
            splats.extend(shared, optimiser)

    def shake(self, splats: TrainedSplats, rate: float) -> None:
        """Noise on the faint splats' centres, along their own axes, in proportion to the means' learning rate.

        Covariances are squares of lengths: in a scene that is not scaled to size 1, as theirs is, ``rate`` is the
        learning rate divided by the size's square.
        """
        if splats.means.device.type == "cpu":
            key = torch.randint(-(2**63), 2**63 - 1, (), generator=self._generator, dtype=torch.int64)
            means, log_scales, wxyz, logits = _arrays(splats)
            seed = np.uint64(int(key) % 2**64)
            shake_rows(means, log_scales, wxyz, logits, seed, SHAKEN_BELOW, STEEPNESS, MIDDLE, rate * NOISE)
            return
        faint = torch.nonzero(splats.opacities().detach() < SHAKEN_BELOW)[:, 0]
        noise = torch.randn((len(faint), 3), generator=self._generator, device=splats.means.device)
        with torch.no_grad():
            splats.means[faint] += displacements(splats, faint, noise, rate)

    def _sampled(self, weights: Tensor, count: int) -> Int64[Tensor, "count"]:
        """Indices drawn by weight, with replacement; by the sums' inverse, since torch.multinomial ends at 2²⁴."""
        sums = weights.double().cumsum(0)
        at = torch.rand(count, generator=self._generator, device=weights.device, dtype=torch.float64) * sums[-1]
        return torch.searchsorted(sums, at).clamp_max(len(weights) - 1)

    def _share(self, splats: TrainedSplats, sources: Tensor) -> dict[str, Tensor]:
        """The splats at ``sources`` divided among themselves and their copies, which are given."""
        opacities = splats.opacities().detach()
        copies = torch.bincount(sources, minlength=len(opacities))[sources] + 1
        opacity, ratio = relocated(opacities[sources], copies)
        with torch.no_grad():
            opacity = opacity.clamp(DEAD_OPACITY, 1 - 1e-6)
            splats.logits[sources] = torch.logit(opacity)
            splats.log_scales[sources] = splats.log_scales[sources] + ratio.log()[:, None]
        return splats.values(sources)


def displacements(
    splats: TrainedSplats, rows: Int64[Tensor, "m"], noise: Float32[Tensor, "m 3"], rate: float
) -> Float32[Tensor, "m 3"]:
    """What ``shake`` adds to the centres of ``rows`` for standard normal ``noise``; shake_kernel.py does the same."""
    with torch.no_grad():
        opacities = splats.opacities()[rows]
        much = torch.sigmoid(STEEPNESS * (1 - opacities - MIDDLE)) * (rate * NOISE)
        R = rotations(splats.wxyz[rows])
        along = torch.einsum("nji,nj->ni", R, noise * much[:, None]) * splats.scales()[rows] ** 2
        return torch.einsum("nij,nj->ni", R, along)


def _arrays(splats: TrainedSplats) -> list[np.ndarray]:
    tensors = (splats.means, splats.log_scales, splats.wxyz, splats.logits)
    return [tensor.detach().numpy() for tensor in tensors]


def relocated(
    opacities: Float32[Tensor, "n"], copies: Int64[Tensor, "n"]
) -> tuple[Float32[Tensor, "n"], Float32[Tensor, "n"]]:
    """Opacity, and factor of the scales, of each of N splats that together replace one of ``opacities`` (eq. 9).

    Against the paper's sums, whose terms cancel badly, everything is in float64 and N ends at 51 as there.
    """
    N = copies.clamp(1, _MOST_COPIES).cpu().numpy()
    old = opacities.double().cpu().numpy()
    new = 1 - (1 - old) ** (1 / N)
    powers = new[:, None] ** np.arange(1, _MOST_COPIES + 1)
    ratio = old / (_weights()[N] * powers).sum(axis=1)
    return tuple(torch.tensor(a, dtype=torch.float32, device=opacities.device) for a in (new, ratio))  # type: ignore[return-value]


@cache
def _weights() -> Float64[np.ndarray, "copies terms"]:
    """Of each power of the new opacity in the sum for N copies: Σ_{i=k+1..N} C(i−1, k)·(−1)ᵏ/√(k + 1)."""
    weights = np.zeros((_MOST_COPIES + 1, _MOST_COPIES))
    for n in range(1, _MOST_COPIES + 1):
        for k in range(n):
            weights[n, k] = comb(n, k + 1) * (-1) ** k / np.sqrt(k + 1)  # Σ C(i−1, k) over i is C(n, k + 1)
    return weights


def rotations(wxyz: Float32[Tensor, "n 4"]) -> Float32[Tensor, "n 3 3"]:
    """Rotation matrices of quaternions of any length but zero."""
    w, x, y, z = torch.nn.functional.normalize(wxyz, dim=1).unbind(dim=1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        dim=1,
    ).reshape(-1, 3, 3)  # fmt: skip
