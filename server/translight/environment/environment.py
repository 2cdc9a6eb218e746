"""An environment in memory: splats placed on the stage, a sky, and the colour encoding they were trained in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float32

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Similarity
from translight.environment.plate import Plate
from translight.splats.cloud import SplatCloud

ColourEncoding = Literal["srgb", "linear"]
"""How the splats' colours are encoded: sRGB-encoded Rec.709 (photo-trained clouds), or linear Rec.709."""


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """``splats`` in scene axes (RDF), ``stage_from_scene`` placing them in metres on the stage.

    ``sky`` (h w 3) is linear Rec.709 radiance, equirectangular: middle column stage +Y, azimuth growing to the
    right, top row +Z. ``encoding`` names the splats' colour encoding, in which they are also blended.
    ``antialiased``: the splats were trained with Mip-Splatting's 2D filter, and are drawn with it.
    ``metres_per_unit`` is the real size of one scene unit where it is known; the placement may show it at another.
    ``plates`` are loops over the sky, each over those before it.
    """

    name: str
    splats: SplatCloud
    stage_from_scene: Similarity = field(default_factory=lambda: Similarity(1.0, STAGE_FROM_RDF))
    sky: Float32[np.ndarray, "h w 3"] | None = None
    encoding: ColourEncoding = "srgb"
    metres_per_unit: float | None = None
    antialiased: bool = False
    plates: tuple[Plate, ...] = ()
