"""One show run and measured by receivers of its own: what the latency benchmark does for each variation."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from translight.core.errors import ShowError
from translight.server import children
from translight.server.latency.load import loaded
from translight.server.latency.report import Distribution, Run, corrected, distribution
from translight.server.latency.sweep import LOAD, SPLATS, thinned
from translight.server.show import Show, show_from_text
from translight.server.supervisor import LIVE, ShowState, Supervisor
from translight.stream.header import NO_TIME
from translight.stream.latency import TOTAL, column, durations_ms, steady
from translight.stream.trace import Trace, load_trace
from translight.stream.transports import TRANSPORTS

WARM_S = 2.0
"""The first seconds are not counted: caches fill, the governor finds its level."""
_FIRST_FRAME_WITHIN_S = 600
_REPORT_WITHIN_S = 10.0

Told = Callable[[ShowState], None]


def measure(
    text: str,
    source: str,
    base: Path,
    seconds: float,
    settings: Mapping[str, str],
    told: Told,
    *,
    live: str = LIVE,
) -> Run:
    """Run a show for ``seconds`` after its warm start, with ``settings``' load beside it, and measure what arrives.

    The latency is that of the show's first way out that has a receiver of ours, of the walls if one of those has; each
    further one has a receiver too, which takes its frames and is not measured. ``told`` is called once a second;
    ``live`` is Supervisor's.
    Raises ShowError when the show cannot run, has no such way out, or nothing arrives.
    """
    with tempfile.TemporaryDirectory(prefix="translight-latency-") as name, ExitStack() as stack:
        folder = Path(name)
        if SPLATS in settings:
            text = thinned(text, int(settings[SPLATS]), base, folder)
        show = show_from_text(text, source)
        outputs = sorted(show.outputs, key=lambda output: output.carries != "wall")
        urls = [o.url for o in outputs if TRANSPORTS[o.url.partition("://")[0]].receives]
        if not urls:
            raise ShowError(f"{source}: outputs: none of {', '.join(map(str, show.outputs))} has a receiver of ours")
        trace_file = folder / "trace.npz"
        with Supervisor(show, text, source, base, live=live) as supervisor:
            receivers = []
            for k, url in enumerate(urls):
                watch = ["receive", url, "--wait", str(_FIRST_FRAME_WITHIN_S), "--seconds", str(WARM_S + seconds)]
                watch += ["--trace", str(trace_file)] if k == 0 else []
                receivers.append(children.start_command(f"receiver {k}", [*watch, "--json"], stdout=subprocess.DEVNULL))
                stack.callback(receivers[-1].kill)
            stack.enter_context(loaded(settings.get(LOAD, "none")))
            supervisor.watch(told, WARM_S + seconds + _REPORT_WITHIN_S, until=lambda: not receivers[0].running)
            final = supervisor.end()
        if final is None or not trace_file.exists():
            raise ShowError(f"{source}: no frame came by {urls[0]}")
        return run_of(load_trace(trace_file), final, show, text, settings)


def run_of(trace: Trace, final: ShowState, show: Show, text: str, settings: Mapping[str, str]) -> Run:
    """What a trace, after its warm seconds, and the show's last state say."""
    rows = steady(trace.rows, WARM_S)
    if len(rows) < 2:
        raise ShowError(f"{trace.url}: {len(rows)} frames came after {WARM_S:g} s of warming up: measure for longer")
    period_ms = float(1000 / trace.rate)
    done = column(rows, "done")
    span_s = float(done[-1] - done[0]) / 1e9
    numbers = column(rows, "frame")
    steps = np.diff(numbers)
    intervals = np.diff(done) / 1e6
    durations = durations_ms(rows)
    totals = durations.pop(TOTAL, np.empty(0))
    total = distribution(totals)
    tracked = column(rows, "received") != NO_TIME
    omitted = np.append(np.maximum(steps - 1, 0), 0)[tracked]
    budget = show.latency_budget_ms
    return Run(
        name=" ".join(f"{axis}={value}" for axis, value in settings.items()) or show.name,
        settings=dict(settings),
        show=text,
        seconds=round(span_s, 3),
        rate=str(trace.rate),
        width_px=trace.width_px,
        height_px=trace.height_px,
        backend=final.live.backend,
        detail_level=final.live.detail_level,
        frames={
            "due": int(numbers[-1] - numbers[0]) + 1,
            "received": len(rows),
            "skipped": int((steps[steps > 1] - 1).sum()),
            "duplicates": int((steps == 0).sum()),
            "dropped": final.live.frames_dropped,
            "torn": trace.counts.torn,
            "bad": trace.counts.bad,
        },
        stages_ms={name: distribution(values) for name, values in durations.items()},
        total_ms=total,
        corrected_ms=corrected(totals, omitted, period_ms),
        interval_ms=distribution(intervals),
        jitter_ms=distribution(np.abs(intervals - period_ms)),
        totals_us=_totals_us(rows),
        at_s=[round(float(t), 4) for t in (done - done[0]) / 1e9],
        budget_ms=budget,
        over_budget=budget is not None and _over(total, budget),
    )


def _totals_us(rows: Int64[np.ndarray, "n columns"]) -> list[int]:
    received, done = column(rows, "received"), column(rows, "done")
    return [int(us) for us in np.where(received == NO_TIME, -1, (done - received) // 1000)]


def _over(total: Distribution, budget_ms: float) -> bool:
    return total.count > 0 and total.p99 > budget_ms
