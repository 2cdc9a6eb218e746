"""One plate of each kind, from an order to the environment that has it: clouds, waves, a film, an image-to-video model.

clouds.py and waves.py draw, film.py and diffusion/video.py bring films, loop.py closes them, coherence.py measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from jaxtyping import Float32

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.environment.environment import Environment
from translight.environment.plate import Area
from translight.generation.brief.brief import Brief
from translight.generation.brief.translate import translate
from translight.generation.candidate import Candidate
from translight.generation.panorama import perspective
from translight.generation.plates.assemble import check_size, plate, with_plate
from translight.generation.plates.clouds import KEYS_PER_S, between_keys, clouds, keys_for
from translight.generation.plates.coherence import Coherence, coherence
from translight.generation.plates.film import read_film
from translight.generation.plates.kept import kept_frames
from translight.generation.plates.loop import Film, best_cut, looped
from translight.generation.plates.waves import seen, speed_error, waves, without_sea
from translight.generation.plates.window import Lens, Window
from translight.generation.provenance.files import digest_of_asset

Kind = Literal["clouds", "waves", "film", "model"]
_SPARE = Fraction(5, 4)
"""Of a film from elsewhere, so much over a loop and its fade is read, to look for the best cut in."""
_MODEL_PX = 768


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. ``rate`` None is the film's own, 24 where there is none."""

    kind: Kind
    name: str
    window: Window
    seconds: float
    fade_s: float
    rate: Fraction | None = None
    speed: float = 1.0
    from_m: float = 20.0
    film: Path | None = None
    model: Path | None = None

    def __post_init__(self) -> None:
        for flag, value, low, high in (
            ("--seconds", self.seconds, 0.5, 120.0),
            ("--fade", self.fade_s, 0.05, self.seconds - 0.1),
            ("--speed", self.speed, 0.1, 100.0),
            ("--from-m", self.from_m, 2.0, 2000.0),
        ):
            if not low <= value <= high:
                raise GenerationError(f"{flag} must be from {low:g} to {high:g}, got {value:g}")


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """The environment with its new plate, how steady that is, and what the report says of it."""

    environment: Environment
    coherence: Coherence
    facts: dict[str, Any] = field(default_factory=dict)


def make(
    order: Order,
    environment: Environment,
    brief: Brief | None,
    candidate: Candidate | None,
    work: Path,
    progress: Progress,
) -> Made:
    """Make the plate. ``brief`` and ``candidate`` are those that the environment was made of; clouds, waves and models
    need them. Frames that take long are kept in ``work`` until the plate is whole.

    Raises GenerationError where the order cannot be met, FormatError on a film that cannot be read.
    """
    if environment.sky is None:
        raise GenerationError(f"{environment.name}: has no sky for a plate to lie on")
    if order.kind == "film":
        return _from_film(order, environment, progress)
    if brief is None or candidate is None:
        raise GenerationError(f"{order.kind}: the candidate that the environment was made of is needed: --candidate")
    if order.kind == "clouds":
        return _clouds(order, environment, brief, candidate.seed, work, progress)
    if order.kind == "waves":
        return _waves(order, environment, brief, candidate.seed, work, progress)
    return _from_model(order, environment, brief, candidate, progress)


def _clouds(order: Order, environment: Environment, brief: Brief, seed: int, work: Path, progress: Progress) -> Made:
    assert environment.sky is not None
    rate = order.rate or Fraction(24)
    frames, faded = _counts(order, rate)
    area = order.window.area(len(environment.sky))
    check_size(area, frames)
    area, drawn = clouds(brief, seed, environment.sky, order.window, speed=order.speed)
    shape = (area.height_px, area.width_px, 3)
    about = {"kind": "clouds", "brief": repr(brief), "seed": seed, "window": repr(order.window), "speed": order.speed}
    with kept_frames(work, {**about, "gain": drawn.gain}, shape) as kept:
        keys = kept.film(keys_for(frames + faded, rate), drawn.key, _first_part(progress, 0.8))
        between = between_keys(list(keys), rate)
        film = _Film(between, frames + faded)
        made = _closed(order, film, frames, faded, rate, area, drawn.cover, environment, progress)
    return Made(
        made.environment,
        made.coherence,
        {**made.facts, "speed": order.speed, "keys_per_s": KEYS_PER_S, "gain": [round(g, 5) for g in drawn.gain]},
    )


def _waves(order: Order, environment: Environment, brief: Brief, seed: int, work: Path, progress: Progress) -> Made:
    assert environment.sky is not None
    rate = order.rate or Fraction(24)
    frames, _ = _counts(order, rate)
    made = waves(brief, seed, len(environment.sky), order.window, frames, float(frames / rate), order.from_m)
    check_size(made.area, frames)
    without, gone = without_sea(environment, made)
    shape = (made.area.height_px, made.area.width_px, 3)
    about = {"kind": "waves", "brief": repr(brief), "seed": seed, "window": repr(order.window), "frames": frames}
    with kept_frames(work, {**about, "rate": str(rate), "from_m": order.from_m}, shape) as kept:
        film = kept.film(frames, made.frame, _first_part(progress, 0.9))
        added = plate(order.name, film.__getitem__, frames, rate, made.area, made.cover, progress)
        measured = coherence(added.frames, progress=progress)
    facts = {
        **_facts(order, frames, rate, made.area),
        "from_m": order.from_m,
        "parallax_px": round(made.parallax_px, 2),
        "speed_error": round(speed_error(made.water, float(frames / rate)), 4),
        "splats_removed": gone,
        "coherence": measured.facts(),
    }
    return Made(with_plate(without, added), measured, facts)


