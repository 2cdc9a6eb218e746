"""From a show's environment table to the scene that a renderer draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from translight.core.errors import ShowError
from translight.environment.environment import ColourEncoding, Environment
from translight.environment.files import load_environment
from translight.environment.placement import fitted, placed
from translight.environment.procedural import demo_environment
from translight.render.contract import Scene
from translight.render.scene import scene_of
from translight.server.detail_cache import default_folder, kept_levels
from translight.server.show import BUILT_IN, EnvironmentPlace
from translight.splats.order import along_curve


def load_scene(place: EnvironmentPlace, base: Path) -> tuple[Scene, ColourEncoding]:
    """The environment, placed as the show says. Relative paths start at ``base``, the show file's folder.

    Raises ShowError when there is no such file, FormatError when it cannot be read.
    """
    environment = open_environment(place, base)
    return scene_of(environment), environment.encoding


def detailed_scenes(scene: Scene, levels: int, progress: Callable[[str], None]) -> list[Scene]:
    """The scene, and coarser ones for when there is no time for all of its splats; ``progress`` is told in words."""

    def told(done: float) -> None:
        progress(f"making levels of detail, once for this environment: {100 * done:.0f} %")

    by_layer = [kept_levels(layer.splats, levels, default_folder(), told) for layer in scene.layers]
    _, *coarser = zip(*by_layer, strict=True)
    return [scene, *(scene.with_clouds([along_curve(cloud) for cloud in level]) for level in coarser)]


def open_environment(place: EnvironmentPlace, base: Path) -> Environment:
    """The environment of a show, placed on the stage."""
    if place.path == BUILT_IN:
        environment = demo_environment()
    else:
        path = base / place.path
        if not path.exists():
            raise ShowError(f"environment.path: there is no {path}")
        environment = load_environment(path)
    if place.fit:
        environment = fitted(environment)
    return placed(environment, place.position_m, place.heading_deg, place.scale)
