"""Iterative distribution transfer: one cloud of colours takes another's whole distribution; transfer.py is its start.

Pitié, Kokaram and Dahyot, "Automated colour grading using colour distribution transfer" (2007), section 3: again and
again, turn colour space at random and match the distributions along its three axes. Each match is kept as a curve, so
what was found on one picture is a map for every colour: of the sky, of splats, of a LUT.

A plain surface, half of a picture within a tenth of a stop, would be torn over half of the reference's colours, its
grain made blotches, a smooth sky rings. Their remedy looks at neighbouring pixels; ours keep it a map of colours. It is
fitted to the picture's colours scattered by ``softness``, so it does not tell apart what lies closer; and no curve is
steeper than leaves the slope of all of them together, at the picture's colours, within ``steepest`` (regular transport:
Ferradans, Papadakis, Peyré and Aujol, "Regularized Discrete Optimal Transport", 2014). So where a reference has a gap
and the picture has none, the gap is filled and not jumped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from translight.generation.look.encoding import CODE_OF_A_STOP, decode, encode
from translight.generation.look.palette import Palette
from translight.generation.look.transfer import SLOPES

ITERATIONS = 16
NODES = 64
"""Of each curve, at equal shares of both distributions."""

SOFTNESS_STOPS = 0.5

_TAIL = 0.002
"""Share of each end that no curve asks after: beyond it a curve goes on with slope 1."""
_APART = 1e-3 * CODE_OF_A_STOP
"""Least distance between a curve's nodes."""


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """One turn of colour space, and the curves along its axes: piecewise linear from ``before`` to ``after``."""

    turn: Float64[np.ndarray, "3 3"]
    before: Float64[np.ndarray, "3 nodes"]
    after: Float64[np.ndarray, "3 nodes"]

    def move(self, codes: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Codes moved along all three axes."""
        turn = self.turn.astype(codes.dtype)
        along = codes @ turn
        moved = np.stack([self._along(along[..., i], i) for i in range(3)], axis=-1)
        return (moved @ turn.T).astype(codes.dtype, copy=False)

    def slopes(self, codes: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        """Of the three curves at codes."""
        along = codes @ self.turn
        return np.stack(
            [_slopes(self.before[i], self.after[i])[_interval(self.before[i], along[:, i])] for i in range(3)], axis=1
        )

    def _along(self, x: Float[np.ndarray, "*n"], axis: int) -> Float[np.ndarray, "*n"]:
        before, after = self.before[axis], self.after[axis]
        outside = np.minimum(x - before[0], 0) + np.maximum(x - before[-1], 0)
        return np.interp(x, before, after) + outside


@dataclass(frozen=True, slots=True, eq=False)
class DistributionTransfer:
    """Matchings, one after another, in log codes."""

    matchings: tuple[Matching, ...]

    def __call__(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Linear light, mapped and never below 0."""
        codes = encode(light, "log")
        for matching in self.matchings:
            codes = matching.move(codes)
        return np.maximum(decode(codes, "log"), 0)


def distribution_transfer(
    source: Palette,
    target: Palette,
    *,
    seed: int = 0,
    iterations: int = ITERATIONS,
    softness_stops: float = SOFTNESS_STOPS,
    steepest: float = SLOPES[1],
) -> DistributionTransfer:
    """The map between two palettes; the first turn is none, so that plain channels are matched at once.

    It does not hang on the order of the points. ``steepest`` bounds the slope along each axis of the last turn, so √3
    times as much in all. Without softness, and with ``steepest`` infinite, the distribution is
    met as closely as curves can.
    """
    chance = np.random.default_rng(seed)
    seen = source.codes
    if softness_stops:
        order = np.lexsort(source.codes.T)
        scatter = chance.normal(scale=softness_stops * CODE_OF_A_STOP, size=source.codes.shape)
        source = Palette(source.codes[order] + scatter, source.weights[order], source.knee)
    matchings = []
    slope = np.broadcast_to(np.eye(3), (len(seen), 3, 3))
    for i in range(iterations):
        turn = np.eye(3) if i == 0 else random_turn(chance)
        turned = turn.T @ slope
        matching = _matching(source, target, turn, seen, steepest / np.linalg.norm(turned, axis=2))
        slope = turn @ (matching.slopes(seen)[:, :, None] * turned)
        seen = matching.move(seen)
        source = source.moved(matching.move(source.codes))
        matchings.append(matching)
    return DistributionTransfer(tuple(matchings))


def random_turn(chance: np.random.Generator) -> Float64[np.ndarray, "3 3"]:
    """A rotation, uniform over all: QR of a normal matrix (Mezzadri 2007)."""
    q, r = np.linalg.qr(chance.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def _matching(
    source: Palette,
    target: Palette,
    turn: Float64[np.ndarray, "3 3"],
    seen: Float64[np.ndarray, "n 3"],
    most: Float64[np.ndarray, "n 3"],
) -> Matching:
    """Curves along the axes of a turn, at none of the codes ``seen`` steeper than ``most``."""
    shares = np.linspace(_TAIL, 1 - _TAIL, NODES)
    before = _quantiles(source.codes @ turn, source.weights, shares)
    after = _quantiles(target.codes @ turn, target.weights, shares)
    # nodes that fall together (a flat picture) would make a step of a curve
    steps = np.maximum(np.diff(before), _APART)
    before = np.concatenate([before[:, :1], before[:, :1] + np.cumsum(steps, axis=1)], axis=1)
    along = seen @ turn
    for axis in range(3):
        limit = np.full(NODES + 1, np.inf)
        np.minimum.at(limit, _interval(before[axis], along[:, axis]), most[:, axis])
        after[axis] = _gentle(after[axis], np.minimum(limit[1:-1] * steps[axis], np.ptp(after[axis])))
    return Matching(turn, before, after)


def _gentle(after: Float64[np.ndarray, "k"], most: Float64[np.ndarray, "k1"]) -> Float64[np.ndarray, "k"]:
    """A rising curve that rises by no more than ``most`` from node to node: midway between the highest below it and
    the lowest above it that do (McShane, "Extension of range of functions", 1934)."""
    way = np.concatenate([[0.0], np.cumsum(most)])
    apart = np.abs(way[:, None] - way)
    return ((after + apart).min(axis=1) + (after - apart).max(axis=1)) / 2


def _interval(nodes: Float64[np.ndarray, "k"], x: Float64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
    """Between which nodes values lie: 0 before the first, as many as there are nodes after the last."""
    return np.searchsorted(nodes, x)


def _slopes(before: Float64[np.ndarray, "k"], after: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k1"]:
    """Of a curve, interval by interval; 1 outside."""
    return np.concatenate([[1.0], np.diff(after) / np.diff(before), [1.0]])


def _quantiles(
    points: Float64[np.ndarray, "n 3"], weights: Float64[np.ndarray, "n"], shares: Float64[np.ndarray, "k"]
) -> Float64[np.ndarray, "3 k"]:
    """Weighted quantiles along each axis: a point's share is the weight below it and half its own."""
    found = []
    for axis in range(3):
        order = np.argsort(points[:, axis], kind="stable")
        weight = weights[order]
        found.append(np.interp(shares, np.cumsum(weight) - weight / 2, points[order, axis]))
    return np.stack(found)
