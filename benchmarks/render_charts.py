"""The charts of bench_render.py: frames a second by splats, time by stage, and fragments under the processor's roof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from translight.core.chart import bars, log_lines
from translight.render.cpu.roofline import FMAS_A_FRAGMENT
from translight.render.measure import STAGES


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``render_fps.svg``, ``render_stages.svg`` and ``render_roofline.svg``."""
    most = max(row["threads"] for row in rows)
    rows = [row for row in rows if row["threads"] == most]
    rooms = [row for row in rows if row["scene"].startswith("room_")]
    sizes = list(dict.fromkeys((row["width"], row["height"]) for row in rooms))
    counts = sorted({row["splats"] for row in rooms})
    fps = {
        f"{width}×{height}": [
            next(r["fps"] for r in rooms if (r["splats"], r["width"], r["height"]) == (count, width, height))
            for count in counts
        ]
        for width, height in sizes
    }
    title = f"Frames a second by splats, {most} threads"
    chart = log_lines(title, "thousand splats", "fps", [count / 1e3 for count in counts], fps)
    (folder / "render_fps.svg").write_text(chart)

    at_720 = [row for row in rows if row["height"] == 720]
    stages = {row["scene"]: {stage: row["stages_ms"][stage] for stage in STAGES} for row in at_720}
    (folder / "render_stages.svg").write_text(bars(f"Time by stage, 1280×720, {most} threads", "ms", stages))

    rates = {row["scene"]: {"blended": row["fragments_per_s"] / 1e9} for row in at_720}
    roof = max(row["fma_peak_per_s"] for row in at_720) / FMAS_A_FRAGMENT / 1e9
    title = f"Blended fragments a second, 1280×720, {most} threads"
    limit = (roof, f"measured FMA peak / {FMAS_A_FRAGMENT} a fragment")
    (folder / "render_roofline.svg").write_text(bars(title, "G/s", rates, limit))
