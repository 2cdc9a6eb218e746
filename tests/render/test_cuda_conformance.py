"""The conformance cases through the cuda backend's own kernels, run on the CPU: what needs no GPU to be proved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.render.test_conformance import (
    CASES,
    MEDIAN_CASES,
    SHARED,
    Case,
    assert_conforms,
    assert_depth_is_left_alone,
    assert_median_conforms,
    assert_median_is_a_splats_own,
    expected,
    real_capture,
)

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.render.contract import Frame
from translight.render.cuda.renderer import CudaRenderer
from translight.render.cuda.views import together
from translight.render.reference import ReferenceRenderer

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)

FORWARDS, BACKWARDS, SHUFFLED = 0, 1, 3


def opened(order: int) -> Iterator[CudaRenderer]:
    with CudaRenderer(Emulator(order)) as renderer:
        yield renderer


@pytest.fixture(scope="module", params=[FORWARDS])
def forwards(request) -> Iterator[CudaRenderer]:
    yield from opened(request.param)


@pytest.fixture(scope="module", params=[BACKWARDS, SHUFFLED])
def otherwise(request) -> Iterator[CudaRenderer]:
    yield from opened(request.param)


@pytest.mark.parametrize("case", CASES)
def test_meets_the_reference(forwards, case):
    (scene, views), truth = expected(case)
    assert_conforms(forwards.render(scene, views), truth)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_meets_the_reference_in_order_of_distance(forwards, case):
    (scene, views), truth = expected(case, "distance")
    assert_conforms(forwards.render(scene, views, order="distance"), truth)


@pytest.mark.parametrize("case", MEDIAN_CASES)
def test_median_depth_meets_the_reference(forwards, case):
    assert_median_conforms(forwards, case)


def test_median_depth_is_a_splats_own(forwards):
    assert_median_is_a_splats_own(forwards)


def test_without_depth_the_picture_is_the_same_and_depth_is_left_alone(forwards):
    assert_depth_is_left_alone(forwards)


@pytest.mark.parametrize("case", ["ties", "inside", "opaque", "giant_2.0_3.0", "layered"])
def test_the_order_in_which_blocks_warps_and_lanes_run_changes_no_bit(forwards, otherwise, case):
    scene, views = CASES[case]()
    for one, other in zip(
        forwards.render(scene, views, order="distance"), otherwise.render(scene, views, order="distance"), strict=True
    ):
        assert np.array_equal(one.rgba, other.rgba)
        assert np.array_equal(one.depth, other.depth)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_meets_the_reference_in_whatever_order_blocks_run(otherwise, case):
    (scene, views), truth = expected(case)
    assert_conforms(otherwise.render(scene, views), truth)


@pytest.mark.parametrize("name", ["playbot_125k_sog", "plant_114k.splat"])
@pytest.mark.parametrize("place", ["outside", "within"])
@pytest.mark.slow
def test_meets_the_reference_on_a_real_capture(forwards, name, place):
    path = SHARED / "splats" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (scene, views), truth = real_capture(path, place)
    assert_conforms(forwards.render(scene, views), truth)


def layers_all_around() -> Case:
    """Three layers from one eye: views of other directions, sizes and near planes, one of them behind a wall."""
    scene, (view, _) = CASES["layered"]()
    turns = [(0.0, 90, 60, None), (0.4, 33, 70, np.array([[0.0, 0.0, 1.0, 0.3]])), (-0.5, 70, 17, None)]
    return scene, [
        View(
            view.stage_from_camera @ Pose.from_wxyz((1, 0, angle, 0)),
            Camera.from_fov(width, height, horizontal_deg=70),
            0.01 + abs(angle),
            behind,
        )
        for angle, width, height, behind in turns
    ]


@pytest.mark.parametrize("case", [CASES["inside"], layers_all_around])
def test_views_of_one_eye_are_as_each_alone(forwards, case):
    """In one pass, which shares colours and order, and a pass each: the same bits."""
    scene, views = case()
    assert len(together(views, "distance")) == 1
    shared = forwards.render(scene, views, order="distance")
    assert_conforms(shared, ReferenceRenderer().render(scene, views, order="distance"))
    for view, frame in zip(views, shared, strict=True):
        (alone,) = forwards.render(scene, [view], order="distance")
        assert np.array_equal(frame.rgba, alone.rgba)
        assert np.array_equal(frame.depth, alone.depth)


def test_scenes_and_sizes_may_alternate(forwards):
    """Recorded launches, memory that grows and what is cached of a scene: nothing of one shows in another."""
    for name in ("degree_3", "size_320x180", "degree_3", "empty", "size_123x82", "size_1x1", "degree_3", "degree_3"):
        (scene, views), truth = expected(name)
        out = [Frame.empty(view.camera.width_px, view.camera.height_px) for view in views]
        for frame in out:
            frame.rgba.fill(np.nan)
            frame.depth.fill(-1)
        assert_conforms(forwards.render(scene, views, out), truth)
