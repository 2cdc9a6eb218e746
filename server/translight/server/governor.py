"""Holding the frame rate: how finely the next frame is drawn, from how long the last ones took; live_process.py asks.

Steps down are taken at once, steps up only after a while of frames that leave room for them, and after a step up that
did not hold, later each time: so it settles instead of swinging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HIGH = 0.85
"""A frame's usual work over its period from which on less must be drawn: what is left is for the unusual."""
LOW = 0.7
"""What the work must be expected to stay under, for more to be drawn."""

_WINDOW = 12
_FEWEST = 4
_USUAL = 75
_LATE = 1.0
"""Two frames in a row that take longer than this many periods are answered at once …"""
_VERY_LATE = 1.5
"""… and so is one that takes this long."""
_GUESS = 0.75
"""A step's work over that of the step above, before it was seen."""
_PATIENCE_NS = 2_000_000_000
_MOST_PATIENCE_NS = 60_000_000_000
_TRIAL_NS = 5_000_000_000
"""A step up that is taken back within this was a mistake."""
_SETTLED_NS = 30_000_000_000


@dataclass(frozen=True, slots=True)
class Quality:
    """How a frame is drawn: level of detail (0: every splat) and the inner picture's resolution over the camera's."""

    detail: int = 0
    scale: float = 1.0


LADDER = (
    Quality(),
    Quality(0, 0.85),
    Quality(0, 0.7),
    Quality(1, 0.85),
    Quality(1, 0.7),
    Quality(2, 0.7),
    Quality(2, 0.5),
)
"""From the finest down: the order of what is seen of them (docs/rendering.md), and each a good deal cheaper."""


class Governor:
    """Chooses from a ladder of qualities; fed with every frame's work. One thread."""

    def __init__(self, period_ns: float, ladder: Sequence[Quality] = LADDER) -> None:
        if not ladder or period_ns <= 0:
            raise ValueError("a governor needs a period above 0 and at least one quality")
        self._period_ns = period_ns
        self._ladder = tuple(ladder)
        self._step = 0
        self._work_ns = np.zeros(_WINDOW)
        self._count = 0
        # Of each step, its work over that of the step above; the first has none above.
        self._ratios = np.full(len(ladder), _GUESS)
        self._before_ns = 0.0
        """The usual work before the last change; 0 when it is known no more."""
        self._before_step = 0
        self._changed_ns = self._raised_ns = -1
        self._patience_ns = _PATIENCE_NS
        self.changes = 0
        """How often the quality was changed."""

    @property
    def quality(self) -> Quality:
        """How the next frame is to be drawn."""
        return self._ladder[self._step]

    def worked(self, work_ns: int, now_ns: int) -> bool:
        """A frame of the present quality took ``work_ns`` and ended at ``now_ns``; whether the quality changes now."""
        if self._changed_ns < 0:
            self._changed_ns = now_ns
        self._work_ns[self._count % _WINDOW] = work_ns
        self._count += 1
        if self._too_much(work_ns):
            return self._lower(now_ns)
        if self._count >= _WINDOW:
            self._learn()
            return self._raise(now_ns)
        return False

    def restart(self, now_ns: int) -> None:
        """After a change of scene: what the steps cost is not known any more."""
        self._ratios[:] = _GUESS
        self._before_ns = 0.0
        self._patience_ns = _PATIENCE_NS
        self._count, self._changed_ns, self._raised_ns = 0, now_ns, -1

    @property
    def _usual_ns(self) -> float:
        return float(np.percentile(self._work_ns[: min(self._count, _WINDOW)], _USUAL))

    def _too_much(self, work_ns: int) -> bool:
        period = self._period_ns
        if work_ns > _VERY_LATE * period:
            return True
        last = self._work_ns[(self._count - 2) % _WINDOW] if self._count > 1 else 0.0
        if min(work_ns, last) > _LATE * period:
            return True
        return self._count >= _FEWEST and self._usual_ns > HIGH * period

    def _lower(self, now_ns: int) -> bool:
        """Down to the first step that is expected to leave room, or to the last."""
        if self._step == len(self._ladder) - 1:
            return False
        if self._raised_ns >= 0 and now_ns - self._raised_ns < _TRIAL_NS:
            self._patience_ns = min(2 * self._patience_ns, _MOST_PATIENCE_NS)
        usual, step = self._usual_ns, self._step
        expected = usual
        while step < len(self._ladder) - 1:
            step += 1
            expected *= self._ratios[step]
            if expected <= LOW * self._period_ns:
                break
        self._change(step, now_ns, usual)
        self._raised_ns = -1
        return True

    def _raise(self, now_ns: int) -> bool:
        """One step up, when it is expected to leave room and this one has been kept long enough."""
        if self._raised_ns >= 0 and now_ns - self._raised_ns > _SETTLED_NS:
            self._patience_ns, self._raised_ns = _PATIENCE_NS, -1
        if self._step == 0 or now_ns - self._changed_ns < self._patience_ns:
            return False
        usual = self._usual_ns
        if usual / self._ratios[self._step] > LOW * self._period_ns:
            return False
        self._change(self._step - 1, now_ns, usual)
        self._raised_ns = now_ns
        return True

    def _change(self, step: int, now_ns: int, usual_ns: float) -> None:
        self._before_ns, self._before_step = usual_ns, self._step
        self._step, self._changed_ns, self._count = step, now_ns, 0
        self.changes += 1

    def _learn(self) -> None:
        """From the first full window after a change: what the steps between cost, shared out evenly."""
        if self._before_ns <= 0:
            return
        upper, lower = sorted((self._before_step, self._step))
        ratio = self._usual_ns / self._before_ns if self._step == lower else self._before_ns / self._usual_ns
        self._ratios[upper + 1 : lower + 1] = np.clip(ratio ** (1 / (lower - upper)), 0.3, 0.98)
        self._before_ns = 0.0
