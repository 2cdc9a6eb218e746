"""The splats that are being trained: a cloud's values before their activations, whose rows come and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from translight.reconstruction.training.optimiser import Adam
from translight.splats.cloud import SplatCloud

NAMES = ("means", "log_scales", "wxyz", "logits", "sh")
_LOGIT_LIMIT = 1e-6


@dataclass(slots=True, eq=False)
class TrainedSplats:
    """Leaves for autograd: ``means`` (n 3), ``log_scales`` (n 3), ``wxyz`` (n 4) of any length, ``logits`` (n), ``sh``.

    ``sh`` (n k 3) has room for the degree that counts now; ``grow`` makes more.
    """

    means: Float32[Tensor, "n 3"]
    log_scales: Float32[Tensor, "n 3"]
    wxyz: Float32[Tensor, "n 4"]
    logits: Float32[Tensor, "n"]
    sh: Float32[Tensor, "n k 3"]

    @classmethod
    def of(cls, cloud: SplatCloud, degree: int, device: torch.device) -> Self:
        """A cloud's values; harmonics beyond ``degree`` are dropped, those that it lacks begin at 0."""
        coefficients = (degree + 1) ** 2
        sh = np.zeros((len(cloud), coefficients, 3), np.float32)
        kept = min(coefficients, cloud.sh.shape[1])
        sh[:, :kept] = cloud.sh[:, :kept]
        opacities = np.clip(cloud.opacities, _LOGIT_LIMIT, 1 - _LOGIT_LIMIT)
        scales = np.log(np.maximum(cloud.scales, 1e-9))
        arrays = (cloud.means, scales, cloud.wxyz, np.log(opacities / (1 - opacities)), sh)
        return cls(*(torch.tensor(array, dtype=torch.float32, device=device) for array in arrays)).as_leaves()

    def __len__(self) -> int:
        return len(self.means)

    def as_leaves(self) -> Self:
        """The same tensors, wanting gradients."""
        for name in NAMES:
            setattr(self, name, getattr(self, name).detach().contiguous().requires_grad_())
        return self

    def scales(self) -> Float32[Tensor, "n 3"]:
        """Standard deviations, with a way back."""
        return self.log_scales.exp()

    def opacities(self) -> Float32[Tensor, "n"]:
        """Opacities, with a way back."""
        return self.logits.sigmoid()

    def select(self, rows: Tensor, optimiser: Adam) -> None:
        """Keep only ``rows`` (indices), and their moments."""
        for name in NAMES:
            setattr(self, name, getattr(self, name).detach()[rows])
        optimiser.select(NAMES, rows)
        self.as_leaves()

    def extend(self, more: Mapping[str, Tensor], optimiser: Adam) -> None:
        """Add splats, without a past, at the end."""
        for name in NAMES:
            setattr(self, name, torch.cat([getattr(self, name).detach(), more[name]]))
        optimiser.extend(NAMES, len(more["means"]))
        self.as_leaves()

    def grow(self, degree: int, optimiser: Adam) -> None:
        """Room for harmonics up to ``degree``, which begin at 0."""
        more = (degree + 1) ** 2 - self.sh.shape[1]
        if more > 0:
            room = self.sh.new_zeros((len(self), more, 3))
            self.sh = torch.cat([self.sh.detach(), room], dim=1).requires_grad_()
            if "sh" in optimiser.moments:
                first, second = optimiser.moments["sh"]
                optimiser.moments["sh"] = (torch.cat([first, room], dim=1), torch.cat([second, room], dim=1))

    def values(self, rows: Tensor) -> dict[str, Tensor]:
        """Copies of some splats' values."""
        return {name: getattr(self, name).detach()[rows].clone() for name in NAMES}

    def cloud(self) -> SplatCloud:
        """What a renderer takes; splats with a value that is not finite are left out."""
        with torch.no_grad():
            wxyz = torch.nn.functional.normalize(self.wxyz, dim=1)
            tensors = (self.means, self.scales(), wxyz, self.opacities(), self.sh)
            arrays = [np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.float32) for tensor in tensors]
        finite = np.logical_and.reduce([np.isfinite(a.reshape(len(a), -1)).all(axis=1) for a in arrays])
        finite &= np.linalg.norm(arrays[2], axis=1) > 0.5
        return SplatCloud(*(np.ascontiguousarray(array[finite]) for array in arrays))

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {name: getattr(self, name).detach() for name in NAMES}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], device: torch.device) -> Self:
        """Back from what ``state`` gave."""
        return cls(*(state[name].to(device) for name in NAMES)).as_leaves()
