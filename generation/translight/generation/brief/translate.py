"""What a brief means to a model: a Brief becomes Parameters, each value with the key that it came from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from translight.generation.brief import words
from translight.generation.brief.blockout import box, in_picture
from translight.generation.brief.brief import Block, Brief, Family
from translight.generation.brief.control import control
from translight.generation.brief.optics import depth_of_field, full_frame_mm
from translight.generation.brief.parameters import Control, Parameters, Reason
from translight.generation.brief.schema import entry_key

CLIP_TOKENS = 77
CONTROL_HEIGHT_PX = 512
_STEPS, _STEPS_CONTROLLED = 30, 40
_GUIDANCE, _GUIDANCE_REFERENCES = 7.0, 5.5
_BOXES, _FLOOR_ONLY = (0.6, 0.4), (0.35, 0.0)
"""Weights of depth and edges."""
_FOCUS_M = 4.0
"""Where the lens is focused when nobody stands before it."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Some words of the prompt; what weighs more goes first, for CLIP reads only the beginning."""

    weight: int
    words: str
    key: str


def translate(brief: Brief, *, control_height_px: int = CONTROL_HEIGHT_PX) -> Parameters:
    """Parameters of a checked brief; equal briefs give equal ones."""
    family, family_reason = _family(brief)
    phrases = _chosen(sorted(_phrases(brief, family), key=lambda phrase: -phrase.weight))
    prompt = ", ".join(phrase.words for phrase in phrases)
    negative, negative_reasons = _negative(brief)
    maps = _control(brief, family, control_height_px)
    guidance = _GUIDANCE_REFERENCES if brief.style.references else _GUIDANCE
    steps = _STEPS_CONTROLLED if maps is not None else _STEPS
    seeds = brief.seeds or drawn_seeds(brief.name, brief.candidates)
    reasons = [
        family_reason,
        *(Reason(phrase.key, f"prompt: {phrase.words}") for phrase in phrases),
        *negative_reasons,
        *_optics_reasons(brief, family),
        *_length_reasons(phrases),
        Reason("seeds", f"seeds {_listed(seeds)}")
        if brief.seeds
        else Reason("name", f"seeds {_listed(seeds)}, drawn from the name"),
        Reason("style.references", f"guidance {guidance:g}, {_sampling(brief)}"),
        Reason("blocking", f"{steps} steps, {'without' if maps is None else 'more for the'} control maps"),
        *_control_reasons(brief, maps),
        *_style_reasons(brief),
    ]
    return Parameters(
        family=family,
        prompt=prompt,
        negative_prompt=negative,
        seeds=seeds,
        guidance=guidance,
        steps=steps,
        control=maps,
        references=brief.style.references,
        loras=brief.style.loras,
        lut=brief.style.lut,
        reasons=tuple(reasons),
    )


def drawn_seeds(name: str, count: int) -> tuple[int, ...]:
    """Seeds from a name: the first 32 bits, big-endian, of SHA-256 over "name/0", "name/1" …, without repeats.

    More candidates of the same name begin with the same seeds.
    """
    seeds: dict[int, None] = {}
    at = 0
    while len(seeds) < count:
        digest = hashlib.sha256(f"{name}/{at}".encode()).digest()
        seeds[int.from_bytes(digest[:4], "big")] = None
        at += 1
    return tuple(seeds)


def on_stage(brief: Brief) -> list[Block]:
    """The actors and heroes that stand on the stage before the camera, none that the picture itself shows."""
    return [b for b in brief.blocking if b.kind in ("actor", "hero") and not b.in_picture and b.position_m[1] > 0]


def focus(brief: Brief) -> tuple[float, str]:
    """What the lens is focused on: the nearest actor or hero before the camera, else 4 m; metres along +Y, and whom."""
    ahead = on_stage(brief)
    if not ahead:
        return _FOCUS_M, f"{_FOCUS_M:g} m"
    nearest = min(ahead, key=lambda block: block.position_m[1])
    return nearest.position_m[1], f"{nearest.name} at {nearest.position_m[1]:g} m"


def family_of(brief: Brief) -> Family | None:
    """The scene family that the brief gives or its words name; None when neither."""
    return _family(brief)[0]


