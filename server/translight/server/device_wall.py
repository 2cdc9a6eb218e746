"""Frames that stay on a GPU until they are finished pixels: renderer and compositor on one device (pipeline.py)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Self

import numpy as np
from jaxtyping import Float32

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.core.device import Part
from translight.render.contract import DepthKind, Frame, Order, Renderer, Scene
from translight.server.show import Show


class DeviceWall:
    """Draws, composites and packs where the renderer keeps its pictures; only finished pixels come back.

    The drawn picture itself comes back where a show has an output of the camera or of depth, which are finished here.
    """

    def __init__(self, renderer: Any, show: Show, outputs: Sequence[OutputTransform]) -> None:
        memory = import_module("translight.render.cuda.memory")
        compositor = import_module("translight.volume.cuda.compositor")
        self._begin: int = memory.STATUS_BYTES
        self._renderer = renderer
        feather, sampling = show.volume.feather, show.volume.sampling
        self._compositors = [
            compositor.CudaCompositor(renderer.device, show.canvas, output, feather=feather, sampling=sampling)
            for output in outputs
        ]
        self._status = np.empty(self._begin // 4, np.uint32)

    @classmethod
    def of(cls, renderer: Renderer, show: Show, outputs: Sequence[OutputTransform]) -> Self | None:
        """One for the ``cuda`` backend's renderer; None for others."""
        return cls(renderer, show, outputs) if renderer.name == "cuda" else None

    def show_outer(self, picture: Float32[np.ndarray, "h w 4"]) -> None:
        """From now on this is the outer picture (``Compositor.draw_outer``'s)."""
        for compositor in self._compositors:
            compositor.show_outer(picture)

    def frame(
        self,
        scene: Scene,
        view: View,
        order: Order,
        pictures: Sequence[np.ndarray],
        inner: Frame | None = None,
        depth: DepthKind = "none",
    ) -> None:
        """Fill ``pictures``, one an output, as ``Compositor.composite`` does, with ``scene`` seen by ``view``.

        Into ``inner``, where it is given, comes the drawn picture, and its depth unless that is ``none``.
        """
        pipeline, device = self._renderer.pipeline, self._renderer.device
        targets = [self._status]
        if inner is not None:
            targets += [inner.rgba] if depth == "none" else [inner.rgba, inner.depth]
        whole = False
        while not whole:
            pipeline.draw(scene, [view], order, depth)
            for compositor, picture in zip(self._compositors, pictures, strict=True):
                compositor.composite(Part(pipeline.frame, self._begin), view, picture)
            device.download(pipeline.frame, targets)
            whole = pipeline.settle(self._status)