def _from_film(order: Order, environment: Environment, progress: Progress) -> Made:
    if order.film is None:
        raise GenerationError("film: give the film: --film FILE")
    film, rate = read_film(order.film, lambda rate: _most(order, rate), order.rate, _first_part(progress, 0.3))
    return _through_lens(
        order, environment, film, rate, {"film": order.film.name, "film_sha256": digest_of_asset(order.film)}, progress
    )


def _from_model(order: Order, environment: Environment, brief: Brief, candidate: Candidate, progress: Progress) -> Made:
    if order.model is None:
        raise GenerationError("model: give the model's folder: --model FOLDER")
    if not candidate.views or candidate.views[0].camera is not None:
        raise GenerationError(f"{candidate.name}: has no panorama for a film to begin with")
    across, down = (order.window.right_deg - order.window.left_deg), order.window.high_deg - order.window.low_deg
    aspect = float(np.tan(np.radians(down) / 2) / np.tan(np.radians(min(across, 120.0)) / 2))
    height = max(64, round(_MODEL_PX * min(aspect, 2.0) / 8) * 8)
    lens = Lens.of(order.window, _MODEL_PX, height)
    first = perspective(candidate.views[0].image, lens.camera, lens.stage_from_camera).astype(np.float32)
    parameters = translate(brief)
    video = import_module("translight.generation.diffusion.video").VideoModel(order.model, brief.avoid, progress)
    rate = Fraction(video.rate_fps).limit_denominator(1001)
    frames, faded = _counts(order, rate)
    drawn = video.frames(
        first, parameters.prompt, parameters.negative_prompt, frames + faded, candidate.seed, _first_part(progress, 0.8)
    )
    film = [frame.astype(np.float16) for frame in drawn]
    about = {
        "seed": candidate.seed,
        "prompt": parameters.prompt,
        "negative_prompt": parameters.negative_prompt,
        "models": [msgspec.structs.asdict(video.model)],
        "not_followed": video.not_followed(parameters.prompt, parameters.negative_prompt),
    }
    return _through_lens(order, environment, film, rate, about, progress)


def _through_lens(
    order: Order,
    environment: Environment,
    film: Film,
    rate: Fraction,
    about: dict[str, Any],
    progress: Progress,
) -> Made:
    """A film as the window's lens saw it, closed and laid on the sky's texels."""
    assert environment.sky is not None
    frames, faded = _counts(order, rate)
    height, width = film[0].shape[:2]
    lens, area = Lens.of(order.window, width, height), order.window.area(len(environment.sky))
    check_size(area, frames)
    at, cover = lens.texels(area, len(environment.sky))
    if not cover.any():
        raise GenerationError("the film is seen nowhere in the window: make the window higher")
    made = _closed(order, film, frames, faded, rate, area, cover, environment, progress, at)
    return Made(made.environment, made.coherence, {**made.facts, **about, "film_px": [width, height]})


def _closed(
    order: Order,
    film: Film,
    frames: int,
    faded: int,
    rate: Fraction,
    area: Area,
    cover: Float32[np.ndarray, "h w"],
    environment: Environment,
    progress: Progress,
    at: np.ndarray | None = None,
) -> Made:
    cut = best_cut(film, frames, faded)
    loop = looped(film, cut)
    frame = loop if at is None else lambda number: seen(loop(number), at)
    added = plate(order.name, frame, frames, rate, area, cover, progress)
    measured = coherence(added.frames, progress=progress)
    facts = {
        **_facts(order, frames, rate, area),
        "cut": {"begins": cut.begins, "faded": cut.faded, "difference": round(cut.difference, 4)},
        "coherence": measured.facts(),
    }
    return Made(with_plate(environment, added), measured, facts)


class _Film:
    """Frames that are made when they are asked for, as a sequence."""

    def __init__(self, frame: Callable[[int], np.ndarray], count: int) -> None:
        self._frame, self._count = frame, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> np.ndarray:
        if not 0 <= number < self._count:
            raise IndexError(number)
        return self._frame(number)


def _counts(order: Order, rate: Fraction) -> tuple[int, int]:
    """Frames of the loop, and over how many it fades."""
    frames = max(3, round(order.seconds * rate))
    return frames, max(1, min(round(order.fade_s * rate), frames - 1))


def _most(order: Order, rate: Fraction) -> int:
    return int(sum(_counts(order, rate)) * _SPARE) + 1


def _facts(order: Order, frames: int, rate: Fraction, area: Area) -> dict[str, Any]:
    window = order.window
    return {
        "kind": order.kind,
        "name": order.name,
        "window_deg": [window.left_deg, window.right_deg, window.low_deg, window.high_deg],
        "texels": [area.left_px, area.top_px, area.width_px, area.height_px],
        "frames": frames,
        "rate": str(rate),
    }


def _first_part(progress: Progress, share: float) -> Progress:
    return lambda what, done: progress(what, share * done)
