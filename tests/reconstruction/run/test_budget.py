"""What a time allows, on machines whose rate is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ShowError
from translight.reconstruction.run.budget import (
    FEWEST_ITERATIONS,
    FEWEST_SPLATS,
    GOOD_ITERATIONS,
    MOST_ITERATIONS,
    MOST_SPLATS,
    Fixed,
    Plan,
    Rate,
    evaluation_s,
    parse_budget,
    plan,
    plan_text,
    training_s,
)

TWO_CORES = Rate(0.001, 1.0e-7, 4.0e-8)
"""Some 64 iterations a second of 100,000 splats at 400×300."""
FAST = Rate(0.001, 2e-9, 1e-9)
BRIGHTON = [(1600, 1200)] * 15


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("minutes=5", 300), ("hours=1.5", 5400), ("seconds=90", 90), (" minutes=0.5 ", 30), ("hours=168", 604800)],
)
def test_budgets(text: str, seconds: float):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["5", "minutes", "minutes=", "minutes=five", "days=1", "=5", "minutes=nan", ""])
def test_what_is_no_budget(text: str):
    with pytest.raises(ShowError) as error:
        parse_budget(text)
    assert str(error.value) == f"--budget: wants minutes=5, hours=1 or seconds=300, got {text!r}"


@pytest.mark.parametrize("text", ["seconds=29", "minutes=-5", "hours=169", "minutes=0"])
def test_budgets_out_of_bounds(text: str):
    with pytest.raises(ShowError, match=rf"^--budget: from 30 seconds to 7 days, got '{text}'$"):
        parse_budget(text)


def test_five_minutes_on_two_cores():
    found = plan(220.0, TWO_CORES, BRIGHTON, 3)
    assert found.width_px in (480, 560)
    assert 100_000 < found.splats < 250_000
    assert found.iterations >= GOOD_ITERATIONS
    assert found.seconds is not None
    assert found.seconds < 220


def test_a_quick_machine_takes_the_largest_pictures_and_stops_when_it_suffices():
    found = plan(1200.0, FAST, BRIGHTON, 3)
    assert found.width_px == 1600
    assert found.iterations == MOST_ITERATIONS


def test_hardly_any_time_gives_small_pictures_and_few_splats():
    found = plan(15.0, Rate(0.01, 1e-6, 1e-7), [(4000, 3000)] * 200, 20)
    assert (found.width_px, found.splats) == (160, FEWEST_SPLATS)
    assert found.iterations >= FEWEST_ITERATIONS


def test_without_a_limit_nothing_is_cut():
    found = plan(None, None, BRIGHTON, 3)
    assert (found.width_px, found.iterations, found.seconds) == (1600, MOST_ITERATIONS, None)


def test_what_the_user_fixed_is_kept():
    found = plan(220.0, TWO_CORES, BRIGHTON, 3, Fixed(width_px=400, splats=100_000))
    assert (found.width_px, found.splats) == (400, 100_000)
    # what is left after evaluation, at the rate: both by hand
    assert found.iterations == int((220 - evaluation_s(3, 120_000)) / (0.001 + 0.8 * 0.01 + 0.85 * 0.0048))
    found = plan(220.0, TWO_CORES, BRIGHTON, 3, Fixed(iterations=500))
    assert found.iterations == 500
    assert found.width_px > 560
    assert plan(None, None, BRIGHTON, 3, Fixed(width_px=9999)).width_px == 1600
    assert plan(None, None, BRIGHTON, 3, Fixed(iterations=7)).iterations == 7


def test_training_has_its_share_whatever_came_before():
    assert training_s(300, 80) == 220
    assert training_s(300, 290) == 75
    assert training_s(300, 1000) == 75


def test_a_plan_in_words():
    words = plan_text(Plan(400, 108_000, 7_000, 200.0, "52.0 iterations a second expected, 200 s"))
    assert words == ("400 px wide, 108,000 splats at most, 7,000 iterations (52.0 iterations a second expected, 200 s)")


def test_a_limited_time_wants_a_rate():
    with pytest.raises(ValueError, match="a plan for a limited time wants a rate"):
        plan(60.0, None, BRIGHTON, 3)


def test_many_pictures_are_each_looked_at_often_or_are_smaller():
    few, many = (plan(600.0, TWO_CORES, [(1600, 1200)] * n, n // 8) for n in (15, 300))
    assert many.width_px < few.width_px
    assert many.iterations >= 60 * 300 or many.width_px == 160


@given(
    st.floats(1, 1e5),
    st.floats(1e-5, 0.1),
    st.floats(0, 1e-5),
    st.floats(0, 1e-5),
    st.lists(st.tuples(st.integers(1, 8000), st.integers(1, 8000)), min_size=1, max_size=50),
    st.integers(0, 20),
)
def test_any_plan_can_be_carried_out(
    left_s: float, base: float, splat: float, pixel: float, sizes: list[tuple[int, int]], held_out: int
):
    rate = Rate(base, splat, pixel)
    found = plan(left_s, rate, sizes, held_out)
    assert 1 <= found.width_px <= max(width for width, _ in sizes)
    assert FEWEST_SPLATS <= found.splats <= MOST_SPLATS
    assert FEWEST_ITERATIONS <= found.iterations <= MOST_ITERATIONS
    assert found.seconds is not None
    assert found.seconds > 0


@given(st.floats(10, 5000), st.floats(1.05, 10))
def test_more_time_never_gives_smaller_pictures(left_s: float, times: float):
    less, more = (plan(left_s * factor, TWO_CORES, BRIGHTON, 3) for factor in (1, times))
    assert more.width_px >= less.width_px
