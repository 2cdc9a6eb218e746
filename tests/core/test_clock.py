import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translight.core.clock import NS_PER_S, FrameClock, now_ns, parse_rate

RATES = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120000, 1001)]
RATES += [
    Fraction(24),
    Fraction(25),
    Fraction(48),
    Fraction(50),
    Fraction(60),
    Fraction(144),
    Fraction(1),
    Fraction(999),
]
CLOCKS = st.builds(FrameClock, st.sampled_from(RATES), st.integers(-(10**18), 10**18))


def test_now_is_the_monotonic_clock():
    before, now, after = time.monotonic_ns(), now_ns(), time.monotonic_ns()
    assert before <= now <= after


@given(clock=CLOCKS, frame=st.integers(-(10**7), 10**7))
@example(clock=FrameClock(Fraction(24000, 1001)), frame=10**7)
def test_a_frames_time_belongs_to_that_frame(clock: FrameClock, frame: int):
    begin = clock.time_ns(frame)
    assert clock.frame_at(begin) == frame
    assert clock.next_frame(begin) == frame
    assert clock.frame_at(begin - 1) == frame - 1
    assert clock.next_frame(begin - 1) == frame
    assert clock.next_frame(begin + 1) == frame + 1
    exact = clock.epoch_ns + Fraction(frame * NS_PER_S) / clock.rate
    assert 0 <= exact - begin < 1


@given(clock=CLOCKS, elapsed=st.integers(-(10**15), 10**15))
def test_any_time_lies_in_its_frame(clock: FrameClock, elapsed: int):
    now = clock.epoch_ns + elapsed
    frame = clock.frame_at(now)
    assert clock.time_ns(frame) <= now < clock.time_ns(frame + 1)
    following = clock.next_frame(now)
    assert clock.time_ns(following - 1) < now <= clock.time_ns(following)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_ten_million_frames_drift_by_nothing(rate: Fraction):
    clock = FrameClock(rate, epoch_ns=123)
    for frame in range(0, 10_000_001, 9973):
        assert clock.frame_at(clock.time_ns(frame)) == frame
    # a whole number of periods of the rate ends on a whole second, exactly
    frame = 10**4 * rate.numerator
    assert clock.time_ns(frame) == 123 + 10**4 * rate.denominator * NS_PER_S
    assert abs(clock.period_ns - (clock.time_ns(frame) - 123) / frame) < 1e-6


def test_machines_with_one_epoch_agree_whenever_they_start():
    a = FrameClock(Fraction(24000, 1001))
    assert [a.time_ns(n) for n in range(4)] == [0, 41708333, 83416666, 125125000]


def test_a_rate_is_positive():
    for rate in (Fraction(0), Fraction(-24)):
        with pytest.raises(ValueError, match="a frame rate is positive"):
            FrameClock(rate)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24", Fraction(24)),
        (" 60 ", Fraction(60)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("47.952", Fraction(48000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("1000", Fraction(1000)),
    ],
)
def test_rates_as_people_write_them(text: str, rate: Fraction):
    assert parse_rate(text) == rate


@given(st.sampled_from(RATES))
def test_a_written_fraction_comes_back(rate: Fraction):
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "fast", "24/0", "24 fps", "nan", "inf", "24000/1001/2", "1e999999999"])
def test_what_is_no_rate_is_refused(text: str):
    with pytest.raises(ValueError, match=r"a frame rate is like 24, 23\.976 or 24000/1001, got "):
        parse_rate(text)


@pytest.mark.parametrize("text", ["0", "-24", "0.5", "1001", "999999999"])
def test_rates_out_of_range_are_refused(text: str):
    with pytest.raises(ValueError, match=r"a frame rate is between 1 and 1000, got "):
        parse_rate(text)


@given(st.text(max_size=12))
def test_any_text_gives_a_rate_or_value_error(text: str):
    try:
        rate = parse_rate(text)
    except ValueError:
        return
    assert 1 <= rate <= 1000
