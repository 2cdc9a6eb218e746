"""Variations of a show for the latency benchmark: ``--sweep axis=value,value``, applied to the show file's tables."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from translight.core.errors import ShowError
from translight.environment.files import load_environment, save_environment
from translight.environment.procedural import demo_environment
from translight.server.latency.load import KINDS
from translight.server.places import BUILT_IN
from translight.splats.detail import coarser

Tables = dict[str, Any]
LOAD, SPLATS = "load", "splats"


def parse_sweeps(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Axes and their values from ``axis=value,value``. Raises ShowError on an unknown axis or a value not allowed."""
    axes: dict[str, tuple[str, ...]] = {}
    for text in texts:
        axis, separator, values = text.partition("=")
        if not separator or axis not in (*_CHANGES, LOAD):
            raise ShowError(f"--sweep {text}: give AXIS=VALUE,VALUE with AXIS one of {', '.join((*_CHANGES, LOAD))}")
        if axis in axes:
            raise ShowError(f"--sweep {text}: {axis} is given twice")
        axes[axis] = tuple(value.strip() for value in values.split(","))
        for value in axes[axis]:
            if axis == LOAD and value not in KINDS:
                raise ShowError(f"--sweep {text}: load is one of {', '.join(KINDS)}")
            if axis in _CHANGES:
                _CHANGES[axis](_smallest(), value)
    return axes


def variations(text: str, axes: Mapping[str, Sequence[str]]) -> Iterator[tuple[dict[str, str], str]]:
    """Every combination of the axes' values, and the show's text with it; the show itself where there are no axes."""
    for values in itertools.product(*axes.values()):
        settings = dict(zip(axes, values, strict=True))
        yield settings, varied(text, settings) if settings else text


def varied(text: str, settings: Mapping[str, str]) -> str:
    """A show's text with other values. Raises ShowError on a value that is not allowed."""
    tables = tomllib.loads(text)
    for axis, value in settings.items():
        if axis != LOAD:
            _CHANGES[axis](tables, value)
    return tomli_w.dumps(tables)


def thinned(text: str, count: int, base: Path, folder: Path) -> str:
    """The show with its environment merged down to ``count`` splats (splats/detail.py), in a package in ``folder``.

    One with fewer stays as it is. Raises ShowError and FormatError on an environment that cannot be read.
    """
    tables = tomllib.loads(text)
    place = tables.setdefault("environment", {})
    path = place.get("path", BUILT_IN)
    environment = demo_environment() if path == BUILT_IN else load_environment(base / path)
    if len(environment.splats) <= count:
        return text
    factor = len(environment.splats) / count
    fewer = coarser(environment.splats, round(factor)) if factor >= 1.5 else environment.splats
    package = folder / f"{count}.tlenv"
    save_environment(replace(environment, splats=fewer), package)
    place["path"] = str(package)
    return tomli_w.dumps(tables)


def _resolution(tables: Tables, value: str) -> None:
    """The inner picture's size."""
    width, _, height = value.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ShowError(f"--sweep resolution={value}: give WIDTHxHEIGHT in pixels")
    tables.setdefault("camera", {})["pixels"] = [int(width), int(height)]


def _fps(tables: Tables, value: str) -> None:
    tables["rate"] = value


def _splats(tables: Tables, value: str) -> None:
    """So many splats; ``thinned`` makes the environment, the show then names it."""
    del tables
    if not value.isdecimal() or int(value) < 1:
        raise ShowError(f"--sweep splats={value}: give a count of splats")


def _walls(tables: Tables, value: str) -> None:
    """So many walls: the show's own, and copies of them turned about the stage's upright axis beside them."""
    if not value.isdecimal() or not 1 <= int(value) <= 16:
        raise ShowError(f"--sweep walls={value}: give a count from 1 to 16")
    own = tables.get("walls", [])
    walls: list[Tables] = []
    right = max((wall.get("canvas", [0, 0])[0] + wall["pixels"][0] for wall in own), default=0)
    for k in range(int(value)):
        wall = dict(own[k % len(own)])
        turn = k // len(own)
        if turn:
            wall["name"] = f"{wall['name']} {turn + 1}"
            wall["heading_deg"] = (wall.get("heading_deg", 0.0) + 90.0 * turn + 180.0) % 360.0 - 180.0
            x, y = wall.get("canvas", [0, 0])
            wall["canvas"] = [x + turn * right, y]
        walls.append(wall)
    tables["walls"] = walls


def _outputs(tables: Tables, value: str) -> None:
    """So many ways out: the show's first, and rings beside it, each with a receiver of its own."""
    if not value.isdecimal() or not 1 <= int(value) <= 16:
        raise ShowError(f"--sweep outputs={value}: give a count from 1 to 16")
    own = tables.get("outputs", ["shm://main"])
    tables["outputs"] = own[: int(value)] + [f"shm://latency-bench-{k}" for k in range(len(own), int(value))]


_CHANGES: Mapping[str, Callable[[Tables, str], None]] = {
    "resolution": _resolution,
    "splats": _splats,
    "fps": _fps,
    "walls": _walls,
    "outputs": _outputs,
}


def _smallest() -> Tables:
    """Tables of a show to try a value on."""
    return {"walls": [{"name": "a", "pixels": [1, 1]}]}
