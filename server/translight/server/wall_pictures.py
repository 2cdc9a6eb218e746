"""The walls' canvas in each format that outputs ask for, from one inner and one outer picture; pipeline.py's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32, Float64

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.render.contract import Frame, Renderer, Scene
from translight.server.device_wall import DeviceWall
from translight.server.governor import Quality
from translight.server.places import Mix
from translight.server.show import Show
from translight.volume.compositor import Compositor

Render = Callable[[Scene, list[View]], Sequence[Frame]]


class WallPictures:
    """A compositor for each way of becoming code values, and the outer pictures, which they share. Used by one thread.

    ``device`` does the same where the renderer keeps its pictures; None where that is the computer's own memory.
    """

    def __init__(self, show: Show, renderer: Renderer, outputs: Sequence[OutputTransform]) -> None:
        self.compositors = [
            Compositor(
                show.canvas,
                output,
                feather=show.volume.feather,
                sampling=show.volume.sampling,
                threads=show.render.threads,
            )
            for output in outputs
        ]
        self.device = DeviceWall.of(renderer, show, outputs)
        self._outers: list[Float32[np.ndarray, "h w 4"]] = []
        self._outer_of: tuple[int, int] | None = None

    def draw_outers(
        self,
        render: Render,
        scenes: Sequence[Scene],
        eye_m: Float64[np.ndarray, "3"],
        behind: Float64[np.ndarray, "k 4"] | None,
    ) -> None:
        """The outer pictures of all environments. Raises ShowError when the eye cannot see a wall."""
        self._outers = [self.compositors[0].draw_outer(render, scene, eye_m, behind) for scene in scenes]

    def show_outer(self, mix: Mix, number: int, quality: Quality) -> None:
        """The outer picture that belongs to ``mix``; in a dissolve, anew every so many frames as the quality says."""
        shown = (mix.first, mix.second if mix.fraction > 0 else mix.first)
        if shown == self._outer_of and (mix.fraction == 0 or number % quality.outer_every):
            return
        first, second = self._outers[mix.first], self._outers[mix.second]
        for compositor in self.compositors:
            if mix.fraction > 0:
                compositor.dissolve_outer(first, second, mix.fraction)
            else:
                compositor.show_outer(first)
        if self.device is not None and mix.fraction == 0:
            self.device.show_outer(first)
        self._outer_of = shown
