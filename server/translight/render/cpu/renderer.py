"""The CPU renderer: Numba kernels in stages (cull and project, sort, bin, blend), held to render/reference.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, get_args
from weakref import WeakKeyDictionary

import numba
import numpy as np

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.pose import Pose
from translight.render.by_identity import ByIdentity
from translight.render.clip import clips_of, flat
from translight.render.compiling import compiling_told
from translight.render.contract import DepthKind, Frame, Order, Scene, frames_for
from translight.render.cpu import cull
from translight.render.cpu.blend import FLOATS_A_WORKER, INTS_A_WORKER, blend
from translight.render.cpu.jit import on_threads
from translight.render.cpu.lists import BLOCKS
from translight.render.cpu.memory import aligned
from translight.render.cpu.prepare import CHUNK, GROUP, PreparedCloud, prepare, prepare_sky
from translight.render.cpu.project import RECORD, TILE_PX, project, room
from translight.render.cpu.simd import LANES
from translight.render.cpu.sky import CORNERS, FRACTIONS, add_sky, sky_tint
from translight.render.cpu.sort import BUCKETS, sort_by_depth
from translight.render.cpu.tiles import PAIRS_SPARE, SPARE, count_pairs, scatter_pairs
from translight.render.cpu.viewpoint import view_row
from translight.splats.cloud import SplatCloud


class CpuRenderer:
    """Full 3DGS on the processor's vector units; its public attributes tell about the last render.

    Everything that a frame needs is kept between frames, and a scene's layout for as long as the scene lives. One
    thread uses a renderer at a time, and no other Numba parallel kernel may run meanwhile where Numba has only its
    workqueue layer.
    """

    name = "cpu"

    def __init__(self, threads: int | None = None) -> None:
        most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        if threads is not None and not 1 <= threads <= most:
            raise BackendError(f"the cpu backend was asked for {threads} threads; this process has 1 to {most}")
        self.threads = most if threads is None else threads
        self.timings: dict[str, int] = {}
        """Nanoseconds of each stage in the last render, all views together."""
        self.visible = 0
        """Splats that could touch the pictures of the last render."""
        self.pairs = 0
        """Splat and tile pairs of the last render."""
        self.lists: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        """Of the last view: records (project.py), pairs, and where each tile's begin (tiles.py); for roofline.py."""
        self._clouds: WeakKeyDictionary[SplatCloud, PreparedCloud] = WeakKeyDictionary()
        self._skies: ByIdentity[np.ndarray] = ByIdentity()
        self._found = np.zeros((0, 4), np.int64)
        self._histogram = np.empty((0, BUCKETS), np.int64)
        self._allocate([])
        self._pairs = np.empty(0, np.int32)

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: DepthKind = "expected",
    ) -> list[Frame]:
        """Draw ``scene`` for each view; see ``contract.Renderer``."""
        frames = frames_for(views, out)
        self.timings = dict.fromkeys(("prepare", "project", "sort", "bin", "blend", "sky"), 0)
        self.visible = self.pairs = 0
        with on_threads(self.threads):
            clock = _Laps(self.timings)
            clouds = self._prepare(scene)
            clock.lap("prepare")
            for view, frame in zip(views, frames, strict=True):
                self._draw(scene, clouds, view, frame, order, depth)
        return frames

    def close(self) -> None:
        """Forget the scenes and the buffers."""
        self._clouds.clear()
        self._skies.clear()
        self.lists = None
        self._allocate([])
        self._pairs = np.empty(0, np.int32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _prepare(self, scene: Scene) -> list[PreparedCloud]:
        """The layers' clouds, laid out, and room for all of them at once."""
        clouds = []
        for layer in scene.layers:
            if layer.splats not in self._clouds:
                self._clouds[layer.splats] = prepare(layer.splats)
            clouds.append(self._clouds[layer.splats])
        if len(self._keys) < sum(room(cloud.chunks, self.threads) for cloud in clouds):
            self._allocate([cloud.chunks for cloud in clouds])
        if len(self._found) != len(clouds) * self.threads:
            self._found = np.zeros((len(clouds) * self.threads, 4), np.int64)
            self._histogram = np.empty((len(clouds) * self.threads, BUCKETS), np.int64)
        return clouds

    def _allocate(self, chunks: Sequence[int]) -> None:
        """Buffers for layers of so many chunks each."""
        n = sum(room(count, self.threads) for count in chunks)
        self._records = aligned(n * RECORD)
        self._keys, self._columns, self._rows = (aligned(n, np.int32) for _ in range(3))
        self._order, self._spare = aligned(n, np.int64), aligned(n, np.int64)
        self._visible = aligned(n // GROUP + 2 * CHUNK, np.int32)
        self._places = np.empty((self.threads, 0), np.int64)
        self._starts = np.empty(0, np.int64)
        self._floats = aligned(self.threads * FLOATS_A_WORKER).reshape(self.threads, -1)
        self._ints = aligned(self.threads * INTS_A_WORKER, np.int32).reshape(self.threads, -1)
        self._lengths = np.zeros((self.threads, BLOCKS), np.int64)
        self._ticket = np.zeros(1, np.int64)
        self._fractions = aligned(self.threads * FRACTIONS * LANES).reshape(self.threads, -1)
        self._corners = aligned(self.threads * CORNERS * LANES, np.int32).reshape(self.threads, -1)

    def _draw(
        self, scene: Scene, clouds: list[PreparedCloud], view: View, frame: Frame, order: Order, depth: DepthKind
    ) -> None:
        width, height = view.camera.width_px, view.camera.height_px
        across, down = -(-width // TILE_PX), -(-height // TILE_PX)
        clock = _Laps(self.timings)
        row = self._project(scene, clouds, view, order)
        clock.lap("project")
        n = sort_by_depth(self._keys, self._found, self._spare, self._order, self._histogram)
        clock.lap("sort")
        if len(self._starts) != across * down + 1:
            self._places = np.empty((self.threads, across * down + SPARE), np.int64)
            self._starts = np.empty(across * down + 1, np.int64)
        pairs = count_pairs(
            self._order, n, self._columns, self._rows, across, self._spare, self._places, self._starts
        )  # fmt: skip
        wanted = pairs + self.threads * PAIRS_SPARE
        if len(self._pairs) < wanted:
            self._pairs = aligned(wanted + wanted // 4, np.int32)
        scatter_pairs(self._order, n, across, self._spare, self._places, self._pairs)
        clock.lap("bin")
        blend(
            self._records, self._pairs, self._starts, get_args(DepthKind).index(depth), frame.rgba.reshape(-1),
            frame.depth.reshape(-1), width, self._floats, self._ints, self._lengths, self._ticket,
        )  # fmt: skip
        clock.lap("blend")
        if scene.sky is not None:
            laid = self._skies.get(scene.sky, prepare_sky)
            add_sky(
                laid.reshape(-1), *reversed(laid.shape[:2]), row, sky_tint(scene), frame.rgba.reshape(-1), width,
                self._fractions, self._corners,
            )  # fmt: skip
            clock.lap("sky")
        self.visible += n
        self.pairs += pairs
        self.lists = self._records, self._pairs, self._starts

    def _project(self, scene: Scene, clouds: list[PreparedCloud], view: View, order: Order) -> np.ndarray:
        """All layers' splats that can touch the picture, layer after layer, into the buffers.

        Returns the numbers of the view of the last layer (viewpoint.py); what they say of the camera is every layer's.
        """
        base = 0
        for number, (layer, cloud) in enumerate(zip(scene.layers, clouds, strict=True)):
            row = view_row(layer, scene.encoding, view, order)
            groups = cull.cull(cloud.groups, cull.planes(row), self._visible)
            project(
                cloud.geometry, cloud.sh, self._visible, groups, row,
                flat(clips_of(layer.clips, view, layer.stage_from_scene)), base, self._records, self._keys,
                self._columns, self._rows, self._found[number * self.threads : (number + 1) * self.threads],
            )  # fmt: skip
            base += room(cloud.chunks, self.threads)
        return row


class _Laps:
    """Adds the time since the last lap to a stage's sum."""

    __slots__ = ("_last", "_sums")

    def __init__(self, sums: dict[str, int]) -> None:
        self._sums = sums
        self._last = time.perf_counter_ns()

    def lap(self, stage: str) -> None:
        now = time.perf_counter_ns()
        self._sums[stage] += now - self._last
        self._last = now


def compile_kernels(progress: Callable[[str], None] | None = None) -> None:
    """Compile every kernel now, or load it from the cache on disk; ``progress`` is told of each that is compiled."""
    one = np.ones(1, np.float32)
    cloud = SplatCloud(
        np.zeros((1, 3), np.float32),
        np.ones((1, 3), np.float32),
        np.array([[1, 0, 0, 0]], np.float32),
        one,
        np.zeros((1, 1, 3), np.float32),
    )
    view = View(Pose.from_wxyz((1, 0, 0, 0), (0, 0, -4)), Camera.from_fov(8, 8, horizontal_deg=60))
    with compiling_told(progress or (lambda _: None)), CpuRenderer() as renderer:
        renderer.render(Scene.of(cloud, sky=np.zeros((2, 2, 3), np.float32)), [view])


def open_backend(threads: int | None = None) -> CpuRenderer:
    """The entry that backends.py calls. Raises BackendError on a thread count that this process does not have."""
    return CpuRenderer(threads)
