"""The device's memory: a scene's planes, which stay, and what every frame is made in, which grows and is kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from translight.core.device import THREADS, Buffer, Device, uploaded
from translight.core.errors import BackendError
from translight.render.cuda.prepare import Layout
from translight.render.cuda.source import DIGITS, MAX_VIEWS, SORT_STRIP

STATUS_BYTES = 16
"""Before a frame's pixels: the instances that it has, how many of them were drawn, and two unused words."""
MOST_TILES = 1 << (32 - MAX_VIEWS)
"""A splat's count of tiles stands above its views' bits."""
_LEAST_INSTANCES = 1 << 16
_INSTANCES_A_SPLAT = 4


class Resident:
    """A scene on the device; what belongs to none of its splats (no harmonics, no sky) is None."""

    def __init__(self, device: Device, layout: Layout) -> None:
        self.geometry = uploaded(device, layout.geometry)
        self.base = uploaded(device, layout.base)
        self.rest = uploaded(device, layout.rest) if layout.rest.size else None
        self.groups = uploaded(device, layout.groups)
        self.sky = uploaded(device, layout.sky) if layout.sky.size else None
        self.length = uploaded(device, np.array([layout.count], np.uint32))
        self.sky_size = (layout.sky.shape[1], layout.sky.shape[0]) if layout.sky.size else (0, 0)
        self.count, self.stride, self.degree, self.half = layout.count, layout.stride, layout.degree, layout.half


@dataclass(frozen=True, slots=True)
class Room:
    """What scratch has place for: splats, views, instances, tiles and pixels of all views."""

    splats: int = 0
    views: int = 0
    instances: int = 0
    tiles: int = 0
    pixels: int = 0

    def fits(self, wanted: Room) -> bool:
        """Whether what is wanted has place in this."""
        return (
            self.splats >= wanted.splats
            and self.views * self.splats >= wanted.views * wanted.splats
            and self.instances >= wanted.instances
            and self.tiles >= wanted.tiles
            and self.pixels >= wanted.pixels
        )

    def grown(self, wanted: Room) -> Room:
        """Place for both."""
        return Room(
            max(self.splats, wanted.splats),
            max(self.views, wanted.views),
            max(self.instances, wanted.instances),
            max(self.tiles, wanted.tiles),
            max(self.pixels, wanted.pixels),
        )


def least_instances(splats: int) -> int:
    """Room for instances before a frame has shown how many there are."""
    return max(_LEAST_INSTANCES, int(_INSTANCES_A_SPLAT * splats))


@dataclass(slots=True)
class Scratch:
    """Buffers of a frame; ``generation`` changes when they do, and with them their addresses."""

    device: Device
    room: Room = field(default_factory=Room)
    generation: int = 0
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def ensure(self, wanted: Room) -> None:
        """Grow to hold what is wanted; contents are lost. Raises BackendError on more than 32-bit counts allow."""
        if self.room.fits(wanted):
            return
        room = self.room.grown(wanted)
        if max(room.instances, room.pixels) >= 1 << 31 or room.tiles >= MOST_TILES:
            raise BackendError(
                f"the cuda backend draws at most 2³¹ pixels, or splats in tiles, at once; it was asked for "
                f"{room.pixels:,} pixels and {room.instances:,} splats in {room.tiles:,} tiles; draw fewer views"
            )
        self.release()
        self.room = room
        self.generation += 1
        strips = strips_of(max(room.splats, room.instances))
        words = {
            "keys0": room.splats, "keys1": room.splats, "values0": room.splats, "values1": room.splats,
            "touched": room.splats, "shapes": 8 * room.views * room.splats, "colours": 4 * room.splats,
            "counts": DIGITS * strips, "totals": DIGITS, "sums": -(-room.splats // THREADS), "found": 1, "spare": 1,
            "tiles0": room.instances, "tiles1": room.instances, "splats0": room.instances, "splats1": room.instances,
            "starts": room.tiles + 1, "frame": STATUS_BYTES // 4 + 5 * room.pixels,
        }  # fmt: skip
        self.buffers.update({name: self.device.allocate(4 * count) for name, count in words.items()})

    def release(self) -> None:
        """Free everything."""
        with suppress(BackendError):  # a device that has failed is using none of it
            self.device.synchronise()
        self.buffers.clear()
        self.room = Room()

    def __getitem__(self, name: str) -> Buffer:
        return self.buffers[name]


def strips_of(entries: int) -> int:
    """Blocks that sort so many entries."""
    return max(1, -(-entries // SORT_STRIP))
