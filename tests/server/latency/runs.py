"""Runs made up for the latency benchmark's tests."""

from collections.abc import Sequence

import numpy as np

from translight.server.latency.report import Distribution, Run, distribution


def run_with(totals_ms: Sequence[float | None], name: str = "a run", budget_ms: float | None = None) -> Run:
    """A run of frames at 50 fps with these totals; None is a frame whose pose was held."""
    values = np.array([ms for ms in totals_ms if ms is not None])
    nothing: Distribution = distribution(np.empty(0))
    return Run(
        name=name,
        settings={},
        show='name = "<a show>"',
        seconds=len(totals_ms) / 50,
        rate="50",
        width_px=64,
        height_px=36,
        backend="cpu",
        detail_level=0,
        frames={
            "due": len(totals_ms),
            "received": len(totals_ms),
            "skipped": 0,
            "duplicates": 0,
            "dropped": 0,
            "torn": 0,
            "bad": 0,
        },
        stages_ms={"render": distribution(values / 2), "copy": distribution(values / 2)},
        total_ms=distribution(values),
        corrected_ms=distribution(values),
        interval_ms=nothing,
        jitter_ms=nothing,
        totals_us=[-1 if ms is None else round(ms * 1000) for ms in totals_ms],
        at_s=[k / 50 for k in range(len(totals_ms))],
        budget_ms=budget_ms,
        over_budget=budget_ms is not None and distribution(values).p99 > budget_ms,
    )
