"""The governor holds a budget in simulated shows: it steps down at once, up with patience, and settles."""

from collections.abc import Callable

import numpy as np
import pytest

from translight.server.governor import HIGH, LADDER, Governor, Quality

PERIOD_NS = 33_333_333
COST = {quality: 0.74**k for k, quality in enumerate(LADDER)}
"""What drawing takes over that of the finest quality: not what the governor guesses."""
REST_MS = 6.0
"""Of a frame's work, what no quality changes."""


def _steady(ms: float) -> Callable[[float], float]:
    return lambda _: ms


def _run(
    governor: Governor,
    full_ms: Callable[[float], float],
    seconds: float,
    *,
    noise: float = 0.03,
    seed: int = 0,
    start_s: float = 0.0,
) -> tuple[np.ndarray, list[Quality]]:
    """Frames of a show whose finest quality takes ``full_ms(t)``: work over the period, and what each was drawn with."""
    rng = np.random.default_rng(seed)
    work, qualities = [], []
    for frame in range(int(seconds * 1e9 / PERIOD_NS)):
        now_ns = int(start_s * 1e9) + frame * PERIOD_NS
        quality = governor.quality
        whole = full_ms(now_ns / 1e9) * np.exp(rng.normal(0, noise))
        draw = (whole - REST_MS) * COST[quality]
        ms = draw + REST_MS
        governor.worked(int(ms * 1e6), int(draw * 1e6), now_ns)
        work.append(ms * 1e6 / PERIOD_NS)
        qualities.append(quality)
    return np.array(work), qualities


def test_what_fits_is_drawn_finest_and_never_changed() -> None:
    governor = Governor(PERIOD_NS)
    _run(governor, _steady(25.0), 60)
    assert governor.quality == Quality(0, 1.0)
    assert governor.changes == 0


@pytest.mark.parametrize("full_ms", [30.0, 45.0, 70.0, 110.0])
def test_too_much_is_answered_within_a_few_frames_and_held(full_ms: float) -> None:
    governor = Governor(PERIOD_NS)
    work, _ = _run(governor, _steady(full_ms), 60)
    assert (work[8:] < 1.0).all()
    assert governor.changes <= 8
    finer = [quality for quality in LADDER if (REST_MS + (full_ms - REST_MS) * COST[quality]) * 1e6 < 0.66 * PERIOD_NS]
    assert LADDER.index(governor.quality) <= LADDER.index((finer or LADDER[-1:])[0]), "no coarser than it must be"


def test_on_the_border_it_tries_less_and_less_often() -> None:
    """A finer step that just does not hold: half of it is noise between frames."""
    governor = Governor(PERIOD_NS)
    _run(governor, _steady(29.0), 120, noise=0.12)
    first = governor.changes
    _run(governor, _steady(29.0), 120, noise=0.12, seed=1, start_s=120)
    assert first <= 14
    assert governor.changes - first <= first


def test_it_comes_back_up_one_step_at_a_time() -> None:
    governor = Governor(PERIOD_NS)
    _, qualities = _run(governor, lambda t: 100.0 if t < 10 else 15.0, 60)
    steps = [LADDER.index(quality) for quality in qualities]
    after = steps[int(10e9 / PERIOD_NS) :]
    assert steps[0] == 0
    assert after[0] >= 3
    assert after[-1] == 0
    assert min(np.diff(after)) == -1
    changes = np.flatnonzero(np.diff(after))
    assert (np.diff(changes) * PERIOD_NS >= 2e9 - PERIOD_NS).all(), "at least two seconds each"


def test_a_slow_swell_is_followed_without_a_late_frame() -> None:
    """A camera that moves into a thicket and out again: twice the work within twenty seconds."""
    governor = Governor(PERIOD_NS)
    work, _ = _run(governor, lambda t: 40.0 + 20.0 * np.sin(t * np.pi / 20), 300)
    assert (work[8:] < 1.5).all()
    assert np.mean(work[8:] > 1.0) < 0.01
    assert np.median(work) < HIGH


def test_hiccups_of_the_machine_are_none_of_its_business() -> None:
    governor = Governor(PERIOD_NS)
    work, _ = _run(governor, lambda t: 200.0 if (t + 1e-6) % 5.0 < 0.03 else 20.0, 60)
    assert (work > 2).sum() >= 10
    assert governor.changes == 0


def test_the_last_step_is_kept_however_late_frames_are() -> None:
    governor = Governor(PERIOD_NS, LADDER[:2])
    _run(governor, _steady(500.0), 5)
    assert governor.quality == LADDER[1]
    assert governor.changes == 1


def test_a_change_of_scene_forgets_what_was_learnt() -> None:
    governor = Governor(PERIOD_NS)
    _run(governor, _steady(60.0), 20)
    governor.restart(int(20e9))
    governor.worked(int(5e6), int(4e6), int(20.1e9))
    assert governor.quality != LADDER[0], "it is not raised by one frame"
    work, _ = _run(governor, _steady(20.0), 30, start_s=21)
    assert governor.quality == LADDER[0]
    assert (work < 1.0).all()


def _with_plate(governor: Governor, draw_ms: float, sky_ms: float, seconds: float = 20, start_s: float = 0) -> None:
    """A plate at half the wall's rate, whose sky is moved as often as the quality says."""
    for frame in range(int(seconds * 1e9 / PERIOD_NS)):
        quality = governor.quality
        due = quality.outer_every if quality.outer_every > 1 else 2
        sky, draw = sky_ms * (frame % due == 0), draw_ms * COST[LADDER[_step(quality)]]
        governor.worked(
            int((REST_MS + draw + sky) * 1e6), int(draw * 1e6), int(start_s * 1e9) + frame * PERIOD_NS, int(sky * 1e6)
        )


def _step(quality: Quality) -> int:
    (step,) = (k for k, each in enumerate(LADDER) if (each.detail, each.scale) == (quality.detail, quality.scale))
    return step


def test_a_sky_that_moves_costs_no_splats() -> None:
    """No drawing would make room for it, so it moves less often, until there is room for it again."""
    governor = Governor(PERIOD_NS)
    _with_plate(governor, 14.0, 26.0)
    assert governor.quality == Quality(outer_every=8)
    changes = governor.changes
    _with_plate(governor, 14.0, 3.0, start_s=20)
    assert governor.quality == LADDER[0]
    assert governor.changes == changes + 3
    _with_plate(governor, 14.0, 26.0, start_s=40)
    governor.restart(int(60e9))
    assert governor.quality == LADDER[0], "another scene has another sky"


def test_drawing_makes_room_for_a_sky_no_more_than_it_must() -> None:
    governor = Governor(PERIOD_NS)
    _with_plate(governor, 18.0, 6.5)  # of the 26 ms that may be used 13.5 are left for drawing
    assert governor.quality in LADDER[1:3], "every splat is drawn, in fewer pixels"
    splats = Governor(PERIOD_NS)
    _with_plate(splats, 60.0, 26.0)
    assert splats.quality.detail > 0, "splats that are too many even without it are fewer all the same"


def test_without_a_ladder_a_sky_moves_as_often_as_it_does() -> None:
    governor = Governor(PERIOD_NS, LADDER[:1])
    _with_plate(governor, 14.0, 40.0, 2)
    assert governor.quality == LADDER[0]


def test_a_ladder_has_a_step() -> None:
    with pytest.raises(ValueError, match="at least one quality"):
        Governor(PERIOD_NS, ())
