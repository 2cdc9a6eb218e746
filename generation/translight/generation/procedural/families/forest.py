"""Family "forest": a clearing among spruce, pine, beech and birch, with its undergrowth; clearing.py is its plan.

Trees near by are drawn with every leaf, those farther away with fewer and larger ones; each species has a few trees,
placed again and again, turned, scaled and leaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal, smoothstep
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import masses
from translight.generation.procedural.families import clearing
from translight.generation.procedural.families.clearing import Plan
from translight.generation.procedural.families.ground import lay
from translight.generation.procedural.scene import Mesh, Placed, Scene
from translight.generation.procedural.shapes import placed_once
from translight.generation.procedural.skies import air_for, sky_for
from translight.generation.procedural.vegetation import undergrowth
from translight.generation.procedural.vegetation.palette import Stuff, palette
from translight.generation.procedural.vegetation.scatter import darts, stand, thinned, tints
from translight.generation.procedural.vegetation.trees import (
    SPECIES,
    Level,
    foliage_mesh,
    grow,
    snowed,
    wood_mesh,
)

VARIANTS = 3
NEAR_M, MIDDLE_M = 42.0, 115.0
"""Trees nearer than these are drawn with every leaf, with fewer; beyond with few."""
TRUNKS_APART_M = 1.7
_LAND_M = 1500.0
_PX_PER_CELL = 2.0
"""Of the ground: grass and litter hide how it rises and falls, so finer cells are not seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Where trees stand: foot (n 2), species as an index into SPECIES (n)."""

    xy: Float64[np.ndarray, "n 2"]
    species: np.ndarray


def build(brief: Brief, seed: int, height_px: int) -> Scene:
    """The scene of a brief. Equal arguments give equal scenes."""
    plan = clearing.plan(brief, seed)
    wet = brief.place.weather == "rain"
    eye = np.array([0.0, 0.0, brief.lens.height_m])
    land = lay(
        plan.height_m,
        plan.paint,
        eye_height_m=brief.lens.height_m,
        height_px=height_px,
        radius_m=_LAND_M,
        px_per_cell=_PX_PER_CELL,
    )
    placed = _trees(plan, where_trees_stand(plan), height_px) + _floor(plan)
    walls = masses(brief, int(Stuff.STONE))
    return Scene(
        sky=sky_for(brief, seed, height_px),
        eye_m=eye,
        materials=palette(plan.season, wet),
        land=land,
        placed=tuple(p for p in (*placed, *([placed_once(walls)] if walls else [])) if len(p.tint)),
        air=air_for(brief),
        exposure=plan.exposure(),
    )


def where_trees_stand(plan: Plan) -> Trees:
    """Trunks from the clearing's edge outwards: close together in the wood, none on the track or near blocking."""
    rng = np.random.default_rng((plan.seed, 41))
    near = darts(3.0, MIDDLE_M, 0.22, rng)
    far = darts(MIDDLE_M, plan.depth_m, 0.055, rng)
    xy = np.concatenate([near, far])
    inside = plan.depth_in_m(xy)
    radius = np.hypot(*xy.T)
    gap = np.where(radius < MIDDLE_M, 3.4 + 1.5 * smoothstep(0, 30, inside), 5.4)
    gap = gap * (1 + 0.45 * fractal(xy * 0.06, plan.seed + 20, 2))
    # at the very edge trees crowd towards the light
    clear = smoothstep(-0.5, 2.5, inside + rng.normal(scale=0.7, size=len(xy))) > rng.random(len(xy))
    lane = clearing.TRACK_HALF_M + 1.3 + 0.4 * rng.random(len(xy))
    clear &= ~plan.lets_sun_in(xy, rng)
    kept = clear & (plan.off_track_m(xy) > lane) & (plan.free_m(xy) > clearing.TREE_FREE_M)
    xy, gap, inside = xy[kept], gap[kept], inside[kept]
    apart = thinned(xy, np.maximum(gap, TRUNKS_APART_M))
    xy, inside = xy[apart], inside[apart]
    patch = fractal(xy * 0.028, plan.seed + 21, 2).astype(np.float64)
    other = fractal(xy * 0.05, plan.seed + 22, 2).astype(np.float64)
    rim = np.exp(-np.maximum(inside, 0) / 7.0)
    shares = np.stack(
        [0.5 + 2.2 * patch, 0.30 + 1.6 * other, 0.42 - 2.0 * patch, 0.10 + 0.5 * rim - 0.6 * other], axis=-1
    )
    shares = np.maximum(shares, 0.03)
    below = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    species = (rng.random(len(xy))[:, None] > below).sum(axis=1)
    return Trees(xy, np.minimum(species, len(SPECIES) - 1))


