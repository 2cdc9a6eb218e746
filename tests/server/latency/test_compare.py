"""The verdict: a real shift is seen, noise is not taken for one, and slow drifts widen the interval."""

import numpy as np
import pytest
from tests.server.latency.runs import run_with

from translight.core.errors import FormatError
from translight.server.latency.compare import compare, compared


def _values(seed: int, shift_ms: float = 0.0, drift_ms: float = 0.0) -> list[float | None]:
    rng = np.random.default_rng(seed)
    drift = np.repeat(rng.normal(0, drift_ms, 20), 60)
    return list(20 + shift_ms + drift + rng.gamma(2.0, 1.0, 1200))


@pytest.mark.parametrize(("shift_ms", "verdict"), [(0.5, "slower"), (-0.5, "faster"), (0.0, "no difference shown")])
def test_the_median_is_judged(shift_ms: float, verdict: str) -> None:
    first, *_ = compare(run_with(_values(1)), run_with(_values(2, shift_ms)))
    assert first.verdict == verdict
    assert first.low_ms < first.second_ms - first.first_ms < first.high_ms


@pytest.mark.slow
def test_equal_runs_are_called_different_seldom() -> None:
    wrong = sum(
        compare(run_with(_values(2 * k)), run_with(_values(2 * k + 1)))[0].verdict != "no difference shown"
        for k in range(20)
    )
    assert wrong <= 4


def test_neighbours_that_share_their_noise_count_for_less() -> None:
    steady = compare(run_with(_values(1)), run_with(_values(2)))[0]
    drifting = compare(run_with(_values(1, drift_ms=2)), run_with(_values(2, drift_ms=2)))[0]
    assert drifting.high_ms - drifting.low_ms > 5 * (steady.high_ms - steady.low_ms)


def test_the_same_seed_gives_the_same_words() -> None:
    a, b = run_with(_values(1)), run_with(_values(2, 1.0))
    text = compared(compare(a, b))
    assert text == compared(compare(a, b))
    assert text.splitlines()[0].startswith("p50: 21.6")
    assert text.splitlines()[0].endswith(": slower")


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(FormatError, match=r"^few: 2 tracked frames are too few to compare; measure 240 or more$"):
        compare(run_with([1.0, 2.0, None], "few"), run_with(_values(1)))
