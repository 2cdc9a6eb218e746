"""What a 4K panorama of each shipped brief's place costs: built, drawn, and the sky behind it, on all cores.

Rows are written as they are measured: all seven take a quarter of an hour on two cores.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.places import places
from translight.core.machine import describe
from translight.generation.brief.brief import Brief, Family
from translight.generation.procedural.engine import SAMPLES, scene_of, sky_picture
from translight.generation.procedural.trace import Panorama, draw

_RESULT = Path(__file__).parent / "results" / "panorama.md"
_HEIGHT_PX = 2048


def main(tiny: bool) -> None:
    """Measure every brief's place once, kernels compiled; write the table unless ``tiny``."""
    height_px = 16 if tiny else _HEIGHT_PX
    lines = [
        f"# Panoramas of {2 * height_px}x{height_px}\n",
        f"`python -m benchmarks panorama`. {describe()}. {SAMPLES} samples a pixel at most; kernels compiled before;",
        "seconds by the clock, and of all cores together; drawn once each.\n",
        "| place | built, s | drawn, s | sky behind it, s | together, s | processor s |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for brief, family, seed in places(tiny):
        _seconds(brief, family, seed, 16)  # compiles
        began = time.process_time()
        seconds = _seconds(brief, family, seed, height_px)
        spent = time.process_time() - began
        cells = " | ".join(f"{value:.0f}" for value in (*seconds, sum(seconds), spent))
        lines.append(f"| {family} | {cells} |")
        print(lines[-1], flush=True)
        if not tiny:
            _RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _seconds(brief: Brief, family: Family, seed: int, height_px: int) -> tuple[float, float, float]:
    """To build the scene, to draw it, to draw the sky alone."""
    times = [time.monotonic()]
    scene = scene_of(brief, family, seed, height_px)
    times.append(time.monotonic())
    draw(scene, Panorama(height_px, scene.eye_m), samples=SAMPLES, seed=seed)
    times.append(time.monotonic())
    sky_picture(scene, height_px, seed)
    times.append(time.monotonic())
    return times[1] - times[0], times[2] - times[1], times[3] - times[2]
