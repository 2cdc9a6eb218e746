"""The measures against films whose truth is known: pure motion, flicker of a known size, noise, a bad cut."""

from itertools import pairwise

import numpy as np
import pytest
from tests.generation.plates.test_flow import shifted, texture

from translight.colour.transfer import srgb_encode
from translight.generation.plates.coherence import coherence

GREY = np.stack([texture(1, (64, 96), 2.5)] * 3, axis=-1) * 0.8


def drifting(count: int = 8, columns: float = 1.5) -> list[np.ndarray]:
    """The picture comes round to where it was when it has moved its whole width: here a loop without a cut."""
    step = GREY.shape[1] / count if columns == 0 else columns
    return [shifted(GREY, step * k, 0.0) for k in range(count)]


def test_a_picture_that_only_moves_has_next_to_no_error_and_no_flicker() -> None:
    found = coherence(drifting())
    assert found.steps == 7
    assert found.warping_codes < 1.5, "what bilinear interpolation leaves"
    still = np.sqrt(np.mean((drifting()[1] - drifting()[0]) ** 2)) * 255
    assert found.warping_codes < still / 4, "without the flow it would be this"
    assert found.flicker < 0.002


def test_flicker_is_measured_at_the_size_that_it_has() -> None:
    size = 0.03
    frames = [frame * np.float32(1 + size * (-1) ** k) for k, frame in enumerate(drifting())]
    assert coherence(frames).flicker == pytest.approx(2 * size, rel=0.1)


def test_noise_that_is_new_in_each_frame_is_warping_error() -> None:
    rng = np.random.default_rng(0)
    frames = [np.clip(GREY + rng.normal(0, 0.02, GREY.shape), 0, 1) for _ in range(5)]
    shown = [srgb_encode(frame) for frame in frames]
    expected = np.sqrt(np.mean([(b - a) ** 2 for a, b in pairwise(shown)])) * 255
    # flow interpolates, which blurs the one of two noises; what the other holds is left, and more
    assert 0.7 * expected < coherence(frames).warping_codes < 1.05 * expected


def test_a_bad_cut_stands_out() -> None:
    frames = drifting(6, 1.0)
    frames[0] = np.stack([texture(9, (64, 96), 2.5)] * 3, axis=-1) * np.float32(0.5)
    found = coherence([*frames[1:], frames[0]][::-1])
    assert found.cut_warping_codes > 3 * coherence(drifting(6, 1.0)).warping_codes
    even = coherence(drifting(32, 0), steps=8)
    assert even.cut_warping_codes <= 1.3 * even.warping_p99_codes
    assert even.cut_flicker < 0.003


def test_too_few_frames() -> None:
    with pytest.raises(ValueError, match=r"^a loop of at least 3 frames is measured, got 2$"):
        coherence(drifting(2))
