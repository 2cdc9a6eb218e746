"""The cuda backend's host: memory that stays, launches that are recorded, frames that did not fit, views that share."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.render.test_conformance import CASES, assert_conforms, cloud, expected, sky

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.pose import Pose, Similarity
from translight.render.clip import clips_of, flat, outside_box, within_box
from translight.render.contract import Layer, Scene
from translight.render.cuda import memory
from translight.render.cuda.memory import Room, Scratch, least_half_spaces
from translight.render.cuda.renderer import CudaRenderer
from translight.render.cuda.source import MAX_LAYERS, MAX_VIEWS
from translight.render.cuda.views import LAYER, PLACEMENT, VIEW, frame_block, frame_words, together
from translight.render.reference import ReferenceRenderer
from translight.splats.cloud import SplatCloud

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)


class Counting(Emulator):
    """Tells how often launches were recorded, and of how many bytes each upload was."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = 0
        self.uploaded: list[int] = []

    def upload(self, buffer, values):
        self.uploaded.append(values.nbytes)
        super().upload(buffer, values)

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
        assert [kernel for kernel, _ in device.launches].count("blend_expected") == 5, "one frame was drawn twice"


def test_a_recording_is_not_replayed_into_memory_that_is_gone(device):
    (small, small_views), truth = expected("degree_2")
    big, big_views = CASES["off_axis"]()
    with CudaRenderer(device) as renderer:
        for _ in range(2):
            renderer.render(small, small_views)
        renderer.render(big, big_views, order="distance")
        for _ in range(3):
            assert_conforms(renderer.render(small, small_views), truth)


def test_clouds_and_skies_are_forgotten_with_their_objects(device):
    """And with them, when the next plan is made, the plans that drew them."""
    renderer = CudaRenderer(device)
    views = [View(Pose.identity(), Camera.from_fov(20, 20, horizontal_deg=50))]
    lasting = cloud(2, 40)
    scene = Scene((Layer(cloud(1, 50)), Layer(lasting)), sky(1))
    renderer.render(scene, views)
    pipeline = renderer.pipeline
    assert len(pipeline._residents.numbers()) == 3
    del scene
    gc.collect()
    assert len(pipeline._residents.numbers()) == 1
    renderer.render(Scene.of(lasting), views)
    assert len(pipeline._plans) == 1
    renderer.close()
    renderer.close()


