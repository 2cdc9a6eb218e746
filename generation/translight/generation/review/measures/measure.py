"""One measure of a candidate: a number, its unit, and what to make of it; measures.py collects them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from jaxtyping import Float32, Float64

from translight.core.errors import GenerationError
from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Brief
from translight.generation.brief.translate import on_stage
from translight.generation.candidate import Candidate, View
from translight.generation.preview import shrunk

Verdict = Literal["good", "look", "bad", "none"]
"""``look``: a person should look closely; ``none``: it cannot be measured here, and ``why`` says why not."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec.709's (ITU-R BT.709-6, 3.2)."""

CLEAR_M = 3.0
"""Between what stands on the stage and the wall: ours, so that neither light nor focus falls on the LEDs."""
NEAREST_WALL_M = 5.0
"""From the camera, where little or nothing stands before the wall: ours."""


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A result. ``value`` None goes with the verdict ``none``."""

    name: str
    value: float | None
    unit: str
    verdict: Verdict
    why: str
    """In plain words, with the limit that decided."""
    details: dict[str, float] = {}
    """Other numbers behind it, their units in their names."""


class Wall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wall that is asked for, and the film camera's columns of pixels; ``placed`` puts it on a brief's stage."""

    pitch_mm: float = 2.6
    distance_m: float | None = None
    """From the camera, straight on; None: behind what the brief has on the stage."""
    camera_width_px: int = 4096

    def check(self) -> None:
        """Raises GenerationError, naming the option, on what no stage has."""
        for option, value, low, high in (
            ("--wall-pitch-mm", self.pitch_mm, 0.1, 100.0),
            ("--wall-distance-m", self.distance_m, 0.2, 1000.0),
            ("--camera-width-px", self.camera_width_px, 256, 32768),
        ):
            if value is not None and not low <= value <= high:
                raise GenerationError(f"{option} must be from {low:g} to {high:g}, got {value:g}")

    def placed(self, brief: Brief) -> PlacedWall:
        """The wall as the camera sees it: where it was asked for, else ``wall_distance_m`` away."""
        distance_m = wall_distance_m(brief) if self.distance_m is None else self.distance_m
        return PlacedWall(self.pitch_mm, distance_m, self.camera_width_px)


@dataclass(frozen=True, slots=True)
class PlacedWall:
    """A wall at its distance: what measures are taken for."""

    pitch_mm: float
    distance_m: float
    camera_width_px: int

    def pixel_rad(self) -> float:
        """Angle between neighbouring LED pixels, seen straight on from the camera."""
        return math.atan(self.pitch_mm / 1000 / self.distance_m)


def wall_distance_m(brief: Brief) -> float:
    """Where a wall stands that nobody has placed: behind all actors and heroes on the brief's stage, clear of them."""
    behind = [float(box(block).foot_m()[:, 1].max()) + CLEAR_M for block in on_stage(brief)]
    return round(max([NEAREST_WALL_M, *behind]), 2)


def unknown(name: str, unit: str, why: str) -> Measure:
    """A measure that cannot be taken."""
    return Measure(name, None, unit, "none", why)


def graded(value: float, good: float, bad: float) -> Verdict:
    """Where less is better: good up to ``good``, bad above ``bad``. The other way round when ``good`` is the larger."""
    sign = 1.0 if good <= bad else -1.0
    if sign * value <= sign * good:
        return "good"
    return "bad" if sign * value > sign * bad else "look"


def panorama_of(candidate: Candidate) -> View | None:
    """The candidate's panorama, where there is one."""
    views = candidate.views
    whole = bool(views) and views[0].camera is None and views[0].image.shape[1] == 2 * views[0].image.shape[0]
    return views[0] if whole else None


def luminance(image: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """Of linear Rec.709 light; what is not a number counts as none, and no light is below nothing."""
    return np.maximum(np.nan_to_num(image, nan=0.0, posinf=65504.0, neginf=0.0) @ LUMINANCE, 0.0)


def encoded(image: Float32[np.ndarray, "h w 3"], width_px: int = 1 << 16) -> Float32[np.ndarray, "h2 w2"]:
    """Luminance about as evenly spaced as people see it: cube root, over the picture's middle; shrunk first."""
    light = luminance(shrunk(image, width_px))
    middle = float(np.median(light)) or 1.0
    return np.cbrt(light / middle)


def solid_angles(height_px: int) -> Float64[np.ndarray, "h"]:
    """Of one pixel in each row of a panorama, as a share of the whole sphere."""
    edges = np.cos(np.linspace(0.0, np.pi, height_px + 1))
    share: Float64[np.ndarray, "h"] = (edges[:-1] - edges[1:]) / 2 / (2 * height_px)
    return share
