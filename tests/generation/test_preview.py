import numpy as np
import pytest

from translight.generation.preview import shrunk, tone_mapped


def grey(value):
    return np.full((1, 1, 3), value, np.float32)


def test_dark_stays_and_six_is_white():
    assert tone_mapped(grey(0.0)).max() == 0
    assert tone_mapped(grey(0.002))[0, 0, 0] == round(255 * 12.92 * 0.002 / 1.002)
    assert tone_mapped(grey(6.0)).min() == 255
    shown = [int(tone_mapped(grey(v))[0, 0, 0]) for v in (0.05, 0.2, 0.5, 1.0, 3.0, 5.9)]
    assert shown == sorted(set(shown))


def test_colours_keep_their_hue():
    shown = tone_mapped(np.float32([[[0.4, 0.2, 0.1]]]))[0, 0] / 255
    linear = ((shown + 0.055) / 1.055) ** 2.4
    assert linear / linear[1] == pytest.approx([2, 1, 0.5], rel=0.03)


def test_small_ones_are_means_of_whole_pixels():
    picture = np.arange(4 * 8 * 3, dtype=np.float32).reshape(4, 8, 3)
    small = shrunk(picture, 4)
    assert small.shape == (2, 4, 3)
    assert small[0, 0] == pytest.approx(picture[:2, :2].mean(axis=(0, 1)))
    assert shrunk(picture, 8) is picture
    assert shrunk(picture[:1], 2).shape == (1, 8, 3)  # one row stays one
    assert shrunk(picture, 5).shape == (2, 4, 3)
