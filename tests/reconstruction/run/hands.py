"""Pieces of a run that know the answer: poses and training are stood in for by the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from translight.environment.environment import Environment
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.run.budget import Plan
from translight.reconstruction.run.pieces import Made, Pieces, Solved


@dataclass
class Hands:
    """Pieces that know the answer, count their calls, and can be told to fail once."""

    environment: Environment
    dataset: Dataset
    known: bool = False
    calls: list[str] = field(default_factory=list)
    failing: dict[str, Callable[[], object]] = field(default_factory=dict)
    left_s: float | None = None

    def pieces(self) -> Pieces:
        return Pieces(self.read, self.solve, self.plan, self.make)

    def read(self, photos, *_):
        self._called("read")
        if self.known:
            return self.dataset
        return Capture(photos, tuple(Still(i.name, i.file, 96, 72, "cam") for i in self.dataset.images))

    def solve(self, capture, folder, *_):
        self._called("solve")
        count = len(capture.stills)
        picture = folder / "seen.jpg"
        picture.write_bytes(b"a picture")
        return Solved(
            self.dataset, {"registered": count, "total": count, "error_px": np.float32(0.5), "left_out": ()}, picture
        )

    def plan(self, _, left_s, fixed, *_more):
        self._called("plan")
        self.left_s = left_s
        return Plan(fixed.width_px or 96, 150, 10, left_s, "in a test")

    def make(self, _, __, folder, relay):
        relay.preview(np.zeros((72, 96, 3), np.uint8))
        (folder / "checkpoint").write_text("half")
        self._called("make")
        return Made(replace(self.environment, name="unnamed"), (("train", {"iterations": 10, "loss": float("nan")}),))

    def _called(self, name):
        self.calls.append(name)
        fail = self.failing.pop(name, None)
        if fail is not None:
            fail()


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail
