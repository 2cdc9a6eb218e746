"""Functions of one variable as tables for the live path, indexed by the leading bits of a float32.

128 straight pieces in each octave keep the error relative, so one table serves dark PQ codes and highlights far
above 1 alike. ``evaluate`` is the NumPy form of what the compositor's kernel does for each channel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Float64

SHIFT = 16
"""Bits of a float32 below a table's index: 23 − log2(pieces an octave)."""
FIRST_BITS = (127 - 40) << 23
"""Bits of 2⁻⁴⁰. The first node stands there for zero, and all below it, negatives too, is taken for zero."""
LAST_BITS = ((127 + 10) << 23) - 1
"""Bits of the float32 just below 2¹⁰; anything above counts as this value."""
FRACTION_MASK = (1 << SHIFT) - 1
FRACTION_SCALE = 1.0 / (1 << SHIFT)
NODES = ((LAST_BITS - FIRST_BITS) >> SHIFT) + 2

Table = Float32[np.ndarray, "nodes"]


def tabulate(function: Callable[[Float[np.ndarray, "n"]], Float[np.ndarray, "n"]]) -> Table:
    """The table of ``function``, which is asked for float64 values at ``nodes()``; kinks inside it cost precision."""
    return np.ascontiguousarray(function(nodes()), np.float32)


def nodes() -> Float64[np.ndarray, "nodes"]:
    """Where tables hold exact values: 0, then 2⁻⁴⁰ to 2¹⁰, 128 an octave."""
    bits = FIRST_BITS + (np.arange(NODES, dtype=np.int64) << SHIFT)
    points = bits.astype(np.int32).view(np.float32).astype(np.float64)
    points[0] = 0.0
    return points


def evaluate(table: Table, x: Float[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """The tabulated function at ``x``, by linear interpolation between its nodes."""
    bits = np.clip(np.ascontiguousarray(x, np.float32).view(np.int32), FIRST_BITS, LAST_BITS) - FIRST_BITS
    index, fraction = bits >> SHIFT, (bits & FRACTION_MASK).astype(np.float32) * np.float32(FRACTION_SCALE)
    low = table[index]
    return low + fraction * (table[index + 1] - low)
