"""Why stills have no pose, in words that help the photographer; what they shared is ``view_graph.Overlap``'s."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from translight.reconstruction.structure_from_motion.view_graph import LEAST_INLIERS, Overlap

Kind = Literal["features", "alone", "group", "parallax", "weak"]

ADVICE: dict[Kind, str] = {
    "features": "show too little to hold on to",
    "alone": "share nothing with any other",
    "group": "hang together only apart from the others",
    "parallax": "were taken from one spot: step aside between photographs, turning alone shows no depth",
    "weak": "match others, but too little of what those agree on",
}
"""Each kind of reason, said of several stills."""

_FEW_FEATURES = 100
_FEW_SHARE = 0.12
"""Of the capture's median."""
_DARK, _BRIGHT = 25.0, 235.0
_PLAIN_CONTRAST = 12.0
_LITTLE_ANGLE_DEG = 1.5
_NAMED = 3

Look = Callable[[str], "UInt8[np.ndarray, 'h w 3']"]
"""The reduced picture of a still."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one still is left out: ``words`` say it of this still alone."""

    kind: Kind
    words: str


def explain(
    left_out: Collection[str],
    placed: Collection[str],
    overlap: Overlap,
    angles_deg: Mapping[tuple[str, str], float],
    look: Look,
) -> dict[str, Reason]:
    """A reason for each still of ``left_out``. ``placed`` are those of the model, if there is one.

    ``angles_deg`` are the median angles between two stills' rays, by both names in their order; pairs may be missing.
    """
    usual = median(overlap.features.values())
    main = set(placed) or set(overlap.groups()[0])
    groups = {name: group for group in overlap.groups() for name in group}
    return {
        name: _reason(name, groups[name], main, bool(placed), overlap, angles_deg, usual, look)
        for name in overlap.features
        if name in left_out
    }


def summary(reasons: Mapping[str, Reason]) -> str:
    """All reasons in one line, the commonest first: "4 share nothing with any other (a.jpg, b.jpg, c.jpg, …)"."""
    kinds: dict[Kind, list[str]] = {}
    for name, reason in reasons.items():
        kinds.setdefault(reason.kind, []).append(name)
    parts = []
    for kind, names in sorted(kinds.items(), key=lambda item: -len(item[1])):
        if len(names) == 1:
            parts.append(f"{names[0]} {reasons[names[0]].words}")
        else:
            parts.append(f"{len(names)} {ADVICE[kind]} ({listed(names)})")
    return "; ".join(parts)


def listed(names: Sequence[str]) -> str:
    """The first few of them."""
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _reason(
    name: str,
    group: Sequence[str],
    main: set[str],
    modelled: bool,
    overlap: Overlap,
    angles_deg: Mapping[tuple[str, str], float],
    usual: float,
    look: Look,
) -> Reason:
    features = overlap.features[name]
    partners = {other: count for other, count in overlap.partners(name).items() if count >= LEAST_INLIERS}
    if not partners and features < max(_FEW_FEATURES, _FEW_SHARE * usual):
        count = f"{features} feature{'s' if features != 1 else ''}, the others about {usual:.0f}"
        return Reason("features", f"shows too little to hold on to ({count}): {_looks(look(name))}")
    if not partners:
        most = max((p.matches for p in overlap.pairs if name in (p.a, p.b)), default=0)
        few = f"at best {most} look-alike features" if most else "no feature looks alike"
        return Reason("alone", f"shares nothing with any other ({few}): something else, or seen too differently")
    if not main.intersection(group):
        others = [other for other in group if other != name]
        return Reason("group", f"hangs together with {listed(others)} alone, apart from the others")
    in_main = {other: count for other, count in partners.items() if other in main} or partners
    angles = [angles_deg[key] for other in in_main if (key := (min(name, other), max(name, other))) in angles_deg]
    if angles and max(angles) < _LITTLE_ANGLE_DEG:
        return Reason("parallax", f"was taken from the same spot as {listed(list(in_main))}: step aside for depth")
    best = next(iter(in_main))
    where = "the model holds too little of it" if modelled else "no model holds it"
    return Reason("weak", f"matches {best} in {in_main[best]} features, but {where}")


def _looks(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """What is wrong with a picture in which little is found, by its brightness and contrast."""
    grey = pixels.mean(axis=-1)
    if np.median(grey) < _DARK:
        return "it is dark"
    if np.median(grey) > _BRIGHT:
        return "it is overexposed"
    if grey.std() < _PLAIN_CONTRAST:
        return "it is plain"
    return "it is blurred, or plain"
