"""Variations of a candidate: by another seed, by other values of its brief, or with a region drawn anew.

Each is a candidate beside the first, ``PARENT-v1``, whose settings say all that is needed to make it again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from jaxtyping import Bool

from translight.core.errors import FormatError, GenerationError
from translight.core.image import load_image
from translight.core.progress import Progress
from translight.generation.brief.brief import Brief
from translight.generation.brief.read import parse_brief
from translight.generation.brief.translate import translate
from translight.generation.brief.write import brief_text
from translight.generation.candidate import DERIVED, Candidate
from translight.generation.engines.engine import Order, open_engine
from translight.generation.lift.networks import inpainting
from translight.generation.review.decisions import check_words, is_text
from translight.generation.review.measures.measure import panorama_of
from translight.generation.run.job import Identity

_MAX_MASK_PX = 8192 * 16384
_PART = re.compile(r"([^.\[\]]+)(?:\[([^\[\]]+)\])?")
_KEY = re.compile(rf"{_PART.pattern}(?:\.{_PART.pattern})*")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reviewer asks for."""

    seed: int | None = None
    values: tuple[str, ...] = ()
    """``place.weather=fog``, as in the brief."""
    mask: Path | None = None
    """White where a region is drawn anew."""
    prompt: str = ""
    inpaint: Path | None = None
    """The diffusion model's folder that draws it."""
    note: str = ""

    def __post_init__(self) -> None:
        region = (self.mask, self.inpaint, self.prompt or None)
        if any(x is not None for x in region) and None in region:
            raise GenerationError("a region wants all three: --mask MASK.png --prompt TEXT --inpaint FOLDER")
        if self.mask is not None and self.values:
            raise GenerationError("--mask draws a region anew, --set makes the whole anew: ask for one of them")
        if self.mask is None and self.seed is None and not self.values:
            raise GenerationError(
                "nothing to vary: give --seed, --set KEY=VALUE, or --mask with --prompt and --inpaint"
            )
        check_words(self.note)
        if not is_text(self.prompt):
            raise GenerationError(f"--prompt {self.prompt!a}: holds what is no UTF-8 text")
        if self.seed is not None and not 0 <= self.seed < 1 << 32:
            raise GenerationError(f"--seed must be from 0 to {(1 << 32) - 1}, got {self.seed}")


def vary(
    candidate: Candidate, brief: Brief, run: Identity, wish: Wish, name: str, sha256: str, progress: Progress
) -> Candidate:
    """The variation, called ``name``, of a candidate whose candidate.json has ``sha256``.

    ``brief`` is the run's; a varied candidate is varied further from its own. Raises GenerationError on what the brief
    does not allow, where the engine cannot, or the mask does not fit; MissingExtra.
    """
    step: dict[str, Any] = {"step": "varied", "from": candidate.name, "from_sha256": sha256}
    if wish.note:
        step["note"] = wish.note
    own = brief_of(candidate, brief)
    if wish.mask is not None:
        return _region(candidate, own, wish, name, step, progress)
    seed = candidate.seed if wish.seed is None else wish.seed
    changed = with_values(replace_seed(own, seed), wish.values)
    if run.engine == "import":
        raise GenerationError("imported pictures have neither seed nor brief to vary: draw a region anew with --mask")
    engine = open_engine(run.engine, None if run.source is None else Path(run.source))
    order = Order(changed, translate(changed), run.height_px)
    made = next(iter(engine.candidates(order, progress)), None)
    if made is None:
        raise GenerationError(f"the engine {run.engine} made nothing for seed {seed}")
    step |= {"seed": seed, "set": list(wish.values), "brief": brief_text(changed)}
    return replace(made, name=name, settings={**made.settings, DERIVED: [step]})


def replace_seed(brief: Brief, seed: int) -> Brief:
    """The brief of one candidate with one seed."""
    values = {field: getattr(brief, field) for field in brief.__struct_fields__}
    return Brief(**{**values, "seeds": (seed,), "candidates": 1})


def with_values(brief: Brief, values: Sequence[str]) -> Brief:
    """A brief with values as ``place.weather=fog`` says them, checked as a file is. Raises GenerationError."""
    tables = tomllib.loads(brief_text(brief))
    for text in values:
        if not is_text(text):
            raise GenerationError(f"--set {text!a}: holds what is no UTF-8 text")
        key, equals, said = text.partition("=")
        if not equals or not key.strip():
            raise GenerationError(f"--set {text!r}: KEY=VALUE is wanted, as in place.weather=fog")
        if key.strip() in ("seeds", "candidates", "name"):
            raise GenerationError(
                f"--set {key.strip()}: a variation is one candidate of its brief; --seed sets its seed"
            )
        _put(tables, key.strip(), _value(said.strip()))
    return parse_brief(tomli_w.dumps(tables).encode(), "--set", Path())


