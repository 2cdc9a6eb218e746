"""An environment beside photographs: drawn from their cameras as a wall would show it, and measured (metrics.py)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_encode
from translight.core.errors import TranslightError
from translight.core.progress import Progress, silent
from translight.environment.environment import Environment
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.evaluate.metrics import colour_corrected, psnr_db, ssim
from translight.reconstruction.evaluate.views import stage_view
from translight.reconstruction.pixels import Photograph, load_photograph
from translight.render.backends import AUTO, open_renderer
from translight.render.contract import Frame
from translight.render.scene import scene_of

if TYPE_CHECKING:
    from translight.reconstruction.evaluate.perceptual import Perceptual

_MOST_SHOWN = 12
"""So many views are kept as pictures, evenly spread: a contact sheet of more is not looked at."""


@dataclass(frozen=True, slots=True)
class Score:
    """How near the environment came to one photograph; None where a value does not exist (nothing has weight …).

    ``psnr_db``, ``ssim`` and ``lpips`` (perceptual.py's distance) are of the picture as it is. ``exposed_psnr_db`` is
    PSNR after the gain that the photograph's own exposure value foretells, ``corrected_psnr_db`` after the affine
    colour correction of metrics.py, which is fitted to the photograph.
    """

    name: str
    psnr_db: float | None
    ssim: float | None
    lpips: float | None
    corrected_psnr_db: float | None
    exposed_psnr_db: float | None = None

    def values(self) -> dict[str, float | None]:
        """The metrics by the names that reports give them, rounded to what they can mean."""
        named = {
            "psnr_db": (self.psnr_db, 3),
            "ssim": (self.ssim, 5),
            "lpips": (self.lpips, 5),
            "exposed_psnr_db": (self.exposed_psnr_db, 3),
            "corrected_psnr_db": (self.corrected_psnr_db, 3),
        }
        return {name: None if value is None else round(value, digits) for name, (value, digits) in named.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A photograph and the environment's picture of the same view, sRGB-encoded, for contact_sheet.py."""

    score: Score
    truth: Float32[np.ndarray, "h w 3"]
    picture: Float32[np.ndarray, "h w 3"]
    weight: Float32[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Scores of each view, and their means. ``held_out``: the training never saw these photographs.

    ``lpips_missing`` says why there is no ``lpips``, None where there is.
    """

    scores: tuple[Score, ...]
    held_out: bool
    width_px: int
    renderer: str
    seconds: float
    lpips_missing: str | None
    shown: tuple[Compared, ...]

    @property
    def mean(self) -> Score:
        """Means over the views that have a value."""
        return Score("mean", *(_mean([getattr(s, name) for s in self.scores]) for name in _METRICS))

    def facts(self) -> dict[str, Any]:
        """The report's ``evaluate`` step: means of held-out views at its top, of training views under ``training``."""
        named = {"lpips_metric": None, "lpips_missing": self.lpips_missing}
        if self.lpips_missing is None:
            named["lpips_metric"] = import_module(_PERCEPTUAL).NAME
        means = self.mean.values()
        nothing = dict.fromkeys(means)
        facts: dict[str, Any] = means if self.held_out else {**nothing, "training": means}
        return {
            **facts,
            **named,
            "held_out": len(self.scores) if self.held_out else 0,
            "width_px": self.width_px,
            "renderer": self.renderer,
            "seconds": round(self.seconds, 2),
            "views": [{"name": score.name, **score.values()} for score in self.scores],
        }


_NO_GAINS: Mapping[str, Sequence[float]] = MappingProxyType({})
_METRICS = ("psnr_db", "ssim", "lpips", "corrected_psnr_db", "exposed_psnr_db")
_PERCEPTUAL = "translight.reconstruction.evaluate.perceptual"


def evaluate(
    environment: Environment,
    images: Sequence[PosedImage],
    width_px: int,
    renderer_name: str = AUTO,
    progress: Progress = silent,
    *,
    held_out: bool = True,
    gains: Mapping[str, Sequence[float]] = _NO_GAINS,
) -> Evaluation:
    """Draw ``environment`` from each photograph's camera, ``width_px`` wide at most, and compare.

    The pictures are those that a wall would show: the package's own splats, sky, encoding and antialiasing, black
    behind, no per-image correction. They are compared as sRGB-encoded values cut to 0…1, as 3DGS's evaluation does.
    ``gains`` are those of photographs by name, red, green and blue, for ``Score.exposed_psnr_db`` alone.
    Raises ValueError without images, FormatError on an unreadable photograph, BackendError.
    """
    if not images:
        raise ValueError("an evaluation wants at least one photograph")
    started = time.monotonic()
    metric, missing = _perceptual()
    scene = scene_of(environment)
    scores: list[Score] = []
    shown: list[Compared] = []
    wanted = set(np.linspace(0, len(images) - 1, min(len(images), _MOST_SHOWN)).round().astype(int).tolist())
    with open_renderer(renderer_name) as renderer:
        for i, image in enumerate(images):
            progress(f"measuring {image.name}", i / len(images))
            photograph = load_photograph(image, width_px)
            view = stage_view(environment.stage_from_scene, image, photograph.camera)
            picture = _displayed(renderer.render(scene, [view], depth="none")[0], environment)
            score = _score(image.name, picture, photograph, metric, gains.get(image.name))
            scores.append(score)
            if i in wanted:
                shown.append(Compared(score, photograph.rgb, picture, photograph.weight))
        name = renderer.name
    progress("measured", 1.0)
    seconds = time.monotonic() - started
    return Evaluation(tuple(scores), held_out, width_px, name, seconds, missing, tuple(shown))


def _displayed(frame: Frame, environment: Environment) -> Float32[np.ndarray, "h w 3"]:
    rgb = frame.rgba[..., :3]  # premultiplied, and so already over black
    if environment.encoding == "linear":
        rgb = srgb_encode(rgb)
    return np.clip(rgb, 0, 1).astype(np.float32)


def _score(
    name: str,
    picture: Float32[np.ndarray, "h w 3"],
    photograph: Photograph,
    metric: Perceptual | None,
    gain: Sequence[float] | None,
) -> Score:
    truth, weight = photograph.rgb, photograph.weight
    exposed = None if gain is None else np.clip(picture * np.asarray(gain, np.float32), 0, 1)
    return Score(
        name,
        psnr_db(picture, truth, weight),
        ssim(picture, truth, weight),
        None if metric is None else metric.distance(picture, truth, weight),
        psnr_db(colour_corrected(picture, truth, weight), truth, weight),
        None if exposed is None else psnr_db(exposed, truth, weight),
    )


def _perceptual() -> tuple[Perceptual | None, str | None]:
    """The learned metric, or why there is none: an evaluation without it is still one."""
    try:
        return import_module(_PERCEPTUAL).Perceptual.open(), None
    except ImportError as error:
        return None, f'{error}: pip install "translight[train]"'
    except TranslightError as error:
        return None, str(error)


def _mean(values: list[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None
