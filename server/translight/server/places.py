"""Environments in a show: which, where they stand, how they are lit and cropped, and the cues that change them.

``show.py`` reads the rest of the file, ``scenes.py`` opens what is named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from translight.server.tables import Table

BUILT_IN = "builtin:demo"
"""The environment that needs no file: procedural, made when the show starts."""
FAR_M = 10_000.0
"""Nothing stands farther from the stage's origin, along any axis."""
_MOST_TINT = 100.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Crop:
    """A box on the stage, turned about the vertical: splats are kept inside of it, or outside."""

    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    heading_deg: float
    inside: bool


@dataclass(frozen=True, slots=True)
class EnvironmentPlace:
    """Which environment, and where it stands on the stage. ``fit`` places a bare splat file, which has no scale.

    ``tint`` are factors of red, green and blue in linear light. ``layers`` are further environments, drawn among its
    splats.
    """

    path: str
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    heading_deg: float = 0.0
    scale: float = 1.0
    fit: bool = False
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crops: tuple[Crop, ...] = ()
    layers: tuple[EnvironmentPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Cue:
    """``at_s`` after the show's first frame it begins to dissolve into another environment."""

    name: str
    at_s: float
    dissolve_s: float
    environment: EnvironmentPlace


@dataclass(frozen=True, slots=True)
class Mix:
    """What is on the wall: environment ``first``, and ``fraction`` of the way from it to ``second``.

    Environments are counted from 0, the show's own; cue i brings number i + 1.
    """

    first: int = 0
    second: int = 0
    fraction: float = 0.0


def mix_at(cues: Sequence[Cue], elapsed_s: float) -> Mix:
    """What the cues, in the order of their times, ask for at a time after the show's first frame."""
    reached = sum(cue.at_s <= elapsed_s for cue in cues)
    if reached == 0:
        return Mix()
    cue = cues[reached - 1]
    gone_s = elapsed_s - cue.at_s
    if gone_s >= cue.dissolve_s:
        return Mix(reached, reached)
    return Mix(reached - 1, reached, gone_s / cue.dissolve_s)


def read_environment(table: Table, *, layered: bool = True) -> EnvironmentPlace:
    """A show's ``[environment]``; of a layer, which has none of its own, with ``layered`` false."""
    x, y, z = table.numbers("position_m", (0, 0, 0), 3, -FAR_M, FAR_M)
    red, green, blue = table.numbers("tint", (1, 1, 1), 3, 0, _MOST_TINT)
    allowed = "a list of tables: [[environment.layers]]"
    layers = table.tables("layers", allowed) if layered and table.has("layers") else []
    place = EnvironmentPlace(
        path=table.text("path", BUILT_IN if layered else None, f'an environment or splat file, or "{BUILT_IN}"'),
        position_m=(x, y, z),
        heading_deg=table.number("heading_deg", 0.0, -360, 360, "degrees"),
        scale=table.number("scale", 1.0, 1e-4, 1e4),
        fit=table.flag("fit", default=False),
        tint=(red, green, blue),
        crops=tuple(_crop(crop) for crop in _crop_tables(table)),
        layers=tuple(read_environment(layer, layered=False) for layer in layers),
    )
    table.end()
    return place


def read_cues(top: Table) -> tuple[Cue, ...]:
    """A show's ``[[cues]]``, each after the one before has ended."""
    cues: list[Cue] = []
    for table in top.tables("cues", "a list of tables: [[cues]]") if top.has("cues") else []:
        earliest = cues[-1].at_s + cues[-1].dissolve_s if cues else 0.0
        name = table.text("name", None, "what to call the cue")
        if name in {cue.name for cue in cues}:
            raise table.fail("name", name, "another name: each cue has its own")
        cue = Cue(
            name=name,
            at_s=table.number("at_s", None, earliest, _DAY_S, "seconds, after the cue before has ended"),
            dissolve_s=table.number("dissolve_s", 0.0, 0, 3600, "seconds"),
            environment=read_environment(table.table("environment")),
        )
        table.end()
        cues.append(cue)
    return tuple(cues)


def _crop_tables(table: Table) -> list[Table]:
    return table.tables("crops", "a list of tables: [[environment.crops]]") if table.has("crops") else []


def _crop(table: Table) -> Crop:
    cx, cy, cz = table.numbers("centre_m", None, 3, -FAR_M, FAR_M)
    width, length, height = table.numbers("size_m", None, 3, 0.001, 2 * FAR_M)
    crop = Crop(
        centre_m=(cx, cy, cz),
        size_m=(width, length, height),
        heading_deg=table.number("heading_deg", 0.0, -360, 360, "degrees"),
        inside=table.choice("keep", "inside", ("inside", "outside")) == "inside",
    )
    table.end()
    return crop
