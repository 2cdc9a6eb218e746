"""The kernels as one text for NVRTC: the files of ``kernels/``, after the numbers that Python and CUDA C++ share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from translight.core.device import THREADS
from translight.render.contract import ALPHA_CUT, ALPHA_MAX, DILATION_PX2, HALF, TRANSMITTANCE_STOP
from translight.render.sh import SH_0, SH_1, SH_2, SH_3, SH_OFFSET
from translight.render.tint import GAIN, LIFT, SIGN, SLOPE

WARP = 32
TILE_PX = 16
"""A block blends a tile, a thread a pixel."""
WARP_COLUMNS, WARP_ROWS = 8, 4
"""Pixels of a tile that a warp blends."""
GROUP = 128
"""Splats that are culled together."""
MAX_VIEWS = 8
"""Views of one eye that are drawn together."""
MAX_LAYERS = 32
"""Of a scene; constant memory has room for so many in all of the views."""
SORT_STRIP = 4096
"""Entries that a block sorts."""
DIGITS = 256
LONE_INSTANCES = 32
"""A splat in more tiles than this is written out by a whole warp."""

NUMBERS: Mapping[str, int | float] = {
    "THREADS": THREADS,
    "TILE_PX": TILE_PX,
    "WARP_COLUMNS": WARP_COLUMNS,
    "WARP_ROWS": WARP_ROWS,
    "GROUP": GROUP,
    "MAX_VIEWS": MAX_VIEWS,
    "MAX_LAYERS": MAX_LAYERS,
    "SORT_STRIP": SORT_STRIP,
    "DIGITS": DIGITS,
    "LONE_INSTANCES": LONE_INSTANCES,
    "LOG2_ALPHA_CUT": math.log2(ALPHA_CUT),
    "ALPHA_MAX": ALPHA_MAX,
    "TRANSMITTANCE_STOP": TRANSMITTANCE_STOP,
    "HALF_LIGHT": HALF,
    "DILATION_PX2": DILATION_PX2,
    "HALF_LOG2_E": 0.5 * math.log2(math.e),
    "INVERSE_TURN": 0.5 / math.pi,
    "TINT_SIGN": SIGN,
    "TINT_SLOPE": SLOPE,
    "TINT_GAIN": GAIN,
    "TINT_LIFT": LIFT,
    "SH_OFFSET": SH_OFFSET,
    "SH_0": SH_0,
    "SH_1": SH_1,
    **dict(zip(("SH_2A", "SH_2B", "SH_2C"), SH_2, strict=True)),
    **dict(zip(("SH_3A", "SH_3B", "SH_3C", "SH_3D", "SH_3E"), SH_3, strict=True)),
}
FILES = (
    "scalar", "frame", "outline", "harmonics", "tint", "clip", "project", "scan", "radix", "instances", "sky", "blend",
)  # fmt: skip
"""Each may use what those before it define."""
KERNELS = (
    "project_half", "project_float", "radix_count", "radix_scan", "radix_scatter", "sum_instances", "scan_sums",
    "emit_instances", "find_tiles", "blend_expected", "blend_median", "blend_none",
)  # fmt: skip
CONSTANTS = ("frame",)


@cache
def source() -> str:
    """The whole text; errors in it name file and line. ASCII, because CuPy writes it in the system's encoding."""
    numbers = [
        f"constexpr {'int' if isinstance(value, int) else 'float'} {name} = {_literal(value)};"
        for name, value in NUMBERS.items()
    ]
    folder = files("translight.render.cuda") / "kernels"
    parts = [f'#line 1 "{name}.cu"\n{(folder / f"{name}.cu").read_text("utf-8")}' for name in FILES]
    return "\n".join([*numbers, *parts]).encode("ascii", "replace").decode("ascii")


def _literal(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}f" if "." in f"{value:.9g}" else f"{value:.9e}f"
