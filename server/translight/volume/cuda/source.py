"""The wall's kernels as one text for NVRTC: the files of ``kernels/``, after the numbers shared with Python."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from translight.colour.lookup import FIRST_BITS, FRACTION_SCALE, LAST_BITS, SHIFT
from translight.core.device import THREADS
from translight.volume.encoding import HALVES, MIXING, TABLE

FILES = ("composition", "sample", "encode", "outer", "composite")
"""Each may use what those before it define."""
KERNELS = ("encode_outer", "project_surfaces", "composite")
CONSTANTS = ("composition",)


@cache
def source() -> str:
    """The whole text; errors in it name file and line. ASCII, because CuPy writes it in the system's encoding."""
    numbers = {
        "THREADS": THREADS, "FIRST_BITS": FIRST_BITS, "LAST_BITS": LAST_BITS, "SHIFT": SHIFT, "TABLE": TABLE,
        "MIXING": MIXING, "HALVES": HALVES,
    }  # fmt: skip
    head = [f"constexpr int {name} = {value};" for name, value in numbers.items()]
    head += [f"constexpr float FRACTION_SCALE = {FRACTION_SCALE:.9e}f;", "constexpr unsigned ALL_LANES = 0xffffffffu;"]
    folder = files("translight.volume.cuda") / "kernels"
    parts = [f'#line 1 "{name}.cu"\n{(folder / f"{name}.cu").read_text("utf-8")}' for name in FILES]
    return "\n".join([*head, *parts]).encode("ascii", "replace").decode("ascii")
