"""Which frame of a plate stands on a wall, in whole numbers; and what a still picture shows of it."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.environment.plates import plate_of, random_plate

from translight.core.clock import FrameClock
from translight.environment.plate import Area, Plate, laid

NTSC = Fraction(24000, 1001)
RATES = st.sampled_from([Fraction(n) for n in (1, 8, 24, 25, 30, 50, 60, 120)] + [NTSC, Fraction(60000, 1001)])
NOW = 60 * 1_800_000_000
"""A wall's frame number in our days, at 60 a second since 1970."""


@given(own=RATES, wall=RATES, frame=st.integers(-(10**6), 10**12), count=st.integers(1, 300))
def test_the_frame_is_the_last_that_has_begun_by_the_walls_time(
    own: Fraction, wall: Fraction, frame: int, count: int
) -> None:
    plate = Plate("loop", np.zeros((count, 1, 1, 4), np.float16), own, 0, 0)
    begun = FrameClock(own)  # the clock that we did not write for plates, where its nanoseconds are whole
    time = Fraction(frame) / wall
    shown = plate.frame_at(frame, wall)
    elapsed = next(k for k in range(int(time * own) - 1, int(time * own) + 2) if k / own <= time < (k + 1) / own)
    assert shown == elapsed % count
    if (time * 10**9).denominator == 1:
        assert shown == begun.frame_at(int(time * 10**9)) % count


def test_24_on_60_is_shown_for_three_and_two_frames_in_turn() -> None:
    plate = plate_of([0.0] * 24)
    shown = [plate.frame_at(NOW + k, Fraction(60)) for k in range(10)]
    assert shown == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    fast = Plate("fast", plate.frames, Fraction(60000, 1001), 0, 0)
    # a number from NumPy does not overflow: 60000 · 1001 · 10¹² is past 64 bits
    assert fast.frame_at(np.int64(10**12), Fraction(60000, 1001)) == 10**12 % 24  # type: ignore[arg-type]


def test_after_decades_of_ntsc_on_60_a_frame_still_changes_where_it_must() -> None:
    """Nanoseconds, rounded down, would show some frames one wall frame late; floating point would drift."""
    plate = Plate("loop", np.zeros((1001, 1, 1, 4), np.float16), NTSC, 0, 0)
    # 1001 seconds are 24000 of its frames and 60060 of the wall's
    turns = 10**6
    assert [plate.frame_at(60060 * turns + k, Fraction(60)) for k in (-1, 0, 2, 3)] == [
        (24000 * turns - 1) % 1001,
        24000 * turns % 1001,
        24000 * turns % 1001,
        (24000 * turns + 1) % 1001,
    ]


def test_another_process_shows_the_same_frame() -> None:
    code = """
import numpy as np, sys
from fractions import Fraction
from translight.environment.plate import Plate
plate = Plate("loop", np.zeros((97, 1, 1, 4), np.float16), Fraction(24000, 1001), 0, 0)
print(*[plate.frame_at(60 * 1_800_000_000 + k, Fraction(60)) for k in range(0, 5000, 7)])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    plate = Plate("loop", np.zeros((97, 1, 1, 4), np.float16), NTSC, 0, 0)
    assert [int(word) for word in said.split()] == [plate.frame_at(NOW + k, Fraction(60)) for k in range(0, 5000, 7)]


def test_a_still_shows_the_first_frames_over_the_sky_one_over_the_other() -> None:
    sky = np.full((8, 16, 3), 2.0, np.float32)
    below = plate_of([1.0, 5.0], size=(3, 4), at=(14, 2), cover=0.5)  # across the picture's seam
    above = plate_of([0.25], size=(1, 2), at=(15, 2))
    shown = laid(sky, [below, above])
    expected = np.full((8, 16), 2.0)
    expected[2:5, [14, 15, 0, 1]] = 1.5
    expected[2, [15, 0]] = 0.25
    np.testing.assert_array_equal(shown[..., 0], expected)
    assert laid(sky, [below], [1])[2, 14, 0] == 3.5
    assert sky.min() == 2.0, "the sky itself stays"


@pytest.mark.parametrize(
    "area", [(16, 0, 1, 1), (-1, 0, 1, 1), (0, 5, 4, 4), (0, 0, 17, 1), (0, 0, 0, 1), (0, -1, 1, 1)]
)
def test_an_area_that_is_not_the_skys(area: tuple[int, int, int, int]) -> None:
    with pytest.raises(
        ValueError, match=r"^-?\d+x-?\d+ texels at column -?\d+, row -?\d+ do not lie on a sky of 16x8$"
    ):
        Area(*area).check(16, 8)


def test_what_is_no_plate() -> None:
    with pytest.raises(ValueError, match=r"^a plate's frames are float16 \(n h w 4\), got float32 \(1, 2, 2, 4\)$"):
        Plate("a", np.zeros((1, 2, 2, 4), np.float32), NTSC, 0, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^a plate's rate is from 1 to 1000 frames a second, got 1/2$"):
        Plate("a", random_plate(1).frames, Fraction(1, 2), 0, 0)
    with pytest.raises(ValueError, match=r"^a plate has up to 4096 frames, got 4097$"):
        Plate("a", np.zeros((4097, 1, 1, 4), np.float16), NTSC, 0, 0)
