"""Depth order: a parallel radix sort, two passes of eleven bits, made exact where those bits do not suffice."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from translight.render.cpu.jit import kernel, parallel_kernel
from translight.render.cpu.memory import get, put

BUCKETS = 1 << 11
_MASK = BUCKETS - 1
_PATIENCE = 48
"""Places that insertion moves an entry before the whole bucket is sorted instead."""


@parallel_kernel
def sort_by_depth(keys: Any, found: Any, spare: Any, order: Any, histogram: Any) -> int:
    """Write ``key << 32 | place`` of all splats found, ascending, into ``order``; returns how many there are.

    ``found`` is ``project``'s. Equal keys stay in the scene's order. ``spare`` is as long as ``order``; ``histogram``
    has a row of buckets for each worker.
    """
    workers = len(found)
    n, base, shift = _extent(found)
    for w in numba.prange(workers):
        _count_keys(keys, found[w, 0], found[w, 1], base, shift, histogram[w])
    _places(histogram)
    for w in numba.prange(workers):
        _scatter_keys(keys, found[w, 0], found[w, 1], base, shift, histogram[w], spare)
    high = shift + 11
    for w in numba.prange(workers):
        _count_entries(spare, n * w // workers, n * (w + 1) // workers, base, high, histogram[w])
    _places(histogram)
    for w in numba.prange(workers):
        _scatter_entries(spare, n * w // workers, n * (w + 1) // workers, base, high, histogram[w], order)
    if shift > 0:
        for w in numba.prange(workers):
            begin = _bucket_begin(order, n * w // workers, n, base, shift)
            end = _bucket_begin(order, n * (w + 1) // workers, n, base, shift)
            _put_right(order, begin, end, base, shift)
    return n


@kernel
def _extent(found: Any) -> tuple[Any, Any, Any]:
    """How many splats there are, their least key, and how many low bits of a key's distance to it are left over."""
    n, least, most, shift = np.int64(0), found[0, 2], found[0, 3], 0
    for w in range(len(found)):
        n += found[w, 1]
        least, most = min(least, found[w, 2]), max(most, found[w, 3])
    while (most - least) >> shift >= BUCKETS * BUCKETS:
        shift += 1
    return n, least, shift


@kernel
def _count_keys(keys: Any, begin: int, count: int, base: int, shift: int, histogram: Any) -> None:
    histogram[:] = 0
    for i in range(begin, begin + count):
        digit = ((np.int64(get(keys, i)) - base) >> shift) & _MASK
        put(histogram, digit, get(histogram, digit) + 1)


@kernel
def _scatter_keys(keys: Any, begin: int, count: int, base: int, shift: int, places: Any, target: Any) -> None:
    for i in range(begin, begin + count):
        key = np.int64(get(keys, i))
        digit = ((key - base) >> shift) & _MASK
        place = get(places, digit)
        put(target, place, (key << 32) | i)
        put(places, digit, place + 1)


@kernel
def _count_entries(entries: Any, begin: int, end: int, base: int, shift: int, histogram: Any) -> None:
    histogram[:] = 0
    for i in range(begin, end):
        digit = ((get(entries, i) >> 32) - base) >> shift
        put(histogram, digit, get(histogram, digit) + 1)


@kernel
def _scatter_entries(entries: Any, begin: int, end: int, base: int, shift: int, places: Any, target: Any) -> None:
    for i in range(begin, end):
        entry = get(entries, i)
        digit = ((entry >> 32) - base) >> shift
        place = get(places, digit)
        put(target, place, entry)
        put(places, digit, place + 1)


@kernel
def _places(histogram: Any) -> None:
    """Counts become first places: bucket by bucket, in each the workers in order."""
    total = 0
    for digit in range(BUCKETS):
        for w in range(len(histogram)):
            count = histogram[w, digit]
            histogram[w, digit] = total
            total += count


@kernel
def _bucket_begin(order: Any, i: int, n: int, base: int, shift: int) -> int:
    """The first place from ``i`` on at which a bucket begins, so that no two workers share one."""
    while 0 < i < n and ((order[i] >> 32) - base) >> shift == ((order[i - 1] >> 32) - base) >> shift:
        i += 1
    return i


@kernel
def _put_right(order: Any, begin: int, end: int, base: int, shift: int) -> None:
    """Order entries within their buckets, by insertion: most buckets hold one."""
    i = begin + 1
    while i < end:
        entry = get(order, i)
        if entry < get(order, i - 1):
            j = i
            while j > begin and j > i - _PATIENCE and get(order, j - 1) > entry:
                put(order, j, get(order, j - 1))
                j -= 1
            put(order, j, entry)
            if j == i - _PATIENCE:
                bucket = ((entry >> 32) - base) >> shift
                while j > begin and ((get(order, j - 1) >> 32) - base) >> shift == bucket:
                    j -= 1
                while i < end and ((get(order, i) >> 32) - base) >> shift == bucket:
                    i += 1
                _sort_slice(order, j, i)
                continue
        i += 1


@kernel
def _sort_slice(order: Any, begin: int, end: int) -> None:
    """Shell's sort with Knuth's gaps: for buckets that hold many, as where a wall stands straight before the camera."""
    gap = 1
    while gap < (end - begin) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(begin + gap, end):
            entry = get(order, i)
            j = i
            while j >= begin + gap and get(order, j - gap) > entry:
                put(order, j, get(order, j - gap))
                j -= gap
            put(order, j, entry)
        gap //= 3
