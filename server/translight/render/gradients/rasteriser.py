"""The differentiable rasteriser on NumPy arrays: stages forwards as in cpu/renderer.py, then back through them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numba
import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import Camera
from translight.core.errors import BackendError
from translight.core.rotations import rotations
from translight.render.compiling import compiling_told
from translight.render.cpu import blend, viewpoint
from translight.render.cpu.jit import on_threads
from translight.render.cpu.lists import BLOCKS
from translight.render.cpu.memory import aligned
from translight.render.cpu.project import RECORD, TILE_PX
from translight.render.cpu.sort import BUCKETS, sort_by_depth
from translight.render.cpu.tiles import PAIRS_SPARE, SPARE, count_pairs, scatter_pairs
from translight.render.gradients import picture, project, splats, tiles
from translight.render.projection import clamp_limits

Array = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Splats:
    """A cloud's arrays as in ``SplatCloud``, but ``wxyz`` of any length but zero, and as flat as the kernels take them.

    ``coefficients`` numbers of ``sh`` are a splat's, of which the first ``active`` count.
    """

    means: Float32[Array, "3n"]
    scales: Float32[Array, "3n"]
    wxyz: Float32[Array, "4n"]
    opacities: Float32[Array, "n"]
    sh: Float32[Array, "n*k*3"]
    coefficients: int
    active: int


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Of a loss by a cloud's arrays, flat; ``screen`` is splats.py's, five numbers a splat."""

    means: Float32[Array, "3n"]
    scales: Float32[Array, "3n"]
    wxyz: Float32[Array, "4n"]
    opacities: Float32[Array, "n"]
    sh: Float32[Array, "n*k*3"]
    screen: Float32[Array, "5n"]


@dataclass(slots=True, eq=False)
class Drawn:
    """What the way back needs of a picture, in room that the next picture drawn into it uses again."""

    camera: Camera | None = None
    pose: Float64[Array, "7"] = field(default_factory=lambda: np.zeros(7))
    view: Float32[Array, "51"] = field(default_factory=lambda: np.zeros(viewpoint.LENGTH, np.float32))
    records: Array = field(default_factory=lambda: aligned(0))
    columns: Array = field(default_factory=lambda: aligned(0, np.int32))
    rows: Array = field(default_factory=lambda: aligned(0, np.int32))
    index: Array = field(default_factory=lambda: aligned(0, np.int32))
    found: Array = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    starts: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    pairs: Array = field(default_factory=lambda: aligned(0, np.int32))
    antialiased: bool = False
    visible: int = 0


