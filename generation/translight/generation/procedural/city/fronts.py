"""Wall blocks as large as a building: rows of the city's own buildings on their footprints; plots make way for them.

The words of a block choose its style; blocking.py keeps the smaller ones as boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float64
from msgspec import structs

from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Block, Brief
from translight.generation.brief.words import named
from translight.generation.procedural import shapes
from translight.generation.procedural.city.buildings import (
    Plot,
    Site,
    building,
    far_buildings,
    storeys_of,
    usual_styles,
)
from translight.generation.procedural.city.kit import Kit
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import merged, placed_once
from translight.generation.procedural.turned import Turned

HEIGHT_M, DEPTH_M = 5.0, 5.0
"""A block that is higher, and at least as wide and deep, is as large as a building."""
_WIDE_M = (14.0, 25.0)
_GAP_M = 0.1
_DETAIL_M = 140.0
_LEAST_M = 7.0
"""Plots that are cut back to less are left out."""
_STYLE_WORDS = {
    "walk-up": ("brick", "brickwork", "brownstone", "tenement", "fire escape", "walk-up", "apartment", "loft"),
    "stone": (
        "stone", "stonework", "marble", "granite", "beaux", "classical", "classicist", "old", "older", "oldest",
        "grand", "bank", "hotel",
    ),
    "curtain": ("glass", "glassy", "curtain", "mirror", "mirrored", "steel", "skyscraper", "modern", "modernist"),
    "office": ("office", "concrete", "bureau", "bureaux", "ribbon"),
}  # fmt: skip
_FAR = {
    "walk-up": Surface.PANES_HOMES,
    "stone": Surface.PANES_OLD,
    "office": Surface.PANES_OFFICE,
    "curtain": Surface.PANES_TOWER,
}


@dataclass(frozen=True, slots=True, eq=False)
class Fronts:
    """What was built on the blocks, on the stage."""

    placed: tuple[Placed, ...]
    shining: Float64[np.ndarray, "n 6"]
    """Places and axes of their shops' lights, on the stage."""


def parted(brief: Brief) -> tuple[Brief, tuple[Block, ...]]:
    """The brief without the wall blocks that are as large as a building and stand on the ground, and those."""
    tall = tuple(b for b in brief.blocking if _large(b))
    return structs.replace(brief, blocking=tuple(b for b in brief.blocking if not _large(b))), tall


def _large(block: Block) -> bool:
    own = box(block)
    foot_m, top_m = own.centre_m[2] - own.half_m[2], own.centre_m[2] + own.half_m[2]
    return bool(block.kind == "wall" and foot_m < 1.0 and top_m > HEIGHT_M and min(block.size_m[:2]) >= DEPTH_M)


def styles_of(words: str) -> tuple[str, ...]:
    """The styles of facades.py that the words name; none where they name none."""
    return tuple(style for style, names in _STYLE_WORDS.items() if named(names, words))


def built(blocks: tuple[Block, ...], ground_m: float, site: Site, rng: np.random.Generator) -> Fronts:
    """Buildings wall to wall on each block, at its turn, from the ground at this height of the stage."""
    site = replace(site, detail_m=max(site.detail_m, _DETAIL_M))
    placed: list[Placed] = []
    shining = [np.zeros((0, 6))]
    for block in blocks:
        turned = Turned(box(block).turn_rad, ground_m)
        kit = Kit()
        meshes = _row(block, turned, ground_m, site, kit, rng)
        whole = replace(merged(meshes), smooth=False)
        placed += turned.copies([placed_once(whole), *kit.placed()])
        shone = np.array(kit.shining).reshape(-1, 6)
        height = shone[:, 2:3] + ground_m
        shining.append(np.hstack([turned.stage(shone[:, :2]), height, turned.stage(shone[:, 3:5]), shone[:, 5:]]))
    return Fronts(tuple(placed), np.concatenate(shining))


