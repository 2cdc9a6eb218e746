"""Photographs become a NeRF, and the NeRF an environment: looked at, baked, refined, and each step's loss measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.errors import ReconstructionError
from translight.core.image import save_image, to_u8
from translight.core.progress import Progress, silent
from translight.environment.environment import Environment
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.evaluate.evaluation import evaluate
from translight.reconstruction.evaluate.metrics import psnr_db, ssim
from translight.reconstruction.nerf.bake import Bake, bake, far_from
from translight.reconstruction.nerf.run import NerfPicture, NerfSettings, train_nerf
from translight.reconstruction.nerf.sky import baked_sky
from translight.reconstruction.nerf.views import baking_views, photograph_views
from translight.reconstruction.pixels import load_photograph
from translight.render.backends import AUTO

_POINTS = 5_000
"""So many of the baked splats tell the trainer how large and how far away the scene is."""


@dataclass(frozen=True, slots=True)
class BakeSettings:
    """``views`` of ``width_px`` become at most ``splats``, refined for ``iterations`` (0: not) or ``seconds``."""

    width_px: int = 400
    views: int = 48
    splats: int = 100_000
    iterations: int = 3_000
    seconds: float | None = None
    degree: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.width_px, self.views, self.splats) < 1 or self.iterations < 0:
            raise ValueError(f"a bake takes a view, a pixel and a splat or more, got {self}")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise ValueError(f"a bake is refined for more than 0 seconds, got {self.seconds}")


@dataclass(frozen=True, slots=True, eq=False)
class BakedNerf:
    """The environment, the report's steps ``nerf`` and ``bake``, and what the NeRF shows for held-out photographs."""

    environment: Environment
    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    held_out: tuple[NerfPicture, ...]


def nerf_environment(
    name: str,
    dataset: Dataset,
    training: NerfSettings,
    baking: BakeSettings,
    folder: Path,
    python: Path,
    progress: Progress = silent,
    moment: Callable[[Any], None] | None = None,
    renderer: str = AUTO,
) -> BakedNerf:
    """Train nerfacto on the dataset's training photographs, and bake it.

    ``folder`` keeps all work, with which the same call goes on. ``python`` is nerfstudio's (``process.nerf_python``);
    ``moment`` hears of the refining as of any training. Views and photographs are compared as wide as the NeRF was
    trained. Raises ReconstructionError where nerfstudio fails or the NeRF shows no surface, FormatError on pictures
    that cannot be read or written.
    """
    _, held_out = dataset.split()
    new_views = baking_views(dataset, baking.width_px, baking.views, baking.seed)
    photo_views = photograph_views(held_out, training.width_px)
    nerf = train_nerf(dataset, [*photo_views, *new_views], training, folder, python, progress)
    shown = tuple(nerf.pictures[view.name] for view in photo_views)
    pictures = [nerf.pictures[view.name] for view in new_views if view.name in nerf.pictures]

    seen = _as_dataset(dataset, pictures, folder / "views")
    learned = {image.name for image in seen.split()[0]}
    used = [picture for picture in pictures if f"{picture.view.name}.png" in learned]
    progress("baking", 0.0)
    baked = bake(used, baking.splats)
    if len(baked.cloud) == 0:
        raise ReconstructionError("the NeRF shows no surface, only fog: train it longer, or on better poses")
    far = far_from([picture.view.scene_from_camera.position_m for picture in used])
    sky = baked_sky(used, far, dataset.stage_from_scene)
    scene = Environment(
        name, baked.cloud, dataset.stage_from_scene, sky, "srgb", dataset.metres_per_unit, antialiased=True
    )

    def compared(environment: Environment) -> dict[str, Any]:
        """With views that the NeRF shows and nothing has learned from, and with held-out photographs."""
        sets = {"nerf_views": seen.split()[1], "photographs": held_out}
        return {key: _quality(environment, images, training.width_px, renderer) for key, images in sets.items()}

    facts: dict[str, Any] = {
        "views": len(used),
        "pixels": baked.pixels,
        "surface_pixels": baked.surface,
        "agreed_pixels": baked.agreed,
        "splats": len(baked.cloud),
        "before_refining": compared(scene),
    }
    if baking.iterations:
        scene, facts["refining"] = _refined(scene, seen, baked, baking, folder, progress, moment)
        facts["splats"] = len(scene.splats)
        facts["refined"] = compared(scene)
    of_nerf = _quality_of_pictures(held_out, shown)
    facts["lost_db"] = _lost(of_nerf, facts.get("refined", facts["before_refining"])["photographs"])
    return BakedNerf(scene, (("nerf", {**nerf.facts, **of_nerf}), ("bake", facts)), shown)


