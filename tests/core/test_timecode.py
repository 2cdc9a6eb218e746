from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.timecode import Timecode, can_drop, frames_per_day

NTSC = Fraction(1000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60), Fraction(120)]
RATES += [24 * NTSC, 30 * NTSC, 48 * NTSC, 60 * NTSC, 120 * NTSC]
COUNTINGS = [(rate, False) for rate in RATES] + [(rate, True) for rate in RATES if can_drop(rate)]


@st.composite
def _counted(draw: st.DrawFn) -> tuple[int, Fraction, bool]:
    rate, drop = draw(st.sampled_from(COUNTINGS))
    return draw(st.integers(0, frames_per_day(rate, drop=drop) - 1)), rate, drop


# labels worked out by hand from the rule: two labels fewer a minute, but not in minutes 0, 10, 20, 30, 40 and 50
@pytest.mark.parametrize(
    ("frame", "rate", "drop", "label"),
    [
        (0, 30 * NTSC, True, "00:00:00;00"),
        (1799, 30 * NTSC, True, "00:00:59;29"),
        (1800, 30 * NTSC, True, "00:01:00;02"),
        (1800, 30 * NTSC, False, "00:01:00:00"),
        (3597, 30 * NTSC, True, "00:01:59;29"),
        (3598, 30 * NTSC, True, "00:02:00;02"),
        (17981, 30 * NTSC, True, "00:09:59;29"),
        (17982, 30 * NTSC, True, "00:10:00;00"),
        (107892, 30 * NTSC, True, "01:00:00;00"),
        (2589407, 30 * NTSC, True, "23:59:59;29"),
        (2589408, 30 * NTSC, True, "00:00:00;00"),
        (-1, 30 * NTSC, True, "23:59:59;29"),
        (3599, 60 * NTSC, True, "00:00:59;59"),
        (3600, 60 * NTSC, True, "00:01:00;04"),
        (215784, 60 * NTSC, True, "01:00:00;00"),
        (7200, 120 * NTSC, True, "00:01:00;08"),
        (86400, 24 * NTSC, False, "01:00:00:00"),
        (90061 * 25 + 24, Fraction(25), False, "01:01:01:24"),
        (119, Fraction(120), False, "00:00:00:119"),
    ],
)
def test_labels_by_hand(frame: int, rate: Fraction, drop: bool, label: str):
    timecode = Timecode.from_frame(frame, rate, drop=drop)
    assert str(timecode) == label
    assert Timecode.parse(label, rate) == timecode
    assert timecode.frame == frame % frames_per_day(rate, drop=drop)


@given(counted=_counted())
def test_frames_come_back_and_so_do_written_labels(counted: tuple[int, Fraction, bool]):
    frame, rate, drop = counted
    timecode = Timecode.from_frame(frame, rate, drop=drop)
    assert timecode.frame == frame
    assert Timecode.parse(str(timecode), rate) == timecode
    assert Timecode.from_frame(frame + 3 * frames_per_day(rate, drop=drop), rate, drop=drop) == timecode


@given(counted=_counted())
def test_the_next_frame_has_the_next_label_that_is_not_left_out(counted: tuple[int, Fraction, bool]):
    frame, rate, drop = counted
    timecode = Timecode.from_frame(frame, rate, drop=drop)
    following = Timecode.from_frame(frame + 1, rate, drop=drop)
    count = -(-rate.numerator // rate.denominator)
    total = ((timecode.hours * 60 + timecode.minutes) * 60 + timecode.seconds) * count + timecode.frames + 1
    minute, rest = divmod(total, 60 * count)
    if drop and rest == 0 and minute % 10:
        rest = {30: 2, 60: 4, 120: 8}[count]
    minute %= 24 * 60
    assert (following.hours, following.minutes) == divmod(minute, 60)
    assert (following.seconds, following.frames) == divmod(rest, count)


@given(counted=_counted().filter(lambda counted: counted[2]))
def test_drop_frame_labels_keep_time_with_the_clock(counted: tuple[int, Fraction, bool]):
    frame, rate, drop = counted
    timecode = Timecode.from_frame(frame, rate, drop=drop)
    named = (timecode.hours * 60 + timecode.minutes) * 60 + timecode.seconds + timecode.frames / rate
    # within two labels in ten minutes, and 86.4 ms at the end of a day
    assert abs(named - frame / rate) < Fraction(2, 30) + Fraction(87, 1000)


@pytest.mark.slow
def test_a_whole_hour_of_drop_frame_labels_is_unique_rising_and_has_no_left_out_one():
    rate = 30 * NTSC
    labels = [Timecode.from_frame(frame, rate, drop=True) for frame in range(107892)]
    keys = [(t.hours, t.minutes, t.seconds, t.frames) for t in labels]
    assert keys == sorted(set(keys))
    assert not [k for k in keys if k[2] == 0 and k[3] < 2 and k[1] % 10]
    assert len(keys) == 3600 * 30 - 54 * 2


@pytest.mark.parametrize(
    ("text", "rate", "message"),
    [
        ("", Fraction(25), r"like 01:02:03:04, or 01:02:03;04 for drop-frame, got ''$"),
        ("1:2:3:4", Fraction(25), r"got '1:2:3:4'$"),
        ("01:02:03:04:05", Fraction(25), r"got '01:02:03:04:05'$"),
        ("٠١:٠٢:٠٣:٠٤", Fraction(25), r"got "),
        ("24:00:00:00", Fraction(25), r"there is no timecode 24:00:00:00 at 25 frames a second$"),
        ("00:60:00:00", Fraction(25), r"there is no timecode 00:60:00:00"),
        ("00:00:60:00", Fraction(25), r"there is no timecode 00:00:60:00"),
        ("00:00:00:25", Fraction(25), r"there is no timecode 00:00:00:25"),
        ("00:01:00;01", 30 * NTSC, r"drop-frame counting leaves out the timecode 00:01:00;01$"),
        ("00:01:00;03", 60 * NTSC, r"drop-frame counting leaves out the timecode 00:01:00;03$"),
        ("00:01:00;02", 24 * NTSC, r"only 29\.97 frames a second and its multiples drop frame labels, not 24000/1001$"),
        ("00:01:00;02", Fraction(30), r"only 29\.97 frames a second"),
    ],
)
def test_what_is_no_timecode_is_refused(text: str, rate: Fraction, message: str):
    with pytest.raises(ValueError, match=message):
        Timecode.parse(text, rate)


@pytest.mark.parametrize("text", ["00:10:00;00", "00:10:00.00", " 00:10:00,00\n"])
def test_drop_frame_is_written_with_another_last_separator(text: str):
    assert str(Timecode.parse(text, 30 * NTSC)) == "00:10:00;00"


def test_a_rate_is_positive():
    with pytest.raises(ValueError, match="a frame rate is positive"):
        Timecode(0, 0, 0, 0, Fraction(0))
