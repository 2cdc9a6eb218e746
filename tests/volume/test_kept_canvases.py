"""Canvases that keep what was composited into them: fewer words are written, never other ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.volume.test_compositor import CAMERA, EYE, canvas  # noqa: F401 - a fixture

from translight.colour.grade import Grade
from translight.colour.output import OutputTransform
from translight.core.frames import camera_from_pan_tilt_roll
from translight.volume.canvas import Canvas
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view

LOOKS_AWAY = inner_view(camera_from_pan_tilt_roll(np.pi, -0.3, 0.0, (0.0, -3.0, 1.5)), CAMERA)


@pytest.fixture
def compositor(canvas: Canvas, picture_of) -> Compositor:  # noqa: F811
    compositor = Compositor(canvas, OutputTransform())
    compositor.show_outer(outer_of(compositor, picture_of, 0))
    return compositor


def outer_of(compositor: Compositor, picture_of, seed: int) -> np.ndarray:
    return compositor.draw_outer(lambda _s, views: [picture_of(v, seed + k) for k, v in enumerate(views)], "", EYE)


def test_a_ring_of_canvases_shows_what_fresh_ones_do(compositor: Compositor, picture_of) -> None:
    """A camera wanders over three kept canvases while outer picture and colour change, each history its own."""
    rng = np.random.default_rng(3)
    ring = np.full((3, 260, 600, 4), 9, np.uint8)
    second = outer_of(compositor, picture_of, 40)
    first = compositor._outer
    for frame in range(24):
        pose = camera_from_pan_tilt_roll(*rng.uniform(-0.7, 0.7, 3) * [1, 0.5, 0.2], (0.1, -0.4, 1.5))
        view = LOOKS_AWAY if frame % 7 == 3 else inner_view(pose, CAMERA)
        inner = picture_of(view, frame)
        if frame == 8:
            compositor.show_outer(second)
        if frame in (12, 13):
            compositor.dissolve_outer(first, second, 0.3 * (frame - 11))
        if frame == 18:
            compositor.set_output(OutputTransform(grade=Grade(exposure_stops=-1)))
        kept = ring[rng.integers(3)]
        compositor.composite(inner, view, kept, kept=True)
        fresh = np.full_like(kept, 7)
        compositor.composite(inner, view, fresh)
        np.testing.assert_array_equal(kept, fresh, err_msg=f"frame {frame}")


def test_what_has_not_changed_is_not_written_again(compositor: Compositor, picture_of) -> None:
    out = np.empty((260, 600, 4), np.uint8)
    inner = picture_of(LOOKS_AWAY)
    compositor.composite(inner, LOOKS_AWAY, out, kept=True)
    out[:] = 3
    compositor.composite(inner, LOOKS_AWAY, out, kept=True)
    assert (out == 3).all()
    compositor.set_output(compositor.output)
    compositor.composite(inner, LOOKS_AWAY, out, kept=True)
    assert (out[..., 3] == 255).all()


def test_a_canvas_no_longer_kept_is_filled_whole_and_forgotten(compositor: Compositor, picture_of) -> None:
    out = np.empty((260, 600, 4), np.uint8)
    inner = picture_of(LOOKS_AWAY)
    compositor.composite(inner, LOOKS_AWAY, out, kept=True)
    whole = out.copy()
    for kept in (False, True):
        out[:] = 3
        compositor.composite(inner, LOOKS_AWAY, out, kept=kept)
        np.testing.assert_array_equal(out, whole)
