"""From views to pixels on the device, with no wait in between: the kernels' launches, recorded as a graph.

Project, layer by layer → sort by distance → name each splat's tiles → sort by tile → blend. All counts stay on the
device; a launch has blocks for what could be, and those for which there is nothing end at once. Launches depend on the
scene's clouds and sky and on the pictures' sizes and depth: all else is read from memory that is written before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.core.device import THREADS, Argument, Buffer, Device, Part, uploaded
from translight.render.contract import DepthKind, Order, Scene
from translight.render.cuda.memory import (
    STATUS_BYTES,
    Room,
    Scratch,
    least_half_spaces,
    least_instances,
    strips_of,
)
from translight.render.cuda.resident import ResidentCloud, Residents, ResidentSky
from translight.render.cuda.source import CONSTANTS, DIGITS, KERNELS, WARP, source
from translight.render.cuda.views import HALF_SPACE, Size, frame_block, tile_counts

_KEY_BITS = 32
_DIGIT_BITS = 8
_HEADROOM = 1.5
"""Instances that there is room for, over those that did not fit."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What launches depend on: residents' numbers (0 for no sky), pictures' sizes, and which depth they get."""

    clouds: tuple[int, ...]
    sky: int
    sizes: tuple[Size, ...]
    depth: DepthKind


@dataclass(slots=True)
class _Plan:
    """A subject's launches: made, then run, then recorded, then replayed. It keeps none of what they read alive."""

    generation: int
    splats: Buffer
    """How many places there are for splats of all layers."""
    runs: int = 0
    replay: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aimed:
    """A frame to be drawn: its launches, and as the kernels' words its views and layers, and their clips."""

    plan: _Plan
    launch: Callable[[], None]
    block: np.ndarray
    clips: Float32[np.ndarray, "half_spaces*5"]


