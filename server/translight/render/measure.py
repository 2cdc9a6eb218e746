"""How fast a renderer is on a scene: wall-clock times of frames and of their stages; ``bench render`` shows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.camera import View
from translight.render.contract import Renderer, Scene, frames_for

STAGES = ("project", "sort", "bin", "blend", "sky")
"""Of a renderer that has ``timings``: nanoseconds of each stage of its last render."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """``frame_ms`` of every frame, round by round over the views; ``stages_ms`` likewise, empty where none are told."""

    frame_ms: Float64[np.ndarray, "n"]
    stages_ms: dict[str, Float64[np.ndarray, "n"]]

    @property
    def median_ms(self) -> float:
        """The median over the frames; of few views, each counts alike."""
        return float(np.median(self.frame_ms))

    @property
    def p99_ms(self) -> float:
        """The 99th percentile."""
        return float(np.percentile(self.frame_ms, 99))


def measure(
    renderer: Renderer, scene: Scene, views: Sequence[View], rounds: int, told: Callable[[], None] | None = None
) -> Measured:
    """Draw every view ``rounds`` times, one a call and into frames made before, after a round that is not counted.

    ``told`` is called after each round. Raises ValueError on no views or no rounds.
    """
    if not views or rounds < 1:
        raise ValueError(f"measuring takes at least one view and one round, got {len(views)} and {rounds}")
    frames = frames_for(views, None)
    frame_ms: list[float] = []
    stages: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for view, frame in zip(views, frames, strict=True):
            begin = time.perf_counter_ns()
            renderer.render(scene, [view], [frame])
            end = time.perf_counter_ns()
            timings: dict[str, int] = getattr(renderer, "timings", {})
            if number == 0:
                stages = {stage: [] for stage in STAGES if stage in timings}
                continue
            frame_ms.append((end - begin) / 1e6)
            for stage, values in stages.items():
                values.append(timings[stage] / 1e6)
        if told is not None:
            told()
    return Measured(np.array(frame_ms), {stage: np.array(values) for stage, values in stages.items()})