def _as_dataset(dataset: Dataset, pictures: Sequence[NerfPicture], folder: Path) -> Dataset:
    """What the NeRF shows, as pictures with known cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for picture in pictures:
        file = folder / f"{picture.view.name}.png"
        save_image(file, to_u8(picture.rgb))
        images.append(PosedImage(file.name, file, picture.view.camera, picture.view.scene_from_camera))
    return Dataset(tuple(images), None, dataset.stage_from_scene, dataset.metres_per_unit)


def _refined(
    scene: Environment,
    seen: Dataset,
    baked: Bake,
    baking: BakeSettings,
    folder: Path,
    progress: Progress,
    moment: Callable[[Any], None] | None,
) -> tuple[Environment, Mapping[str, Any]]:
    settings = import_module("translight.reconstruction.training.settings")
    trainer = import_module("translight.reconstruction.training.trainer")
    means = baked.cloud.means[:: max(1, len(baked.cloud) // _POINTS)].astype(np.float64)
    points = SparsePoints(means, np.full(means.shape, 128, np.uint8))
    asked = settings.Settings(
        width_px=baking.width_px,
        splats=baking.splats,
        iterations=baking.iterations,
        seconds=baking.seconds,
        degree=baking.degree,
        seed=baking.seed,
        coarse_share=0.0,  # it begins near the end
        exposure=False,  # a NeRF shows all views in one exposure
        sky="none" if scene.sky is None else "dome",
    )
    trained = trainer.train(
        Dataset(seen.images, points, seen.stage_from_scene, seen.metres_per_unit),
        asked,
        folder / "refining",
        initial=baked.cloud,
        told=moment,
        says=lambda what: progress(what, 0.0),
    )
    refined = Environment(
        scene.name,
        trained.cloud,
        scene.stage_from_scene,
        trained.sky,
        "srgb",
        scene.metres_per_unit,
        trained.antialiased,
    )
    return refined, trained.facts


def _quality(
    environment: Environment, images: Sequence[PosedImage], width_px: int, renderer: str
) -> dict[str, float | None] | None:
    return None if not images else evaluate(environment, images, width_px, renderer).mean.values()


def _quality_of_pictures(photographs: Sequence[PosedImage], pictures: Sequence[NerfPicture]) -> dict[str, Any]:
    """The NeRF's own, measured as the environment's (``evaluate``)."""
    found: dict[str, list[float]] = {"psnr_db": [], "ssim": []}
    for image, picture in zip(photographs, pictures, strict=True):
        truth = load_photograph(image, picture.view.camera.width_px)
        rgb = np.clip(picture.rgb, 0, 1)
        for key, measure in (("psnr_db", psnr_db), ("ssim", ssim)):
            value = measure(rgb, truth.rgb, truth.weight)
            found[key] += [] if value is None else [value]
    return {key: round(float(np.mean(values)), 4) if values else None for key, values in found.items()}


def _lost(nerf: Mapping[str, Any], environment: Mapping[str, Any] | None) -> float | None:
    """By how much held-out photographs are matched worse than by the NeRF itself."""
    if environment is None or nerf["psnr_db"] is None or environment["psnr_db"] is None:
        return None
    return round(nerf["psnr_db"] - environment["psnr_db"], 3)
