"""What a brief means to an engine: the values that models take, each with the line of the brief that it came from.

translate.py makes them of a Brief.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Family, LoraChoice, Reference


@dataclass(frozen=True, slots=True)
class Reason:
    """``value`` was set because of what the brief's ``key`` says."""

    key: str
    """Dotted, as in the file: ``light.sun_elevation_deg``."""
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """Maps of the block-out around the camera's eye, equirectangular as panorama.py says, for ControlNets."""

    distance_m: Float32[np.ndarray, "h w"]
    """Metres along each ray to the block-out; infinite where it sees none of it."""
    depth: UInt8[np.ndarray, "h w"]
    """As depth ControlNets are trained: near is white, by inverse distance."""
    edges: UInt8[np.ndarray, "h w"]
    """Edges of boxes, creases and the floor's rim, white on black, one pixel wide."""
    depth_weight: float
    edges_weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """A brief, translated."""

    family: Family | None
    """None when the brief names none and none of its words does; only some engines need one: needed_family."""
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    """As many as candidates are wanted."""
    guidance: float
    steps: int
    control: Control | None
    """None when the brief blocks nothing out."""
    references: tuple[Reference, ...]
    loras: tuple[LoraChoice, ...]
    lut: Path | None
    reasons: tuple[Reason, ...]

    def needed_family(self) -> Family:
        """The scene family, for an engine that cannot do without. Raises GenerationError naming the families."""
        if self.family is None:
            families = ", ".join(get_args(Family))
            raise GenerationError(f"place.family is missing and no word of the brief names one; give one of {families}")
        return self.family
