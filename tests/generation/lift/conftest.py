"""One small yard, lifted once, whose truth is cast anew wherever a test stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.lift_scenes import World, yard
from translight.generation.brief.brief import Stage
from translight.generation.candidate import View
from translight.generation.lift.layers import Layers, cut_layers
from translight.generation.lift.lift import Lifted, Options, lift
from translight.render.backends import open_renderer
from translight.render.contract import Renderer


@pytest.fixture(scope="package")
def world() -> World:
    return yard()


@pytest.fixture(scope="package")
def panorama(world: World) -> View:
    return world.panorama(96)


@pytest.fixture(scope="package")
def layers(panorama: View) -> Layers:
    assert panorama.distance_m is not None
    assert panorama.sky is not None
    return cut_layers(panorama.image, panorama.distance_m, panorama.sky, 2.1)


@pytest.fixture(scope="package")
def lifted(panorama: View) -> Lifted:
    return lift(panorama, None, Stage(), Options(splats=5000, steps=1, backend="cpu"), name="yard")


@pytest.fixture(scope="package")
def renderer() -> Iterator[Renderer]:
    with open_renderer("cpu", threads=1) as opened:
        yield opened
