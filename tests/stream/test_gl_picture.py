"""Which part of a picture is shown where."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.stream.gl_picture import Box, Fit, shown_area


@pytest.mark.parametrize(
    ("picture", "screen", "fit", "source", "target"),
    [
        ((640, 480), (640, 480), "one-to-one", (0, 0, 640, 480), (0, 0, 640, 480)),
        ((100, 50), (640, 480), "one-to-one", (0, 0, 100, 50), (0, 0, 100, 50)),
        ((1920, 1088), (1280, 2000), "one-to-one", (0, 0, 1280, 1088), (0, 0, 1280, 1088)),
        ((1920, 1080), (1280, 1024), "scale", (0, 0, 1920, 1080), (0, 152, 1280, 872)),
        ((100, 200), (800, 400), "scale", (0, 0, 100, 200), (300, 0, 500, 400)),
        ((16384, 1), (100, 100), "scale", (0, 0, 16384, 1), (0, 49, 100, 50)),
    ],
)
def test_golden(picture: tuple[int, int], screen: tuple[int, int], fit: Fit, source: Box, target: Box) -> None:
    assert shown_area(picture, screen, fit) == (source, target)


_SIZES = st.tuples(st.integers(1, 16384), st.integers(1, 16384))


@settings(deadline=None)
@given(_SIZES, _SIZES, st.sampled_from(["one-to-one", "scale"]))
def test_nothing_lies_outside(picture: tuple[int, int], screen: tuple[int, int], fit: Fit) -> None:
    for (x0, y0, x1, y1), (width, height) in zip(shown_area(picture, screen, fit), (picture, screen), strict=True):
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
