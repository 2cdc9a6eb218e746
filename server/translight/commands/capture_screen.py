"""What ``translight reconstruct inspect`` shows: plain lines, a table on a terminal, or values for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from translight.reconstruction.capture import Capture
from translight.reconstruction.inspection import Finding, Severity, verdict, will_fail
from translight.reconstruction.inspection_sheet import verdicts
from translight.reconstruction.look import Look
from translight.reconstruction.structure_from_motion.view_graph import LEAST_INLIERS, Overlap

_NAMED = 8
_COLOURS = {Severity.WILL_FAIL: "bold red", Severity.MAY_FAIL: "yellow", Severity.NOTE: "blue"}


@dataclass(frozen=True)
class Seen:
    """Everything that is told."""

    photos: Path
    capture: Capture
    looks: Mapping[str, Look]
    findings: Sequence[Finding]
    damaged: Mapping[str, str]
    overlap: Overlap | None


def title(seen: Seen) -> str:
    """One line of what was given."""
    stills = seen.capture.stills
    cameras = sorted({still.camera for still in stills})
    parts = [f"{seen.photos.name or seen.photos}: {len(stills)} pictures"]
    if cameras:
        parts.append(cameras[0] if len(cameras) == 1 else f"{len(cameras)} cameras or sizes")
    parts.append(f"GPS in {sum(still.geo is not None for still in stills)}")
    if seen.damaged:
        parts.append(f"{len(seen.damaged)} damaged")
    return ", ".join(parts)


def _sharing(seen: Seen) -> str | None:
    """One line about overlap, or None where nobody looked."""
    if seen.overlap is None:
        return None
    groups, total = seen.overlap.groups(), len(seen.overlap.features)
    partners = sorted(sum(n >= LEAST_INLIERS for n in seen.overlap.partners(name).values()) for name in groups[0])
    middle = partners[len(partners) // 2]
    return f"{len(groups[0])} of {total} pictures hang together, the median one with {middle} others"


def lines_of(seen: Seen) -> list[str]:
    """A line a finding, for pipes."""
    lines = [title(seen)]
    for finding in seen.findings:
        about = f" [{_named(finding.pictures)}]" if finding.pictures else ""
        lines.append(f"{finding.severity}: {finding.kind}: {finding.what}{about}: {finding.why}; {finding.do}")
    sharing = _sharing(seen)
    if sharing is not None:
        lines.append(f"overlap: {sharing}")
    return [*lines, verdict(seen.findings)]


def show_table(seen: Seen) -> None:
    """A table for eyes."""

    console = Console()
    table = Table("", "what", "why", "what to do", title=escape(title(seen)), title_justify="left", show_lines=True)
    for finding in seen.findings:
        about = f"\n{_named(finding.pictures)}" if finding.pictures else ""
        colour = _COLOURS[finding.severity]
        table.add_row(
            f"[{colour}]{finding.severity}[/]", escape(finding.what + about), escape(finding.why), escape(finding.do)
        )
    if seen.findings:
        console.print(table)
    else:
        console.print(escape(title(seen)))
    sharing = _sharing(seen)
    if sharing is not None:
        console.print(f"overlap: {escape(sharing)}")
    console.print(verdict(seen.findings), style="bold red" if will_fail(seen.findings) else "bold")


def _named(pictures: Sequence[str]) -> str:
    more = f" and {len(pictures) - _NAMED} more" if len(pictures) > _NAMED else ""
    return ", ".join(pictures[:_NAMED]) + more


def values_of(seen: Seen) -> dict[str, Any]:
    """Plain values, as ``--json`` prints them."""
    names = [still.name for still in seen.capture.stills]
    judged = verdicts(names, seen.findings)
    stills = [
        {
            "name": still.name,
            "width_px": still.width_px,
            "height_px": still.height_px,
            "camera": still.camera,
            "focal_px": still.focal_px,
            "exposure_ev": still.exposure_ev,
            "gps": None if still.geo is None else asdict(still.geo),
            "blur": round(seen.looks[still.name].blur, 4),
            "light": round(seen.looks[still.name].light, 4),
            "clipped": round(seen.looks[still.name].white + seen.looks[still.name].black, 4),
            "features": None if seen.overlap is None else seen.overlap.features.get(still.name),
            "verdict": judged[still.name][1],
        }
        for still in seen.capture.stills
    ]
    return {
        "photos": str(seen.photos),
        "will_fail": will_fail(seen.findings),
        "findings": [{**asdict(finding), "severity": str(finding.severity)} for finding in seen.findings],
        "groups": None if seen.overlap is None else [list(group) for group in seen.overlap.groups()],
        "damaged": dict(seen.damaged),
        "stills": stills,
    }
