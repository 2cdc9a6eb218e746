"""A look cooked: a candidate becomes another whose pictures, sky and splats went through recipe.py's steps.

One map for all that is seen: what the first view's colours ask for holds for the other views and for the sky too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.generation.candidate import DERIVED, Candidate, Model, View
from translight.generation.lift.push_pull import push_pull
from translight.generation.look.encoding import ColourMap
from translight.generation.look.grain import grained
from translight.generation.look.halation import glowing
from translight.generation.look.palette import Palette, palette_of
from translight.generation.look.recipe import FilmStep, Recipe
from translight.generation.look.splat_colours import in_rows, recoloured, splat_palette
from translight.generation.panorama import sample

_ROWS = 256


class Translator(Protocol):
    """A network that changes a picture's colours place by place."""

    model: Model

    def gain(self, light: Float32[np.ndarray, "h w 3"], *, panorama: bool) -> Float32[np.ndarray, "h2 w2 3"]:
        """What to multiply linear light by, in as many pixels as the network saw."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the record shows."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What came of it, and the part of it that is a map of colours alone: what a LUT can hold."""

    candidate: Candidate
    colours: ColourMap
    facts: tuple[dict[str, Any], ...]


def look(
    candidate: Candidate,
    recipe: Recipe,
    name: str,
    progress: Progress,
    translator: Translator | None = None,
    *,
    sha256: str = "",
) -> Looked:
    """The candidate under another name, seen through the recipe. ``sha256`` is of its candidate.json, for the record.

    Raises GenerationError where it has nothing to look at, or splats are to be changed by what is no map of colours.
    """
    if candidate.environment is not None:
        if translator is not None:
            raise GenerationError(f"{candidate.name}: is an environment of splats: a network changes pictures only")
        if recipe.film is not None and recipe.film.grain:
            raise GenerationError(f"{candidate.name}: is an environment of splats: grain is laid on pictures only")
    if not candidate.views and candidate.environment is None:
        raise GenerationError(f"{candidate.name}: has neither pictures nor splats")
    _check_light(candidate)
    facts: list[dict[str, Any]] = []
    maps: list[ColourMap] = []
    models = candidate.models
    if translator is not None:
        progress("translating", 0.0)
        candidate = _translated(candidate, translator)
        facts.append(translator.facts())
        models = (*models, translator.model)
    if recipe.reference is not None:
        progress("taking the reference's colours", 0.2)
        found, told = recipe.reference.map_from(_palette(candidate))
        maps.append(found)
        facts.append(told)
    before = _joined(maps)
    if recipe.film is not None:
        maps.append(recipe.film.film)
        facts.append(recipe.film.facts(local=bool(candidate.views)))
    last: ColourMap = _joined([])
    if recipe.lut is not None:
        last = recipe.lut.lut
        maps.append(last)
        facts.append(recipe.lut.facts())

    def seen(light: Float32[np.ndarray, "h w 3"], number: int, focal_px: float | None) -> np.ndarray:
        step = recipe.film
        if step is None or not (step.halation or step.grain):
            return in_rows(_joined(maps), light)
        return in_rows(last, _filmed(step, in_rows(before, light), number, focal_px))

    views = []
    for number, view in enumerate(candidate.views):
        progress(f"looking, picture {number + 1} of {len(candidate.views)}", 0.3 + 0.5 * number / len(candidate.views))
        focal = None if view.camera is None else float(np.sqrt(view.camera.fx * view.camera.fy))
        views.append(replace(view, image=seen(view.image, number, focal)))
    progress("looking, the sky", 0.8)
    sky, environment, colours = candidate.sky, candidate.environment, _joined(maps)
    if sky is not None:
        sky = seen(sky, len(views), None)
    if environment is not None:
        environment = recoloured(environment, colours)
    told = {"step": "looked", "from": candidate.name, **({"from_sha256": sha256} if sha256 else {}), "looks": facts}
    looked = replace(
        candidate,
        name=name,
        views=tuple(views),
        sky=sky,
        environment=environment,
        models=models,
        settings={**candidate.settings, DERIVED: [*candidate.settings.get(DERIVED, []), told]},
    )
    return Looked(looked, colours, tuple(facts))