def _family(brief: Brief) -> tuple[Family | None, Reason]:
    if brief.place.family is not None:
        return brief.place.family, Reason("place.family", f"family {brief.place.family}")
    found = words.family_of(brief.place.where, brief.intent)
    if found is None:
        return None, Reason("place.family", "no family: neither given nor named by a word; procedural cannot draw it")
    key = "place.where" if found[1] in brief.place.where.lower() else "intent"
    return found[0], Reason(key, f'family {found[0]}, for "{found[1]}"')


def _phrases(brief: Brief, family: Family | None) -> Iterator[_Phrase]:
    place, light, lens = brief.place, brief.light, brief.lens
    yield _Phrase(100, _trimmed(brief.intent), "intent")
    yield _Phrase(95, words.PANORAMA, "every brief")
    if family != "space":
        yield _Phrase(94, words.LEVEL, "every brief")
    yield _Phrase(90, _trimmed(place.where), "place.where")
    yield from _light_phrases(brief, family)
    yield _Phrase(65, _trimmed(brief.style.words), "style.words")
    for block in brief.blocking:
        if in_picture(block):
            yield _Phrase(60, _trimmed(block.words), f"{_key(block)}.words")
    if any(not in_picture(block) for block in brief.blocking):
        yield _Phrase(58, "open foreground", "blocking")
    yield _Phrase(50, _trimmed(light.time_of_day), "light.time_of_day")
    yield _Phrase(45, words.detail(depth_of_field(lens, focus(brief)[0]).far_blur), "lens.t_stop")
    yield _Phrase(40, words.lens_look(full_frame_mm(lens)), "lens.focal_length_mm")
    yield _Phrase(25, words.eye_height(lens.height_m), "lens.height_m")
    if family != "space":
        yield _Phrase(20, words.set_depth(brief.stage.depth_m), "stage.depth_m")


def _light_phrases(brief: Brief, family: Family | None) -> Iterator[_Phrase]:
    """Sun, air and white; in space there is no air, and in a hall they come in by the windows."""
    place, light = brief.place, brief.light
    elevation, weather = light.sun_elevation_deg, place.weather
    if family == "space":
        yield _Phrase(80, "hard unfiltered sunlight, black sky", "place.family")
        yield _Phrase(75, words.sun_side(light.sun_azimuth_deg), "light.sun_azimuth_deg")
        scene_k = 5800.0
    else:
        through = " through the windows" if family == "hall" else ""
        yield _Phrase(
            80, words.sun_height(elevation, weather, lamps=family == "city") + through, "light.sun_elevation_deg"
        )
        if words.sun_is_seen(elevation, weather):
            yield _Phrase(75, words.sun_side(light.sun_azimuth_deg), "light.sun_azimuth_deg")
        if family != "hall":
            yield _Phrase(70, words.WEATHER[weather], "place.weather")
            yield _Phrase(55, words.clearness(place.visibility_km), "place.visibility_km")
            yield _Phrase(30, words.wind(place.wind_m_s), "place.wind_m_s")
        scene_k = words.light_k(elevation, weather, lamps=family == "city")
    yield _Phrase(35, words.balance(light.colour_temperature_k, scene_k), "light.colour_temperature_k")


def _chosen(phrases: list[_Phrase]) -> list[_Phrase]:
    """Without empty ones, and without what has been said word for word."""
    kept: list[_Phrase] = []
    for phrase in phrases:
        said = any(phrase.words.lower() in earlier.words.lower() for earlier in kept)
        if phrase.words and not said:
            kept.append(phrase)
    return kept


def _negative(brief: Brief) -> tuple[str, list[Reason]]:
    parts = [_Phrase(0, _trimmed(text), "avoid.words") for text in brief.avoid.words]
    figure = next((b for b in brief.blocking if b.kind == "actor" and b.in_picture), None)
    if figure is None:
        parts.append(_Phrase(0, words.PEOPLE, "every brief"))
    parts += [_Phrase(0, text, "every brief") for text in words.NEVER]
    kept = _chosen(parts)
    reasons = [Reason(part.key, f"negative: {part.words}") for part in kept]
    if figure is not None:
        reasons.append(Reason(_key(figure), "people are allowed: this one is in the picture"))
    if brief.avoid.non_commercial_models:
        reasons.append(Reason("avoid.non_commercial_models", "models that forbid commercial use are refused"))
    return ", ".join(part.words for part in kept), reasons


