"""Holding the frame rate: how finely the next frame is drawn, from how long the last ones took; live_process.py asks.

A frame's work is what is drawn, which the quality changes, and the rest, which it does not: compositing, sending. So
what another quality would take is foretold from the two apart. Steps down are taken at once, steps up only after a
while of frames that leave room for them, and after a step up that did not hold, later each time: so it settles
instead of swinging. What a plate takes to move the outer picture's sky is no drawing: fewer splats do not make it
cheaper. Where it alone is too much and no quality mends that, it moves less often, and splats stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

HIGH = 0.88
"""A frame's usual work over its period from which on less must be drawn: what is left is for the unusual."""
LOW = 0.78
"""What the work must be expected to stay under, for more to be drawn."""

_WINDOW = 12
_FEWEST = 8
_USUAL = 75
_LATE = 1.0
"""Two frames in a row that take longer than this many periods are answered at once. One alone is the machine's doing,
and drawing less would not have saved it."""
_LEARNING = 0.5
"""How far a cost moves to what was measured, of the way between their logarithms."""
_PATIENCE_NS = 2_000_000_000
_MOST_PATIENCE_NS = 60_000_000_000
_TRIAL_NS = 5_000_000_000
"""A step up that is taken back within this was a mistake."""
_SETTLED_NS = 30_000_000_000
_RAREST = 8
"""Frames that share one outer picture at most."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How a frame is drawn: level of detail (0: every splat), the inner picture's resolution over the camera's, and, in
    a dissolve or where a plate moves, how many frames share one outer picture.

    ``cost`` is what drawing takes, over that of the finest: a first guess, which the governor corrects.
    """

    detail: int = 0
    scale: float = 1.0
    cost: float = 1.0
    outer_every: int = 1


LADDER = (
    Quality(),
    Quality(0, 0.85, 0.8),
    Quality(0, 0.7, 0.62, outer_every=2),
    Quality(1, 0.85, 0.37, outer_every=2),
    Quality(1, 0.7, 0.3, outer_every=4),
    Quality(2, 0.7, 0.2, outer_every=4),
    Quality(2, 0.5, 0.13, outer_every=8),
)
"""From the finest down: the order of what is seen of them, and each a good deal cheaper (docs/rendering.md)."""


