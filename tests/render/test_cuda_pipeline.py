"""The cuda backend's host: memory that stays, launches that are recorded, frames that did not fit, views that share."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.render.test_conformance import CASES, assert_conforms, cloud, expected

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.pose import Pose
from translight.render.contract import Scene
from translight.render.cuda import memory
from translight.render.cuda.memory import Room, Scratch
from translight.render.cuda.renderer import CudaRenderer
from translight.render.cuda.source import MAX_VIEWS
from translight.render.cuda.views import FRAME, VIEW, frame_block, together

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)


class Counting(Emulator):
    """Tells how often launches were recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = 0

    def record(self, draw):
        self.recorded += 1
        return super().record(draw)


@pytest.fixture
def device():
    return Counting()


def test_a_show_allocates_nothing_and_replays_one_recording(device):
    (scene, views), truth = expected("size_123x82")
    with CudaRenderer(device) as renderer:
        renderer.render(scene, views)
        assert device.recorded == 0
        renderer.render(scene, views)
        assert device.recorded == 1
        allocated, per_frame = device.allocated, len(device.launches) // 2
        for angle in (0.1, 0.2, 0.0):
            turned = View(
                views[0].stage_from_camera @ Pose.from_wxyz((1, 0, angle, 0)), views[0].camera, views[0].near_m
            )
            frames = renderer.render(scene, [turned])
        assert device.allocated == allocated
        assert device.recorded == 1
        assert len(device.launches) == 5 * per_frame
        assert_conforms(frames, truth)


def test_a_frame_that_does_not_fit_is_drawn_again(device, monkeypatch):
    monkeypatch.setattr(memory, "_LEAST_INSTANCES", 512)
    monkeypatch.setattr(memory, "_INSTANCES_A_SPLAT", 0.1)
    (scene, views), truth = expected("size_320x180")
    with CudaRenderer(device) as renderer:
        for _ in range(4):
            frames = renderer.render(scene, views)
            assert_conforms(frames, truth)
        assert [kernel for kernel, _ in device.launches].count("blend") == 5, "one frame was drawn twice"


def test_a_recording_is_not_replayed_into_memory_that_is_gone(device):
    (small, small_views), truth = expected("degree_2")
    big, big_views = CASES["off_axis"]()
    with CudaRenderer(device) as renderer:
        for _ in range(2):
            renderer.render(small, small_views)
        renderer.render(big, big_views, order="distance")
        for _ in range(3):
            assert_conforms(renderer.render(small, small_views), truth)


def test_a_scene_is_forgotten_with_its_object(device):
    renderer = CudaRenderer(device)
    scene, views = Scene(cloud(1, 50)), [View(Pose.identity(), Camera.from_fov(20, 20, horizontal_deg=50))]
    renderer.render(scene, views)
    assert len(renderer.pipeline._residents) == 1
    del scene
    gc.collect()
    assert len(renderer.pipeline._residents) == 0
    renderer.close()
    renderer.close()


def test_a_closed_renderer_may_draw_again(device):
    (scene, views), truth = expected("degree_0")
    renderer = CudaRenderer(device)
    for _ in range(3):
        assert_conforms(renderer.render(scene, views), truth)
        renderer.close()


def looking(*positions: tuple[float, float, float]) -> list[View]:
    return [View(Pose.from_wxyz((1, 0, 0, 0), p), Camera.from_fov(8, 8, horizontal_deg=50)) for p in positions]


def test_views_of_one_eye_go_together_when_the_order_is_theirs():
    a, b = (0.0, 0.0, 1.0), (0.0, 0.0, 2.0)
    views = looking(a, b, a, a, b)
    assert together(views, "distance") == [[0, 2, 3], [1, 4]]
    assert together(views, "depth") == [[0], [1], [2], [3], [4]]
    many = together(looking(*[a] * (MAX_VIEWS + 3)), "distance")
    assert [len(group) for group in many] == [MAX_VIEWS, 3]


def test_many_views_of_one_eye_are_drawn(device):
    """More than go together in one pass."""
    scene, views = CASES["inside"]()
    twice = [*views, *views]
    with CudaRenderer(device) as renderer:
        frames = renderer.render(scene, twice, order="distance")
    assert_conforms(frames, expected("inside", "distance")[1] * 2)


def test_the_frame_has_the_kernels_words():
    """In the order of frame.cu's fields, without gaps."""
    assert VIEW.itemsize == 4 * (37 + 25 + 4)
    assert FRAME.itemsize == 4 + MAX_VIEWS * VIEW.itemsize
    views = looking((1.0, 2.0, 3.0), (1.0, 2.0, 3.0))
    block = frame_block(Scene(cloud(1, 5)), views, "distance")
    assert block["views"] == 2
    assert block["view"]["first_tile"][:2].tolist() == [0, 1]
    assert block["view"]["first_pixel"][:2].tolist() == [0, 64]
    words = np.frombuffer(block.tobytes()[4:], np.float32)
    assert words[13:16].tolist() == [1, 2, 3]
    assert words[25:27].tolist() == [8, 8]
    text = (files("translight.render.cuda") / "kernels" / "frame.cu").read_text("utf-8")
    struct = re.sub(r"//.*", "", text[text.index("struct View {") : text.index("struct Frame")])
    counts = [int(n or 1) for n in re.findall(r"\w+(?:\[(\d+)\])?(?=[,;])", struct)]
    assert sum(counts) == VIEW.itemsize // 4


def test_views_are_culled_by_the_cpus_planes():
    """Written once more, because that module compiles with Numba, which this backend does without."""
    from translight.render.cpu.cull import planes
    from translight.render.cpu.viewpoint import view_row

    for name in ("similarity_250.0", "off_axis", "several_views"):
        scene, views = CASES[name]()
        block = frame_block(scene, views, "depth")
        for entry, view in zip(block["view"], views, strict=False):
            expected_planes = planes(view_row(scene, view))
            assert np.allclose(
                entry["planes"].ravel(), expected_planes, rtol=1e-5, atol=1e-5 * np.abs(expected_planes).max()
            )


def test_the_backend_does_without_numba():
    code = "import sys; sys.modules['numba'] = None; import translight.render.cuda"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_more_than_can_be_counted_is_refused(device):
    for room in (Room(instances=1 << 31), Room(pixels=1 << 31), Room(tiles=1 << 24)):
        with pytest.raises(
            BackendError, match=r"^the cuda backend draws at most 2³¹ pixels, or splats in tiles, at once; it"
        ):
            Scratch(device).ensure(room)
    pipeline = CudaRenderer(device).pipeline
    pipeline.draw(Scene(cloud(1, 50)), looking((0, 0, -4)), "depth")
    with pytest.raises(BackendError, match="asked for 64 pixels and 6,442,450,942 splats"):
        pipeline.settle(np.array([0xFFFFFFFF, 0, 0, 0], np.uint32))
