"""The cuda renderer: ``pipeline.py``'s frames as the contract has them, held to render/reference.py."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np

from translight.core.camera import View
from translight.core.device import Device
from translight.render.contract import DepthKind, Frame, Order, Scene, frames_for
from translight.render.cuda.pipeline import Pipeline
from translight.render.cuda.views import together


class CudaRenderer:
    """Full 3DGS on a CUDA device. One thread uses it.

    Views of one eye, in order of distance, share everything but their pixels.
    """

    name = "cuda"

    def __init__(self, device: Device) -> None:
        self.device = device
        """What a compositor shares, where pictures shall stay on the GPU."""
        self.pipeline = Pipeline(device)
        """What draws them there."""

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: DepthKind = "expected",
    ) -> list[Frame]:
        """Draw ``scene`` for each view; see ``contract.Renderer``."""
        frames = frames_for(views, out)
        status = np.empty(4, np.uint32)
        for group in together(views, order):
            targets = [status, *(frames[i].rgba for i in group)]
            if depth != "none":
                targets += [frames[i].depth for i in group]
            whole = False
            while not whole:
                self.pipeline.draw(scene, [views[i] for i in group], order, depth)
                self.device.download(self.pipeline.frame, targets)
                whole = self.pipeline.settle(status)
        return frames

    def close(self) -> None:
        """Free the device's memory."""
        self.pipeline.close()
        self.device.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
