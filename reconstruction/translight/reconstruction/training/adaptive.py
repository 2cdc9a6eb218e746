"""Densification by gradients: splats that are pulled about in the picture are cloned or split, faint ones go.

Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering" (2023), section 5.2; constants as in
gsplat's DefaultStrategy; by magnitudes, Ye et al., "AbsGS" (2024).
"""

from __future__ import annotations

import torch
from jaxtyping import Float32
from torch import Tensor

from translight.reconstruction.training.mcmc import rotations
from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.splats import TrainedSplats

PULL, PULL_ABSOLUTE = 2e-4, 8e-4
"""Mean length of the loss's gradient by a centre, in half pictures, from which a splat is densified."""
LARGE = 0.01
"""Share of the scene's size from which a splat is split rather than cloned."""
HUGE = 0.1
"""Share of the scene's size from which a splat goes, once opacities have been reset."""
FAINT = 0.005
RESET_EVERY, RESET_TO = 3_000, 0.01
_SPLIT = 1.6


class Adaptive:
    """The strategy: what each splat has been pulled by since the last refinement, and at most ``most`` splats."""

    def __init__(self, most: int, scene_size: float, generator: torch.Generator, *, absolute: bool) -> None:
        self._most, self._size, self._generator, self._absolute = most, scene_size, generator, absolute
        self.pulls: Tensor | None = None
        self.seen: Tensor | None = None

    def see(self, screen: Float32[Tensor, "n 5"], width_px: int, height_px: int) -> None:
        """Take in what a picture's way back has told of each splat."""
        if self.pulls is None or self.seen is None or len(self.pulls) != len(screen):
            self.pulls, self.seen = screen.new_zeros(len(screen)), screen.new_zeros(len(screen))
        half = screen.new_tensor([width_px / 2, height_px / 2])
        chosen = screen[:, 2:4] if self._absolute else screen[:, :2]
        self.pulls += (chosen * half).norm(dim=1)
        self.seen += screen[:, 4] > 0

    def refine(self, splats: TrainedSplats, optimiser: Adam, *, huge_go: bool) -> None:
        """Clone, split and prune by what was seen; the strongest pulls first where ``most`` is near."""
        if self.pulls is None or self.seen is None:
            return
        pull = self.pulls / self.seen.clamp_min(1)
        self.pulls = self.seen = None
        wanted = torch.nonzero(pull > (PULL_ABSOLUTE if self._absolute else PULL))[:, 0]
        room = max(0, self._most - len(splats))
        if len(wanted) > room:
            wanted = wanted[pull[wanted].argsort(descending=True, stable=True)[:room]]
        large = splats.scales().detach().amax(dim=1)[wanted] > LARGE * self._size
        split, clone = wanted[large], wanted[~large]
        more = splats.values(clone)
        if len(split):
            first, second = self._halves(splats, split), self._halves(splats, split)
            with torch.no_grad():
                splats.means[split], splats.log_scales[split] = first["means"], first["log_scales"]
            optimiser.forget(("means", "log_scales", "wxyz", "logits", "sh"), split)
            more = {name: torch.cat([more[name], second[name]]) for name in more}
        if len(more["means"]):
            splats.extend(more, optimiser)
        gone = splats.opacities().detach() < FAINT
        if huge_go:
            gone |= splats.scales().detach().amax(dim=1) > HUGE * self._size
        if bool(gone.any()) and not bool(gone.all()):
            splats.select(torch.nonzero(~gone)[:, 0], optimiser)

    def reset(self, splats: TrainedSplats, optimiser: Adam) -> None:
        """Make every splat nearly transparent: what the photographs need comes back, floaters do not."""
        with torch.no_grad():
            splats.logits.clamp_(max=float(torch.logit(torch.tensor(RESET_TO))))
        optimiser.forget(("logits",), torch.arange(len(splats), device=splats.means.device))

    def _halves(self, splats: TrainedSplats, rows: Tensor) -> dict[str, Tensor]:
        """Splats 1.6 times smaller, somewhere within the ones that they come from."""
        values = splats.values(rows)
        scales = values["log_scales"].exp()
        noise = torch.randn(scales.shape, generator=self._generator, device=scales.device)
        values["means"] += torch.einsum("nij,nj->ni", rotations(values["wxyz"]), noise * scales)
        values["log_scales"] -= torch.log(torch.tensor(_SPLIT))
        return values
