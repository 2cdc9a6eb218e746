"""Tracking packet to received picture with an NVIDIA GPU: captures, 720p to 4K, up to 120 frames a second."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench_latency import CAPTURES, played, rows_of
from translight.commands.bench_latency import summary
from translight.core.errors import BackendError
from translight.core.machine import describe
from translight.render.backends import open_renderer

CASES = (
    ("playbot_125k_sog", (1280, 720), 60),
    ("playbot_500k_sog", (1920, 1080), 60),
    ("playbot_500k_sog", (1920, 1080), 120),
    ("playbot_500k_sog", (3840, 2160), 60),
)
SECONDS = 6.0
_RESULT = Path(__file__).parent / "results" / "latency_gpu.md"


def main(tiny: bool) -> None:
    """Measure each; write the table unless ``tiny``; without a GPU say so, and leave the table alone."""
    try:
        open_renderer("cuda").close()
    except BackendError as error:
        print(f"no GPU to measure: {error}")
        return
    runs = []
    for name, pixels, fps in CASES[:1] if tiny else CASES:
        if not (CAPTURES / name).is_dir():
            print(f"{CAPTURES / name} is not there: it is left out")
            continue
        runs.append(played(CAPTURES / name, pixels, 1.5 if tiny else SECONDS, backend="cuda", fps=fps))
        print(summary(runs[-1]), flush=True)
    if not tiny and runs:
        head = (
            "# Tracking packet to received picture, on a GPU\n\n"
            f"{describe()}; the cuda renderer and compositor. {SECONDS:g} s each, one after the other,\n"
            "240 Hz tracking, shared memory, milliseconds p50/p99. *Render* is all that the GPU does: drawing,\n"
            "compositing, colour, packing, up to pixels in the ring. `python -m benchmarks latency_gpu`.\n\n"
        )
        _RESULT.write_text(head + "\n".join(rows_of(runs, None)) + "\n")