def _control(brief: Brief, family: Family | None, height_px: int) -> Control | None:
    if not brief.blocking:
        return None
    depth, edges = _BOXES if any(map(in_picture, brief.blocking)) else _FLOOR_ONLY
    floor = family != "space"
    if not floor and not any(map(in_picture, brief.blocking)):
        return None
    return control(brief, height_px, depth_weight=depth, edges_weight=edges, floor=floor)


def _control_reasons(brief: Brief, maps: Control | None) -> Iterator[Reason]:
    if maps is not None:
        what = "boxes and floor" if maps.edges_weight else "the floor alone"
        yield Reason("blocking", f"control: {what}, depth {maps.depth_weight:g}, edges {maps.edges_weight:g}")
    eye, half = (0.0, 0.0, brief.lens.height_m), [side / 2 for side in brief.stage.reach_m]
    for block in brief.blocking:
        if not in_picture(block):
            yield Reason(_key(block), "not drawn: it stands on the stage, and its room is kept free")
        if box(block).overlaps(eye, half):
            yield Reason(_key(block), "mind: it stands within stage.reach_m, where the camera moves")


def _optics_reasons(brief: Brief, family: Family | None) -> Iterator[Reason]:
    lens, light, (focus_m, whom) = brief.lens, brief.light, focus(brief)
    sharp = depth_of_field(lens, focus_m)
    far = "infinity" if math.isinf(sharp.far_m) else f"{sharp.far_m:.3g} m"
    yield Reason(
        "lens.t_stop",
        f"focused on {whom}, sharp from {sharp.near_m:.3g} m to {far}, hyperfocal {sharp.hyperfocal_m:.3g} m; infinity "
        f"blurs by {sharp.far_blur:.1%} of the height, before the wall, so the picture itself is sharp",
    )
    yield Reason("lens.focal_length_mm", f"as {full_frame_mm(lens):.3g} mm on full frame")
    if family != "space":
        scene_k = words.light_k(light.sun_elevation_deg, brief.place.weather, lamps=family == "city")
        yield Reason(
            "light.colour_temperature_k",
            f"camera {light.colour_temperature_k:g} K in light of about {scene_k:g} K",
        )


def _length_reasons(phrases: list[_Phrase]) -> Iterator[Reason]:
    """Which phrase is the first that CLIP likely does not read to its end."""
    for i in range(len(phrases)):
        tokens = words.likely_tokens(", ".join(phrase.words for phrase in phrases[: i + 1]))
        if tokens > CLIP_TOKENS:
            whole = words.likely_tokens(", ".join(phrase.words for phrase in phrases))
            start = " ".join(phrases[i].words.split()[:4])
            yield Reason(
                phrases[i].key,
                f'prompt: about {whole} tokens; CLIP reads {CLIP_TOKENS}, so from "{start}" on it may be cut off',
            )
            return


def _style_reasons(brief: Brief) -> Iterator[Reason]:
    for i, reference in enumerate(brief.style.references):
        yield Reason(f"style.references[{i}]", f"IP-Adapter {reference.file.name} at {reference.weight:g}")
    for i, lora in enumerate(brief.style.loras):
        yield Reason(f"style.loras[{i}]", f"LoRA {lora.file.name} at {lora.weight:g}")
    if brief.style.lut is not None:
        yield Reason("style.lut", f"LUT {brief.style.lut.name}, by generate look --from-brief")


def _sampling(brief: Brief) -> str:
    return "lower so that references act" if brief.style.references else "without references"


def _key(block: Block) -> str:
    return entry_key("blocking", block, 0)


def _listed(seeds: tuple[int, ...]) -> str:
    return ", ".join(map(str, seeds))


def _trimmed(text: str) -> str:
    """One line without a full stop at its end: the prompt's parts are joined by commas."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).rstrip(" .,;")
