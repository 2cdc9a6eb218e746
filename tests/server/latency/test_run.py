"""What a trace comes to: frames that were due, skipped and seen twice, stages, and what a stall leaves out."""

from fractions import Fraction

import numpy as np
import pytest

from translight.core.errors import ShowError
from translight.server.demo import DemoPlan, demo_show
from translight.server.latency.run import WARM_S, run_of
from translight.server.show import show_from_text
from translight.server.status import LiveStatus
from translight.server.supervisor import ShowState
from translight.stream.contract import ReceiverCounts
from translight.stream.latency import COLUMNS, steady
from translight.stream.trace import Trace

MS = 1_000_000
TEXT = demo_show(DemoPlan())
STATE = ShowState(LiveStatus(backend="cpu", frames_dropped=4), 0, 0, {}, 0.0, {})


def _rows(numbers: list[int], stage_ms: float = 2.0) -> np.ndarray:
    """Frames at 50 fps, each stage of 2 ms."""
    rows = np.zeros((len(numbers), len(COLUMNS)), np.int64)
    rows[:, 0] = numbers
    done = 5_000 * MS + np.array(numbers) * 20 * MS
    for k in range(8):
        rows[:, 3 + k] = done - round((7 - k) * stage_ms * MS)
    return rows


def _run(rows: np.ndarray, text: str = TEXT) -> object:
    trace = Trace("shm://x", Fraction(50), 64, 36, "rgba8", ReceiverCounts(torn=1, bad=2), rows)
    return run_of(trace, STATE, show_from_text(text, "x"), text, {})


def test_a_steady_show() -> None:
    run = _run(_rows(list(range(300))))
    assert run.frames == {"due": 200, "received": 200, "skipped": 0, "duplicates": 0, "dropped": 4, "torn": 1, "bad": 2}
    assert run.total_ms.p50 == pytest.approx(14, rel=2e-3)
    assert run.total_ms.count == 200
    assert {name: round(d.p99, 1) for name, d in run.stages_ms.items()} == dict.fromkeys(run.stages_ms, 2.0)
    assert len(run.stages_ms) == 7
    assert run.interval_ms.p50 == pytest.approx(20, rel=2e-3)
    assert run.jitter_ms.max < 0.01
    assert run.corrected_ms.p99 == run.total_ms.p99
    assert not run.over_budget


def test_a_stall_counts_in_the_corrected_figures() -> None:
    numbers = [k for k in range(400) if not 200 < k <= 250]
    run = _run(_rows(numbers))
    assert run.frames["due"] == 300
    assert run.frames["received"] == 250
    assert run.frames["skipped"] == 50
    assert run.total_ms.p99 == pytest.approx(14, rel=2e-3)
    assert run.corrected_ms.count == 300
    assert run.corrected_ms.max == pytest.approx(14 + 50 * 20, rel=2e-3)
    assert run.interval_ms.max == pytest.approx(51 * 20, rel=2e-3)


def test_a_frame_received_twice_is_counted() -> None:
    run = _run(_rows([*range(200), 199, *range(200, 300)]))
    assert run.frames["duplicates"] == 1


def test_held_poses_have_no_total() -> None:
    rows = _rows(list(range(300)))
    rows[150:, COLUMNS.index("received")] = -1
    run = _run(rows)
    assert run.total_ms.count == 50
    assert run.totals_us[:50] == [14_000] * 50
    assert set(run.totals_us[50:]) == {-1}
    assert len(run.at_s) == len(run.totals_us) == 200


@pytest.mark.parametrize(("budget", "over"), [(13.9, True), (14.1, False)])
def test_the_budget_is_held_against_the_99th_percentile(budget: float, over: bool) -> None:
    assert _run(_rows(list(range(300))), f"{TEXT}\n[latency]\nbudget_ms = {budget}\n").over_budget is over


def test_the_first_seconds_do_not_count_and_too_few_frames_are_refused() -> None:
    assert len(steady(_rows(list(range(150))), WARM_S)) == 50
    with pytest.raises(ShowError, match=r"^shm://x: 0 frames came after 2 s of warming up: measure for longer$"):
        _run(_rows(list(range(100))))
    with pytest.raises(ShowError, match=r"^shm://x: 0 frames"):
        _run(_rows([]))
