"""Measuring counts the frames it should, and the roofline's counts are right."""

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.render.contract import ALPHA_CUT, TRANSMITTANCE_STOP, Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.cpu.roofline import fma_peak, fragments
from translight.render.measure import measure
from translight.render.projection import project
from translight.render.reference import ReferenceRenderer
from translight.splats.cloud import SplatCloud


@pytest.fixture
def scene() -> Scene:
    rng = np.random.default_rng(5)
    n = 300
    wxyz = rng.normal(size=(n, 4))
    return Scene.of(
        SplatCloud(
            means=rng.uniform((-2, -1, 3), (2, 1, 6), (n, 3)).astype(np.float32),
            scales=rng.uniform(0.05, 0.4, (n, 3)).astype(np.float32),
            wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
            opacities=rng.uniform(0.01, 1, n).astype(np.float32),
            sh=rng.normal(size=(n, 1, 3)).astype(np.float32),
        )
    )


@pytest.fixture
def views() -> list[View]:
    camera = Camera.from_fov(70, 50, horizontal_deg=60)
    return [View(Pose.from_wxyz((1, 0, 0, 0), (x, 0, 0)), camera) for x in (-0.5, 0.0, 0.5)]


def test_every_view_is_drawn_in_every_round(scene: Scene, views: list[View]) -> None:
    rounds: list[int] = []
    with CpuRenderer() as renderer:
        found = measure(renderer, scene, views, 4, lambda: rounds.append(1))
    assert found.frame_ms.shape == (12,)
    assert len(rounds) == 5, "one more, that is not counted"
    assert set(found.stages_ms) == {"project", "sort", "bin", "blend", "sky"}
    assert (sum(found.stages_ms.values()) <= found.frame_ms).all()
    assert found.frame_ms.min() <= found.median_ms <= found.p99_ms <= found.frame_ms.max()


def test_a_renderer_that_tells_no_stages_has_none(scene: Scene, views: list[View]) -> None:
    assert measure(ReferenceRenderer(), scene, views[:1], 1).stages_ms == {}


def test_nothing_to_measure_is_refused(scene: Scene, views: list[View]) -> None:
    for some, rounds in (([], 1), (views, 0)):
        with pytest.raises(ValueError, match="at least one view and one round"):
            measure(ReferenceRenderer(), scene, some, rounds)


def test_fragments_are_those_that_the_reference_blends(scene: Scene, views: list[View]) -> None:
    view = views[1]
    with CpuRenderer() as renderer:
        with pytest.raises(ValueError, match="nothing has been drawn"):
            fragments(renderer, 70, 50)
        renderer.render(scene, [view])
        found = fragments(renderer, 70, 50)
    splats, total = project(scene, view), 0
    y, x = np.mgrid[0:50, 0:70] + 0.5
    left, alive = np.ones((50, 70)), np.ones((50, 70), bool)
    for i in range(len(splats)):
        dx, dy = x - splats.centre_px[i, 0], y - splats.centre_px[i, 1]
        a, b, c = splats.conic[i]
        alpha = np.minimum(0.999, splats.opacity[i] * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy))
        ends = alive & (alpha >= ALPHA_CUT) & (left * (1 - alpha) <= TRANSMITTANCE_STOP)
        alive &= ~ends
        drawn = alive & (alpha >= ALPHA_CUT)
        left = np.where(drawn, left * (1 - alpha), left)
        total += int(drawn.sum())
    assert total > 10_000
    assert found == pytest.approx(total, rel=1e-3)


def test_the_peak_is_a_processors() -> None:
    """From one 4-lane unit at 1 GHz, half of it shared away, to two 16-lane ones at 8 GHz."""
    assert 2e9 < fma_peak(1) < 256e9
