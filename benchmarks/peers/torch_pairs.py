"""Which splats may touch which tiles, in torch operations; between torch_projection.py and torch_tiles.py."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from benchmarks.peers.torch_projection import LOG2_CUT, Projected

TILE_PX = 8
RUN = 1 << 15
"""Splats that are put into tiles together."""
_LOG2_NOTHING = -1000.0
"""2 to this is 0, and no denormal number, with which processors are slow."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of a ``tile`` and a ``splat``, near ones first; ``form`` (n 3) is the exponent's 1, x and y in the tile."""

    tile: Tensor
    splat: Tensor
    form: Tensor

    @staticmethod
    def joined(parts: list[Pairs], tiles: int, splats: int) -> Pairs:
        """All of them, in turn; last, after all tiles and splats, a pair that draws nothing: to fill layers up."""
        nothing = Pairs(
            torch.full((1,), tiles, dtype=torch.int32),
            torch.full((1,), splats),
            torch.tensor([[_LOG2_NOTHING, 0.0, 0.0]]),
        )
        every = [*parts, nothing]
        return Pairs(*(torch.cat([getattr(pairs, field.name) for pairs in every]) for field in fields(Pairs)))


def pairs_of(splats: Projected, begin: int, size: tuple[int, int]) -> Pairs:
    """The pairs of a run of splats in a picture of ``size`` tiles."""
    across, down = size
    run = slice(begin, begin + RUN)
    x, y, reach_x, reach_y = splats.x[run], splats.y[run], splats.reach_x[run], splats.reach_y[run]
    left, right = (_tile_of(edge, across) for edge in ((x - reach_x - 0.5).ceil_(), (x + reach_x - 0.5).floor_()))
    top, bottom = (_tile_of(edge, down) for edge in ((y - reach_y - 0.5).ceil_(), (y + reach_y - 0.5).floor_()))
    wide = right - left + 1
    count = wide * (bottom - top + 1)
    first = count.cumsum(0, dtype=torch.int32) - count
    splat = torch.repeat_interleave(count.long())
    # Fields as rows: index_select runs through them several times faster than indexing does.
    first, wide, left, top = torch.stack([first, wide, left, top]).index_select(1, splat)
    nth = torch.arange(len(splat), dtype=torch.int32) - first
    row = torch.div(nth, wide, rounding_mode="trunc")
    column = nth - row * wide + left
    row += top
    shape = torch.stack([splats.p[run], splats.q[run], splats.r[run], x, y, splats.log2_alpha[run]])
    p, q, r, x, y, log2_alpha = shape.index_select(1, splat)
    u = p * ((column * TILE_PX + TILE_PX / 2) - x)
    dy = (row * TILE_PX + TILE_PX / 2) - y
    u.addcmul_(q, dy)
    v = r * dy
    # Off the tile's centre, u and v differ from there by at most this.
    half = (TILE_PX - 1) / 2
    least_u, least_v = (u.abs() - half * (p + q.abs())).clamp_(min=0.0), (v.abs() - half * r).clamp_(min=0.0)
    touching = (log2_alpha - least_u * least_u - least_v * least_v >= LOG2_CUT).nonzero().squeeze(1)
    form = torch.stack([log2_alpha - u * u - v * v, -2 * p * u, -2 * (q * u + r * v)], 1)
    tile = row * across + column
    return Pairs(*(a.index_select(0, touching) for a in (tile, splat.add_(begin), form)))


def _tile_of(pixel: Tensor, tiles: int) -> Tensor:
    return (pixel / TILE_PX).floor_().clamp_(0, tiles - 1).to(torch.int32)
