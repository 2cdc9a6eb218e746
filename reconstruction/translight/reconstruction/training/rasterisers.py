"""The two rasterisers behind one interface, and the device that each trains on."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from translight.core.camera import Camera
from translight.core.errors import BackendError
from translight.reconstruction.training import adam_kernel, picture_loss, shake_kernel
from translight.render.compiling import compiling_told
from translight.render.differentiable import Rasterised

Name = Literal["auto", "cpu", "gsplat"]


class TrainingRasteriser(Protocol):
    """What ``render.differentiable.Rasteriser`` and ``render.gsplat.training.GsplatRasteriser`` have in common."""

    def rasterise(
        self,
        means: Tensor,
        scales: Tensor,
        wxyz: Tensor,
        opacities: Tensor,
        sh: Tensor,
        scene_from_camera: Tensor,
        camera: Camera,
        *,
        near_m: float = 0.01,
        degree: int | None = None,
        absolute: bool = False,
        antialiased: bool = False,
    ) -> Rasterised:
        """Draw a cloud with a way back."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A rasteriser, the device that its tensors lie on, and both in words for reports."""

    rasteriser: TrainingRasteriser
    device: torch.device
    words: str


def open_rasteriser(name: Name, says: Callable[[str], None]) -> Opened:
    """``cpu``, ``gsplat``, or of these the first that works on this machine, gsplat before cpu (``auto``).

    Compiling kernels is told by ``says``. A named one never falls back: raises BackendError or MissingExtra.
    """
    if name == "gsplat" or (name == "auto" and torch.cuda.is_available()):
        try:
            return _gsplat(says)
        except BackendError as error:
            if name == "gsplat":
                raise
            says(f"gsplat does not open, training on the processor: {error}")
    from translight.render.differentiable import Rasteriser
    from translight.render.gradients.rasteriser import compile_kernels

    compile_kernels(says)
    with compiling_told(says):
        adam_kernel.compile_kernels()
        picture_loss.compile_kernels()
        shake_kernel.compile_kernels()
    return Opened(Rasteriser(), torch.device("cpu"), f"cpu ({platform.processor() or platform.machine()})")


def _gsplat(says: Callable[[str], None]) -> Opened:
    from translight.render.gsplat.training import open_rasteriser as open_gsplat

    rasteriser = open_gsplat(says)
    device = torch.device("cuda", torch.cuda.current_device())
    return Opened(rasteriser, device, f"gsplat ({torch.cuda.get_device_name(device)})")