def _check_light(candidate: Candidate) -> None:
    """Raises GenerationError where some light is not a number: no map tells what becomes of it."""
    lights = [*(view.image for view in candidate.views), candidate.sky]
    if candidate.environment is not None:
        lights += [candidate.environment.splats.sh, candidate.environment.sky]
    if not all(light is None or np.isfinite(light).all() for light in lights):
        raise GenerationError(f"{candidate.name}: holds values that are not numbers")


def _palette(candidate: Candidate) -> Palette:
    """Of the first view, or of the splats where there is none."""
    if candidate.views:
        view = candidate.views[0]
        return palette_of(np.maximum(view.image, 0), candidate.name, panorama=view.camera is None)
    assert candidate.environment is not None
    return splat_palette(candidate.environment, candidate.name)


def _joined(maps: list[ColourMap]) -> ColourMap:
    def joined(light: np.ndarray) -> np.ndarray:
        for colour_map in maps:
            light = colour_map(light)
        return light

    maps = list(maps)
    return joined


def _filmed(
    step: FilmStep, light: Float32[np.ndarray, "h w 3"], number: int, focal_px: float | None
) -> Float32[np.ndarray, "h w 3"]:
    if step.halation:
        red, green, blue = (step.halation * share for share in step.film.stock.halation)
        light = np.maximum(glowing(light, (red, green, blue), step.halation_deg, focal_px=focal_px), 0)
    if step.grain:
        return grained(step.film, light, step.grain, step.seed + number, focal_px=focal_px)
    return in_rows(step.film, light)


def _translated(candidate: Candidate, translator: Translator) -> Candidate:
    """Every picture by its own gain; the sky by the panorama's where it sees the sky, spread to where it does not."""
    gains = [translator.gain(view.image, panorama=view.camera is None) for view in candidate.views]
    views = tuple(
        replace(view, image=_brightened(view.image, gain, view.camera is None))
        for view, gain in zip(candidate.views, gains, strict=True)
    )
    sky = candidate.sky
    if sky is not None:
        known = _sky_seen(candidate.views[0], gains[0].shape[0])
        if known is None:
            gain = translator.gain(sky, panorama=True)
        else:
            stops = push_pull(np.log2(gains[0]), known)
            gain = np.exp2(stops)
        sky = _brightened(sky, gain, True)
    return replace(candidate, views=views, sky=sky)


def _sky_seen(view: View, height_px: int) -> Float32[np.ndarray, "h w"] | None:
    """Where a panorama sees the sky, in fewer pixels; None where that is not known, or nowhere."""
    mask = view.sky
    if mask is None and view.distance_m is not None:
        mask = np.isinf(view.distance_m)
    if view.camera is not None or mask is None:
        return None
    chosen = [
        ((np.arange(n) + 0.5) * own / n).astype(int)
        for n, own in zip((height_px, 2 * height_px), mask.shape, strict=True)
    ]
    # the outermost sky pixels already carry some of what they border on
    small = ndimage.binary_erosion(mask[np.ix_(*chosen)], border_value=1)
    return small.astype(np.float32) if small.any() else None


def _brightened(
    light: Float32[np.ndarray, "h w 3"], gain: Float32[np.ndarray, "h2 w2 3"], panorama: bool
) -> Float32[np.ndarray, "h w 3"]:
    """Light times the gain between its pixels, in stops; around the seam of a panorama."""
    (height, width), own = light.shape[:2], gain.shape[:2]
    stops = np.log2(gain)
    out = np.empty_like(light)
    column = (np.arange(width) + 0.5) * own[1] / width
    for top in range(0, height, _ROWS):
        row = (np.arange(top, min(top + _ROWS, height)) + 0.5) * own[0] / height
        at = np.stack(np.broadcast_arrays(column[None], row[:, None]), axis=-1)
        if not panorama:
            at = np.clip(at, 0.5, np.array(own[::-1]) - 0.5)
        out[top : top + len(row)] = light[top : top + len(row)] * np.exp2(sample(stops, at))
    return out
