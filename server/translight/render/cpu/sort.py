"""Depth order: a stable radix sort of 32-bit keys, eleven bits a pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.render.cpu.jit import kernel

_BITS = 11
_BUCKETS = 1 << _BITS


@kernel
def sort_by_depth(keys: Any, counts: Any, chunk_starts: Any, order: Any, spare: Any) -> int:
    """Put the records' slots into ``order``, near ones first, ties in slot order; returns how many there are.

    Worker w's ``counts[w]`` keys start at ``chunk_starts[w]``. ``spare`` is as long as ``order``.
    """
    n = 0
    histogram = np.zeros((3, _BUCKETS), np.int32)
    for w in range(len(counts)):
        for slot in range(chunk_starts[w], chunk_starts[w] + counts[w]):
            order[n] = slot
            n += 1
            key = keys[slot]
            for p in range(3):
                histogram[p, (key >> np.uint32(_BITS * p)) & np.uint32(_BUCKETS - 1)] += 1
    for p in range(3):
        source, target = (order, spare) if p != 1 else (spare, order)
        total = 0
        for digit in range(_BUCKETS):
            size = histogram[p, digit]
            histogram[p, digit] = total
            total += size
        for i in range(n):
            slot = source[i]
            digit = (keys[slot] >> np.uint32(_BITS * p)) & np.uint32(_BUCKETS - 1)
            target[histogram[p, digit]] = slot
            histogram[p, digit] += 1
    order[:n] = spare[:n]
    return n
