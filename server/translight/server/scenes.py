"""From a show's environments (places.py) to the scenes that a renderer draws, their clouds and skies shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from translight.core.errors import ShowError
from translight.core.pose import Pose
from translight.environment.environment import Environment
from translight.environment.files import load_environment
from translight.environment.placement import fitted, placed
from translight.environment.procedural import demo_environment
from translight.render.clip import Clips, outside_box, within_box
from translight.render.contract import Layer, Scene
from translight.render.moving_sky import MovingSky
from translight.render.scene import scene_of
from translight.server.detail_cache import default_folder, kept_levels
from translight.server.places import BUILT_IN, Crop, EnvironmentPlace
from translight.splats.cloud import SplatCloud
from translight.splats.order import along_curve


class Scenery:
    """Opens environments, each file once: two cues of one file, lit otherwise, share its splats and sky.

    Relative paths start at ``base``, the show file's folder.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._opened: dict[str, tuple[Environment, Scene]] = {}
        self._moving: dict[str, MovingSky] = {}
        self._levels: dict[SplatCloud, list[SplatCloud]] = {}

    def scene(self, place: EnvironmentPlace, where: str = "environment") -> Scene:
        """An environment and its layers, as the show places, lights and crops them; ``where`` begins error messages.

        The sky is that of the first of them which has one; its plates stand on their first frames. Raises ShowError
        when there is no such file or when their colours are not encoded alike, FormatError when one cannot be read.
        """
        scene, *others = [self._one(part, f"{where}.path") for part in (place, *place.layers)]
        for number, (other, part) in enumerate(zip(others, place.layers, strict=True)):
            if other.encoding != scene.encoding:
                raise ShowError(
                    f"{where}.layers[{number}].path: {part.path} has {other.encoding} colours, {place.path} "
                    f"{scene.encoding}: they cannot be blended"
                )
            if scene.sky is None:
                scene = replace(scene, sky=other.sky, sky_tint=other.sky_tint)
            scene = replace(scene, layers=scene.layers + other.layers)
        return scene

    def moving_sky(self, place: EnvironmentPlace, threads: int | None = None) -> MovingSky | None:
        """What plays before the sky of ``scene(place)``, in that scene's encoding; None where its sky has no plates."""
        for part in (place, *place.layers):
            environment = self._open(part.path, "environment.path")[0]
            if environment.sky is not None:
                if not environment.plates:
                    return None
                if part.path not in self._moving:
                    sky = MovingSky(environment.sky, environment.plates, environment.encoding, threads)
                    self._moving[part.path] = sky
                return self._moving[part.path]
        return None

    def detailed(self, scene: Scene, levels: int, progress: Callable[[str], None]) -> list[Scene]:
        """The scene, and coarser ones for when there is no time for all of its splats; ``progress`` is told of it."""

        def told(done: float) -> None:
            progress(f"making levels of detail, once for this environment: {100 * done:.0f} %")

        for layer in scene.layers:
            if layer.splats not in self._levels:
                _, *coarser = kept_levels(layer.splats, levels, default_folder(), told)
                self._levels[layer.splats] = [layer.splats, *map(along_curve, coarser)]
        by_level = zip(*(self._levels[layer.splats] for layer in scene.layers), strict=True)
        return [scene.with_clouds(clouds) for clouds in by_level]

    def _one(self, place: EnvironmentPlace, where: str) -> Scene:
        """An environment without its layers."""
        environment, scene = self._open(place.path, where)
        if place.fit:
            environment = fitted(environment)
        environment = placed(environment, place.position_m, place.heading_deg, place.scale)
        (layer,) = scene.layers
        clips: Clips = ()
        for crop in place.crops:
            clips += _clips(crop, replace(layer, stage_from_scene=environment.stage_from_scene))
        layer = replace(layer, stage_from_scene=environment.stage_from_scene, tint=place.tint, clips=clips)
        return replace(scene, layers=(layer,), sky_tint=place.tint)

    def _open(self, path: str, where: str) -> tuple[Environment, Scene]:
        if path not in self._opened:
            if path == BUILT_IN:
                environment = demo_environment()
            else:
                file = self._base / path
                if not file.exists():
                    raise ShowError(f"{where}: there is no {file}")
                environment = load_environment(file)
            self._opened[path] = environment, scene_of(environment)
        return self._opened[path]


def _clips(crop: Crop, layer: Layer) -> Clips:
    half = np.radians(crop.heading_deg) / 2
    stage_from_box = Pose.from_wxyz((np.cos(half), 0.0, 0.0, np.sin(half)), crop.centre_m)
    box = within_box if crop.inside else outside_box
    return box(stage_from_box, crop.size_m, layer.stage_from_scene)
