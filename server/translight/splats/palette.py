"""A palette of SH sets for SOG: k-means in two levels, so that its time grows no faster than the splats.

Source: Lloyd (1982) within the branches of a tree, as in Nistér and Stewénius, "Scalable Recognition with a Vocabulary
Tree" (2006).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int

from translight.splats.limits import Progress, blocks

MOST_SETS = 1 << 16
_BRANCHES = 256
_SAMPLE = 1 << 16
_POINTS_A_SET = 24
_ROUNDS = 8
_MOST_COMPARED = 1 << 20
_MOST_PRODUCTS = 1 << 18
"""Of one matrix product: beyond this OpenBLAS wakes its threads, which on a busy machine wait for one another."""


def palette_size(count: int) -> int:
    """Sets for so many splats: each its own up to 1024, then the largest power of two below, up to 65,536."""
    return min(count, 1024 if count < 2048 else 1 << (count.bit_length() - 1), MOST_SETS)


def palette_of(
    rows: Float32[np.ndarray, "n d"], size: int, progress: Progress | None = None
) -> tuple[Float32[np.ndarray, "p d"], Int[np.ndarray, "n"]]:
    """Up to ``size`` rows that stand for all, and which of them each row is nearest to (within its own branch)."""
    if len(rows) <= size:
        return np.ascontiguousarray(rows), np.arange(len(rows))
    if len(rows) <= _MOST_COMPARED:
        sets, labels = np.unique(rows, axis=0, return_inverse=True)
        if len(sets) <= size:  # a scene that had a palette before
            return sets, labels.reshape(-1)
    rng = np.random.default_rng(0)
    sample = rows[np.sort(rng.choice(len(rows), min(_SAMPLE, len(rows)), replace=False))]
    trunk = _means(sample, min(_BRANCHES, size), rng)
    branch = np.empty(len(rows), np.intp)
    for part in blocks(len(rows)):
        branch[part] = _nearest(rows[part], trunk)
    order = np.argsort(branch, kind="stable")
    ends = np.searchsorted(branch[order], np.arange(len(trunk) + 1))
    shares = _shares(np.diff(ends), size)
    found: list[np.ndarray] = []
    labels, used = np.empty(len(rows), np.intp), 0
    for i, share in enumerate(shares):
        members = order[ends[i] : ends[i + 1]]
        if len(members) == 0:
            continue
        own = rows[members]
        few = own[np.sort(rng.choice(len(own), min(len(own), _POINTS_A_SET * int(share)), replace=False))]
        sets = _means(few, int(share), rng)
        labels[members] = used + _nearest(own, sets)
        found.append(sets)
        used += len(sets)
        if progress is not None:
            progress((i + 1) / len(shares))
    return np.concatenate(found), labels


def _shares(counts: Int[np.ndarray, "b"], size: int) -> Int[np.ndarray, "b"]:
    """Sets of each branch: one each, the rest by how many rows it has, and none more than it has rows."""
    taken = (counts > 0).astype(np.int64)
    spare = size - int(taken.sum())
    return np.minimum(counts, taken + (spare * counts) // max(int(counts.sum()), 1))


def _means(rows: Float32[np.ndarray, "n d"], count: int, rng: np.random.Generator) -> Float32[np.ndarray, "c d"]:
    """Lloyd's iteration from rows taken at random; a mean that nobody is near to stays where it was."""
    if len(rows) <= count:
        return np.ascontiguousarray(rows)
    means = rows[np.sort(rng.choice(len(rows), count, replace=False))].astype(np.float32)
    for _ in range(_ROUNDS):
        label = _nearest(rows, means)
        order = np.argsort(label, kind="stable")
        present, starts, counts = np.unique(label[order], return_index=True, return_counts=True)
        means[present] = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0) / counts[:, None]
    return means


def _nearest(rows: Float32[np.ndarray, "n d"], means: Float32[np.ndarray, "c d"]) -> Int[np.ndarray, "n"]:
    """Index of the mean at the least distance; |x|² is the same for all, so it is left out."""
    half, across = np.einsum("ij,ij->i", means, means) / 2, np.ascontiguousarray(means.T)
    most = max(1, _MOST_PRODUCTS // means.size)
    out, near = np.empty(len(rows), np.intp), np.empty((most, len(means)), np.float32)
    for start in range(0, len(rows), most):
        block = rows[start : start + most]
        np.matmul(block, across, out=near[: len(block)])
        np.subtract(half, near[: len(block)], out=near[: len(block)])
        out[start : start + len(block)] = near[: len(block)].argmin(axis=1)
    return out
