"""What a brief must keep that no single value can say, and the files it names; read.py and Python's builders use it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from translight.core.errors import GenerationError
from translight.generation.brief.blockout import boxes
from translight.generation.brief.brief import Brief
from translight.generation.brief.optics import picture_mm
from translight.generation.brief.schema import brief_of, entry_key, plain

PICTURES = (".jpg", ".jpeg", ".png", ".exr", ".hdr")
LORAS = (".safetensors",)
"""Not .ckpt, .pt or .bin (security): a pickle runs code when it is read."""
LUTS = (".cube",)
_LEAST_SENSOR_SHARE = 0.3


def check(brief: Brief, source: str = "brief") -> None:
    """Raise GenerationError, one line that begins with ``source``, on the first thing that is not allowed."""
    brief_of(plain(brief), source)
    check_together(brief, source)


def check_together(brief: Brief, source: str) -> None:
    """The same for a brief whose single values are known to be allowed."""
    for fault in _faults(brief):
        raise GenerationError(f"{source}: {fault}")


def _faults(brief: Brief) -> Iterator[str]:
    yield from _seeds(brief)
    yield from _camera(brief)
    yield from _blocks(brief)
    for i, reference in enumerate(brief.style.references):
        yield from _file(f"style.references[{i}].file", reference.file, PICTURES)
    for i, lora in enumerate(brief.style.loras):
        yield from _file(f"style.loras[{i}].file", lora.file, LORAS)
    if brief.style.lut is not None:
        yield from _file("style.lut", brief.style.lut, LUTS)


def _seeds(brief: Brief) -> Iterator[str]:
    if brief.seeds and len(brief.seeds) != brief.candidates:
        yield f"seeds must be as many as candidates, {brief.candidates}, or none, got {len(brief.seeds)}"
    for seed, count in Counter(brief.seeds).items():
        if count > 1:
            yield f"seeds must differ, as equal ones make equal candidates, got {seed} more than once"


def _camera(brief: Brief) -> Iterator[str]:
    lens, reach = brief.lens, brief.stage.reach_m
    width, height = picture_mm(lens)
    share = width * height / (lens.sensor_mm[0] * lens.squeeze * lens.sensor_mm[1])
    if share < _LEAST_SENSOR_SHARE:
        w, h = lens.sensor_mm
        yield (
            f"lens.aspect must use at least {_LEAST_SENSOR_SHARE:.0%} of the {w:g} x {h:g} mm of lens.sensor_mm, "
            f"got {lens.aspect:g} with {share:.0%}"
        )
    if reach[2] / 2 > lens.height_m:
        yield (
            f"stage.reach_m[2] must be up to {2 * lens.height_m:g} metres around an eye at lens.height_m "
            f"{lens.height_m:g}, so that it stays above the floor, got {reach[2]:g}"
        )


def _blocks(brief: Brief) -> Iterator[str]:
    eye = (0.0, 0.0, brief.lens.height_m)
    for name, count in Counter(block.name for block in brief.blocking).items():
        if count > 1:
            yield f"{entry_key('blocking', {'name': name}, 0)}.name must be one block's alone, got it {count} times"
    for block, box in zip(brief.blocking, boxes(brief.blocking), strict=True):
        key = entry_key("blocking", block, 0)
        away = math.hypot(*block.position_m[:2])
        if away > brief.stage.depth_m:
            yield (
                f"{key}.position_m must be within stage.depth_m, {brief.stage.depth_m:g} metres, "
                f"got {away:.4g} metres from the stage's origin"
            )
        if box.holds(eye):
            yield f"{key} must leave the camera's eye free, at (0, 0, {brief.lens.height_m:g}), got it inside the box"


def _file(key: str, file: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    try:
        file.stat()
    except FileNotFoundError:
        pass
    except OSError as error:
        yield f"{key} cannot be read ({error.strerror}): {_path_shown(file)}"
        return
    if file.suffix.lower() not in suffixes:
        yield f"{key} must be a {', '.join(suffixes)} file, got {_path_shown(file)}"
    elif file.is_dir():
        yield f"{key} must be a file, got the folder {_path_shown(file)}"
    elif not file.is_file():
        yield f"{key} must be a file that exists, got {_path_shown(file)}"


def _path_shown(file: Path) -> str:
    """Whole, however long: an operator looks for it."""
    return f'"{"".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(file))}"'
