"""Codebooks of 256 numbers for SOG: one-dimensional k-means; ``palette`` does the same for sets of SH.

Source: Lloyd, "Least squares quantization in PCM" (1982), run on sorted values with running sums.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, UInt8

from translight.splats.limits import blocks

ENTRIES = 256
_MOST_VALUES = 1 << 22
_ROUNDS = 40


def codebook_of(values: np.ndarray) -> Float64[np.ndarray, "256"]:
    """256 rising numbers that are near to the values, which must be finite; exact where there are no more than 256.

    All of up to 2^22 values, or a sample and the two ends, decide; of no values, all are 0.
    """
    flat = values.reshape(-1)
    if flat.size == 0:
        return np.zeros(ENTRIES)
    sample = flat[:: -(-flat.size // _MOST_VALUES)]
    ends = np.array([flat.min(), flat.max()])
    ordered = np.unique(np.concatenate([sample, ends]).astype(np.float64))
    if len(ordered) <= ENTRIES:
        return np.concatenate([ordered, np.full(ENTRIES - len(ordered), ordered[-1])])
    return _lloyd(np.sort(np.concatenate([sample, ends]).astype(np.float64)))


def codes_of(values: np.ndarray, codebook: Float64[np.ndarray, "256"]) -> UInt8[np.ndarray, "..."]:
    """The nearest entry of each value."""
    middles = (codebook[1:] + codebook[:-1]) / 2
    flat, codes = values.reshape(-1), np.empty(values.size, np.uint8)
    for part in blocks(len(flat)):
        codes[part] = np.searchsorted(middles, flat[part])
    return codes.reshape(values.shape)


def _lloyd(ordered: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "256"]:
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    # half by rank, half by value: the bulk and the tails both have entries to begin with
    ranks = ordered[np.linspace(0, len(ordered) - 1, ENTRIES // 2).astype(np.intp)]
    entries = np.sort(np.concatenate([ranks, np.linspace(ordered[0], ordered[-1], ENTRIES // 2)]))
    for _ in range(_ROUNDS):
        cuts = np.concatenate([[0], np.searchsorted(ordered, (entries[1:] + entries[:-1]) / 2), [len(ordered)]])
        counts = np.diff(cuts)
        means = (sums[cuts[1:]] - sums[cuts[:-1]]) / np.maximum(counts, 1)
        moved = np.sort(np.where(counts > 0, means, entries))
        if np.array_equal(moved, entries):
            break
        entries = moved
    return entries
