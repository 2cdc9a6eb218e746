"""The device's memory that every frame is made in, which grows and is kept; resident.py has what stays of scenes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from translight.core.device import THREADS, Buffer, Device
from translight.core.errors import BackendError
from translight.render.cuda.source import DIGITS, MAX_VIEWS, SORT_STRIP

STATUS_BYTES = 16
"""Before a frame's pixels: the instances that it has, how many of them were drawn, and two unused words."""
MOST_TILES = 1 << (32 - MAX_VIEWS)
"""A splat's count of tiles stands above its views' bits."""
_LEAST_INSTANCES = 1 << 16
_INSTANCES_A_SPLAT = 4
_LEAST_HALF_SPACES = 256


@dataclass(frozen=True, slots=True)
class Room:
    """What scratch has place for: splats of all layers, views, instances, tiles and pixels of all views, and clips."""

    splats: int = 0
    views: int = 0
    instances: int = 0
    tiles: int = 0
    pixels: int = 0
    half_spaces: int = 0

    def fits(self, wanted: Room) -> bool:
        """Whether what is wanted has place in this."""
        return (
            self.splats >= wanted.splats
            and self.views * self.splats >= wanted.views * wanted.splats
            and self.instances >= wanted.instances
            and self.tiles >= wanted.tiles
            and self.pixels >= wanted.pixels
            and self.half_spaces >= wanted.half_spaces
        )

    def grown(self, wanted: Room) -> Room:
        """Place for both."""
        return Room(
            max(self.splats, wanted.splats),
            max(self.views, wanted.views),
            max(self.instances, wanted.instances),
            max(self.tiles, wanted.tiles),
            max(self.pixels, wanted.pixels),
            max(self.half_spaces, wanted.half_spaces),
        )


def least_instances(splats: int) -> int:
    """Room for instances before a frame has shown how many there are."""
    return max(_LEAST_INSTANCES, int(_INSTANCES_A_SPLAT * splats))


def least_half_spaces(wanted: int) -> int:
    """Room for clips, in powers of two, so that a wall more or less seldom moves all memory."""
    return 1 << max(_LEAST_HALF_SPACES - 1, wanted - 1).bit_length()


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
            "starts": room.tiles + 1, "clips": 5 * room.half_spaces, "frame": STATUS_BYTES // 4 + 5 * room.pixels,
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
