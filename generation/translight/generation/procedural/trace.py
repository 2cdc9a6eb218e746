"""The procedural engine's ray tracer: a Scene (scene.py) drawn in panorama or through a camera, with true depth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.generation.procedural.rays import pixels
from translight.generation.procedural.rays import rows as sampling
from translight.generation.procedural.rays.filter import HALO_PX, filtered
from translight.generation.procedural.rays.pack import Packed, pack
from translight.generation.procedural.rays.workers import share_rows, worker_count
from translight.generation.procedural.scene import Scene

MAX_SAMPLES = 4096
_BAND_PX = 1 << 20
"""Pixels that are filtered together: the fewer, the more of them are filtered again for their neighbours' sake."""
_STEP_PX = 1 << 17
"""Pixels that are traced between two calls of progress."""
_BOUNCES = 2
_EVEN_SAMPLES = 16
"""Up to so many samples, a pixel that its first half of them finds even gets no more."""
_DARK = 0.02
"""Radiance of the exposed picture, whose white is 1: what is well below it may differ and looks the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Panorama:
    """All round, as panorama.py lays it out: 2·height by height."""

    height_px: int
    eye_m: Float64[np.ndarray, "3"]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """Through a pinhole."""

    camera: Camera
    stage_from_camera: Pose


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A picture and what is true of it. ``normal`` is 0 and ``albedo`` 0 in the sky, where ``distance_m`` is infinite.

    Distances are along the ray, from the eye, and the lower median of the pixel's samples.
    """

    image: Float32[np.ndarray, "h w 3"]
    distance_m: Float32[np.ndarray, "h w"]
    normal: Float32[np.ndarray, "h w 3"]
    albedo: Float32[np.ndarray, "h w 3"]


def draw(scene: Scene, view: Panorama | Shot, *, samples: int, seed: int = 0, progress: Progress = silent) -> Drawn:
    """Draw a scene with so many rays a pixel; equal arguments give equal pictures, on any number of cores.

    The picture is linear Rec.709, times the scene's exposure, and nothing is cut off. Raises ValueError for a scene
    that contradicts itself; what ``progress`` raises ends the work between two bands of rows.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise ValueError(f"a pixel has 1 to {MAX_SAMPLES} samples, got {samples}")
    numbers = _numbers(view)
    # The kernels test nothing: a NaN would become an offset.
    if not np.isfinite(numbers).all():
        raise ValueError("a scene and its view hold finite numbers only")
    progress("building the scene", 0.0)
    with pack(scene, seed) as packed:
        return _drawn(packed, numbers, samples, scene.exposure, progress)


def _drawn(
    packed: Packed, numbers: Float64[np.ndarray, "v"], samples: int, exposure: float, progress: Progress
) -> Drawn:  # fmt: skip
    """The picture, in bands of rows."""
    floats, integers = packed.floats, packed.integers
    height, width = int(numbers[pixels.HEIGHT_PX]), int(numbers[pixels.WIDTH_PX])
    workers = worker_count()
    first = (samples + 1) // 2 if 2 < samples <= _EVEN_SAMPLES else samples
    stacks, distances = packed.scratch(workers), np.empty((workers, samples))
    image = np.empty((height, width, 3), np.float32)
    distance_m = np.empty((height, width), np.float32)
    normal, albedo = np.empty_like(image), np.empty_like(image)
    rows, step = max(_BAND_PX // width, 1), max(_STEP_PX // (width * max(first // _EVEN_SAMPLES, 1)), 1)
    # Bands overlap as far as the filter reaches, and by the row that the last one is compared with; what was traced for
    # one is kept for the next. Notes are kept of the two rows that the next step needs.
    traced = np.empty((min(rows + 2 * HALO_PX + 1, height), width, pixels.FLOATS_A_PIXEL), np.float32)
    notes = np.empty((step + 2, width, pixels.DISTANCES + first), np.float32)
    flags = np.zeros((step + 1, width), np.bool_)
    dark = _DARK / exposure if exposure > 0 else np.inf
    begun = done = settled = noted = 0

    def trace(top: int, worker: int, low: int, high: int) -> None:
        near, note = traced[top - begun :][low:high], notes[top - noted :][low:high]
        sampling.trace_rows(floats, integers, numbers, top + low, samples, _BOUNCES, stacks[worker], note, near)

    def settle(top: int, worker: int, low: int, high: int) -> None:
        near, note = traced[top - begun :][low:high], notes[top - noted :][low:high]
        flagged, stack, scratch = flags[low:high], stacks[worker], distances[worker]
        sampling.settle_rows(
            floats, integers, numbers, top + low, samples, _BOUNCES, stack, flagged, scratch, note, near
        )

    def compare(top: int, _worker: int, low: int, high: int) -> None:
        above, below = top - noted + low, top - noted + high
        note = notes[: done - noted]
        sampling.uneven_rows(numbers, noted, above, below, samples, dark, note, flags[low:high])

    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        low, high = max(top - HALO_PX, 0), min(bottom + HALO_PX, height)
        if low > begun:
            kept = traced[low - begun : done - begun].copy()
            traced[: len(kept)] = kept
            begun = low
        while settled < high:
            progress("tracing rays", settled / height)
            until = min(done + step, high + 1, height)
            share_rows(workers, until - done, 4, partial(trace, done))
            done = until
            # Each row is compared with those above and below it.
            ready = done if done == height else done - 1
            if first < samples:
                share_rows(workers, ready - settled, 4, partial(compare, settled))
            share_rows(workers, ready - settled, 4, partial(settle, settled))
            settled, last = ready, max(ready - 1, 0)
            notes[: done - last] = notes[last - noted : done - noted].copy()
            noted = last
        own = slice(top - begun, bottom - begun)
        light = filtered(traced[: high - begun], own, bool(numbers[pixels.PANORAMA]), workers)
        p = traced[own]
        image[top:bottom] = p[..., : pixels.LIGHT] + p[..., pixels.COLOUR : pixels.NORMAL] * light
        normal[top:bottom] = p[..., pixels.NORMAL : pixels.ALBEDO]
        albedo[top:bottom] = p[..., pixels.ALBEDO : pixels.DISTANCE]
        distance_m[top:bottom] = p[..., pixels.DISTANCE]
    image *= np.float32(exposure)
    progress("tracing rays", 1.0)
    return Drawn(image, distance_m, normal, albedo)


def _numbers(view: Panorama | Shot) -> Float64[np.ndarray, "v"]:
    numbers = np.zeros(pixels.VIEW)
    if isinstance(view, Panorama):
        if view.height_px < 2:
            raise ValueError(f"a panorama is at least 2 rows high, got {view.height_px}")
        numbers[: pixels.EYE] = 1.0, view.height_px, 2 * view.height_px
        numbers[pixels.EYE : pixels.TURN] = view.eye_m
        return numbers
    camera = view.camera
    numbers[: pixels.EYE] = 0.0, camera.height_px, camera.width_px
    numbers[pixels.EYE : pixels.TURN] = view.stage_from_camera.position_m
    numbers[pixels.TURN : pixels.FX] = view.stage_from_camera.rotation().ravel()
    numbers[pixels.FX : pixels.VIEW] = camera.fx, camera.fy, camera.cx, camera.cy
    return numbers
