"""Bounding volume hierarchies over boxes, by binned surface area heuristic (Wald 2007), for meshes and for copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32, Int32

from translight.generation.procedural.rays.jit import kernel, part

_BINS = 12
_LEAF = 3
_DEPTH = 60


def build(
    low: Float32[np.ndarray, "n 3"], high: Float32[np.ndarray, "n 3"]
) -> tuple[Float32[np.ndarray, "k 6"], Int32[np.ndarray, "k 2"], Int32[np.ndarray, "n"]]:
    """Nodes' bounds, nodes' links (layout.py) from node 0 on, and the order in which leaves count their boxes."""
    n = len(low)
    order = np.arange(n, dtype=np.int32)
    bounds = np.empty((max(2 * n, 1), 6), np.float32)
    links = np.empty((max(2 * n, 1), 2), np.int32)
    count = _build(np.ascontiguousarray(low), np.ascontiguousarray(high), order, bounds, links)
    return bounds[:count], links[:count], order


@kernel
def _build(low: Any, high: Any, order: Any, bounds: Any, links: Any) -> int:
    n = len(order)
    pending = np.empty((2 * _DEPTH + 4, 4), np.int64)
    pending[0, 0], pending[0, 1], pending[0, 2], pending[0, 3] = 0, 0, n, 0
    waiting, nodes = 1, 1
    counts = np.empty(_BINS, np.int64)
    boxes = np.empty((_BINS, 6), np.float64)
    right_area = np.empty(_BINS, np.float64)
    grown = np.empty(6, np.float64)
    middle = np.empty(6, np.float64)
    while waiting > 0:
        waiting -= 1
        node, begin, end, depth = pending[waiting, 0], pending[waiting, 1], pending[waiting, 2], pending[waiting, 3]
        for c in range(3):
            grown[c], grown[3 + c], middle[c], middle[3 + c] = np.inf, -np.inf, np.inf, -np.inf
        for k in range(begin, end):
            item = order[k]
            for c in range(3):
                grown[c] = min(grown[c], low[item, c])
                grown[3 + c] = max(grown[3 + c], high[item, c])
                m = 0.5 * (np.float64(low[item, c]) + np.float64(high[item, c]))
                middle[c] = min(middle[c], m)
                middle[3 + c] = max(middle[3 + c], m)
        for c in range(6):
            bounds[node, c] = grown[c]
        axis = 0
        for c in range(1, 3):
            if middle[3 + c] - middle[c] > middle[3 + axis] - middle[axis]:
                axis = c
        width = middle[3 + axis] - middle[axis]
        if end - begin <= _LEAF:
            links[node, 0], links[node, 1] = begin, end - begin
            continue
        split = (begin + end) // 2
        if width > 0.0 and depth < _DEPTH - 26:
            for b in range(_BINS):
                counts[b] = 0
                for c in range(3):
                    boxes[b, c], boxes[b, 3 + c] = np.inf, -np.inf
            scale = _BINS * (1.0 - 1e-9) / width
            for k in range(begin, end):
                item = order[k]
                m = 0.5 * (np.float64(low[item, axis]) + np.float64(high[item, axis]))
                b = min(int((m - middle[axis]) * scale), _BINS - 1)
                counts[b] += 1
                for c in range(3):
                    boxes[b, c] = min(boxes[b, c], low[item, c])
                    boxes[b, 3 + c] = max(boxes[b, 3 + c], high[item, c])
            for c in range(3):
                grown[c], grown[3 + c] = np.inf, -np.inf
            total = 0
            for b in range(_BINS - 1, 0, -1):
                total += counts[b]
                _grow(grown, boxes[b])
                right_area[b] = total * _area(grown) if total > 0 else 0.0
            for c in range(3):
                grown[c], grown[3 + c] = np.inf, -np.inf
            total, best, least = 0, -1, np.inf
            for b in range(_BINS - 1):
                total += counts[b]
                _grow(grown, boxes[b])
                if total == 0 or total == end - begin:
                    continue
                cost = total * _area(grown) + right_area[b + 1]
                if cost < least:
                    best, least = b, cost
            i, j = begin, end - 1
            while i <= j:
                item = order[i]
                m = 0.5 * (np.float64(low[item, axis]) + np.float64(high[item, axis]))
                if min(int((m - middle[axis]) * scale), _BINS - 1) <= best:
                    i += 1
                else:
                    order[i], order[j] = order[j], order[i]
                    j -= 1
            if begin < i < end:
                split = i
        links[node, 0], links[node, 1] = nodes, 0
        pending[waiting, 0], pending[waiting, 1] = nodes, begin
        pending[waiting, 2], pending[waiting, 3] = split, depth + 1
        pending[waiting + 1, 0], pending[waiting + 1, 1] = nodes + 1, split
        pending[waiting + 1, 2], pending[waiting + 1, 3] = end, depth + 1
        waiting += 2
        nodes += 2
    return nodes


@part
def _grow(box: Any, other: Any) -> None:
    for c in range(3):
        box[c] = min(box[c], other[c])
        box[3 + c] = max(box[3 + c], other[3 + c])


@part
def _area(box: Any) -> float:
    x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    return float(x * y + y * z + z * x)
