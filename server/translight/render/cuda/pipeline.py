"""From views to pixels on the device, with no wait in between: the kernels' launches, recorded as a graph.

Project → sort by distance → name each splat's tiles → sort by tile → blend. All counts stay on the device; a launch has
blocks for what could be, and those for which there is nothing end at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from translight.core.camera import View
from translight.core.device import THREADS, Argument, Buffer, Device, Part
from translight.render.contract import Order, Scene
from translight.render.cuda.memory import STATUS_BYTES, Resident, Room, Scratch, least_instances, strips_of
from translight.render.cuda.prepare import lay_out
from translight.render.cuda.source import CONSTANTS, DIGITS, KERNELS, WARP, source
from translight.render.cuda.views import Size, frame_block, tile_counts

_KEY_BITS = 32
_DIGIT_BITS = 8
_HEADROOM = 1.5
"""Instances that there is room for, over those that did not fit."""


@dataclass(slots=True)
class _Plan:
    """A scene's launches for pictures of some sizes: made, then run, then recorded, then replayed."""

    generation: int
    launch: Callable[[], None]
    runs: int = 0
    replay: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aimed:
    """A frame to be drawn: its launches, and its views as the kernels' words."""

    plan: _Plan
    block: np.ndarray


class Pipeline:
    """Draws into ``frame`` on its device: a status, then RGBA of all views, then depths. Used by one thread.

    With ``record``, a scene's launches for pictures of some sizes are recorded in their second frame, and replayed.
    """

    def __init__(self, device: Device, *, record: bool = True) -> None:
        self.device = device
        self._record = record
        self._scratch = Scratch(device)
        device.load(source(), KERNELS, CONSTANTS)
        self._constants = device.constant(CONSTANTS[0])
        self._residents: WeakKeyDictionary[Scene, tuple[Resident, dict[tuple[Size, ...], _Plan]]] = WeakKeyDictionary()

    def draw(self, scene: Scene, views: Sequence[View], order: Order) -> None:
        """Ask the device to draw up to ``MAX_VIEWS`` views, of one eye where there are several; returns at once.

        What comes of it is whole only if ``settle`` then says so.
        """
        self.submit(self.aim(scene, views, order))

    def aim(self, scene: Scene, views: Sequence[View], order: Order) -> Aimed:
        """What ``submit`` takes: the host's part of a frame, which may be done while the device draws the one before.

        Memory that does not suffice grows, which waits for the device.
        """
        resident, plans = self._resident(scene)
        sizes = tuple((view.camera.width_px, view.camera.height_px) for view in views)
        tiles = sum(columns * rows for columns, rows in map(tile_counts, sizes))
        pixels = sum(width * height for width, height in sizes)
        self._scratch.ensure(Room(resident.stride, len(views), least_instances(resident.stride), tiles, pixels))
        plan = plans.get(sizes)
        if plan is None or plan.generation != self._scratch.generation:
            launches = _Launches(self.device, self._scratch, resident, len(views), tiles, pixels)
            plan = plans[sizes] = _Plan(self._scratch.generation, launches.all)
        return Aimed(plan, frame_block(scene, views, order))

    def submit(self, aimed: Aimed) -> None:
        """Ask the device to draw what was aimed at last."""
        plan = aimed.plan
        assert plan.generation == self._scratch.generation, "memory has grown since the frame was aimed"
        self.device.upload(self._constants, aimed.block)
        # A kernel's first launch may load it, which cannot be recorded.
        if self._record and plan.runs == 1:
            plan.replay = self.device.record(plan.launch)
        plan.runs += 1
        if plan.replay is None:
            plan.launch()
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
        """``STATUS_BYTES`` of status, float32 RGBA of each view in turn, and float32 depths."""
        return self._scratch["frame"]

    def close(self) -> None:
        """Free everything."""
        self._residents.clear()
        self._scratch.release()

    def _resident(self, scene: Scene) -> tuple[Resident, dict[tuple[Size, ...], _Plan]]:
        found = self._residents.get(scene)
        if found is None:
            found = self._residents[scene] = Resident(self.device, lay_out(scene)), {}
        return found


class _Launches:
    """One frame's launches, in order."""

    def __init__(self, device: Device, scratch: Scratch, scene: Resident, views: int, tiles: int, pixels: int) -> None:
        self._device, self._scratch, self._scene = device, scratch, scene
        self._views, self._tiles, self._pixels = views, tiles, pixels
        self._status = Part(scratch["frame"], 0)
        self._drawn = Part(scratch["frame"], 4)

    def all(self) -> None:
        s, blocks = self._scratch, self._scene.stride // THREADS
        self._project(blocks)
        splats = self._sort(
            ("keys0", "keys1"), ("values0", "values1"), self._scene.length, self._scene.stride, _KEY_BITS
        )
        order = s[f"values{splats}"]
        self._launch("sum_instances", blocks, order, s["found"], s["touched"], s["sums"])
        self._launch("scan_sums", 1, s["sums"], s["found"], np.uint32(s.room.instances), self._status)
        self._launch(
            "emit_instances", blocks, order, s["found"], s["touched"], s["sums"], s["shapes"],
            np.int32(self._scene.stride), np.uint32(s.room.instances), s["tiles0"], s["splats0"],
        )  # fmt: skip
        bits = max(1, (self._tiles - 1).bit_length())
        listed = self._sort(("tiles0", "tiles1"), ("splats0", "splats1"), self._drawn, s.room.instances, bits)
        lists = -(-(self._tiles + 1) // THREADS)
        self._launch("find_tiles", lists, s[f"tiles{listed}"], self._drawn, np.uint32(self._tiles), s["starts"])
        self._blend(s[f"splats{listed}"])

    def _project(self, blocks: int) -> None:
        s, scene = self._scratch, self._scene
        self._launch(
            "project_half" if scene.half else "project_float", blocks, scene.geometry, scene.base, scene.rest,
            scene.groups, np.int32(scene.count), np.int32(scene.stride), np.int32(scene.degree), s["keys0"],
            s["touched"], s["shapes"], s["colours"],
        )  # fmt: skip

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
        s, scene = self._scratch, self._scene
        width, height = scene.sky_size
        self._launch(
            "blend", self._tiles, s["starts"], splats, s["shapes"], s["colours"], np.int32(scene.stride), scene.sky,
            np.int32(width), np.int32(height), Part(s["frame"], STATUS_BYTES),
            Part(s["frame"], STATUS_BYTES + 16 * self._pixels),
        )  # fmt: skip

    def _launch(self, kernel: str, blocks: int, *arguments: Argument) -> None:
        self._device.launch(kernel, blocks, arguments)
