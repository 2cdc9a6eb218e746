"""The torch peer: a tile rasteriser in plain torch operations (float32, no compiler, no custom kernel).

torch_projection.py projects; here splats are sorted by depth, binned into tiles, and blended front to back, a layer
of several splats of many tiles at a time. An alpha's exponent is a quadratic form in the pixel, so that a layer's are
one matrix product; Σ (T_before − T_after)·colour is summed by parts, so that colours are another. A tile ends where its
pixels have. Projection, tiles and layers take a thread for each core, as operations this small do not share out.

A frame is everything from the view to RGB in memory; alpha and depth, which our renderer also makes, are left out.
Against the ``cpu`` backend at 640×360, least of eight views: room_100k 77 dB, plant_114k 91 dB, playbot_125k 77 dB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, repeat

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.peers import Measured, check_sizes
from benchmarks.peers.torch_pairs import RUN, TILE_PX, Pairs, pairs_of
from benchmarks.peers.torch_projection import Projected, project, splats_of
from translight.core.camera import View
from translight.render.contract import ALPHA_CUT, TRANSMITTANCE_STOP, Scene

LAYER = 32
"""Splats of a tile that are blended in one go, between tests whether its pixels have ended."""
TILES = 128
"""Tiles that are blended in one go: their pixels times a layer fit a core's cache."""
_PIXELS = TILE_PX * TILE_PX


class TorchPeer:
    """Draws one scene at one size."""

    name = "torch"

    def __init__(self, scene: Scene, width_px: int, height_px: int) -> None:
        self.version = f"torch {torch.__version__}"
        self._scene, self._splats = scene, splats_of(scene)
        self._width, self._height = width_px, height_px
        self._across, self._down = -(-width_px // TILE_PX), -(-height_px // TILE_PX)
        self._threads_before = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "torch-peer", _begin_thread)
        local = torch.arange(TILE_PX, dtype=torch.float32) - (TILE_PX - 1) / 2
        y, x = torch.meshgrid(local, local, indexing="ij")
        self._monomials = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y]).view(6, _PIXELS)

    def measure(self, views: Sequence[View], rounds: int) -> Measured:
        """See ``Peer``."""
        check_sizes(views, self._width, self._height)
        pictures = [self._draw(view).numpy() for view in views]
        milliseconds = []
        for _ in range(rounds):
            for view in views:
                began = time.perf_counter()
                self._draw(view)
                milliseconds.append((time.perf_counter() - began) * 1e3)
        return Measured(milliseconds, [np.clip(picture, 0.0, 1.0) for picture in pictures])

    def close(self) -> None:
        """End the threads, and give torch its own back."""
        self._pool.shutdown()
        torch.set_num_threads(self._threads_before)

    def _draw(self, view: View) -> Tensor:
        with torch.inference_mode():
            size = (self._across, self._down)
            parts = self._all(project, repeat(self._splats), self._splats.runs(), repeat(self._scene), repeat(view))
            splats = Projected.joined(parts)
            # Depths are positive, so their bits sort as they do, and torch sorts integers by radix.
            splats = splats[torch.sort(splats.z.view(torch.int32), stable=True).indices]
            parts = self._all(pairs_of, repeat(splats), range(0, len(splats.z), RUN), repeat(size))
            pairs = Pairs.joined(parts, self._across * self._down, len(splats.z))
            order = torch.sort(pairs.tile, stable=True).indices
            counts = torch.bincount(pairs.tile, minlength=self._across * self._down + 1)[:-1]
            fields = torch.cat([splats.squares, splats.rgb], 1)
            fields = torch.cat([fields, torch.zeros(1, fields.shape[1])])
            picture = torch.zeros(self._across * self._down, 3, _PIXELS)
            busiest = torch.sort(counts, descending=True).indices[: int((counts > 0).sum())]
            lists = (pairs, order, counts.cumsum(0) - counts, counts, fields)
            self._all(self._blend, busiest.split(TILES), repeat(lists), repeat(picture))
            picture = picture.view(self._down, self._across, 3, TILE_PX, TILE_PX).permute(0, 3, 1, 4, 2)
            rows = picture.reshape(self._down * TILE_PX, self._across * TILE_PX, 3)
            return rows[: self._height, : self._width].contiguous()

    def _all(self, function: Callable[..., object], *arguments: Iterable[object]) -> list:
        return list(self._pool.map(torch.inference_mode()(function), *arguments))

    def _blend(self, tiles: Tensor, lists: tuple[Pairs, Tensor, Tensor, Tensor, Tensor], picture: Tensor) -> None:
        """Blend a group of tiles of about as many splats each into ``picture`` (tiles 3 pixels)."""
        pairs, order, starts, counts, fields = lists
        one, layer, nothing = torch.ones(()), torch.arange(LAYER)[:, None], len(order) - 1
        left, start, count = torch.ones(len(tiles), _PIXELS), starts[tiles], counts[tiles]
        while len(tiles):
            place = torch.where(layer < count, start + layer, nothing).view(-1)
            pair = order.index_select(0, place)
            splat = fields.index_select(0, pairs.splat.index_select(0, pair))
            form = torch.cat([pairs.form.index_select(0, pair), splat[:, :3]], 1)
            kept = torch.exp2(torch.mm(form, self._monomials))
            functional.threshold(kept, ALPHA_CUT, 0.0, inplace=True)
            kept = torch.sub(one, kept, out=kept).view(LAYER, len(tiles), _PIXELS)
            transmittance = kept.unbind(0)
            transmittance[0].mul_(left)
            for before, after in pairwise(transmittance):
                after.mul_(before)
            rgb = splat[:, 3:].view(LAYER, len(tiles), 3)
            steps = torch.cat([rgb[1:] - rgb[:-1], -rgb[-1:]])
            drawn = rgb[0, :, :, None] * left[:, None, :]
            picture[tiles] += torch.baddbmm(drawn, steps.permute(1, 2, 0), kept.transpose(0, 1))
            left, start, count = transmittance[-1], start + LAYER, count - LAYER
            going = (count > 0) & (left.amax(1) > TRANSMITTANCE_STOP)
            if not going.all():
                tiles, left, start, count = tiles[going], left[going], start[going], count[going]


def _begin_thread() -> None:
    torch.set_num_threads(1)
    # What is left of the light in deep stacks becomes too small a number for a processor to multiply quickly.
    torch.set_flush_denormal(True)


def open_peer(scene: Scene, width_px: int, height_px: int) -> TorchPeer:
    """The entry that ``benchmarks.peers.open_peer`` calls."""
    return TorchPeer(scene, width_px, height_px)
