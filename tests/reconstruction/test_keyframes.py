import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reconstruction.photographs import texture

from translight.reconstruction.keyframes import FEWEST, MOST, STEP, choose
from translight.reconstruction.motion import Motion
from translight.reconstruction.sharpness import grey_of, laplacian_variance


def follow_all(greys):
    motion = Motion()
    return [motion.follow(grey) for grey in greys]


def straight(frames, per_frame):
    """Two blocks that move alike, ``per_frame`` of the longer side each time."""
    return np.arange(frames)[:, None, None] * np.array([[[0.0, per_frame]] * 2])


def test_steps_are_of_motion():
    chosen = choose(straight(1000, STEP / 10.5), np.zeros(1000))  # without sharpness the first of each window
    assert len(chosen) == 91
    assert (np.diff(chosen)[1:] == 11).all()


def test_slow_and_fast_videos_stay_within_bounds():
    assert len(choose(straight(1000, STEP / 1000), np.zeros(1000))) == FEWEST
    assert len(choose(straight(1000, STEP * 2), np.zeros(1000))) == MOST
    assert len(choose(straight(7, STEP / 1000), np.zeros(7))) == 7


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 300),
    count=st.integers(1, 320),
    speed=st.floats(0, 0.5),
    seed=st.integers(0, 99),
)
def test_as_many_as_asked_for_each_once_and_in_order(frames, count, speed, seed):
    rng = np.random.default_rng(seed)
    moved = np.cumsum(rng.normal(speed, speed, (frames, 3, 2)), axis=0)
    chosen = choose(moved, rng.uniform(size=frames), count)
    assert len(chosen) == min(frames, count)
    assert (np.diff(chosen) > 0).all()
    assert chosen[0] >= 0
    assert chosen[-1] < frames


def test_no_frames_and_no_count_are_refused():
    with pytest.raises(ValueError, match="of one frame or more"):
        choose(np.zeros((0, 2, 2)), np.zeros(0))
    with pytest.raises(ValueError, match="got 5 and 0"):
        choose(np.zeros((5, 2, 2)), np.zeros(5), 0)


def test_blocks_follow_shifts_past_their_own_size_and_back():
    wall = grey_of(texture(600, 900, 2))
    path = np.concatenate([np.arange(0, 300, 5), np.arange(300, 0, -7)])
    found = follow_all(wall[100 + x // 3 : 280 + x // 3, x : x + 320] for x in path)
    truth = np.stack([-(path // 3), -path], axis=1)
    assert np.abs(np.median(found, axis=1) - truth).max() <= 4


def test_slow_motion_is_not_lost_between_frames():
    wall = grey_of(texture(200, 2000, 2))
    wide = np.repeat(wall, 8, axis=1)  # an eighth of a pixel a frame
    frames = (wide[:, x : x + 320 * 8].reshape(200, 320, 8).mean(axis=2) for x in range(160))
    assert np.median(follow_all(frames)[-1][:, 1]) == pytest.approx(-20, abs=1)


def test_sky_does_not_hold_back_what_is_below_it():
    wall = grey_of(texture(180, 900, 2))
    wall[:70] = 0.7
    found = follow_all(wall[:, x : x + 320] for x in range(0, 400, 8))
    assert np.median(found[-1][:, 1]) == pytest.approx(-392, abs=4)


def test_a_cut_counts_as_motion():
    a, b = (grey_of(texture(180, 320, seed)) for seed in (1, 2))
    found = follow_all([a, a, b, b])
    assert np.allclose(found[1], 0)
    assert (np.linalg.norm(found[2], axis=1) > 50).all()
    assert np.allclose(found[3], found[2])


def test_sharpness_falls_with_blur():
    sharp = grey_of(texture(100, 100))
    soft = (sharp + np.roll(sharp, 1, 0) + np.roll(sharp, 1, 1)) / 3
    assert laplacian_variance(soft) < 0.6 * laplacian_variance(sharp)
    assert laplacian_variance(np.full((9, 9), 0.5)) == 0