def _row(block: Block, turned: Turned, ground_m: float, site: Site, kit: Kit, rng: np.random.Generator) -> list[Mesh]:
    """Plots across the longer side of the footprint, in its own axes; one of them is as high as the block."""
    x0, y0, x1, y1 = footprint(block, turned)
    long = 0 if x1 - x0 > y1 - y0 else 1
    low, high = ((x0, x1), (y0, y1))[long]
    count = max(1, round((high - low) / float(rng.uniform(*_WIDE_M))))
    cuts = np.linspace(low, high, count + 1)
    cuts[1:-1] += rng.uniform(-0.22, 0.22, count - 1) * (high - low) / count
    own = box(block)
    full = float(own.centre_m[2] + own.half_m[2]) - ground_m - 1.0
    tall = full * rng.uniform(0.66, 1.0, count)
    tall[int(rng.integers(count))] = full
    # A deep plinth, so that no road shows below a ground floor.
    made = [shapes.box((x1 - x0, y1 - y0, 0.5), Surface.STONE, ((x0 + x1) / 2, (y0 + y1) / 2, -0.5), (0.3, 0.29, 0.27))]
    wanted = styles_of(block.words)
    for k, (a, b) in enumerate(pairwise(cuts)):
        b -= _GAP_M if k < count - 1 else 0.0
        plot: Plot = (a, y0, b, y1) if long == 0 else (x0, a, x1, b)
        choice = wanted or usual_styles(float(tall[k]))
        style = choice[int(rng.integers(len(choice)))]
        first, last = (1, 3) if long == 0 else (0, 2)
        closed = ((first,) if k > 0 else ()) + ((last,) if k < count - 1 else ())
        if _away(plot) < site.detail_m:
            made += building(plot, style, storeys_of(style, float(tall[k]), 0), site, kit, rng, closed=closed)
        else:
            made += far_buildings(np.array([plot]), tall[k : k + 1], rng, kind=_FAR[style])
    return made


def footprint(block: Block, turned: Turned) -> Plot:
    """The rectangle of a place's axes around a block's footprint; the footprint itself where both turn alike."""
    return turned.around([box(block).foot_m()])


def cut_back(plots: Float64[np.ndarray, "n 4"], keep_off: list[Plot], margin_m: float) -> Float64[np.ndarray, "m 4"]:
    """Plots without what lies within ``margin_m`` of the given rectangles: the larger side of each that is left."""
    for x0, y0, x1, y1 in keep_off:
        hole = (x0 - margin_m, y0 - margin_m, x1 + margin_m, y1 + margin_m)
        a, b, c, d = plots.T
        meets = (a < hole[2]) & (c > hole[0]) & (b < hole[3]) & (d > hole[1])
        left = [rest for plot in plots[meets] if (rest := _rest(plot, hole)) is not None]
        plots = np.concatenate([plots[~meets], np.array(left).reshape(-1, 4)])
    return plots


def _rest(plot: Float64[np.ndarray, "4"], hole: Plot) -> tuple[float, ...] | None:
    x0, y0, x1, y1 = plot.tolist()
    parts = [(x0, y0, hole[0], y1), (hole[2], y0, x1, y1), (x0, y0, x1, hole[1]), (x0, hole[3], x1, y1)]
    parts = [p for p in parts if min(p[2] - p[0], p[3] - p[1]) >= _LEAST_M]
    return max(parts, key=lambda p: (p[2] - p[0]) * (p[3] - p[1]), default=None)


def outside_m(points: Float64[np.ndarray, "n 2"], rects: list[Plot]) -> Float64[np.ndarray, "n"]:
    """From points to the nearest of the rectangles; 0 within, infinite where there is none."""
    nearest = np.full(len(points), np.inf)
    for x0, y0, x1, y1 in rects:
        over = np.maximum(np.maximum((x0, y0) - points, points - (x1, y1)), 0.0)
        nearest = np.minimum(nearest, np.hypot(over[:, 0], over[:, 1]))
    return nearest


def _away(plot: Plot) -> float:
    return float(outside_m(np.zeros((1, 2)), [plot])[0])
