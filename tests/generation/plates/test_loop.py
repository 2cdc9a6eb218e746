"""Loops: where films are cut, that nothing jumps there, and that a fade keeps the contrast."""

import numpy as np
import pytest
from scipy import ndimage

from translight.core.errors import GenerationError
from translight.generation.plates.loop import best_cut, faded, looped


def noise(seed: int, size: tuple[int, int] = (32, 48)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([np.clip(0.5 + 0.1 * rng.normal(size=size), 0, None)] * 3, axis=-1).astype(np.float32)


def flowing(count: int) -> np.ndarray:
    """A texture that changes smoothly and never comes back: noise, smoothed in time."""
    rng = np.random.default_rng(3)
    film = ndimage.gaussian_filter(rng.normal(size=(count, 24, 32)), (4, 1.2, 1.2), mode="wrap")
    return np.repeat((0.5 + 0.12 * film / film.std())[..., None], 3, axis=-1).astype(np.float32)


def test_a_film_that_repeats_is_cut_at_its_period() -> None:
    angle = 2 * np.pi * np.arange(40) / 13
    film = np.stack([np.roll(noise(1), 0, axis=0) * (1 + 0.5 * np.sin(a)) for a in angle])
    cut = best_cut(film, 13, 2)
    assert cut.difference < 1e-3
    frames = looped(film, cut)
    np.testing.assert_allclose(frames(0), film[cut.begins], atol=1e-3)


def test_the_moment_that_comes_back_is_found() -> None:
    film = flowing(60)
    film[41:49] = film[11:19]
    cut = best_cut(film, 30, 4)
    assert 11 <= cut.begins <= 15
    assert cut.difference < 1e-6


def test_no_step_over_the_cut_is_larger_than_the_others() -> None:
    film = flowing(80)
    cut = best_cut(film, 48, 12)
    make = looped(film, cut)
    loop = [make(k) for k in range(48)]
    steps = [float(np.sqrt(np.mean((loop[(k + 1) % 48] - loop[k]) ** 2))) for k in range(48)]
    inner = steps[12:47]
    assert steps[47] <= np.percentile(inner, 99) * 1.15
    assert max(steps[:12]) <= np.percentile(inner, 99) * 1.8, "while it fades both move"
    hard = float(np.sqrt(np.mean((film[cut.begins] - film[cut.begins + 47]) ** 2)))
    assert hard > 3 * steps[47], "without the fade it would jump"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_fade_keeps_contrast_and_mean(share: float) -> None:
    one, other = noise(1), noise(2)
    mixed = faded(one, other, share)
    assert mixed.std() == pytest.approx(one.std(), rel=0.03)
    assert mixed.mean() == pytest.approx(0.5, abs=0.01)
    plain = (1 - share) * one + share * other
    assert plain.std() < 0.95 * one.std(), "what it is for"


def test_a_fade_of_a_picture_into_itself_is_itself() -> None:
    np.testing.assert_allclose(faded(noise(1), noise(1), 0.4), noise(1), atol=1e-5)
    np.testing.assert_allclose(faded(noise(1), noise(2), 0.0), noise(1), atol=1e-5)
    np.testing.assert_allclose(faded(noise(1), noise(2), 1.0), noise(2), atol=1e-5)


def test_films_that_are_too_short() -> None:
    with pytest.raises(GenerationError) as caught:
        best_cut(flowing(20), 16, 5)
    assert str(caught.value) == "20 frames are too few for a loop of 16 that fades over 5: 21 are needed"
    with pytest.raises(GenerationError) as caught:
        best_cut(flowing(20), 5, 5)
    assert str(caught.value) == "a loop has 3 frames or more and fades over fewer, got 5 and 5"
    with pytest.raises(ValueError, match=r"^the loop has frames 0 to 9, got 10$"):
        looped(flowing(20), best_cut(flowing(20), 10, 2))(10)
