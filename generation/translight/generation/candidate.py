"""What an engine makes of a brief: pictures with cameras, depth where it is known, and how each came to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Bool, Float32

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.environment.environment import Environment


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that took part, for the record: which bytes, whose, and what its licence allows."""

    name: str
    role: str
    """text-to-image, controlnet, lora, ip-adapter, vae, depth, inpainting, super-resolution …"""
    revision: str
    """Commit or version that its folder names; empty where nothing does."""
    sha256: str
    """Over its weight files, in the order of their names."""
    licence: str
    """SPDX identifier or the name that its folder gives; "unknown" where nothing does."""
    commercial: bool | None
    """Whether the licence allows commercial use; None where that is not known."""


DERIVED = "derived"
"""Key in a candidate's settings: it was made of another candidate, not for a seed, by these steps in their order.

Each is a JSON object with ``step``, what was done (upscaled, looked, varied), and ``from``, the other's name."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture: linear Rec.709 radiance, not cut off at 1, with the depth behind every pixel where it is known.

    ``camera`` None: equirectangular around ``stage_from_camera``'s position, in stage axes as panorama.py says (the
    rotation is not used). Otherwise a pinhole's picture in OpenCV axes.
    """

    image: Float32[np.ndarray, "h w 3"]
    camera: Camera | None
    stage_from_camera: Pose
    distance_m: Float32[np.ndarray, "h w"] | None = None
    """Metres along each pixel's ray; infinite in the sky."""
    sky: Bool[np.ndarray, "h w"] | None = None
    """Where the sky is seen, when the engine knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One answer to a brief. ``views`` begins with the panorama where there is one."""

    name: str
    """Unique within a run, a plain file name: ``procedural-0007``."""
    engine: str
    seed: int
    views: tuple[View, ...] = ()
    environment: Environment | None = None
    """From engines that make or import splats: what would play, as it would stand on the stage."""
    sky: Float32[np.ndarray, "h w 3"] | None = None
    """The sky alone, behind everything, where the engine knows it."""
    models: tuple[Model, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    """All that is needed to make it again, as JSON values."""
