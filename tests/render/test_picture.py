from __future__ import annotations

import numpy as np
import pytest

from translight.render.contract import Frame
from translight.render.picture import display_u8, linear_half, over, parse_background


def frame(*rgba: float) -> Frame:
    return Frame(np.array([[rgba]], dtype=np.float32), np.ones((1, 1), np.float32))


@pytest.mark.parametrize(
    ("text", "value"),
    [("black", (0, 0, 0)), ("white", (1, 1, 1)), ("#ff8000", (1, 128 / 255, 0)), ("transparent", None)],
)
def test_backgrounds(text, value):
    assert parse_background(text) == value


@pytest.mark.parametrize("text", ["", "red", "#fff", "#gg0000", "#ff00001"])
def test_bad_backgrounds(text):
    with pytest.raises(ValueError, match="black, white, transparent or #rrggbb"):
        parse_background(text)


def test_background_shows_where_splats_do_not_cover():
    half = frame(0.2, 0.1, 0.0, 0.5)
    np.testing.assert_allclose(over(half, "srgb", (1.0, 0.5, 0.0), sky=False)[0, 0], [0.7, 0.35, 0.0], atol=1e-6)
    # sRGB 0.5 is linear 0.214 (IEC 61966-2-1)
    np.testing.assert_allclose(over(half, "linear", (1.0, 0.5, 0.0), sky=False)[0, 0], [0.7, 0.207021, 0], atol=1e-5)
    np.testing.assert_array_equal(over(half, "srgb", (1.0, 1.0, 1.0), sky=True)[0, 0], half.rgba[0, 0, :3])
    np.testing.assert_array_equal(over(half, "srgb", None, sky=False), half.rgba)


def test_display_pixels():
    opaque = np.array([[[0.5, 1.5, -0.1]]], dtype=np.float32)
    np.testing.assert_array_equal(display_u8(opaque, "srgb")[0, 0], [128, 255, 0])
    np.testing.assert_array_equal(display_u8(opaque, "linear")[0, 0], [188, 255, 0])
    see_through = np.array([[[0.25, 0.0, 0.5, 0.5], [0, 0, 0, 0]]], dtype=np.float32)
    np.testing.assert_array_equal(display_u8(see_through, "srgb")[0], [[128, 0, 255, 128], [0, 0, 0, 0]])


def test_linear_pixels():
    opaque = np.array([[[0.5, 1.0, 1e9]]], dtype=np.float32)
    np.testing.assert_allclose(linear_half(opaque, "srgb")[0, 0], [0.2140, 1.0, 65504], rtol=1e-3)
    np.testing.assert_allclose(linear_half(opaque, "linear")[0, 0], [0.5, 1.0, 65504], rtol=1e-3)
    see_through = np.array([[[0.25, 0.5, 0.0, 0.5]]], dtype=np.float32)
    assert linear_half(see_through, "srgb").dtype == np.float16
    np.testing.assert_allclose(linear_half(see_through, "srgb")[0, 0], [0.1070, 0.5, 0, 0.5], rtol=1e-3)
