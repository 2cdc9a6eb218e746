"""Dissolving from one scene into another, as on a cue change: their pictures are mixed, or their light alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np

from translight.render.contract import Frame, Layer, Scene
from translight.render.tint import tint_between

_LEAST_TINT = 0.1


def relit(first: Scene, second: Scene, fraction: float) -> Scene | None:
    """One scene in place of a dissolve between two that differ in their tints alone; None where they differ in more.

    Blending is linear in colours, so its picture is the mixed one: in linear light to the bit; in sRGB but for dark
    codes, whose curves bend, by 4/255 at most. Nearer to darkness than a tenth that grows, and None is returned.
    """
    alike = len(first.layers) == len(second.layers) and first.sky is second.sky
    if not alike or first.encoding != second.encoding:
        return None
    if first.encoding == "srgb" and min(_least_tint(first), _least_tint(second)) < _LEAST_TINT:
        return None
    layers = []
    for a, b in zip(first.layers, second.layers, strict=True):
        if a.splats is not b.splats or a.antialiased != b.antialiased or not _stand_alike(a, b):
            return None
        layers.append(replace(a, tint=tint_between(a.tint, b.tint, fraction, first.encoding)))
    sky_tint = tint_between(first.sky_tint, second.sky_tint, fraction, first.encoding)
    return replace(first, layers=tuple(layers), sky_tint=sky_tint)


def _least_tint(scene: Scene) -> float:
    return min(*scene.sky_tint, *(factor for layer in scene.layers for factor in layer.tint))


def _stand_alike(a: Layer, b: Layer) -> bool:
    clips = len(a.clips) == len(b.clips) and all(map(np.array_equal, a.clips, b.clips))
    return clips and np.array_equal(a.stage_from_scene.matrix(), b.stage_from_scene.matrix())


def dissolve(frame: Frame, other: Frame, fraction: float, threads: int | None = None) -> None:
    """``frame`` becomes a ``fraction`` (0 to 1) of ``other`` and the rest of itself, in the encoding of both.

    Colour and alpha are premultiplied, so this is what a mixer does. Depth cannot be mixed: it becomes that of the
    picture with the larger share. ``threads`` None takes all. Raises ValueError on frames of different sizes or a
    fraction out of range.
    """
    if frame.rgba.shape != other.rgba.shape:
        raise ValueError(f"pictures that dissolve are of one size, got {frame.rgba.shape} and {other.rgba.shape}")
    if not 0 <= fraction <= 1:
        raise ValueError(f"a dissolve goes from 0 to 1, got {fraction:g}")
    _mix(frame.rgba.reshape(-1), other.rgba.reshape(-1), np.float32(fraction), threads or numba.get_num_threads())
    if fraction > 0.5:
        np.copyto(frame.depth, other.depth)


@numba.njit(parallel=True, nogil=True, cache=True, error_model="numpy")
def _mix(values: Any, others: Any, fraction: Any, threads: int) -> None:
    for thread in numba.prange(threads):
        for i in range(len(values) * thread // threads, len(values) * (thread + 1) // threads):
            values[i] += fraction * (others[i] - values[i])
