"""A stand-in for a renderer, and a live process that draws with it: what the path costs beside the rendering itself.

It waits as long as it is told, as a GPU would be waited for, and hands out one still picture: not a renderer, which is
why ``render.backends`` does not know it. ``python -m benchmarks.standin`` is started by the supervisor in place of the
live process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from translight.core.camera import View
from translight.render import backends
from translight.render.backends import Backend
from translight.render.contract import Frame, Order, Scene, frames_for
from translight.server import live_process

NAME = "stand-in"
MILLISECONDS = "TRANSLIGHT_STAND_IN_MS"
"""Variable that says how long a frame takes."""


class StandIn:
    """Draws the same gradient each time, in ``ms`` milliseconds."""

    name = NAME

    def __init__(self, ms: float) -> None:
        self._s = ms / 1e3
        self._drawn: set[int] = set()

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: str = "expected",
    ) -> list[Frame]:
        del scene, order, depth
        until = time.perf_counter() + self._s
        frames = list(frames_for(views, out))
        for frame in frames:
            if id(frame) not in self._drawn:
                height, width = frame.rgba.shape[:2]
                frame.rgba[..., 0] = np.linspace(0, 1, width, dtype=np.float32)
                frame.rgba[..., 1] = np.linspace(0, 1, height, dtype=np.float32)[:, None]
                frame.rgba[..., 2:] = 1
                self._drawn.add(id(frame))
        time.sleep(max(until - time.perf_counter(), 0))
        return frames

    def close(self) -> None:
        pass

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_backend(threads: int | None = None) -> StandIn:
    del threads
    return StandIn(float(os.environ.get(MILLISECONDS, "3")))


def register() -> None:
    """Let ``open_renderer`` find it, in this process."""
    backends.BACKENDS = MappingProxyType({**backends.BACKENDS, NAME: Backend(__name__)})


if __name__ == "__main__":
    # run as a module this file is __main__; the backend's table names it by its own name
    import benchmarks.standin

    benchmarks.standin.register()
    sys.exit(live_process.main())
