"""Similarities between two sets of points, least squares and robust: cameras against GPS (``gps.py``) or truth."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Bool, Float64

from translight.core.pose import Pose, Similarity

_TRIPLES = 200
_SIGMA_FROM_MEDIAN = 1.4826
_GATE_SIGMAS = 2.5
_REFINEMENTS = 5


def umeyama(b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"]) -> Similarity:
    """``a_from_b``, least squares over n ≥ 3 pairs of points (Umeyama 1991, eq. 40 to 43).

    On a line the turn about it is anyone's. Raises ValueError when all of b's points, or a's, are one.
    """
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    da, db = a - mean_a, b - mean_b
    variance = float((db**2).sum() / len(b))
    U, D, Vt = np.linalg.svd(da.T @ db / len(b))
    if len(b) < 3 or variance < 1e-24 or D[0] < 1e-24:
        raise ValueError("a similarity wants three pairs of points that are not one point")
    S = np.array([1.0, 1.0, np.sign(np.linalg.det(U) * np.linalg.det(Vt))])
    R = (U * S) @ Vt
    scale = float((D * S).sum() / variance)
    return Similarity(scale, Pose.from_matrix(np.column_stack([R, mean_a - scale * R @ mean_b])))


def robust_similarity(
    b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"], *, least_error: float, seed: int = 0
) -> tuple[Similarity, Bool[np.ndarray, "n"]]:
    """``a_from_b`` and the pairs that it rests on: up to half of them may be wrong.

    Of the similarities of three pairs each, the one with the least median error (Rousseeuw 1984), then least squares
    over the pairs within 2.5 σ of it. ``least_error``, in a's unit, is what no pair is blamed for. Raises ValueError
    as ``umeyama`` does.
    """
    best, best_median = umeyama(b, a), np.inf
    for triple in _triples(len(b), seed):
        try:
            one = umeyama(b[triple], a[triple])
        except ValueError:
            continue
        middle = float(np.median(_errors(one, b, a)))
        if middle < best_median:
            best, best_median = one, middle
    kept = np.ones(len(b), bool)
    for _ in range(_REFINEMENTS):
        errors = _errors(best, b, a)
        gate = max(_GATE_SIGMAS * _SIGMA_FROM_MEDIAN * float(np.median(errors)), least_error)
        kept = errors <= gate
        if kept.sum() < 3:
            break
        best = umeyama(b[kept], a[kept])
    return best, kept


def _errors(
    a_from_b: Similarity, b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "n"]:
    return np.linalg.norm(a_from_b.apply(b) - a, axis=1)


def _triples(count: int, seed: int) -> list[list[int]]:
    if comb(count, 3) <= _TRIPLES:
        return [list(triple) for triple in combinations(range(count), 3)]
    chance = np.random.default_rng(seed)
    return [chance.choice(count, 3, replace=False).tolist() for _ in range(_TRIPLES)]