def relit(scene: Scene, k: int) -> Scene:
    """Another scene of the same clouds and sky: moved, tinted, clipped and filtered otherwise."""
    moved = Similarity(1.0 + 0.3 * k, Pose.from_wxyz((1, 0.1 * k, 0.2, 0), (0.1 * k, -0.2, 0.3)))
    boxes = within_box(Pose.identity(), (3.0, 3.0, 3.0), moved) * (k % 2) + outside_box(
        Pose.from_wxyz((1, 0.1, 0, 0), (0.3 * k, 0, 0)), (1.0, 1.0, 1.0), moved
    ) * (k // 2)
    layers = tuple(
        replace(layer, stage_from_scene=moved, tint=(1.0 + k, 0.5, 1.0), clips=boxes, antialiased=k % 2 == 1)
        for layer in scene.layers
    )
    return replace(scene, layers=layers, sky_tint=(0.5 * k, 1.0, 2.0), encoding=("srgb", "linear")[k % 2])


def test_a_recording_follows_what_changes_about_a_scene_and_its_views(device):
    """Another scene of the same clouds uploads its small block and its clips alone."""
    scene, views = CASES["layered"]()
    walls = np.array([[0.0, 0.0, 1.0, 0.2], [0.8, 0.0, 0.6, -0.3]])
    with CudaRenderer(device) as renderer:
        for _ in range(2):
            renderer.render(scene, views)
        allocated, recorded = device.allocated, device.recorded
        device.uploaded.clear()
        for k in range(5):
            other, own = relit(scene, k), [replace(view, behind=walls[: k % 3] if k % 3 else None) for view in views]
            assert_conforms(renderer.render(other, own), ReferenceRenderer().render(other, own))
        assert (device.allocated, device.recorded) == (allocated, recorded)
        assert max(device.uploaded) < 4096


def test_each_depth_has_launches_of_its_own(device):
    """By turns, recorded and not, over what the other left."""
    (scene, views), truth = expected("size_123x82")
    median = ReferenceRenderer().render(scene, views, depth="median")[0].depth
    with CudaRenderer(device) as renderer:
        for _ in range(3):
            (frame,) = renderer.render(scene, views, depth="median")
            assert (np.isclose(frame.depth, median, rtol=1e-3) | (frame.depth == median)).mean() > 0.99
            assert_conforms(renderer.render(scene, views), truth)
            renderer.render(scene, views, depth="none")
    assert device.recorded == 3


@pytest.mark.slow
def test_a_recording_is_of_its_clouds_in_their_order_and_of_its_sky(device):
    """Other scenes of some of the same, drawn by turns until each is replayed."""
    scene, views = CASES["layered"]()
    near, none, far = scene.layers
    scenes = [
        scene,
        replace(scene, layers=(far, none, near)),
        replace(scene, layers=(near, far)),
        replace(scene, layers=(near, near)),
        replace(scene, sky=sky(13)),
        replace(scene, sky=sky(13, 10, 30)),
        replace(scene, sky=None),
    ]
    truths = [ReferenceRenderer().render(other, views) for other in scenes]
    with CudaRenderer(device) as renderer:
        for _ in range(2):
            for other, truth in zip(scenes, truths, strict=True):
                assert_conforms(renderer.render(other, views), truth)
    assert device.recorded == len(scenes)


def test_clips_beyond_those_there_is_room_for(device, monkeypatch):
    monkeypatch.setattr(memory, "_LEAST_HALF_SPACES", 4)
    (scene, views), truth = expected("clipped", "distance")
    with CudaRenderer(device) as renderer:
        for _ in range(3):
            assert_conforms(renderer.render(scene, views, order="distance"), truth)
    assert [least_half_spaces(n) for n in (0, 4, 5, 8, 9)] == [4, 4, 8, 8, 16]


def test_views_of_one_eye_may_stand_behind_other_walls(device):
    """Each pass has three views, whose clips are their own."""
    scene, views = CASES["clipped"]()
    assert len(together(views, "distance")) == 1
    with CudaRenderer(device) as renderer:
        frames = renderer.render(scene, views, order="distance")
        assert_conforms(frames, expected("clipped", "distance")[1])
        for view, frame in zip(views, frames, strict=True):
            (alone,) = renderer.render(scene, [view], order="distance")
            assert np.array_equal(frame.rgba, alone.rgba)


def test_layers_share_an_order(device):
    """A cloud in two layers, near splats and far ones of each by turns, is drawn as in one; ties too."""
    splats = CASES["ties"]()[0].layers[0].splats
    view = View(Pose.from_wxyz((1, 0, 0, 0), (0, 0, -4)), Camera.from_fov(60, 40, horizontal_deg=40))
    names = ("means", "scales", "wxyz", "opacities", "sh")
    halves = [
        SplatCloud(*(getattr(splats, name)[part] for name in names)) for part in (slice(0, 300), slice(300, None))
    ]
    # The second in its own unit, of half a metre: the order is in metres.
    fine = replace(halves[1], means=2 * halves[1].means, scales=2 * halves[1].scales)
    apart = Scene((Layer(halves[0]), Layer(fine, Similarity(0.5, Pose.identity()))))
    with CudaRenderer(device) as renderer:
        for order in ("depth", "distance"):
            (one,) = renderer.render(Scene.of(splats), [view], order=order)
            (other,) = renderer.render(apart, [view], order=order)
            assert np.array_equal(one.rgba, other.rgba)
            assert np.array_equal(one.depth, other.depth)


def test_too_many_layers_are_refused(device):
    splats, views = cloud(1, 5), looking((0, 0, -4))
    with CudaRenderer(device) as renderer:
        renderer.render(Scene((Layer(splats),) * MAX_LAYERS), views)
        with pytest.raises(BackendError, match=r"^the cuda backend draws at most 32 layers, got a scene of 33$"):
            renderer.render(Scene((Layer(splats),) * (MAX_LAYERS + 1)), views)


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
    """In the order of frame.cu's fields, without gaps; constant memory has room for them."""
    text = (files("translight.render.cuda") / "kernels" / "frame.cu").read_text("utf-8")
    for name, words in (("View", VIEW), ("Layer", LAYER), ("Placement", PLACEMENT)):
        struct = re.search(rf"struct {name} {{(.*?)}};", re.sub(r"//.*", "", text), re.DOTALL)[1]
        counts = [int(n or 1) for n in re.findall(r"\w+(?:\[(\d+)\])?(?=[,;])", struct)]
        assert 4 * sum(counts) == words.itemsize
    fixed = 4 + 48 + MAX_VIEWS * VIEW.itemsize + MAX_LAYERS * LAYER.itemsize
    assert frame_words().itemsize == fixed + MAX_VIEWS * MAX_LAYERS * PLACEMENT.itemsize < 1 << 16
    assert frame_words(3).itemsize == fixed + 3 * PLACEMENT.itemsize

    views = looking((1.0, 2.0, 3.0), (1.0, 2.0, 3.0))
    block, clips = frame_block(Scene.of(cloud(1, 5), Similarity(2.0, Pose.identity())), views, "distance")
    assert block["views"] == 2
    assert block["view"]["first_tile"][:2].tolist() == [0, 1]
    assert block["view"]["first_pixel"][:2].tolist() == [0, 64]
    words = np.frombuffer(block.tobytes()[4:], np.float32)
    assert words[12 + 9 : 12 + 11].tolist() == [8, 8]
    layer = words[12 + MAX_VIEWS * VIEW.itemsize // 4 :][:5]
    assert layer.tolist() == [2, 0.5, 1, 1.5, 4]
    assert len(clips) == 0


def test_each_layer_and_view_has_clips_of_its_own():
    scene, views = CASES["clipped"]()
    (layer,) = scene.layers
    twice = Scene((replace(layer, clips=()), layer))
    block, clips = frame_block(twice, views, "distance")
    found = [
        clips[5 * first : 5 * end].tolist()
        for first, end in zip(block["placement"]["first_clip"], block["placement"]["end_clip"], strict=True)
    ]
    own = [flat(clips_of(part.clips, view, part.stage_from_scene)).tolist() for part in twice.layers for view in views]
    assert found == own
    assert [len(part) // 5 for part in own] == [0, 2, 1, 18, 20, 19]


def test_views_are_culled_by_the_cpus_planes():
    """Written once more, because that module compiles with Numba, which this backend does without."""
    from translight.render.cpu.cull import planes
    from translight.render.cpu.viewpoint import view_row

    for name in ("similarity_250.0", "off_axis", "several_views", "layered"):
        scene, views = CASES[name]()
        block, _ = frame_block(scene, views, "depth")
        rows = [view_row(layer, scene.encoding, view) for layer in scene.layers for view in views]
        for entry, row in zip(block["placement"], rows, strict=True):
            expected_planes = planes(row)
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
    pipeline.draw(Scene.of(cloud(1, 50)), looking((0, 0, -4)), "depth")
    with pytest.raises(BackendError, match="asked for 64 pixels and 6,442,450,942 splats"):
        pipeline.settle(np.array([0xFFFFFFFF, 0, 0, 0], np.uint32))
