"""Dissolves are a mixer's: each picture by its share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.clip import within_box
from translight.render.contract import Frame, Layer, Scene
from translight.render.dissolve import dissolve, relit
from translight.render.reference import ReferenceRenderer


def _frame(seed: int, width: int = 37, height: int = 11) -> Frame:
    rng = np.random.default_rng(seed)
    return Frame(rng.random((height, width, 4), np.float32), rng.random((height, width), np.float32))


@pytest.mark.parametrize("threads", [None, 1, 2])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_colours_mix_and_depth_is_the_larger_shares(fraction, threads):
    frame, other, before = _frame(0), _frame(1), _frame(0)
    dissolve(frame, other, fraction, threads)
    wanted = (1 - fraction) * before.rgba + fraction * other.rgba
    np.testing.assert_allclose(frame.rgba, wanted, atol=2e-7)
    np.testing.assert_array_equal(frame.depth, other.depth if fraction > 0.5 else before.depth)
    np.testing.assert_array_equal(other.rgba, _frame(1).rgba)


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(
        ValueError, match=r"pictures that dissolve are of one size, got \(11, 37, 4\) and \(11, 36, 4\)"
    ):
        dissolve(_frame(0), _frame(1, 36), 0.5)
    with pytest.raises(ValueError, match=r"a dissolve goes from 0 to 1, got 1\.2"):
        dissolve(_frame(0), _frame(1), 1.2)


@pytest.fixture
def lit(cloud_of):
    """A scene under a light."""
    rng = np.random.default_rng(5)
    clouds = [cloud_of(rng.normal([0, 0, 5], 1, (60, 3)), 0.3, sh=rng.uniform(0, 1.5, (60, 3))) for _ in range(2)]
    sky = rng.uniform(0.2, 1, (8, 16, 3)).astype(np.float32)

    def scene(tint, sky_tint=(1.0, 1.0, 1.0), encoding="srgb"):
        layers = Layer(clouds[0], tint=tint), Layer(clouds[1], Similarity(1.1, Pose.identity()))
        return Scene(layers, sky, sky_tint, encoding)

    return scene


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
@pytest.mark.parametrize("fraction", [0.25, 0.7])
def test_a_change_of_light_alone_is_drawn_once_as_if_it_were_mixed(lit, encoding, fraction):
    first, second = lit((1, 0.8, 1.2), encoding=encoding), lit((0.2, 0.8, 2.0), (0.5, 0.6, 0.9), encoding)
    view = View(Pose.identity(), Camera.from_fov(48, 32, horizontal_deg=50))
    renderer = ReferenceRenderer()
    mixed, other = (renderer.render(scene, [view])[0] for scene in (first, second))
    assert np.abs(mixed.rgba - other.rgba).max() > 0.3
    dissolve(mixed, other, fraction)
    between = relit(first, second, fraction)
    assert between is not None
    np.testing.assert_allclose(renderer.render(between, [view])[0].rgba, mixed.rgba, atol=0.5 / 255)


def test_scenes_that_differ_in_more_than_light_are_mixed(lit, cloud_of):
    scene = lit((1, 1, 1))
    near, far = scene.layers
    others = [
        replace(scene, layers=(near,)),
        replace(scene, layers=(near, replace(far, splats=cloud_of([0, 0, 1])))),
        replace(scene, layers=(near, replace(far, stage_from_scene=Similarity(1.2, Pose.identity())))),
        replace(scene, layers=(near, replace(far, antialiased=True))),
        replace(scene, layers=(near, replace(far, clips=within_box(Pose.identity(), (9, 9, 9), far.stage_from_scene)))),
        replace(scene, sky=None),
        replace(scene, encoding="linear"),
    ]
    assert [relit(scene, other, 0.5) for other in others] == [None] * len(others)
    assert relit(scene, replace(scene, layers=(near, replace(far, tint=(0.1, 1, 4)))), 0.5) is not None


def test_a_fade_to_black_is_mixed_where_colours_are_srgb(lit):
    for encoding, mixed in (("srgb", True), ("linear", False)):
        light, dark = lit((1, 1, 1), encoding=encoding), lit((1, 0.05, 1), encoding=encoding)
        assert (relit(light, dark, 0.5) is None) == mixed
        assert (relit(dark, light, 0.5) is None) == mixed
