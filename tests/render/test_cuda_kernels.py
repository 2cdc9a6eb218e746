"""Each step of the cuda pipeline by itself, its kernels run on the CPU."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator, Memory
from tests.render.test_conformance import cloud

from translight.core.camera import Camera, View
from translight.core.device import THREADS
from translight.core.pose import Pose
from translight.render.contract import ALPHA_CUT, DepthKind, Scene
from translight.render.cuda.prepare import GROUP_FIELDS, lay_out
from translight.render.cuda.source import (
    CONSTANTS,
    DIGITS,
    GROUP,
    KERNELS,
    MAX_VIEWS,
    SORT_STRIP,
    TILE_PX,
    WARP,
    source,
)
from translight.render.cuda.views import frame_block, tile_counts
from translight.render.projection import project

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)

NOTHING = 0xFFFFFFFF


@pytest.fixture(scope="module", params=[0, 1, 11])
def emulator(request):
    emulator = Emulator(request.param)
    emulator.load(source(), KERNELS, CONSTANTS)
    return emulator


def filled(emulator: Emulator, values: np.ndarray) -> Memory:
    buffer = emulator.allocate(values.nbytes)
    emulator.upload(buffer, values)
    return buffer


def words(emulator: Emulator, count: int) -> Memory:
    return emulator.allocate(4 * count)


def one_pass(emulator, keys, values, length, shift):
    """Keys and values after a pass over so many of them, and how many there were."""
    strips = max(1, -(-len(keys) // SORT_STRIP))
    counts, totals = words(emulator, DIGITS * strips), words(emulator, DIGITS)
    given = filled(emulator, keys)
    carried = None if values is None else filled(emulator, values)
    n, found = filled(emulator, np.array([length], np.uint32)), words(emulator, 1)
    keys_out, values_out = words(emulator, len(keys)), words(emulator, len(keys))
    at, across = np.int32(shift), np.int32(strips)
    emulator.launch("radix_count", strips, [given, n, at, counts, across])
    emulator.launch("radix_scan", DIGITS * WARP // THREADS, [counts, n, across, totals])
    emulator.launch(
        "radix_scatter", strips, [given, carried, n, at, counts, totals, across, keys_out, values_out, found]
    )
    return keys_out.array(np.uint32), values_out.array(np.uint32), int(found.array(np.uint32)[0])


@pytest.mark.parametrize(
    ("count", "length"), [(1, 1), (1, 0), (255, 255), (4096, 4096), (4097, 4097), (20000, 12289), (20000, 3)]
)
def test_a_pass_sorts_stably_and_leaves_nothings_out(emulator, count, length):
    rng = np.random.default_rng(count + length)
    keys = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    keys[rng.random(count) < 0.3] = NOTHING
    sorted_keys, places, found = one_pass(emulator, keys, None, length, 8)
    kept = np.flatnonzero(keys[:length] != NOTHING)
    order = kept[np.argsort((keys[kept] >> 8) & 255, kind="stable")]
    assert found == len(kept)
    assert (places[:found] == order).all()
    assert (sorted_keys[:found] == keys[order]).all()


def test_values_go_with_their_keys(emulator):
    rng = np.random.default_rng(5)
    keys, values = rng.integers(0, 300, 9000, dtype=np.uint32), rng.integers(0, 1 << 32, 9000, dtype=np.uint32)
    for shift in (0, 8):
        keys, values, found = one_pass(emulator, keys, values, 9000, shift)
        assert found == 9000
    rng = np.random.default_rng(5)
    first = rng.integers(0, 300, 9000, dtype=np.uint32)
    order = np.argsort(first, kind="stable")
    assert (keys == first[order]).all()
    assert (values == rng.integers(0, 1 << 32, 9000, dtype=np.uint32)[order]).all()


def test_one_digit_alone(emulator):
    """All keys alike: every entry of a strip meets in one place of its histogram."""
    keys, places, found = one_pass(emulator, np.full(10000, 0x700, np.uint32), None, 10000, 8)
    assert found == 10000
    assert (places == np.arange(10000)).all()
    assert (keys == 0x700).all()


@pytest.mark.parametrize("splats", [0, 1, 256, 257, 1024 * 256, 1024 * 256 + 1, 3000 * 256 - 7])
def test_sums_before_each_block(emulator, splats):
    blocks = -(-splats // THREADS)
    sums = np.random.default_rng(splats).integers(0, 1000, blocks, dtype=np.uint32)
    buffer, status = filled(emulator, sums), words(emulator, 2)
    found = filled(emulator, np.array([splats], np.uint32))
    room = np.uint32(max(1, sums.sum() // 2))
    emulator.launch("scan_sums", 1, [buffer, found, room, status])
    assert (buffer.array(np.uint32) == np.cumsum(sums) - sums).all()
    assert status.array(np.uint32).tolist() == [sums.sum(), min(sums.sum(), room)]


def test_sums_that_no_word_holds_are_told_and_nothing_is_drawn(emulator):
    """300 blocks of splats that are all over 8 pictures of 4K."""
    sums = np.full(300, 256 * 259_200, np.uint32)
    buffer, status = filled(emulator, sums), words(emulator, 2)
    found = filled(emulator, np.array([300 * THREADS], np.uint32))
    emulator.launch("scan_sums", 1, [buffer, found, np.uint32(1000), status])
    assert status.array(np.uint32).tolist() == [NOTHING, 0]
    buffer = filled(emulator, sums[:64])
    found = filled(emulator, np.array([64 * THREADS], np.uint32))
    emulator.launch("scan_sums", 1, [buffer, found, np.uint32(1000), status])
    assert status.array(np.uint32).tolist() == [64 * 256 * 259_200, 1000]
    assert (buffer.array(np.uint32) == np.arange(64) * 256 * 259_200).all()


def test_where_lists_begin(emulator):
    tiles = np.sort(np.random.default_rng(0).integers(3, 700, 500).astype(np.uint32))
    starts = words(emulator, 701)
    length = filled(emulator, np.array([400], np.uint32))
    emulator.launch("find_tiles", 3, [filled(emulator, tiles), length, np.uint32(700), starts])
    assert (starts.array(np.uint32) == np.searchsorted(tiles[:400], np.arange(701))).all()


class Projected:
    """A scene's splats as one call projects them for views of one eye, and as instances name their tiles."""

    def __init__(self, emulator: Emulator, scene: Scene, views: list[View], room: int = 200_000) -> None:
        (layer,) = scene.layers
        layout = lay_out(layer.splats)
        self.count, stride = layout.count, layout.stride
        self.keys, self.touched = words(emulator, stride), words(emulator, stride)
        shapes, colours = words(emulator, 8 * len(views) * stride), words(emulator, 4 * stride)
        block, clips = frame_block(scene, views, "distance")
        emulator.upload(emulator.constant("frame"), block)
        emulator.launch(
            "project_half" if layout.half else "project_float", stride // THREADS,
            [
                filled(emulator, layout.geometry), filled(emulator, layout.base),
                filled(emulator, layout.rest) if layout.rest.size else None, filled(emulator, layout.groups),
                np.int32(layout.count), np.int32(stride), np.int32(layout.degree), np.int32(0), filled(emulator, clips),
                np.int32(stride), self.keys, self.touched, shapes, colours,
            ],
        )  # fmt: skip
        assert (self.keys.array(np.uint32)[layout.count :] == NOTHING).all()
        seen = np.flatnonzero(self.keys.array(np.uint32) != NOTHING)
        self.order = seen[np.argsort(self.keys.array(np.uint32)[seen], kind="stable")].astype(np.uint32)
        order = filled(emulator, np.append(self.order, np.uint32(0)))
        found = filled(emulator, np.array([len(seen)], np.uint32))
        sums, status = words(emulator, stride // THREADS), words(emulator, 2)
        self.tiles, self.splats = words(emulator, room), words(emulator, room)
        blocks = stride // THREADS
        emulator.launch("sum_instances", blocks, [order, found, self.touched, sums])
        emulator.launch("scan_sums", 1, [sums, found, np.uint32(room), status])
        emulator.launch(
            "emit_instances", blocks,
            [order, found, self.touched, sums, shapes, np.int32(stride), np.uint32(room), self.tiles, self.splats],
        )  # fmt: skip
        self.wanted, self.drawn = (int(n) for n in status.array(np.uint32))

    def instances(self) -> list[tuple[int, int]]:
        """(splat, tile) of each, in order."""
        tiles, splats = self.tiles.array(np.uint32), self.splats.array(np.uint32)
        return list(zip(splats[: self.drawn].tolist(), tiles[: self.drawn].tolist(), strict=True))


def touched_tiles(scene: Scene, view: View, margin_px: float) -> set[tuple[int, int]]:
    """(splat, tile) of all pixel centres in reach, by the reference's projection; a splat's reach grown or shrunk."""
    splats, camera = project(scene, view, "distance"), view.camera
    columns, rows = tile_counts((camera.width_px, camera.height_px))
    x, y = np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5
    found = set()
    for i, index in enumerate(splats.index):
        (cx, cy), (a, b, c) = splats.centre_px[i], splats.conic[i]
        reach = 2 * math.log(splats.opacity[i] / ALPHA_CUT)
        scale = (1 + margin_px / max(splats.box_px[i, 1] - splats.box_px[i, 0], 1)) ** 2
        dx, dy = x - cx, (y - cy)[:, None]
        inside = a * dx * dx + c * dy * dy + 2 * b * dx * dy <= reach * scale
        for row in range(rows):
            for column in range(columns):
                own = inside[row * TILE_PX : (row + 1) * TILE_PX, column * TILE_PX : (column + 1) * TILE_PX]
                if own.any():
                    found.add((int(index), row * columns + column))
    return found


def scene_and_view(seed: int, size: float, width: int = 150, height: int = 110) -> tuple[Scene, View]:
    scene = Scene.of(cloud(seed, 500, 1, size=size, opacity=(0.0, 1.0)))
    return scene, View(
        Pose.from_wxyz((1, 0.05, -0.1, 0.3), (0.2, 0.3, -4)), Camera.from_fov(width, height, horizontal_deg=50)
    )


@pytest.mark.parametrize("size", [0.01, 0.08, 0.8])
def test_instances_name_the_tiles_touched_and_hardly_another(emulator, size):
    """None is missing but where an outline ends within a hair of a pixel's centre, and few are named in vain."""
    scene, view = scene_and_view(60, size)
    index = np.flatnonzero(scene.layers[0].splats.opacities >= np.float32(ALPHA_CUT))
    found = {(int(index[splat]), tile) for splat, tile in Projected(emulator, scene, [view]).instances()}
    assert touched_tiles(scene, view, -0.01) <= found
    needed = touched_tiles(scene, view, 0.0)
    assert len(found - needed) <= 0.02 * len(needed) + 3


def test_instances_come_in_order_of_distance_and_as_many_as_were_counted(emulator):
    projected = Projected(emulator, *(lambda scene, view: (scene, [view]))(*scene_and_view(61, 0.3)))
    listed = projected.instances()
    assert projected.wanted == projected.drawn == len(set(listed))
    places = {int(splat): place for place, splat in enumerate(projected.order)}
    assert [places[splat] for splat, _ in listed] == sorted(places[splat] for splat, _ in listed)
    counts = np.bincount([splat for splat, _ in listed], minlength=projected.count)
    seen = projected.order
    assert (counts[seen] == projected.touched.array(np.uint32)[seen] >> MAX_VIEWS).all()


def test_views_of_one_eye_have_tiles_of_their_own(emulator):
    scene, view = scene_and_view(62, 0.2)
    turned = [
        View(
            Pose.from_wxyz((1, 0, angle, 0), view.stage_from_camera.position_m),
            Camera.from_fov(w, h, horizontal_deg=70),
        )
        for angle, w, h in ((0.0, 50, 40), (0.5, 33, 70), (-0.5, 17, 16))
    ]
    together = set(Projected(emulator, scene, turned).instances())
    apart, first = set(), 0
    for one in turned:
        apart |= {(splat, first + tile) for splat, tile in Projected(emulator, scene, [one]).instances()}
        first += math.prod(tile_counts((one.camera.width_px, one.camera.height_px)))
    assert together == apart


def test_too_many_instances_are_counted_and_not_written(emulator):
    scene, view = scene_and_view(63, 0.4)
    whole, cut = Projected(emulator, scene, [view]), Projected(emulator, scene, [view], room=100)
    assert cut.wanted == whole.wanted > 100
    assert cut.instances() == whole.instances()[:100]


def test_a_group_out_of_sight_is_passed_over_and_none_in_sight(emulator):
    """Of two far groups, a camera between them sees one; what culling lets through is what projection finds."""
    near, far = cloud(1, GROUP, 0, centre=(0, 0, 9)), cloud(2, GROUP, 0, centre=(0, 0, -9))
    both = type(near)(
        *(np.concatenate([getattr(near, f), getattr(far, f)]) for f in ("means", "scales", "wxyz", "opacities", "sh"))
    )
    view = View(Pose.identity(), Camera.from_fov(64, 64, horizontal_deg=60))
    layout = lay_out(both)
    assert layout.groups.shape == (GROUP_FIELDS, layout.stride // GROUP)
    order = Projected(emulator, Scene.of(both), [view]).order
    reference = project(Scene.of(both), view, "distance").index
    kept = np.flatnonzero(both.opacities >= np.float32(ALPHA_CUT))
    assert set(reference.tolist()) <= set(kept[order].tolist())
    assert len(order) > 50
    assert (kept[order] < GROUP).all()


def test_every_kernel_is_launched_here_or_in_a_frame(emulator):
    from translight.render.cuda.renderer import CudaRenderer

    emulator.launches.clear()
    launched = set()
    with CudaRenderer(emulator) as renderer:
        scene, view = scene_and_view(64, 0.1)
        for depth in get_args(DepthKind):
            renderer.render(scene, [view], depth=depth)
        splats = scene.layers[0].splats
        loud = replace(splats, sh=100 * splats.sh)
        renderer.render(Scene.of(loud), [view])
        launched = {kernel for kernel, _ in emulator.launches}
    assert launched == set(KERNELS)
