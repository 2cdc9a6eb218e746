"""Motion to photon, by any camera: a moving object and the wall that follows it, filmed together (docs/latency.md).

Beside the delay, the frame numbers burned into the wall's picture (stream/barcode.py) say which frames were shown, how
long each, and which never were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from translight.core.errors import FormatError
from translight.server.latency.delay import Delay, delay
from translight.server.latency.film import Region, read_film
from translight.server.latency.signals import Signal, signal
from translight.stream.barcode_finder import FoundBarcode, find, read_at

_FIND_EVERY = 15
"""Pictures between two searches for a barcode while none was found: a search takes long."""

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class GlassPlan:
    """What in the film is what. ``readout_s`` is how long the camera takes from its first row to its last.

    Rows of phones and most cameras are exposed one after the other; without knowing it, 0 puts the error of
    ``readout_s`` times the rows between the regions' middles, over the film's height, into the delay.
    """

    object_region: Region | None = None
    wall_region: Region | None = None
    object_signal: Signal = "position"
    wall_signal: Signal = "position"
    readout_s: float = 0.0
    most_s: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrames:
    """Frame numbers as filmed. ``held`` is how many pictures each number was seen in, in its order of numbers."""

    pictures: int
    read: int
    first: int
    last: int
    held: dict[int, int]

    @property
    def missing(self) -> int:
        """Numbers between the first and the last that no picture shows; a slow camera misses some by itself."""
        return self.last - self.first + 1 - len(self.held)


@dataclass(frozen=True, slots=True, eq=False)
class Glass:
    """What a film says: the delay where regions were given, the frames shown where a barcode was read."""

    pictures: int
    film_fps: float
    delay: Delay | None
    shown: ShownFrames | None
    times_s: Float64[np.ndarray, "n"]
    object_values: Float64[np.ndarray, "n"]
    wall_values: Float64[np.ndarray, "n"]
    why_no_delay: str = ""


@dataclass(slots=True)
class _Numbers:
    """Reads barcodes, most cheaply where the last one was."""

    found: FoundBarcode | None = None
    read: list[int] = field(default_factory=list)
    looked: int = 0

    def look(self, grey: np.ndarray) -> None:
        if self.found is not None:
            barcode = read_at(grey, self.found.corners_px)
            if barcode is not None:
                self.read.append(barcode.frame)
                return
        if self.found is not None or self.looked % _FIND_EVERY == 0:
            found = find(grey)
            if found is not None:
                self.found = found
                self.read.append(found.barcode.frame)
        self.looked += 1

    def shown(self, pictures: int) -> ShownFrames | None:
        if not self.read:
            return None
        numbers, counts = np.unique(self.read, return_counts=True)
        held = {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}
        return ShownFrames(pictures, len(self.read), int(numbers[0]), int(numbers[-1]), held)


def measure_film(path: Path, plan: GlassPlan, told: Told = lambda _: None) -> Glass:
    """Read a film and measure it. ``told`` hears how many pictures were read.

    Raises FormatError on what is no film, on regions outside of it, and where it tells neither delay nor frames.
    """
    regions = [region for region in (plan.object_region, plan.wall_region) if region is not None]
    parts: list[list[np.ndarray]] = [[] for _ in regions]
    times: list[float] = []
    numbers = _Numbers()
    height = 1
    for frame in read_film(path):
        times.append(frame.time_s)
        height = frame.grey.shape[0]
        for part, region in zip(parts, regions, strict=True):
            part.append(region.of(frame.grey))
        numbers.look(frame.grey)
        told(len(times))
    if len(times) < 2:
        raise FormatError(f"{path}: {len(times)} pictures are no film")
    times_s = np.array(times)
    object_values = wall_values = np.full(len(times), np.nan)
    found, why = None, "no regions were given"
    if plan.object_region is not None and plan.wall_region is not None:
        object_values, wall_values = (
            signal(part, kind) for part, kind in zip(parts, (plan.object_signal, plan.wall_signal), strict=True)
        )
        rows = plan.wall_region.middle_row - plan.object_region.middle_row
        try:
            later_s = plan.readout_s * rows / height
            found, why = delay(times_s, object_values, wall_values, plan.most_s, later_s), ""
        except ValueError as error:
            why = str(error)
    shown = numbers.shown(len(times))
    if found is None and shown is None:
        raise FormatError(f"{path}: no barcode is read in it, and no delay: {why}")
    fps = float((len(times_s) - 1) / (times_s[-1] - times_s[0]))
    return Glass(len(times), fps, found, shown, times_s, object_values, wall_values, why)


def words(glass: Glass, readout_s: float) -> Sequence[str]:
    """What was found, a line each."""
    frame_ms = 1000 / glass.film_fps
    lines = [f"{glass.pictures} pictures at {glass.film_fps:.2f} fps ({frame_ms:.1f} ms each)"]
    if glass.delay is not None:
        d = glass.delay
        lines.append(
            f"the wall follows the object by {1e3 * d.seconds:.1f} ms (95 %: {1e3 * d.low_s:.1f} to "
            f"{1e3 * d.high_s:.1f}), correlation {d.correlation:.3f}"
        )
        if readout_s == 0:
            lines.append("the camera's rolling shutter was taken as none: say --readout-ms where it is known")
    else:
        lines.append(f"no delay: {glass.why_no_delay}")
    if glass.shown is not None:
        shown = glass.shown
        held = np.bincount(list(shown.held.values()))
        counts = ", ".join(f"{n} in {k}" for k, n in enumerate(held) if k and n)
        lines.append(
            f"frames {shown.first} to {shown.last} read in {shown.read} of {shown.pictures} pictures; "
            f"{shown.missing} of them never seen; pictures that show one: {counts}"
        )
    return lines
