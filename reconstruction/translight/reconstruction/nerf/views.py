"""Cameras that a NeRF is looked at through: those that took the photographs, and new ones between and around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.dataset import HELD_OUT_EVERY, Dataset, PosedImage

FEWEST = HELD_OUT_EVERY + 1
"""A bake of fewer views than these would have one to measure with and hardly any to learn from."""
JITTER = 0.15
"""How far a new camera stands from the line between two, over the distance of these two."""
_TURN_DEG = 2.0
_NEIGHBOURS = 3


@dataclass(frozen=True, slots=True, eq=False)
class NerfView:
    """A named camera in the scene; ``wanted`` however long it takes to look through it."""

    name: str
    camera: Camera
    scene_from_camera: Pose
    wanted: bool = True


def photograph_views(images: Sequence[PosedImage], width_px: int) -> list[NerfView]:
    """The cameras of photographs, in pixels of a picture ``width_px`` wide; named photo_000 and so on."""
    return [
        NerfView(f"photo_{number:03}", _sized(image.camera, width_px), image.scene_from_camera)
        for number, image in enumerate(images)
    ]


def baking_views(dataset: Dataset, width_px: int, count: int, seed: int = 0) -> list[NerfView]:
    """``count`` cameras (or more, where there are more photographs) for a bake, named bake_000 and so on.

    Every eighth, beginning with the first, stands between two photographs and belongs to the held-out part of a
    dataset with these names (``Dataset.split``); of the others the first are the training photographs' own, in no
    order, so that a part of the views sees all of the scene. New cameras stand between a photograph and one of its
    nearest neighbours, moved and turned a little. The first FEWEST are wanted.
    """
    training, _ = dataset.split()
    rng = np.random.default_rng(seed)
    waiting = [training[k] for k in rng.permutation(len(training))]
    found: list[NerfView] = []
    while len(found) < count or waiting:
        name = f"bake_{len(found):03}"
        if waiting and len(found) % HELD_OUT_EVERY:
            image = waiting.pop(0)
            found.append(NerfView(name, _sized(image.camera, width_px), image.scene_from_camera))
        else:
            found.append(_between(training, name, width_px, rng))
    return [replace(view, wanted=number < FEWEST) for number, view in enumerate(found)]


def _between(images: Sequence[PosedImage], name: str, width_px: int, rng: np.random.Generator) -> NerfView:
    first = images[int(rng.integers(len(images)))]
    centres = np.array([image.scene_from_camera.position_m for image in images])
    apart = np.linalg.norm(centres - first.scene_from_camera.position_m, axis=1)
    nearest = np.argsort(apart, kind="stable")[1 : _NEIGHBOURS + 1]
    second = images[int(rng.choice(nearest))] if len(nearest) else first
    pose = first.scene_from_camera.interpolate(second.scene_from_camera, float(rng.uniform(0.25, 0.75)))
    distance = float(np.linalg.norm(second.scene_from_camera.position_m - first.scene_from_camera.position_m))
    moved = Pose(pose.wxyz, pose.position_m + rng.normal(size=3) * JITTER * distance / 3**0.5)
    turned = Pose.exp(np.concatenate([np.zeros(3), rng.normal(size=3) * np.radians(_TURN_DEG)]))
    return NerfView(name, _sized(first.camera, width_px), moved @ turned)


def _sized(camera: Camera, width_px: int) -> Camera:
    width = min(width_px, camera.width_px)
    return camera.resized(width, max(1, round(camera.height_px * width / camera.width_px)))