def _trees(plan: Plan, trees: Trees, height_px: int) -> list[Placed]:
    """Every tree as copies of its species' variants, at the level of detail of its distance."""
    rng = np.random.default_rng((plan.seed, 42))
    detail = float(np.clip((height_px / 2048) ** 0.6, 0.45, 1.3))
    n = len(trees.xy)
    foot = _on_ground(plan, trees.xy)
    variant = rng.integers(0, VARIANTS, n)
    turn = rng.uniform(0, 2 * np.pi, n)
    scale = np.clip(rng.normal(1.0, 0.09, n), 0.78, 1.2)
    lean = rng.normal(scale=0.018, size=(n, 2)) + 0.0016 * plan.brief.place.wind_m_s * _downwind(plan.brief)
    tint = tints(n, 0.12, rng)
    distance = np.hypot(*trees.xy.T)
    level = np.digitize(distance, (NEAR_M, MIDDLE_M))
    names: tuple[Level, ...] = ("near", "middle", "far")
    out = []
    for index, species in enumerate(SPECIES):
        for v in range(VARIANTS):
            tree = grow(species, 100 * plan.seed + v)
            for k, name in enumerate(names):
                here = np.flatnonzero((trees.species == index) & (variant == v) & (level == k))
                if len(here) == 0:
                    continue
                wood = wood_mesh(tree, name, v, plan.season)
                leafy = foliage_mesh(tree, name, v, plan.season, detail)
                pose = foot[here], scale[here], lean[here]
                out.append(stand(wood, pose[0], turn[here], pose[1], pose[2], np.ones((len(here), 3))))
                if leafy is not None:
                    out.append(stand(leafy, pose[0], turn[here], pose[1], pose[2], tint[here]))
    return out


