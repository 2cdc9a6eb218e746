"""What will likely fail in a capture, said before any long work: each finding with why it matters and what to do.

``look`` sees the stills one by one, ``structure_from_motion.overlap`` what they share; docs/reconstruction/capture.md
lists every finding and its limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.look import Look, alike

if TYPE_CHECKING:
    from translight.reconstruction.structure_from_motion.view_graph import Overlap

FEWEST = 5
"""Fewer stills make no scene."""
ENOUGH = 15
"""Fewer make one with holes."""
BLURRED, BLURRED_BY_ITSELF = 0.08, 0.5
"""``blur_effect`` above the capture's median, and in any capture. Sharp photographs of one camera and place differ by
0.02 (18 of a beach: 0.160 to 0.177); a Gaussian blur of 1 px adds 0.18, one of 2 px 0.4."""
_SPREADS = 4.0
_NORMAL = 1.4826
"""The standard deviation of normal numbers over their median absolute deviation."""
TWINS = 0.99
"""Correlation of tiny copies: a shift by 0.3 % of the width stays above; neighbours of a flight stay below 0.7."""
_EV_NOTED, _EV_FAILING = 1.0, 3.0
_LIGHT_NOTED = 2.0
"""Stops of brightness, which what is in the picture changes too."""
_LOST_LIGHT, _LOST_ALL = 0.3, 0.7
_DARK = 0.01
_FEW_FEATURES = 300
_MANY_TWINS = 0.3


class Severity(StrEnum):
    """How much a finding matters, the worst first."""

    WILL_FAIL = "will fail"
    MAY_FAIL = "may fail"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """``kind`` is one word for programs; ``pictures`` are the stills that it is about, none where it is about all."""

    severity: Severity
    kind: str
    what: str
    why: str
    do: str
    pictures: tuple[str, ...] = ()


def inspect_capture(
    capture: Capture,
    looks: Mapping[str, Look],
    *,
    overlap: Overlap | None = None,
    damaged: Mapping[str, str] | None = None,
    skip_damaged: bool = False,
    cameras_known: bool = False,
) -> tuple[Finding, ...]:
    """All findings, the worst first. ``cameras_known``: poses and lenses came with the pictures."""
    stills = capture.stills
    found = [
        *_damage(damaged or {}, skip_damaged=skip_damaged),
        *_count(stills),
        *_blur(looks),
        *_twins(stills, looks),
        *_light(looks),
        *_exposure(stills, looks),
        *([] if cameras_known else _cameras(stills)),
        *([] if cameras_known else _focal_and_place(capture)),
        *([] if overlap is None else _overlap(overlap)),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def verdict(findings: Sequence[Finding]) -> str:
    """The whole in a few words."""
    worst = min((list(Severity).index(finding.severity) for finding in findings), default=2)
    return ("this will fail", "this may fail", "nothing speaks against it")[worst]


def will_fail(findings: Sequence[Finding]) -> bool:
    """Whether any finding says so."""
    return any(finding.severity is Severity.WILL_FAIL for finding in findings)


def _damage(damaged: Mapping[str, str], *, skip_damaged: bool) -> list[Finding]:
    if not damaged:
        return []
    severity = Severity.NOTE if skip_damaged else Severity.WILL_FAIL
    what = f"{_pictures(len(damaged))} cannot be read"
    why = "they are left out" if skip_damaged else "a capture with damaged pictures is refused"
    do = "copy them again from the camera, or remove them" + ("" if skip_damaged else ", or pass --skip-damaged")
    return [Finding(severity, "damaged", what, why, do, tuple(sorted(damaged)))]


def _count(stills: Sequence[Still]) -> list[Finding]:
    n = len(stills)
    if n >= ENOUGH:
        return []
    severity = Severity.WILL_FAIL if n < FEWEST else Severity.MAY_FAIL
    why = "each part of the scene must be seen from three places or more; what fewer saw has holes or no depth"
    do = f"take {20 if n < FEWEST else ENOUGH} pictures or more, each showing two thirds of what the one before shows"
    return [Finding(severity, "few", f"too few: {_pictures(n)}", why, do)]


def _blur(looks: Mapping[str, Look]) -> list[Finding]:
    lit = {name: look for name, look in looks.items() if look.light >= _DARK}  # the dark shows no edges
    if not lit:
        return []
    values = np.array([look.blur for look in lit.values()])
    median = float(np.median(values))
    spread = _NORMAL * float(np.median(np.abs(values - median)))
    limit = min(median + max(BLURRED, _SPREADS * spread), BLURRED_BY_ITSELF)
    blurred = tuple(name for name, look in lit.items() if look.blur > limit)
    if not blurred:
        return []
    most = len(blurred) > len(lit) / 2
    what = f"{_pictures(len(blurred))} blurred (this capture's median is {median:.2f}, theirs {limit:.2f} or more)"
    why = "blurred pictures match others badly, and teach the environment their blur"
    do = "take them again with a shorter exposure" if most else "remove them where others show the same"
    return [Finding(Severity.MAY_FAIL, "blur", what, why, do, blurred)]


def _twins(stills: Sequence[Still], looks: Mapping[str, Look]) -> list[Finding]:
    names = [still.name for still in stills]
    if len(names) < 2:
        return []
    same = alike([looks[name] for name in names]) > TWINS
    # the first of a group is kept: a picture is a twin of one that is none itself
    kept: list[int] = []
    twins = []
    for i, name in enumerate(names):
        if same[i, kept].any():
            twins.append(name)
        else:
            kept.append(i)
    if not twins:
        return []
    distinct = len(kept)
    severity = Severity.NOTE
    if distinct < FEWEST:
        severity = Severity.WILL_FAIL
    elif len(twins) > _MANY_TWINS * len(names):
        severity = Severity.MAY_FAIL
    what = f"{_pictures(len(twins))} from the same place as another one; {distinct} differ"
    why = "pictures from one place say nothing of depth, and cost time"
    return [Finding(severity, "twins", what, why, "move between pictures, and remove these", tuple(twins))]


def _light(looks: Mapping[str, Look]) -> list[Finding]:
    found = []
    dark = tuple(name for name, look in looks.items() if look.light < _DARK)
    if dark:
        why = "noise takes the place of detail, and nothing matches"
        do = "take them again with more light or a longer exposure from a tripod"
        found.append(Finding(Severity.MAY_FAIL, "dark", f"{_pictures(len(dark))} nearly black", why, do, dark))
    lost = {name: look.white + look.black for name, look in looks.items() if name not in dark}
    for severity, least, most in ((Severity.MAY_FAIL, _LOST_ALL, 2.0), (Severity.NOTE, _LOST_LIGHT, _LOST_ALL)):
        clipped = tuple(name for name, share in lost.items() if least < share <= most)
        if clipped:
            what = f"{_pictures(len(clipped))} with more than {least:.0%} pure white or black"
            why = "what is clipped has no detail to match and no light to give back"
            do = "expose for the bright parts; a white sky does little harm"
            found.append(Finding(severity, "clipped", what, why, do, clipped))
    return found


def _exposure(stills: Sequence[Still], looks: Mapping[str, Look]) -> list[Finding]:
    ev = np.array([still.exposure_ev for still in stills if still.exposure_ev is not None])
    do = "lock exposure and white balance for a capture; smaller differences are learned for each picture and undone"
    why = "the same surface has another brightness in each picture"
    if len(ev) >= max(2, len(stills) // 2):
        spread, least, of = float(np.ptp(ev)), _EV_NOTED, "the camera's exposure"
    elif len(stills) >= 2 and not len(ev):
        light = np.array([max(looks[still.name].light, 1e-4) for still in stills])
        spread, least = float(np.ptp(np.log2(light))), _LIGHT_NOTED
        of = "the pictures' brightness (EXIF says nothing of exposure)"
    else:
        return []
    if spread < least:
        return []
    failing = spread >= _EV_FAILING and len(ev)
    severity = Severity.MAY_FAIL if failing else Severity.NOTE
    return [Finding(severity, "exposure", f"{of} varies by {spread:.1f} stops", why, do)]


def _cameras(stills: Sequence[Still]) -> list[Finding]:
    groups: dict[str, list[str]] = {}
    for still in stills:
        size = f" {still.width_px}x{still.height_px}"
        held = sorted((still.width_px, still.height_px), reverse=True)
        groups.setdefault(f"{still.camera.removesuffix(size)} {held[0]}x{held[1]}", []).append(still.name)
    if len(groups) < 2:
        return []
    counts = ", ".join(f"{camera} ({len(names)})" for camera, names in sorted(groups.items(), key=_size_of)[:4])
    lonely = tuple(sorted(name for names in groups.values() if len(names) < 3 for name in names))
    what = f"{len(groups)} cameras, lens settings or sizes: {counts}{', …' if len(groups) > 4 else ''}"
    why = "each needs its own lens to be found, which one or two pictures are too few for"
    do = "use one camera, and neither zoom nor crop"
    severity = Severity.MAY_FAIL if lonely else Severity.NOTE
    return [Finding(severity, "cameras", what, why, do, lonely)]


def _size_of(group: tuple[str, list[str]]) -> tuple[int, str]:
    return -len(group[1]), group[0]


def _focal_and_place(capture: Capture) -> list[Finding]:
    stills, found = capture.stills, []
    without = tuple(still.name for still in stills if still.focal_px is None)
    if without:
        all_of = len(without) == len(stills)
        what = "no focal length in EXIF" if all_of else f"no focal length in EXIF of {_pictures(len(without))}"
        why = "it is found from the pictures, which takes longer and may go wrong in flat scenes"
        do = "use the files as the camera wrote them, not copies from a chat or an editor"
        found.append(Finding(Severity.NOTE, "focal", what, why, do, () if all_of else without))
    placed = sum(still.geo is not None for still in stills)
    if placed < min(3, len(stills)):
        what = "no GPS positions" if not placed else f"GPS positions in {_pictures(placed)} only"
        why = "pictures alone do not tell how large things are"
        do = "measure a distance in the scene and give it, or set the scale by eye afterwards"
        found.append(Finding(Severity.NOTE, "scale", what, why, do))
    return found


def _overlap(overlap: Overlap) -> list[Finding]:
    found = []
    groups = overlap.groups()
    total = len(overlap.features)
    largest = len(groups[0])
    do = "take pictures between them, each showing two thirds of what its neighbour shows"
    if len(groups) > 1:
        alone = tuple(name for group in groups[1:] for name in group)
        parts = ", ".join(str(len(group)) for group in groups[:6]) + (", …" if len(groups) > 6 else "")
        severity = Severity.WILL_FAIL if largest < max(3, total / 2) else Severity.MAY_FAIL
        what = f"no overlap between {len(groups)} groups, of {parts} pictures; {largest} of {total} hang together"
        why = "only the largest group can become one scene; the rest is left out"
        found.append(Finding(severity, "overlap", what, why, do, alone))
    plain = tuple(name for name, features in overlap.features.items() if features < _FEW_FEATURES)
    if plain:
        what = f"{_pictures(len(plain))} with fewer than {_FEW_FEATURES} points to recognise"
        why = "plain walls, sky, water and blur give nothing to match"
        found.append(
            Finding(Severity.MAY_FAIL, "plain", what, why, "show something with texture in each picture", plain)
        )
    return found


def _pictures(n: int) -> str:
    return "1 picture" if n == 1 else f"{n} pictures"
