"""What compositing costs: whole canvases by how much the inner picture covers, and a strip's cycles by part.

A busy machine is no hindrance: a canvas is timed in bands and a strip many times over, and the least of each counts.
The parts are ``translight.volume.strips``, run on one strip out of the first-level cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from translight.colour.grade import Grade
from translight.colour.output import OutputTransform
from translight.core.camera import Camera, View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.core.machine import describe
from translight.volume import strips
from translight.volume.canvas import Canvas
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view
from translight.volume.sampling import Sampling, coefficients
from translight.volume.surfaces import TILE_WIDTH
from translight.volume.wall import PlaneWall

_RESULT = Path(__file__).parent / "results" / "composite.md"
_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"
SIZES = ((1920, 1080), (1280, 720))
COVERED = {"all": (0.0, 0.0), "half": (3.3, 0.0), "none": (0.0, np.pi)}
"""How far to the side the camera stands in metres, and where it pans to."""
OUTPUTS = {
    "8 bits, no colour change": OutputTransform(),
    "10 bits, dither": OutputTransform(pixel_format=PixelFormat.RGB10A2, dither=True),
    "PQ, 10 bits": OutputTransform(wall="pq", pixel_format=PixelFormat.RGB10A2),
    "white balance, γ 2.4": OutputTransform("linear", Grade(source_k=4000, target_k=7000), "gamma2.4"),
    "half floats": OutputTransform("linear", wall="linear", pixel_format=PixelFormat.RGBA16F),
}
_BANDS = 8
_FRAMES, _STRIPS = 40, 3000
_AT_ONCE = 60
_N, _0 = np.uint64(TILE_WIDTH), np.uint64(0)


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    rgba: np.ndarray


@njit(nogil=True)
def _chain(count: Any, x: Any) -> Any:
    """Multiply and add, each waiting for the one before: 3 + 1 cycles on the processors of the last ten years."""
    for _ in range(count):
        x = x * x + x
    return x


@njit(nogil=True)
def _project(columns: Any, rows: Any, scratch: Any, times: Any) -> None:
    for k in range(times):
        strips.project(columns, rows, _0, np.uint64(k & 15), scratch, _0, _N)


@njit(nogil=True)
def _project_and_sample(
    columns: Any,
    rows: Any,
    source: Any,
    width: Any,
    height: Any,
    filter_table: Any,
    scratch: Any,
    places: Any,
    room: Any,
    times: Any,
) -> None:
    for k in range(times):
        strips.project(columns, rows, _0, np.uint64(k & 15), scratch, _0, _N)
        strips.sample(source, width, height, filter_table, scratch, places, room, _0, _0, _N)


@njit(nogil=True)
def _weigh(columns: Any, rows: Any, width: Any, height: Any, scratch: Any, times: Any) -> None:
    for k in range(times):
        strips.weigh(
            columns, rows, _0, np.uint64(k & 15), width, height, np.float32(0.1), np.float32(0.03), scratch, _0, _N
        )


@njit(nogil=True)
def _blend(outer: Any, scratch: Any, room: Any, times: Any) -> None:
    for k in range(times):
        strips.blend(outer, TILE_WIDTH, _0, np.uint64(k & 15), scratch, room, _0, _0, _N)


@njit(nogil=True)
def _encode(scratch: Any, places: Any, room: Any, colour: Any, finished: Any, out: Any, times: Any) -> None:
    for k in range(times):
        strips.encode_strip(scratch, places, room, _0, _0, _N, colour, _0, np.uint64(k & 15), finished, out)


def main(tiny: bool) -> None:
    """Measure; write the tables between the marks of the results unless ``tiny``."""
    frames, times = (2, 3) if tiny else (_FRAMES, _STRIPS)
    lines = ["| canvas | sampling | threads | inner picture covers | ms | median ms |", "|---|---|---|---|---|---|"]
    for row in _canvases(frames, ((64, 36),) if tiny else SIZES):
        lines.append(row)
        print(row, flush=True)
    parts, ghz = _parts(times)
    lines += ["", f"A strip's parts at {ghz:.1f} GHz:", "", "| part | ns a pixel | cycles a pixel |", "|---|---|---|"]
    for name, ns in parts.items():
        lines.append(f"| {name} | {ns:.2f} | {ns * ghz:.1f} |")
        print(lines[-1], flush=True)
    if not tiny:
        text = _RESULT.read_text("utf-8")
        head, tail = text[: text.index(_BEGIN) + len(_BEGIN)], text[text.index(_END) :]
        _RESULT.write_text(f"{head}\n{describe()}.\n\n" + "\n".join(lines) + f"\n\n{tail}", "utf-8")


def _canvases(frames: int, sizes: tuple[tuple[int, int], ...]) -> Iterator[str]:
    for width, height in sizes:
        wall = PlaneWall("wall", (0.0, 4.0, 1.5), 6.0, 6.0 * height / width, width, height)
        canvas = Canvas(width, height, (wall,))
        camera = Camera.from_fov(width, height, horizontal_deg=66.2)
        for sampling in (Sampling.BILINEAR, Sampling.CATMULL_ROM):
            for threads in (1, 2):
                compositor = Compositor(canvas, OutputTransform(), sampling=sampling, threads=threads)
                for covered, (aside_m, pan) in COVERED.items():
                    view = inner_view(camera_from_pan_tilt_roll(pan, 0.0, 0.0, (aside_m, -0.6, 1.5)), camera)
                    least, median = _time(compositor, view, frames)
                    yield (
                        f"| {width}×{height} | {sampling} | {compositor.threads} | {covered} "
                        f"| {least * 1e3:.2f} | {median * 1e3:.2f} |"
                    )


def _time(compositor: Compositor, view: View, frames: int) -> tuple[float, float]:
    """Seconds a canvas: the sum of its bands' least times without the calls' own, and the median of whole calls."""
    camera, canvas = view.camera, compositor.canvas
    shape = (camera.height_px, camera.width_px, 4)
    inner = _Picture(np.random.default_rng(0).random(shape, dtype=np.float32))
    outs = [np.zeros((canvas.height_px, canvas.width_px, 4), np.uint8) for _ in range(3)]
    surfaces = compositor.surfaces
    tiles, spheres, whole = surfaces.tiles, surfaces.spheres, []
    cuts = [k * len(tiles) // _BANDS for k in range(_BANDS + 1)]
    best, call = np.full(_BANDS, np.inf), np.inf
    for frame in range(frames):
        out = outs[frame % len(outs)]
        whole.append(_seconds(compositor, inner, view, out))
        # Twice as many calls that fill nothing: too long a least one would be taken from every band
        for k in [*range(_BANDS)] + [_BANDS] * 2 * _BANDS:
            part = slice(cuts[k], cuts[k + 1]) if k < _BANDS else slice(0)
            surfaces.tiles, surfaces.spheres = tiles[part], spheres[part]
            compositor.watch_rows((canvas.height_px,))
            seconds = _seconds(compositor, inner, view, out)
            if k < _BANDS:
                best[k] = min(best[k], seconds)
            else:
                call = min(call, seconds)
        surfaces.tiles, surfaces.spheres = tiles, spheres
        compositor.watch_rows((canvas.height_px,))
    return float(np.maximum(best - call, 0).sum() + call), float(np.median(whole))


def _seconds(compositor: Compositor, inner: _Picture, view: View, out: np.ndarray) -> float:
    began = time.perf_counter()
    compositor.composite(inner, view, out)
    return time.perf_counter() - began


def _parts(times: int) -> tuple[dict[str, float], float]:
    """Nanoseconds a pixel of each part, and the processor's clock in GHz."""
    n, rng = TILE_WIDTH, np.random.default_rng(0)
    columns = np.stack([np.linspace(10, 10 + n, n), np.linspace(10, 10.1, n), np.ones(n)]).astype(np.float32)
    rows = np.stack([np.zeros(16), np.arange(16.0), np.zeros(16)]).astype(np.float32)
    picture = rng.random((40, 160, 4), dtype=np.float32)
    source, size = np.uint64(picture.ctypes.data), (160, 40)
    scratch = np.full((1, strips.SCRATCH), 0.5, np.float32)
    places, room = scratch.view(np.int32), np.uint64(scratch.ctypes.data)
    found = {"projecting": _least(times, _project, columns, rows, scratch)}
    for sampling in Sampling:
        sampled = (columns, rows, source, *size, coefficients(sampling), scratch, places, room)
        found[f"sampling, {sampling}"] = _least(times, _project_and_sample, *sampled) - found["projecting"]
    found["weighing (edges only)"] = _least(times, _weigh, columns, rows, *size, scratch)
    found["blending (edges only)"] = _least(times, _blend, source, scratch, room)
    for name, output in OUTPUTS.items():
        compositor = Compositor(Canvas(n, 16, (PlaneWall("wall", (0, 1, 0), 1, 1, n, 16),)), output, threads=1)
        scratch[:] = rng.random(scratch.shape, dtype=np.float32)
        out = np.zeros((16, n), compositor._encoded.dtype)
        arguments = (scratch, places, room, compositor._colour, np.uint64(out.ctypes.data), out)
        found[f"encoding and storing, {name}"] = _least(times, _encode, *arguments)
    _chain(1, 3)
    clock = min(_once(_chain, 10_000, 3) for _ in range(times))
    return found, 4 * 10_000 / clock


def _least(times: int, function: Callable[..., Any], *arguments: Any) -> float:
    function(*arguments, 1)
    return min(_once(function, *arguments, _AT_ONCE) for _ in range(times)) / (_AT_ONCE * TILE_WIDTH)


def _once(function: Callable[..., Any], *arguments: Any) -> int:
    began = time.perf_counter_ns()
    function(*arguments)
    return time.perf_counter_ns() - began
