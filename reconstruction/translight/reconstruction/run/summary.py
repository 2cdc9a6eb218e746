"""What a run came to, in a few lines for people, and as one mapping for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translight.reconstruction.run.reconstruct import Outcome, quality_text
from translight.reconstruction.run.watch import duration_text

_LEFT_OUT_SHOWN = 5


def summary_text(outcome: Outcome) -> str:
    """Registered photographs, quality, splats, times, memory, and the command that shows the environment."""
    poses, whole = _step(outcome, "poses"), _step(outcome, "reconstruct")
    corrected = outcome.evaluation.mean.corrected_psnr_db
    quality = quality_text(outcome.evaluation)
    if corrected is not None:
        quality += f"; {corrected:.2f} dB colour-corrected"
    if outcome.evaluation.lpips_missing is not None:
        quality += f"; no LPIPS: {outcome.evaluation.lpips_missing}"
    stages = ", ".join(f"{name} {duration_text(seconds)}" for name, seconds in whole.get("stages_s", {}).items())
    lines = [
        str(outcome.output),
        f"  photographs  {_registered(poses)}",
        f"  quality      {quality}",
        f"  splats       {outcome.splats:,}",
        f"  time         {duration_text(whole.get('seconds', 0.0))} ({stages})",
    ]
    memory = whole.get("peak_memory")
    if memory is not None:
        own, child = (f"{memory[key] / 1e6:,.0f} MB" for key in ("own_bytes", "child_bytes"))
        lines.append(f"  peak memory  {own}; largest child process {child}")
    lines.append(f"look at it: translight demo --environment {outcome.output}")
    return "\n".join(lines)


def summary_values(outcome: Outcome) -> dict[str, Any]:
    """One JSON object: the report's steps by name, and where the package is."""
    steps = {step["step"]: {key: step[key] for key in step if key != "step"} for step in outcome.report.steps}
    return {"environment": str(outcome.output), "splats": outcome.splats, **steps}


def _step(outcome: Outcome, name: str) -> Mapping[str, Any]:
    return outcome.report.last(name) or {}


def _registered(poses: Mapping[str, Any]) -> str:
    registered, total = poses.get("registered", "?"), poses.get("total", "?")
    if poses.get("known"):
        return f"{registered}, their cameras known"
    left_out = poses.get("left_out")
    names = list(left_out) if isinstance(left_out, Mapping | list) else []
    more = ", …" if len(names) > _LEFT_OUT_SHOWN else ""
    without = f"; left out: {', '.join(map(str, names[:_LEFT_OUT_SHOWN]))}{more}" if names else ""
    return f"{registered} of {total} registered{without}"
