"""Each photograph's own exposure and white balance, so that the splats need not pretend that light changed.

A gain of red, green and blue on sRGB-encoded values: encoding is a power of light but near black, so such a gain is
one of light. Bilateral grids and embeddings would follow vignettes and shadows too, and explain away what is there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from translight.reconstruction.training.optimiser import Adam

RATE = 1e-2
MOST = 1.5
"""A gain's logarithm stays within ± this: two stops and more of light."""
PER_STOP = -float(np.log(2)) / 2.2
"""What one more exposure value does to an encoded value's logarithm, about; training finds out how much it is."""


class Exposures:
    """Gains' logarithms (n 3), of mean 0 over all photographs: the environment is as bright as they are on average.

    They begin with what the files say (``evs``, exposure values at ISO 100), where all say it.
    """

    def __init__(self, evs: Sequence[float | None], device: torch.device) -> None:
        self._evs = _known(evs)
        begun = np.zeros((len(evs), 3)) if self._evs is None else _centred(self._evs)[:, None].repeat(3, 1) * PER_STOP
        self.logs: Float32[Tensor, "n 3"] = torch.tensor(
            begun.clip(-MOST, MOST), dtype=torch.float32, device=device, requires_grad=True
        )

    def gain(self, index: int) -> Float32[Tensor, "3 1 1"]:
        """What a drawn picture is multiplied by to look like photograph ``index``."""
        return self.logs[index].exp()[:, None, None]

    def step(self, optimiser: Adam, progress: float) -> None:
        """Move them by their gradients, ever less, and bring their mean back to 0."""
        optimiser.step("exposures", self.logs, [RATE * 0.1**progress] * 3)
        with torch.no_grad():
            self.logs -= self.logs.mean(dim=0)
            self.logs.clamp_(-MOST, MOST)

    def predicted(self, ev: float | None) -> Float64[np.ndarray, "3"] | None:
        """The gain of a photograph that was not trained on, by its exposure value alone; None where that is not known.

        A straight line through the training photographs' gains: what the camera did with a stop, red, green and blue.
        """
        if ev is None or self._evs is None:
            return None
        away, logs = _centred(self._evs), self.logs.detach().double().cpu().numpy()
        spread = float(away @ away)
        slope = (away @ logs) / spread if spread > 1e-6 else np.zeros(3)
        return np.asarray(np.exp(slope * (ev - float(self._evs.mean()))))


def _known(evs: Sequence[float | None]) -> Float64[np.ndarray, "n"] | None:
    found = [ev for ev in evs if ev is not None]
    return np.array(found) if len(found) == len(evs) else None


def _centred(evs: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    return evs - evs.mean()
