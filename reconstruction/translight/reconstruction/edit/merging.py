"""Several environments in one: the others' splats brought into the first one's scene, where their placements put them.

A show's layers do the same while it runs (``server/scenes.py``); a merged package is one cloud for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from translight.core.errors import ReconstructionError
from translight.environment.environment import Environment
from translight.reconstruction.edit.colours import reencoded
from translight.render.cameras import NamedView
from translight.splats.motion import joined, moved


def merged(environments: Sequence[Environment], sky_of: int = 0, *, convert: bool = False) -> Environment:
    """One environment of all splats, named, placed and encoded as the first, under the sky of number ``sky_of``.

    With ``convert``, colours in another encoding are re-encoded, nearly right (``colours.reencoded``). Raises
    ReconstructionError when encodings differ and are not to be converted, or when only some are antialiased.
    """
    first = environments[0]
    clouds = [first.splats]
    for other in environments[1:]:
        if other.antialiased != first.antialiased:
            kinds = [f"{e.name!r} is {'' if e.antialiased else 'not '}antialiased" for e in (first, other)]
            raise ReconstructionError(f"{' and '.join(kinds)}: their splats cannot be drawn alike, show them as layers")
        if other.encoding != first.encoding and not convert:
            raise ReconstructionError(
                f"{other.name!r} has {other.encoding} colours, {first.name!r} {first.encoding}: "
                "--convert re-encodes them, nearly right"
            )
        to_first = first.stage_from_scene.inverse() @ other.stage_from_scene
        clouds.append(moved(reencoded(other, first.encoding).splats, to_first))
    return replace(first, splats=joined(clouds), sky=environments[sky_of].sky, plates=environments[sky_of].plates)


def merged_cameras(names: Sequence[str], cameras: Sequence[Sequence[NamedView]]) -> list[NamedView]:
    """The cameras of all, which stand on one stage already; the others' names begin with their environment's.

    Times are left out where several have cameras: they were moves of their own.
    """
    several = sum(bool(views) for views in cameras) > 1
    found: list[NamedView] = []
    taken: set[str] = set()
    for number, (name, views) in enumerate(zip(names, cameras, strict=True)):
        for view in views:
            called = view.name if number == 0 else f"{name}/{view.name}"
            while called in taken:
                called += "'"
            taken.add(called)
            found.append(replace(view, name=called, time_s=None if several else view.time_s))
    return found