class Pipeline:
    """Draws into ``frame`` on its device: a status, then RGBA of all views, then depths. Used by one thread.

    With ``record``, launches that depend on the same are recorded in their second frame, and replayed.
    """

    def __init__(self, device: Device, *, record: bool = True) -> None:
        self.device = device
        self._record = record
        self._scratch = Scratch(device)
        device.load(source(), KERNELS, CONSTANTS)
        self._constants = device.constant(CONSTANTS[0])
        self._residents = Residents(device)
        self._plans: dict[_Subject, _Plan] = {}

    def draw(self, scene: Scene, views: Sequence[View], order: Order, depth: DepthKind = "expected") -> None:
        """Ask the device to draw up to ``MAX_VIEWS`` views, of one eye where there are several; returns at once.

        What comes of it is whole only if ``settle`` then says so.
        """
        self.submit(self.aim(scene, views, order, depth))

    def aim(self, scene: Scene, views: Sequence[View], order: Order, depth: DepthKind = "expected") -> Aimed:
        """What ``submit`` takes: the host's part of a frame, which may be done while the device draws the one before.

        Clouds and skies that are new to the device are uploaded, and memory that does not suffice grows, which waits
        for the device. Raises BackendError on more layers than go together.
        """
        block, clips = frame_block(scene, views, order)
        clouds = [self._residents.cloud(layer.splats) for layer in scene.layers]
        sky = None if scene.sky is None else self._residents.sky(scene.sky)
        sizes = tuple((view.camera.width_px, view.camera.height_px) for view in views)
        tiles = sum(columns * rows for columns, rows in map(tile_counts, sizes))
        pixels = sum(width * height for width, height in sizes)
        places, half_spaces = sum(cloud.stride for cloud in clouds), least_half_spaces(len(clips) // HALF_SPACE)
        self._scratch.ensure(Room(places, len(views), least_instances(places), tiles, pixels, half_spaces))
        subject = _Subject(tuple(cloud.number for cloud in clouds), 0 if sky is None else sky.number, sizes, depth)
        plan = self._plan(subject, places)
        launches = _Launches(self.device, self._scratch, clouds, sky, plan.splats, tiles, pixels, depth)
        return Aimed(plan, launches.all, block, clips)

    def submit(self, aimed: Aimed) -> None:
        """Ask the device to draw what was aimed at last."""
        plan = aimed.plan
        assert plan.generation == self._scratch.generation, "memory has grown since the frame was aimed"
        self.device.upload(self._constants, aimed.block)
        self.device.upload(self._scratch["clips"], aimed.clips)
        # A kernel's first launch may load it, which cannot be recorded.
        if self._record and plan.runs == 1:
            plan.replay = self.device.record(aimed.launch)
        plan.runs += 1
        if plan.replay is None:
            aimed.launch()
        else:
            plan.replay()

    def settle(self, status: np.ndarray) -> bool:
        """Whether the frame that ``status`` came with is whole; if not, there is room now, and it must be redrawn."""
        wanted = int(status[0])
        if wanted <= self._scratch.room.instances:
            return True
        self._scratch.ensure(Room(instances=int(wanted * _HEADROOM)))
        return False

    @property
    def frame(self) -> Buffer:
        """``STATUS_BYTES`` of status, float32 RGBA of each view in turn, and float32 depths if they are drawn."""
        return self._scratch["frame"]

    def close(self) -> None:
        """Free everything."""
        self._plans.clear()
        self._residents.clear()
        self._scratch.release()

    def _plan(self, subject: _Subject, places: int) -> _Plan:
        """A subject's plan; with a new one, those are dropped that can never be run again."""
        plan = self._plans.get(subject)
        if plan is None or plan.generation != self._scratch.generation:
            kept, generation = self._residents.numbers() | {0}, self._scratch.generation
            self._plans = {
                other: plan
                for other, plan in self._plans.items()
                if plan.generation == generation and kept.issuperset((*other.clouds, other.sky))
            }
            plan = self._plans[subject] = _Plan(generation, uploaded(self.device, np.array([places], np.uint32)))
        return plan


class _Launches:
    """One frame's launches, in order."""

    def __init__(
        self, device: Device, scratch: Scratch, clouds: Sequence[ResidentCloud], sky: ResidentSky | None,
        splats: Buffer, tiles: int, pixels: int, depth: DepthKind,
    ) -> None:  # fmt: skip
        self._device, self._scratch, self._clouds, self._sky = device, scratch, clouds, sky
        self._splats, self._tiles, self._pixels, self._depth = splats, tiles, pixels, depth
        self._places = sum(cloud.stride for cloud in clouds)
        self._status = Part(scratch["frame"], 0)
        self._drawn = Part(scratch["frame"], 4)

    def all(self) -> None:
        s, blocks = self._scratch, self._places // THREADS
        self._project()
        splats = self._sort(("keys0", "keys1"), ("values0", "values1"), self._splats, self._places, _KEY_BITS)
        order = s[f"values{splats}"]
        self._launch("sum_instances", blocks, order, s["found"], s["touched"], s["sums"])
        self._launch("scan_sums", 1, s["sums"], s["found"], np.uint32(s.room.instances), self._status)
        self._launch(
            "emit_instances", blocks, order, s["found"], s["touched"], s["sums"], s["shapes"],
            np.int32(self._places), np.uint32(s.room.instances), s["tiles0"], s["splats0"],
        )  # fmt: skip
        bits = max(1, (self._tiles - 1).bit_length())
        listed = self._sort(("tiles0", "tiles1"), ("splats0", "splats1"), self._drawn, s.room.instances, bits)
        lists = -(-(self._tiles + 1) // THREADS)
        self._launch("find_tiles", lists, s[f"tiles{listed}"], self._drawn, np.uint32(self._tiles), s["starts"])
        self._blend(s[f"splats{listed}"])

    def _project(self) -> None:
        """Each layer into places of its own."""
        s, first = self._scratch, 0
        for number, cloud in enumerate(self._clouds):
            self._launch(
                "project_half" if cloud.half else "project_float", cloud.stride // THREADS, cloud.geometry, cloud.base,
                cloud.rest, cloud.groups, np.int32(cloud.count), np.int32(cloud.stride), np.int32(cloud.degree),
                np.int32(number), s["clips"], np.int32(self._places), Part(s["keys0"], 4 * first),
                Part(s["touched"], 4 * first), Part(s["shapes"], 32 * first), Part(s["colours"], 16 * first),
            )  # fmt: skip
            first += cloud.stride

    def _sort(self, keys: tuple[str, str], values: tuple[str, str], length: Buffer, most: int, bits: int) -> int:
        """Sort, by ``bits`` of the keys, entries in the first of each two buffers; returns which of them they end in.

        Splats come without values: theirs are their places. How many are seen is ``found`` from their first pass on.
        """
        s, strips = self._scratch, strips_of(most)
        counts, totals, side = s["counts"], s["totals"], 0
        splats = keys[0] == "keys0"
        for shift in range(0, bits, _DIGIT_BITS):
            first = splats and shift == 0
            own = s["found"] if splats and not first else length
            at, across = np.int32(shift), np.int32(strips)
            self._launch("radix_count", strips, s[keys[side]], own, at, counts, across)
            self._launch("radix_scan", DIGITS * WARP // THREADS, counts, own, across, totals)
            self._launch(
                "radix_scatter", strips, s[keys[side]], None if first else s[values[side]], own, at, counts, totals,
                across, s[keys[1 - side]], s[values[1 - side]], s["found"] if first else s["spare"],
            )  # fmt: skip
            side = 1 - side
        return side

    def _blend(self, splats: Buffer) -> None:
        s, sky = self._scratch, self._sky
        texels, width, height = (None, 0, 0) if sky is None else (sky.texels, sky.width, sky.height)
        self._launch(
            f"blend_{self._depth}", self._tiles, s["starts"], splats, s["shapes"], s["colours"], np.int32(self._places),
            texels, np.int32(width), np.int32(height), Part(s["frame"], STATUS_BYTES),
            Part(s["frame"], STATUS_BYTES + 16 * self._pixels),
        )  # fmt: skip

    def _launch(self, kernel: str, blocks: int, *arguments: Argument) -> None:
        self._device.launch(kernel, blocks, arguments)
