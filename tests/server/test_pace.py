"""Late latching: when a frame is begun, and which places on the clock pass without one."""

from fractions import Fraction
from itertools import pairwise

import pytest

from translight.core.clock import FrameClock
from translight.server import pace as pace_module
from translight.server.pace import Pace, system_frame_clock

MS = 1_000_000


class _Time:
    """A clock that only sleeping and working move."""

    def __init__(self) -> None:
        self.now = 1_000_000_007

    def now_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> _Time:
    fake = _Time()
    monkeypatch.setattr(pace_module, "now_ns", fake.now_ns)
    monkeypatch.setattr(pace_module.time, "sleep", fake.sleep)
    return fake


def _run(time: _Time, rate: Fraction, work_ms: float, frames: int) -> tuple[list[int], list[float], int]:
    """Frame numbers, by how many ms each was finished after its presentation time, and places passed."""
    pace = Pace(FrameClock(rate))
    numbers, late, passed = [], [], 0
    for _ in range(frames):
        slot = pace.wait()
        begin = time.now
        time.now += round(work_ms * MS)
        pace.worked(time.now - begin)
        numbers.append(slot.frame)
        late.append((time.now - slot.presentation_ns) / MS)
        passed += slot.passed
    return numbers, late, passed


def test_light_work_is_begun_late_and_finished_just_in_time(time: _Time) -> None:
    numbers, late, passed = _run(time, Fraction(50), 5, 200)
    assert numbers == list(range(numbers[0], numbers[0] + 200))
    assert passed == 0
    assert max(late[10:]) <= 0
    assert min(late[10:]) >= -1.0


@pytest.mark.parametrize("work_ms", [17, 19, 19.9])
def test_work_that_nearly_fills_the_period_keeps_the_rate(time: _Time, work_ms: float) -> None:
    _, _, passed = _run(time, Fraction(50), work_ms, 200)
    assert passed <= 1  # at the start, while the working time is still a guess


def test_work_over_a_period_takes_every_second_place(time: _Time) -> None:
    numbers, _, passed = _run(time, Fraction(50), 25, 100)
    steps = [b - a for a, b in pairwise(numbers)]
    assert set(steps[5:]) <= {1, 2}
    assert passed == numbers[-1] - numbers[0] - 99
    assert passed >= 20


def test_no_place_is_used_twice(time: _Time) -> None:
    numbers, _, _ = _run(time, Fraction(24000, 1001), 0.01, 300)
    assert all(b > a for a, b in pairwise(numbers))


def test_frames_are_numbered_from_1970_on_the_system_clock() -> None:
    import time as real

    clock = system_frame_clock(FrameClock(Fraction(25)))
    wanted = real.time_ns() * 25 // 1_000_000_000
    assert abs(clock.frame_at(real.monotonic_ns()) - wanted) <= 1