class GradientRasteriser:
    """Draws clouds and finds gradients with the scratch that it keeps; one thread uses it at a time."""

    def __init__(self, threads: int | None = None) -> None:
        most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        if threads is not None and not 1 <= threads <= most:
            raise BackendError(f"the rasteriser was asked for {threads} threads; this process has 1 to {most}")
        self.threads = most if threads is None else threads
        self.timings: dict[str, int] = {}
        """Nanoseconds of each stage, of the last picture and the last way back."""
        workers = self.threads
        self._keys = aligned(0, np.int32)
        self._order, self._spare = aligned(0, np.int64), aligned(0, np.int64)
        self._sums = aligned(0)
        self._histogram = np.empty((workers, BUCKETS), np.int64)
        self._tile_places = np.empty((workers, 0), np.int64)
        self._lengths = np.zeros((workers, BLOCKS), np.int64)
        self._ticket, self._totals = np.zeros(1, np.int64), np.zeros(workers, np.int64)
        self._floats = _scratch(workers, max(blend.FLOATS_A_WORKER, tiles.FLOATS_A_WORKER), np.float32)
        self._ints = _scratch(workers, max(blend.INTS_A_WORKER, tiles.INTS_A_WORKER), np.int32)
        self._splat_floats = _scratch(workers, max(project.FLOATS_A_WORKER, splats.FLOATS_A_WORKER), np.float32)
        self._splat_ints = _scratch(workers, max(project.INTS_A_WORKER, splats.INTS_A_WORKER), np.int32)
        self._camera = np.zeros((workers, splats.CAMERA))

    def draw(
        self, cloud: Splats, pose: Float64[Array, "7"], camera: Camera, near_m: float, drawn: Drawn,
        planes: Float32[Array, "5 h w"], *, antialiased: bool = False,
    ) -> None:  # fmt: skip
        """Draw into ``planes`` (red, green, blue, alpha, Σ weight·z), and note in ``drawn`` what the way back needs.

        ``pose`` is scene_from_camera: a quaternion wxyz of any length but zero, and the eye.
        """
        with on_threads(self.threads):
            self._draw(cloud, pose, camera, near_m, drawn, planes, antialiased)

    def _draw(
        self, cloud: Splats, pose: Float64[Array, "7"], camera: Camera, near_m: float, drawn: Drawn, planes: Array,
        antialiased: bool,
    ) -> None:  # fmt: skip
        clock = time.perf_counter_ns
        began = clock()
        width, height = camera.width_px, camera.height_px
        across, down = -(-width // TILE_PX), -(-height // TILE_PX)
        self._make_room(len(cloud.opacities), drawn)
        drawn.camera, drawn.pose, drawn.view = camera, pose, _view_row(pose, camera, near_m)
        drawn.antialiased = antialiased
        project.project(
            cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh, cloud.coefficients, cloud.active,
            drawn.view, antialiased, drawn.records, self._keys, drawn.columns, drawn.rows, drawn.index, drawn.found,
            self._splat_floats, self._splat_ints,
        )  # fmt: skip
        projected = clock()
        drawn.visible = n = sort_by_depth(self._keys, drawn.found, self._spare, self._order, self._histogram)
        ordered = clock()
        if len(drawn.starts) != across * down + 1:
            drawn.starts = np.empty(across * down + 1, np.int64)
        if self._tile_places.shape[1] != across * down + SPARE:
            self._tile_places = np.empty((self.threads, across * down + SPARE), np.int64)
        pairs = count_pairs(
            self._order, n, drawn.columns, drawn.rows, across, self._spare, self._tile_places, drawn.starts
        )
        drawn.pairs = _at_least(drawn.pairs, pairs + self.threads * PAIRS_SPARE)
        scatter_pairs(self._order, n, across, self._spare, self._tile_places, drawn.pairs)
        binned = clock()
        picture.draw(
            drawn.records, drawn.pairs, drawn.starts, planes.reshape(-1), width, height, self._floats, self._ints,
            self._lengths, self._ticket,
        )  # fmt: skip
        self.timings.update(
            project=projected - began, sort=ordered - projected, bin=binned - ordered, blend=clock() - binned
        )

    def gradients(
        self, cloud: Splats, drawn: Drawn, planes: Float32[Array, "5 h w"], rgb: Float32[Array, "3 h w"],
        alpha: Float32[Array, "h w"], depth: Float32[Array, "h w"], out: Gradients, *, absolute: bool = True,
    ) -> Float64[Array, "7"]:  # fmt: skip
        """From a picture's gradients to those of the cloud that was drawn, written to ``out``; returns the pose's.

        ``planes`` is the picture as drawn; ``rgb``, ``alpha`` and ``depth`` are the gradients of its planes. Without
        ``absolute``, the screen's sums of magnitudes are 0.
        """
        with on_threads(self.threads):
            return self._gradients(cloud, drawn, planes, rgb, alpha, depth, out, absolute)

    def _gradients(
        self, cloud: Splats, drawn: Drawn, planes: Array, rgb: Array, alpha: Array, depth: Array, out: Gradients,
        absolute: bool,
    ) -> Float64[Array, "7"]:  # fmt: skip
        clock = time.perf_counter_ns
        began = clock()
        height, width = alpha.shape
        bits = drawn.records.view(np.int32)
        pairs = tiles.place_pairs(drawn.found, drawn.columns, drawn.rows, bits, self._totals)
        self._sums = _at_least(self._sums, pairs * tiles.SUMS)
        tiles.sum_pairs(
            drawn.records, bits, drawn.pairs, drawn.starts, planes.reshape(-1), rgb.reshape(-1), alpha.reshape(-1),
            depth.reshape(-1), width, height, absolute, self._sums, self._floats, self._ints, self._lengths,
            self._ticket,
        )  # fmt: skip
        summed = clock()
        splats.gradients(
            cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh, cloud.coefficients, cloud.active,
            drawn.view, drawn.antialiased, drawn.records, bits, drawn.index, drawn.found, self._sums,
            out.means, out.scales, out.wxyz, out.opacities, out.sh, out.screen, self._camera, self._splat_floats,
            self._splat_ints,
        )  # fmt: skip
        self.timings.update(pairs=summed - began, splats=clock() - summed)
        return _pose_gradient(drawn.pose, self._camera.sum(axis=0))

    def _make_room(self, count: int, drawn: Drawn) -> None:
        n = project.room(count, self.threads)
        self._keys = _at_least(self._keys, n)
        self._order, self._spare = _at_least(self._order, n), _at_least(self._spare, n)
        drawn.records = _at_least(drawn.records, n * RECORD)
        drawn.columns, drawn.rows = _at_least(drawn.columns, n), _at_least(drawn.rows, n)
        drawn.index = _at_least(drawn.index, n)
        if len(drawn.found) != self.threads:
            drawn.found = np.zeros((self.threads, 4), np.int64)


def compile_kernels(progress: Callable[[str], None] | None = None) -> None:
    """Compile every kernel now, or load it from the cache on disk; ``progress`` is told of each that is compiled."""
    cloud = Splats(
        np.array([0, 0, 4], np.float32), np.ones(3, np.float32), np.array([1, 0, 0, 0], np.float32),
        np.ones(1, np.float32), np.zeros(3, np.float32), coefficients=3, active=3,
    )  # fmt: skip
    camera = Camera.from_fov(8, 8, horizontal_deg=60)
    planes, drawn = np.ones((5, 8, 8), np.float32), Drawn()
    out = Gradients(*(np.empty(count, np.float32) for count in (3, 3, 4, 1, 3, splats.SCREEN)))
    with compiling_told(progress or (lambda _: None)):
        rasteriser = GradientRasteriser()
        rasteriser.draw(cloud, np.array([1.0, 0, 0, 0, 0, 0, 0]), camera, 0.01, drawn, planes)
        rasteriser.gradients(cloud, drawn, planes, planes[:3], planes[3], planes[4], out)


def _scratch(workers: int, count: int, dtype: type) -> Array:
    room = -(-count // 16) * 16
    return aligned(workers * room, dtype).reshape(workers, room)


def _at_least(array: Array, count: int) -> Array:
    """The array, or a new one with some room to grow; what it held is lost."""
    return array if len(array) >= count else aligned(count + count // 4, array.dtype)


def _view_row(pose: Float64[Array, "7"], camera: Camera, near_m: float) -> Float32[Array, "51"]:
    """cpu/viewpoint.py's numbers of a camera in a scene that is not placed anywhere else."""
    rotation = rotations(pose[None, :4] / np.linalg.norm(pose[:4]))[0]
    row = np.zeros(viewpoint.LENGTH, np.float32)
    row[viewpoint.ROTATION : viewpoint.TRANSLATION] = rotation.T.ravel()
    row[viewpoint.TRANSLATION : viewpoint.SCALE] = -rotation.T @ pose[4:]
    row[viewpoint.SCALE] = 1.0
    row[viewpoint.EYE : viewpoint.FX] = pose[4:]
    row[viewpoint.FX : viewpoint.LIMITS] = (camera.fx, camera.fy, camera.cx, camera.cy, near_m)
    row[viewpoint.LIMITS : viewpoint.WIDTH] = clamp_limits(camera)
    row[viewpoint.WIDTH], row[viewpoint.HEIGHT] = camera.width_px, camera.height_px
    row[viewpoint.STAGE_ROTATION : viewpoint.BY_DISTANCE] = rotation.ravel()
    return row


def _pose_gradient(pose: Float64[Array, "7"], sums: Float64[Array, "12"]) -> Float64[Array, "7"]:
    """From gradients of camera_from_scene's rotation, and of all means together, to those of scene_from_camera."""
    d = sums[:9].reshape(3, 3).T
    length = np.linalg.norm(pose[:4])
    w, x, y, z = q = pose[:4] / length
    by_unit = 2 * np.array(
        [
            x * (d[2, 1] - d[1, 2]) + y * (d[0, 2] - d[2, 0]) + z * (d[1, 0] - d[0, 1]),
            w * (d[2, 1] - d[1, 2]) + y * (d[0, 1] + d[1, 0]) + z * (d[0, 2] + d[2, 0]) - 2 * x * (d[1, 1] + d[2, 2]),
            w * (d[0, 2] - d[2, 0]) + x * (d[0, 1] + d[1, 0]) + z * (d[1, 2] + d[2, 1]) - 2 * y * (d[0, 0] + d[2, 2]),
            w * (d[1, 0] - d[0, 1]) + x * (d[0, 2] + d[2, 0]) + y * (d[1, 2] + d[2, 1]) - 2 * z * (d[0, 0] + d[1, 1]),
        ]
    )
    return np.concatenate([(by_unit - q * (q @ by_unit)) / length, -sums[9:]])