def _floor(plan: Plan) -> list[Placed]:
    """Turf, litter, grass, ferns, bushes, saplings, logs and stones."""
    rng = np.random.default_rng((plan.seed, 43))
    wind = 0.02 * plan.brief.place.wind_m_s * _downwind(plan.brief)
    winter = plan.season == "winter"
    out: list[Placed] = []

    def grown(
        make: Callable[[int], Mesh],
        variants: int,
        xy: Float64[np.ndarray, "n 2"],
        size: tuple[float, float],
        sway: float = 0.0,
        spread: float = 0.15,
    ) -> None:
        which, turn = rng.integers(0, variants, len(xy)), rng.uniform(0, 2 * np.pi, len(xy))
        scale, tint = rng.uniform(*size, len(xy)), tints(len(xy), spread, rng)
        foot = _on_ground(plan, xy)
        lean = sway * wind + 0.3 * sway * rng.normal(scale=0.1, size=(len(xy), 2))
        for v in range(variants):
            here = which == v
            made = make(1000 * plan.seed + v)
            made = snowed(made) if winter else made
            out.append(stand(made, foot[here], turn[here], scale[here], lean[here], tint[here]))

    def places(
        outer_m: float, per_m2: float, apart_m: float, wanted: Callable[[np.ndarray], np.ndarray],
        free_m: float, falloff: float = 0.0,
    ) -> Float64[np.ndarray, "n 2"]:  # fmt: skip
        xy = darts(1.0, outer_m, per_m2, rng, falloff)
        lane = plan.off_track_m(xy) > clearing.TRACK_HALF_M
        xy = xy[(plan.free_m(xy) > free_m) & lane & (rng.random(len(xy)) < wanted(xy))]
        return xy[thinned(xy, np.full(len(xy), apart_m))]

    def in_wood(xy: np.ndarray, from_m: float, full_m: float) -> np.ndarray:
        return np.asarray(smoothstep(from_m, full_m, plan.depth_in_m(xy)))

    def patchy(xy: np.ndarray, scale: float, salt: int) -> np.ndarray:
        return np.asarray(smoothstep(-0.1, 0.2, fractal(xy * scale, plan.seed + salt, 3)))

    if not winter:
        # flat on the floor, so also where actors walk
        near = darts(0.1, 24.0, 2.6, rng)
        near = near[rng.random(len(near)) < 0.15 + 0.85 * plan.grassy(near)]
        near = near[plan.off_track_m(near) > 0.6 * clearing.TRACK_HALF_M]
        grown(undergrowth.turf, 3, near[thinned(near, np.full(len(near), 0.45))], (0.8, 1.25), 0.3)
        fallen = darts(0.1, 55.0, 1.5, rng)
        fallen = fallen[rng.random(len(fallen)) < 0.12 + 0.75 * in_wood(fallen, -6.0, 2.0)]
        grown(undergrowth.litter, 4, fallen[thinned(fallen, np.full(len(fallen), 0.7))], (0.8, 1.3), spread=0.2)
    grass = places(50.0, 18.0, 0.18, lambda xy: plan.grassy(xy) * (0.25 + 0.75 * patchy(xy, 0.5, 30)),
                   clearing.PLANT_FREE_M, 0.5)  # fmt: skip
    grown(undergrowth.grass, 5, grass, (0.55, 1.35), 1.0)
    ferns = places(60.0, 2.4, 0.55, lambda xy: in_wood(xy, -2.5, 1.5) * patchy(xy, 0.13, 31),
                   clearing.PLANT_FREE_M + 1.0, 0.4)  # fmt: skip
    grown(undergrowth.fern, 4, ferns, (0.7, 1.35), 0.5)
    bushes = places(70.0, 0.11, 1.3, lambda xy: in_wood(xy, -1.0, 1.0) * (0.25 + 0.75 * patchy(xy, 0.1, 32)),
                    clearing.TREE_FREE_M, 0.3)  # fmt: skip
    bare = (lambda s: undergrowth.bush(s, 0)) if winter else undergrowth.bush
    grown(bare, 3, bushes, (0.6, 1.3), 0.2)
    young = places(110.0, 0.07, 1.5, lambda xy: in_wood(xy, 0.0, 3.0) * patchy(xy, 0.07, 33), clearing.TREE_FREE_M, 0.2)
    grown(undergrowth.sapling, 3, young, (0.5, 1.4), 0.1)
    rocks = places(
        45.0, 0.07, 0.5, lambda xy: in_wood(xy, -4.0, 3.0) * patchy(xy, 0.16, 34), clearing.PLANT_FREE_M + 0.7
    )
    grown(undergrowth.stone, 4, rocks, (0.15, 1.1))
    logs = places(50.0, 0.02, 6.0, lambda xy: in_wood(xy, -1.5, 1.0), clearing.TREE_FREE_M + 7.0)
    grown(undergrowth.log, 3, logs, (0.8, 1.2))
    return out


def _on_ground(plan: Plan, xy: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 3"]:
    return np.column_stack([xy, plan.height_m(xy[:, 0], xy[:, 1], 0.02)])


def _downwind(brief: Brief) -> Float64[np.ndarray, "2"]:
    """Unit, where the wind blows to, in stage x and y."""
    azimuth = np.radians(brief.place.wind_from_deg) + np.pi
    return np.array([np.sin(azimuth), np.cos(azimuth)])
