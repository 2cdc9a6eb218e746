"""Iterative distribution transfer: one cloud of colours takes another's whole distribution; transfer.py is its start.

Pitié, Kokaram and Dahyot, "Automated colour grading using colour distribution transfer" (2007), section 3: again and
again, turn colour space at random and match the distributions along its three axes. Each match is kept as a curve, so
what was found on one picture is a map for every colour: of the sky, of splats, of a LUT.

A plain surface, half of a picture within a tenth of a stop, would be torn over half of the reference's colours, its
grain made blotches. Their remedy looks at neighbouring pixels; ours, which keeps it a map of colours, is to fit the map
to the picture's colours scattered by ``softness``, so it does not tell apart what lies closer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from translight.generation.look.encoding import CODE_OF_A_STOP, decode, encode
from translight.generation.look.palette import Palette

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
) -> DistributionTransfer:
    """The map between two palettes; the first turn is none, so that plain channels are matched at once.

    It does not hang on the order of the points. Without softness the distribution is met as closely as curves can.
    """
    chance = np.random.default_rng(seed)
    if softness_stops:
        order = np.lexsort(source.codes.T)
        scatter = chance.normal(scale=softness_stops * CODE_OF_A_STOP, size=source.codes.shape)
        source = Palette(source.codes[order] + scatter, source.weights[order], source.knee)
    matchings = []
    for i in range(iterations):
        turn = np.eye(3) if i == 0 else random_turn(chance)
        matching = _matching(source, target, turn)
        source = source.moved(matching.move(source.codes))
        matchings.append(matching)
    return DistributionTransfer(tuple(matchings))


def sliced_distance(a: Palette, b: Palette, *, turns: int = 32, seed: int = 1) -> float:
    """Sliced Wasserstein-1 distance in stops: the mean over axes of how far light must move along them.

    Rabin, Peyré, Delon and Bernot, "Wasserstein Barycenter and Its Application to Texture Mixing" (2011).
    """
    chance = np.random.default_rng(seed)
    shares = (np.arange(256) + 0.5) / 256
    sums = []
    for _ in range(turns):
        turn = random_turn(chance)
        one, other = (_quantiles(p.codes @ turn, p.weights, shares) for p in (a, b))
        sums.append(np.abs(one - other).mean())
    return float(np.mean(sums)) / CODE_OF_A_STOP


def random_turn(chance: np.random.Generator) -> Float64[np.ndarray, "3 3"]:
    """A rotation, uniform over all: QR of a normal matrix (Mezzadri 2007)."""
    q, r = np.linalg.qr(chance.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def _matching(source: Palette, target: Palette, turn: Float64[np.ndarray, "3 3"]) -> Matching:
    shares = np.linspace(_TAIL, 1 - _TAIL, NODES)
    before = _quantiles(source.codes @ turn, source.weights, shares)
    after = _quantiles(target.codes @ turn, target.weights, shares)
    # nodes that fall together (a flat picture) would make a step of a curve
    steps = np.maximum(np.diff(before), _APART)
    before = np.concatenate([before[:, :1], before[:, :1] + np.cumsum(steps, axis=1)], axis=1)
    return Matching(turn, before, after)


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