def brief_of(candidate: Candidate, brief: Brief) -> Brief:
    """The brief that a candidate was made by: its own where it is a variation, else the run's."""
    steps = candidate.settings.get(DERIVED, [])
    for step in reversed(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and isinstance(step.get("brief"), str):
            return parse_brief(step["brief"].encode(), f"{candidate.name}: its brief", Path())
    return brief


def read_mask(file: Path, height_px: int) -> Bool[np.ndarray, "h w"]:
    """A picture's white parts, at a panorama's size. Raises GenerationError where it is none or of another shape."""
    try:
        picture = load_image(file, max_pixels=_MAX_MASK_PX)
    except FormatError as error:
        raise GenerationError(str(error)) from error
    if picture.dtype != np.uint8:
        raise GenerationError(f"{file}: a mask is a .png or .jpg, black and white")
    if picture.ndim == 3:
        opaque = picture[..., 3] > 127 if picture.shape[2] == 4 else True
        picture = np.where(opaque, picture[..., :3].max(axis=2), 0)
    if picture.shape[1] != 2 * picture.shape[0]:
        raise GenerationError(
            f"{file}: {picture.shape[1]}x{picture.shape[0]} pixels: a mask is twice as wide as high, as the panorama"
        )
    at = ((np.arange(2 * height_px) + 0.5) * picture.shape[0] / height_px).astype(np.int64)
    mask: Bool[np.ndarray, "h w"] = picture[np.ix_(at[:height_px], at)] > 127
    if not mask.any():
        raise GenerationError(f"{file}: marks nothing; what shall be drawn anew is white")
    if mask.all():
        raise GenerationError(f"{file}: marks everything: a region is wanted; --seed or --set make the whole anew")
    return mask


def mask_text(mask: Bool[np.ndarray, "h w"]) -> str:
    """A mask as a PNG of one bit a pixel in base64, so that a candidate's record holds all of it."""
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).convert("1").save(packed, "PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode("ascii")


def _region(
    candidate: Candidate, brief: Brief, wish: Wish, name: str, step: dict[str, Any], progress: Progress
) -> Candidate:
    """The candidate with a region of its panorama drawn anew; everything outside it is the same to the bit."""
    view = panorama_of(candidate)
    if view is None:
        raise GenerationError(f"{candidate.name}: has no panorama: regions are drawn anew in panoramas only")
    assert wish.mask is not None, "Wish checks it"
    assert wish.inpaint is not None, "Wish checks it"
    mask = read_mask(wish.mask, view.image.shape[0])
    seed = candidate.seed if wish.seed is None else wish.seed
    parameters = replace(translate(brief), prompt=wish.prompt)
    draw, model = inpainting(wish.inpaint, parameters, brief.avoid, seed, progress)
    drawn = draw(view.image, mask)
    step |= {
        "seed": seed,
        "prompt": wish.prompt,
        "negative_prompt": parameters.negative_prompt,
        "guidance": parameters.guidance,
        "steps": parameters.steps,
        "model": model.name,
        "mask_png": mask_text(mask),
        "mask_sha256": hashlib.sha256(np.packbits(mask).tobytes()).hexdigest(),
        "distances": f"of {candidate.name}, in the region too" if view.distance_m is not None else "none",
    }
    return replace(
        candidate,
        name=name,
        views=(replace(view, image=drawn), *candidate.views[1:]),
        models=(*candidate.models, model),
        settings={**candidate.settings, DERIVED: [*candidate.settings.get(DERIVED, []), step]},
    )


def _put(tables: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key; ``blocking[mia]`` is the block of that name."""
    at: Any = tables
    if not _KEY.fullmatch(key):
        raise GenerationError(f"--set {key}: a key of the brief is wanted, as in place.weather or blocking[mia].words")
    parts = _PART.findall(key)
    for number, (name, entry) in enumerate(parts):
        if number == len(parts) - 1 and not entry:
            at[name] = value
            return
        at = at.setdefault(name, {} if not entry else [])
        if entry:
            named = [one for one in at if isinstance(one, Mapping) and one.get("name") == entry]
            at = named[0] if named else None
        if not isinstance(at, dict):
            raise GenerationError(f"--set {key}: the brief has no {name}{f'[{entry}]' if entry else ''} to set that in")
    raise GenerationError(f"--set {key}: a key of the brief is wanted, as in place.weather")


def _value(said: str) -> Any:
    """As TOML writes it, and any other word as a text; more than one value is such a text too, nothing is dropped."""
    try:
        found = tomllib.loads(f"value = {said}")
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return said
    return found["value"] if len(found) == 1 else said
