"""Frames that stay on a GPU until they are finished pixels: renderer and compositor on one device (pipeline.py)."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Self

import numpy as np
from jaxtyping import Float32

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.core.device import Part
from translight.render.contract import Order, Renderer, Scene
from translight.server.show import Show


class DeviceWall:
    """Draws, composites and packs where the renderer keeps its pictures; only finished pixels come back."""

    def __init__(self, renderer: Any, show: Show, output: OutputTransform) -> None:
        memory = import_module("translight.render.cuda.memory")
        compositor = import_module("translight.volume.cuda.compositor")
        self._begin: int = memory.STATUS_BYTES
        self._renderer = renderer
        self._compositor = compositor.CudaCompositor(
            renderer.device, show.canvas, output, feather=show.volume.feather, sampling=show.volume.sampling
        )
        self._status = np.empty(self._begin // 4, np.uint32)

    @classmethod
    def of(cls, renderer: Renderer, show: Show, output: OutputTransform) -> Self | None:
        """One for the ``cuda`` backend's renderer; None for others."""
        return cls(renderer, show, output) if renderer.name == "cuda" else None

    def show_outer(self, picture: Float32[np.ndarray, "h w 4"]) -> None:
        """From now on this is the outer picture (``Compositor.draw_outer``'s)."""
        self._compositor.show_outer(picture)

    def frame(self, scene: Scene, view: View, order: Order, picture: np.ndarray) -> None:
        """Fill ``picture``, as ``Compositor.composite`` does, with ``scene`` seen by ``view``."""
        pipeline, device = self._renderer.pipeline, self._renderer.device
        whole = False
        while not whole:
            pipeline.draw(scene, [view], order, "none")
            self._compositor.composite(Part(pipeline.frame, self._begin), view, picture)
            device.download(pipeline.frame, [self._status])
            whole = pipeline.settle(self._status)
