"""The walls' canvas in each format that outputs ask for, from one inner and one outer picture; pipeline.py's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32, Float64

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.render.contract import Frame, Renderer, Scene
from translight.render.moving_sky import MovingSky
from translight.server.device_wall import DeviceWall
from translight.server.governor import Quality
from translight.server.outer_sky import OuterSky
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
        self._moving: list[OuterSky | None] = []
        self._outer_of: tuple[int, int] | None = None

    def draw_outers(
        self,
        render: Render,
        scenes: Sequence[Scene],
        eye_m: Float64[np.ndarray, "3"],
        behind: Float64[np.ndarray, "k 4"] | None,
        skies: Sequence[MovingSky | None],
    ) -> None:
        """The outer pictures of all environments, scenes and moving skies; a scene with one of these has no other.

        Raises ShowError when the eye cannot see a wall.
        """
        first = self.compositors[0]
        for scene, sky in zip(scenes, skies, strict=True):
            drawn, moving = first.draw_outer(render, scene, eye_m, behind), None
            if sky is not None:
                moving = OuterSky(sky, scene, drawn, first.canvas, first.surfaces, eye_m)
                drawn = moving.picture
            self._outers.append(drawn)
            self._moving.append(moving)

    def show_outer(self, mix: Mix, number: int, quality: Quality) -> None:
        """The outer picture that belongs to ``mix``; where it dissolves or a plate moves it, anew every so many
        frames as the quality says."""
        shown = (mix.first, mix.second if mix.fraction > 0 else mix.first)
        if shown == self._outer_of:
            if number % quality.outer_every:
                return
            if mix.fraction == 0:
                self._refresh(mix.first)
                return
        for k in shown:
            if (moving := self._moving[k]) is not None and moving.stale:
                moving.lay()
        first, second = self._outers[mix.first], self._outers[mix.second]
        for compositor in self.compositors:
            if mix.fraction > 0:
                compositor.dissolve_outer(first, second, mix.fraction)
            else:
                compositor.show_outer(first)
        if self.device is not None and mix.fraction == 0:
            self.device.show_outer(first)
        self._outer_of = shown

    def _refresh(self, number: int) -> None:
        """Where a plate has moved on, the outer picture that is shown follows."""
        moving = self._moving[number]
        if moving is None or not moving.stale:
            return
        moving.lay()
        for compositor in self.compositors:
            compositor.refresh_outer(moving.tiles)
