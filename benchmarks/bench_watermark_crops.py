"""How often the watermark is found in crops of photographs that have none, and how small a crop still bears one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.bench_watermark import IDENTITY, LONGER_PX, Pixels, pictures
from translight.core.machine import describe
from translight.generation.provenance.watermark import mark
from translight.generation.provenance.watermark_find import MAX_TRIES, find

CLEAN = 400
MARKED = 16
SIDES_PX = (200, 256, 320, 400, 512, 640)

_DATA = Path(__file__).parents[2] / "shared" / "data" / "photos"
_RESULT = Path(__file__).parent / "results" / "watermark_crops.md"


def photographs(tiny: bool) -> list[Pixels]:
    """8-bit pixels of every photograph at hand."""
    if tiny:
        return [pixels for _, _, pixels in pictures(True)]
    found = []
    for file in sorted(_DATA.rglob("*.jpg")):
        with Image.open(file) as still:
            small = still.convert("RGB")
            small.thumbnail((LONGER_PX, LONGER_PX))
            found.append(np.array(small))
    return found


def crop(stills: list[Pixels], side_px: int, chance: np.random.Generator) -> Pixels:
    """A square from anywhere in one of them."""
    large = [still for still in stills if min(still.shape[:2]) >= side_px]
    still = large[int(chance.integers(len(large)))]
    top, left = (int(chance.integers(0, side - side_px + 1)) for side in still.shape[:2])
    return np.ascontiguousarray(still[top : top + side_px, left : left + side_px])


def main(tiny: bool) -> None:
    """Write both; tiny, a few crops of one small picture, and nothing is written."""
    stills, chance = photographs(tiny), np.random.default_rng(7)
    clean, marked, sides = (4, 2, (200,)) if tiny else (CLEAN, MARKED, SIDES_PX)
    alarms = 0
    for _ in range(clean):
        side = int(chance.integers(128, 241 if tiny else 513))
        alarms += find(crop(stills, side, chance)) is not None
    rows = []
    for side in sides:
        read = [find(mark(crop(stills, side, chance), IDENTITY)) for _ in range(marked)]
        right = sum(found is not None and found.identity == IDENTITY for found in read)
        rows.append(f"| {side}x{side} | {right} of {marked} |")
    # 0 of n: the rate is below 3 / n with 95 % confidence
    bound = f", so the rate is below {3 / clean:.2%} (95 % confidence)" if not alarms else ""
    lines = [
        f"# The watermark in small crops\n\n{describe()}. `python -m benchmarks watermark_crops`. Squares from",
        f"anywhere in {len(stills)} photographs of at most {LONGER_PX} pixels.\n",
        f"False alarms, measured: {alarms} in {clean} unmarked crops of 128 to 512 pixels{bound}.",
        f"By design at most {MAX_TRIES} / 2³² = {MAX_TRIES / 2**32:.1e}, which no such count can show.\n",
        "Marked, and read again as they are, not compressed:\n\n| crop | read |\n|---|---|",
        *rows,
    ]
    print("\n".join(lines))
    if not tiny:
        _RESULT.write_text("\n".join(lines) + "\n")