class Governor:
    """Chooses from a ladder of qualities; fed with every frame's work. One thread."""

    def __init__(self, period_ns: float, ladder: Sequence[Quality] = LADDER) -> None:
        if not ladder or period_ns <= 0:
            raise ValueError("a governor needs a period above 0 and at least one quality")
        self._period_ns = period_ns
        self._ladder = tuple(ladder)
        self._step = 0
        self._outer_every = 1
        self._quality = self._ladder[0]
        self._work_ns, self._draw_ns, self._sky_ns = np.zeros(_WINDOW), np.zeros(_WINDOW), np.zeros(_WINDOW)
        self._count = 0
        self._costs = np.array([quality.cost for quality in ladder])
        self._before: tuple[int, float] | None = None
        """The step before the last change and what drawing took then, until it was learnt from."""
        self._changed_ns = self._raised_ns = -1
        self._patience_ns = _PATIENCE_NS
        self.changes = 0
        """How often the quality was changed."""

    @property
    def quality(self) -> Quality:
        """How the next frame is to be drawn."""
        return self._quality

    def worked(self, work_ns: int, draw_ns: int, now_ns: int, sky_ns: int = 0) -> bool:
        """A frame of the present quality took ``work_ns``, of which drawing took ``draw_ns`` and moving the outer
        picture's sky ``sky_ns`` more, and ended at ``now_ns``.

        Whether the quality changes now.
        """
        if self._changed_ns < 0:
            self._changed_ns = now_ns
        place = self._count % _WINDOW
        self._work_ns[place], self._draw_ns[place], self._sky_ns[place] = work_ns, draw_ns, sky_ns
        self._count += 1
        if self._too_much(self._work_ns):
            return self._lower(now_ns)
        if self._count >= _WINDOW:
            self._learn()
            return self._raise(now_ns)
        return False

    def restart(self, now_ns: int) -> None:
        """After a change of scene: what the steps cost is not known any more."""
        self._costs[:] = [quality.cost for quality in self._ladder]
        self._before = None
        self._outer_every = 1
        self._choose(self._step)
        self._patience_ns = _PATIENCE_NS
        self._count, self._changed_ns, self._raised_ns = 0, now_ns, -1

    def _usual(self, recent_ns: np.ndarray) -> float:
        """A percentile; np.percentile takes a hundred times as long over so few numbers, and every frame asks."""
        ranked = sorted(recent_ns[: min(self._count, _WINDOW)].tolist())
        place = _USUAL / 100 * (len(ranked) - 1)
        low = int(place)
        return float(ranked[low] + (place - low) * (ranked[min(low + 1, len(ranked) - 1)] - ranked[low]))

    def _too_much(self, recent_ns: np.ndarray) -> bool:
        last = recent_ns[(self._count - 2) % _WINDOW] if self._count > 1 else 0.0
        if min(recent_ns[(self._count - 1) % _WINDOW], last) > _LATE * self._period_ns:
            return True
        return self._count >= _FEWEST and self._usual(recent_ns) > HIGH * self._period_ns

    def _expected(self, step: int, *, sky: bool = True) -> float:
        """What a frame's work would usually be at another step; without ``sky``, of a frame that leaves that be."""
        work = self._usual(self._work_ns if sky else self._work_ns - self._sky_ns)
        draw = self._usual(self._draw_ns)
        return work - draw + draw * float(self._costs[step] / self._costs[self._step])

    def _lower(self, now_ns: int) -> bool:
        """Down to the first step that is expected to leave room, or to the last; where the sky alone is in the way of
        all of them, that moves less often."""
        last = len(self._ladder) - 1
        if last == 0:
            return False
        room = LOW * self._period_ns
        sky = self._expected(last) <= room
        if not sky and not self._too_much(self._work_ns - self._sky_ns):
            return self._move_sky(2 * self._outer_every, now_ns)
        if self._step == last:
            return False
        if self._raised_ns >= 0 and now_ns - self._raised_ns < _TRIAL_NS:
            self._patience_ns = min(2 * self._patience_ns, _MOST_PATIENCE_NS)
        step = self._step + 1
        while step < last and self._expected(step, sky=sky) > room:
            step += 1
        self._change(step, now_ns)
        self._raised_ns = -1
        return True

    def _raise(self, now_ns: int) -> bool:
        """One step up, when it is expected to leave room and this one has been kept long enough."""
        if self._raised_ns >= 0 and now_ns - self._raised_ns > _SETTLED_NS:
            self._patience_ns, self._raised_ns = _PATIENCE_NS, -1
        if now_ns - self._changed_ns < self._patience_ns:
            return False
        if self._outer_every > 1 and self._work_ns.max() <= LOW * self._period_ns:
            return self._move_sky(self._outer_every // 2, now_ns)
        if self._step == 0:
            return False
        if self._expected(self._step - 1) > LOW * self._period_ns:
            return False
        self._change(self._step - 1, now_ns)
        self._raised_ns = now_ns
        return True

    def _change(self, step: int, now_ns: int) -> None:
        self._before = self._step, self._usual(self._draw_ns)
        self._choose(step)
        self._changed_ns, self._count = now_ns, 0
        self.changes += 1

    def _move_sky(self, every: int, now_ns: int) -> bool:
        """Another number of frames for each outer picture, of the same drawing."""
        before = self._quality
        self._outer_every = min(every, _RAREST)
        self._choose(self._step)
        if self._quality == before:
            return False
        self._changed_ns, self._count, self._before = now_ns, 0, None
        self.changes += 1
        return True

    def _choose(self, step: int) -> None:
        quality = self._ladder[step]
        self._step = step
        self._quality = replace(quality, outer_every=max(quality.outer_every, self._outer_every))

    def _learn(self) -> None:
        """From the first full window after a change: what drawing at this step costs, beside the step before."""
        if self._before is None:
            return
        before, draw_ns = self._before
        self._before = None
        if draw_ns > 0:
            measured = self._costs[before] * self._usual(self._draw_ns) / draw_ns
            off = np.clip(measured / self._costs[self._step], 0.25, 4.0)
            self._costs[self._step] *= off**_LEARNING
            # A coarser step is never taken for a dearer one.
            np.minimum.accumulate(self._costs, out=self._costs)
