"""The procedural engine: a scene family builds the place, trace.py draws it; no weights, and true distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from jaxtyping import Float32

from translight.core.errors import GenerationError
from translight.core.pose import Pose
from translight.core.progress import Progress
from translight.generation.brief.brief import Brief, Family
from translight.generation.candidate import Candidate, Model, View
from translight.generation.engines.engine import Order
from translight.generation.procedural.scene import Scene
from translight.generation.procedural.trace import Panorama, draw

SAMPLES = 4
"""Of every pixel."""
_SKY_HEIGHT_PX = 2048
"""The sky alone is no higher: nothing in it is as fine as the ground."""


class _Builder(Protocol):
    """What a family's module has."""

    def build(self, brief: Brief, seed: int, height_px: int) -> Scene:
        """The scene; ``height_px`` of the panorama chooses how fine it is."""
        ...


def open(source: Path | None) -> Procedural:
    """The engine. It takes no source: raises GenerationError when one is given."""
    if source is not None:
        raise GenerationError(f"{source}: the procedural engine takes no --source: it computes everything")
    return Procedural()


def scene_of(brief: Brief, family: Family, seed: int, height_px: int) -> Scene:
    """The place that a family makes of a brief, ready for trace.draw from any point."""
    module: _Builder = import_module(f"translight.generation.procedural.families.{family}")
    # A family found from the brief's words says what lies beyond the land, as one given does.
    place = msgspec.structs.replace(brief.place, family=family)
    return module.build(msgspec.structs.replace(brief, place=place), seed, height_px)


class Procedural:
    """Engine of engines/engine.py."""

    name = "procedural"

    def models(self) -> tuple[Model, ...]:
        """None."""
        return ()

    def seeds(self, order: Order, /) -> tuple[int, ...]:
        """The order's own."""
        return order.parameters.seeds

    def candidates(self, order: Order, progress: Progress) -> Iterator[Candidate]:
        """A panorama around the camera's eye for every seed, with its distances and the sky behind all of it."""
        brief, family = order.brief, order.parameters.needed_family()
        for seed in order.parameters.seeds:
            progress(f"building {family}", 0.0)
            scene = scene_of(brief, family, seed, order.height_px)
            view = Panorama(order.height_px, scene.eye_m)
            drawn = draw(scene, view, samples=SAMPLES, seed=seed, progress=progress)
            yield Candidate(
                name=f"{self.name}-{family}-{seed:010d}",
                engine=self.name,
                seed=seed,
                views=(
                    View(
                        drawn.image,
                        None,
                        Pose.from_wxyz((1.0, 0.0, 0.0, 0.0), scene.eye_m),
                        drawn.distance_m,
                        np.isinf(drawn.distance_m),
                    ),
                ),
                sky=sky_picture(scene, min(order.height_px, _SKY_HEIGHT_PX), seed),
                settings={
                    "family": family,
                    "height_px": order.height_px,
                    "samples": SAMPLES,
                    "version": version("translight"),
                },
            )


def sky_picture(scene: Scene, height_px: int, seed: int = 0) -> Float32[np.ndarray, "h w 3"]:
    """What is seen where the scene ends, drawn as the scene is: the sun's disc in it, through the fog, exposed."""
    alone = replace(scene, land=None, placed=(), water=None, lamps=None)
    return draw(alone, Panorama(height_px, scene.eye_m), samples=SAMPLES, seed=seed).image
