"""A translation as lines for the eye and as JSON for programs; commands/brief.py prints them."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from translight.generation.brief.brief import Brief
from translight.generation.brief.optics import field_of_view_deg
from translight.generation.brief.parameters import Control, Parameters
from translight.generation.brief.schema import plain, shown
from translight.generation.brief.translate import CLIP_TOKENS
from translight.generation.brief.words import likely_tokens

_WIDTH = 110
_LEFT = 12


def lines_of(brief: Brief, parameters: Parameters) -> list[str]:
    """What models get, then each value with the key that it came from."""
    wide, high = field_of_view_deg(brief.lens)
    tokens = likely_tokens(parameters.prompt)
    over = f" of {CLIP_TOKENS} that CLIP reads" if tokens > CLIP_TOKENS else ""
    rows = [
        ("family", parameters.family or "none"),
        ("prompt", f"{parameters.prompt} (about {tokens} tokens{over})"),
        ("negative", parameters.negative_prompt),
        ("seeds", ", ".join(map(str, parameters.seeds))),
        ("sampling", f"{parameters.steps} steps, guidance {parameters.guidance:g}"),
        ("control", _control_line(parameters.control)),
        ("references", ", ".join(f"{one.file.name} {one.weight:g}" for one in parameters.references) or "none"),
        ("LoRA", ", ".join(f"{one.file.name} {one.weight:g}" for one in parameters.loras) or "none"),
        ("LUT", parameters.lut.name if parameters.lut is not None else "none"),
        ("camera", f"{wide:.3g} x {high:.3g} degrees"),
    ]
    lines = [shown(brief.name)[1:-1]]
    for name, value in rows:
        lines += textwrap.wrap(value, _WIDTH, initial_indent=f"  {name:<{_LEFT}}", subsequent_indent=" " * (_LEFT + 2))
    lines += ["", "why"]
    width = max((len(reason.key) for reason in parameters.reasons), default=0)
    for reason in parameters.reasons:
        lines += textwrap.wrap(
            reason.value, _WIDTH, initial_indent=f"  {reason.key:<{width}}  ", subsequent_indent=" " * (width + 4)
        )
    # a name may hold what a terminal obeys
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines]


def values_of(parameters: Parameters) -> dict[str, Any]:
    """Parameters as JSON values; of the control maps their size, weights and nearest distance."""
    control = parameters.control
    return {
        "family": parameters.family,
        "prompt": parameters.prompt,
        "negative_prompt": parameters.negative_prompt,
        "likely_tokens": likely_tokens(parameters.prompt),
        "seeds": list(parameters.seeds),
        "guidance": parameters.guidance,
        "steps": parameters.steps,
        "control": None
        if control is None
        else {
            "width_px": control.depth.shape[1],
            "height_px": control.depth.shape[0],
            "depth_weight": control.depth_weight,
            "edges_weight": control.edges_weight,
            "nearest_m": _nearest_m(control),
        },
        "references": plain(parameters.references),
        "loras": plain(parameters.loras),
        "lut": plain(parameters.lut),
        "reasons": [{"key": reason.key, "value": reason.value} for reason in parameters.reasons],
    }


def _control_line(control: Control | None) -> str:
    if control is None:
        return "none"
    height, width = control.depth.shape
    seen = float(np.isfinite(control.distance_m).mean())
    return (
        f"depth {control.depth_weight:g}, edges {control.edges_weight:g}, {width} x {height} pixels; "
        f"{seen:.0%} of them meet the block-out, the nearest at {control.distance_m.min():.3g} m"
    )


def _nearest_m(control: Control) -> float | None:
    nearest = float(control.distance_m.min())
    return nearest if np.isfinite(nearest) else None
